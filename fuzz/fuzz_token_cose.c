/* COSE_Sign1: no input may crash, and every span lies inside the input. */
#include <stdlib.h>

#include "token/cose.h"

#define MAX_NODES 4096

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void inside(struct cm_span s, const unsigned char *data, size_t size)
{
    if (s.len != 0 && (s.ptr < data || s.ptr + s.len > data + size)) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    static struct cm_cbor_node nodes[MAX_NODES];
    struct cm_cose_sign1 msg;
    struct cm_cbor doc;

    if (cm_cbor_parse(cm_span_make(data, size), nodes, MAX_NODES, 0, &doc, NULL) != CM_OK ||
        cm_cose_sign1_parse(cm_cbor_root(&doc), &msg, NULL) != CM_OK) {
        return 0;
    }
    inside(msg.protected_bytes, data, size);
    inside(msg.payload, data, size);
    inside(msg.signature, data, size);
    if (msg.detached != (msg.payload.ptr == NULL)) {
        abort();
    }
    return 0;
}
