/* bank_link.h through the enclave. */
#include <openenclave/host.h>
#include <stdlib.h>
#include <string.h>

#include "bank_link.h"
#include "bank_u.h"

#include "../common/bank_text.h"

struct bank_link {
    oe_enclave_t *enclave;
};

enum bank_status bank_link_start(const char *image, bool simulate, bool debug,
                                 struct bank_link **out, struct bank_why *why)
{
    uint32_t flags =
        (debug ? OE_ENCLAVE_FLAG_DEBUG : 0U) | (simulate ? OE_ENCLAVE_FLAG_SIMULATE : 0U);
    struct bank_link *l = calloc(1, sizeof(*l));
    oe_result_t r = OE_OK;

    if (l == NULL) {
        return bank_fail(why, BANK_NO_MEMORY, "no memory");
    }
    r = oe_create_bank_enclave(image, OE_ENCLAVE_TYPE_SGX, flags, NULL, 0, &l->enclave);
    if (r != OE_OK) {
        free(l);
        return bank_fail(why, BANK_IO,
                         "%s cannot be started: %s (casemate doctor says what this "
                         "machine offers)",
                         image, oe_result_str(r));
    }
    *out = l;
    return BANK_OK;
}

void bank_link_stop(struct bank_link *l)
{
    if (l != NULL) {
        (void)ecall_bank_close(l->enclave);
        (void)oe_terminate_enclave(l->enclave);
        free(l);
    }
}

/* what a call came to: the transport's failure, or the enclave's answer with its reason */
static enum bank_status outcome(struct bank_link *l, oe_result_t r, int answer,
                                struct bank_why *why)
{
    struct bank_why inside = {{0}};
    int ignored = 0;

    if (r != OE_OK) {
        return bank_fail(why, BANK_IO, "the call into the enclave failed: %s", oe_result_str(r));
    }
    if (answer == BANK_OK) {
        return BANK_OK;
    }
    if (ecall_bank_why(l->enclave, &ignored, inside.text, sizeof(inside.text)) == OE_OK) {
        inside.text[sizeof(inside.text) - 1] = '\0';
    }
    return bank_fail(why, (enum bank_status)answer, "%s", inside.text);
}

enum bank_status bank_link_open(struct bank_link *l, const struct bank_agreement *a,
                                struct bank_why *why)
{
    int answer = BANK_STATE;
    oe_result_t r = ecall_bank_open(l->enclave, &answer, a, sizeof(*a));

    return outcome(l, r, answer, why);
}

enum bank_status bank_link_evidence(struct bank_link *l, const uint8_t nonce[BANK_NONCE_SIZE],
                                    struct bank_evidence *out, struct bank_why *why)
{
    int answer = BANK_STATE;
    oe_result_t r = OE_OK;

    memset(out, 0, sizeof(*out));
    r = ecall_bank_evidence(l->enclave, &answer, nonce, BANK_NONCE_SIZE, out->data,
                            sizeof(out->data), &out->size);
    return outcome(l, r, answer, why);
}

enum bank_status bank_link_attest(struct bank_link *l, struct bank_attestation *out,
                                  struct bank_why *why)
{
    int answer = BANK_STATE;
    oe_result_t r = OE_OK;

    memset(out, 0, sizeof(*out));
    r = ecall_bank_runtime(l->enclave, &answer, out->runtime, sizeof(out->runtime), out->report,
                           sizeof(out->report), &out->report_size);
    out->runtime[sizeof(out->runtime) - 1] = '\0';
    return outcome(l, r, answer, why);
}

enum bank_status bank_link_released(struct bank_link *l, uint32_t bank, const uint8_t *wrapped,
                                    size_t len, struct bank_why *why)
{
    int answer = BANK_STATE;
    oe_result_t r = ecall_bank_released(l->enclave, &answer, bank, wrapped, len);

    return outcome(l, r, answer, why);
}

enum bank_status bank_link_seal(struct bank_link *l, uint8_t sealed[BANK_SEALED_MAX], size_t *len,
                                struct bank_why *why)
{
    int answer = BANK_STATE;
    oe_result_t r = ecall_bank_result_seal(l->enclave, &answer, sealed, BANK_SEALED_MAX, len);

    return outcome(l, r, answer, why);
}

enum bank_status bank_link_unseal(struct bank_link *l, const uint8_t *sealed, size_t len,
                                  struct bank_result *out, struct bank_why *why)
{
    int answer = BANK_STATE;
    oe_result_t r = ecall_bank_result_open(l->enclave, &answer, sealed, len, out, sizeof(*out));

    return outcome(l, r, answer, why);
}

enum bank_status bank_link_begin(struct bank_link *l, uint32_t bank,
                                 const uint8_t header[BANK_HEADER_SIZE], struct bank_why *why)
{
    int answer = BANK_STATE;
    oe_result_t r = ecall_bank_file_begin(l->enclave, &answer, bank, header, BANK_HEADER_SIZE);

    return outcome(l, r, answer, why);
}

enum bank_status bank_link_chunk(struct bank_link *l, uint32_t bank, const uint8_t *sealed,
                                 size_t len, struct bank_why *why)
{
    int answer = BANK_STATE;
    oe_result_t r = ecall_bank_file_chunk(l->enclave, &answer, bank, sealed, len);

    return outcome(l, r, answer, why);
}

enum bank_status bank_link_end(struct bank_link *l, uint32_t bank, struct bank_why *why)
{
    int answer = BANK_STATE;
    oe_result_t r = ecall_bank_file_end(l->enclave, &answer, bank);

    return outcome(l, r, answer, why);
}

enum bank_status bank_link_join(struct bank_link *l, struct bank_why *why)
{
    int answer = BANK_STATE;
    oe_result_t r = ecall_bank_join(l->enclave, &answer);

    return outcome(l, r, answer, why);
}

enum bank_status bank_link_search(struct bank_link *l, uint64_t count, uint64_t *done,
                                  uint64_t *total, struct bank_why *why)
{
    int answer = BANK_STATE;
    oe_result_t r = ecall_bank_search(l->enclave, &answer, count, done, total);

    return outcome(l, r, answer, why);
}

enum bank_status bank_link_summary(struct bank_link *l, struct bank_summary *out,
                                   struct bank_why *why)
{
    int answer = BANK_STATE;
    oe_result_t r = ecall_bank_summary(l->enclave, &answer, out, sizeof(*out));

    return outcome(l, r, answer, why);
}

enum bank_status bank_link_circle(struct bank_link *l, uint64_t index, struct bank_circle *out,
                                  struct bank_why *why)
{
    int answer = BANK_STATE;
    oe_result_t r = ecall_bank_circle(l->enclave, &answer, index, out, sizeof(*out));

    return outcome(l, r, answer, why);
}
