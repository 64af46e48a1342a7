/*
 * Bodies of requests to attest. The first byte says to which endpoint; the rest is JSON, or for the last kind
 * a TPM's claim as it stands inside. What is taken must be whole: evidence and materials within what is owned.
 */
#include <stdlib.h>

#include "maa/maa_guest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile uint8_t sink;

/* Read what a verifier would. */
static void look_at(const struct cm_maa_request *r)
{
    if (r->evidence.len == 0 || r->material_count > CM_MAA_MAX_MATERIALS) {
        abort();
    }
    for (size_t i = 0; i < r->evidence.len; i++) {
        sink = (uint8_t)(sink + r->evidence.ptr[i]);
    }
    for (size_t m = 0; m < r->material_count; m++) {
        for (size_t i = 0; i < r->materials[m].bytes.len; i++) {
            sink = (uint8_t)(sink + r->materials[m].bytes.ptr[i]);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cm_maa_request *r = calloc(1, sizeof(*r));
    struct cm_maa_guest *g = calloc(1, sizeof(*g));
    json_t *body = NULL;
    enum cm_status st = CM_ERR_FORMAT;

    if (r != NULL && g != NULL && size != 0) {
        const unsigned kind = data[0] % 6;
        const struct cm_span rest = {data + 1, size - 1};

        r->tee = (enum cm_maa_tee)kind;
        if (kind == CM_MAA_TPM) {
            st = cm_maa_tpm_claim(rest, r, NULL);
        } else if (cm_maa_json(rest, &body, NULL) == CM_OK) {
            st = kind == CM_MAA_GUEST ? cm_maa_guest_read(body, r, g, NULL)
                                      : cm_maa_request_read(body, r, NULL);
        }
        if (st == CM_OK) {
            look_at(r);
        }
    }
    cm_maa_request_free(r);
    cm_maa_guest_free(g);
    json_decref(body);
    return 0;
}
