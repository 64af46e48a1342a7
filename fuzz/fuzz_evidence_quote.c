/* Quotes: no input may crash, and what parses lies inside the input and adds up. */
#include <stdlib.h>

#include "evidence/quote.h"
#include "inside.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    struct cm_span whole = {data, size};
    struct cm_why why = {{0}};
    struct cm_quote q;

    if (cm_quote_parse(whole, &q, &why) != CM_OK) {
        if (why.text[0] == '\0') {
            abort(); /* a refusal names its cause */
        }
        return 0;
    }
    inside(whole, q.signed_bytes);
    inside(whole, q.signature);
    inside(whole, q.att_key);
    inside(whole, q.qe_report);
    inside(whole, q.qe_signature);
    inside(whole, q.qe_auth);
    inside(whole, q.cert_data);
    if (q.signed_bytes.ptr != data || q.signature.len != 64 || q.att_key.len != 64 ||
        q.qe_report.len != 384 || q.qe_signature.len != 64 ||
        (q.tee == CM_QUOTE_TEE_SGX ? q.sgx.reportdata.len : q.td.reportdata.len) != 64 ||
        q.cert_data.ptr + q.cert_data.len != data + size) {
        abort();
    }
    return 0;
}
