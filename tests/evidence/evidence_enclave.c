/* Enclave side of evidence_inside_test: the verifier with no help from the host but bytes. */
#include <casemate/dcap.h>
#include <openenclave/enclave.h>
#include <string.h>

#include "evidence_inside_t.h"

int verify_inside(const uint64_t *lengths, const uint8_t *parts, size_t total, const uint8_t *root,
                  uint64_t now, uint32_t flags, char *json, size_t cap)
{
    struct cm_trust_root trusted = {"sgx", "given by the host", {0}, false};
    struct cm_verify_input in = {.now = now, .roots = &trusted, .root_count = 1, .flags = flags};
    struct cm_dcap_collateral col;
    struct cm_span *const spans[7] = {&col.tcb_info,          &col.tcb_info_chain, &col.qe_identity,
                                      &col.qe_identity_chain, &col.root_ca_crl,    &col.pck_crl,
                                      &col.pck_chain};
    struct cm_span quote = {NULL, 0};
    struct cm_evidence *ev = NULL;
    enum cm_status st = CM_OK;
    size_t at = 0;
    size_t len = 0;

    memset(&col, 0, sizeof(col));
    for (size_t i = 0; i < 8; i++) {
        struct cm_span *s = i == 0 ? &quote : spans[i - 1];

        if (lengths[i] > total - at) {
            return -1;
        }
        s->ptr = parts + at;
        s->len = lengths[i];
        at += lengths[i];
    }
    memcpy(trusted.spki_sha256, root, 32);
    st = cm_dcap_verify(quote, &col, &in, 0xff, NULL, &ev);
    memset(json, 0, cap);
    if (ev != NULL && cm_evidence_json(ev, json, cap - 1, &len) != CM_OK) {
        st = CM_ERR_SPACE;
    }
    cm_evidence_free(ev);
    return (int)st;
}

OE_SET_ENCLAVE_SGX(1, 1, true, 2048, 64, 1);
