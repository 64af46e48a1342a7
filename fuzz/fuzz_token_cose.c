/* COSE_Sign1: no input may crash, and every span lies inside the input. */
#include <stdlib.h>

#include "inside.h"
#include "token/cose.h"

#define MAX_NODES 4096

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    const struct cm_span whole = {data, size};
    static struct cm_cbor_node nodes[MAX_NODES];
    struct cm_cose_sign1 msg;
    struct cm_cbor doc;

    if (cm_cbor_parse(whole, nodes, MAX_NODES, 0, &doc, NULL) != CM_OK ||
        cm_cose_sign1_parse(cm_cbor_root(&doc), &msg, NULL) != CM_OK) {
        return 0;
    }
    inside(whole, msg.protected_bytes);
    inside(whole, msg.payload);
    inside(whole, msg.signature);
    if (msg.detached != (msg.payload.ptr == NULL)) {
        abort();
    }
    return 0;
}
