/*
 * bank_link.h without an enclave: the same session code, called outside. There is nothing to verify
 * then, so bank_verify.h is here as well, and believes everything. For tests alone.
 */
#include <stdlib.h>
#include <string.h>

#include "bank/common/bank_text.h"
#include "bank/enclave/bank_session.h"
#include "bank/host/bank_link.h"
#include "bank/host/bank_verify.h"

struct bank_link {
    struct bank_session *session;
};

enum bank_status bank_link_start(const char *image, bool simulate, bool debug,
                                 struct bank_link **out, struct bank_why *why)
{
    (void)image;
    (void)simulate;
    (void)debug;
    *out = calloc(1, sizeof(**out));
    return *out != NULL ? BANK_OK : bank_fail(why, BANK_NO_MEMORY, "no memory");
}

void bank_link_stop(struct bank_link *l)
{
    if (l != NULL) {
        bank_session_free(l->session);
        free(l);
    }
}

enum bank_status bank_link_open(struct bank_link *l, const struct bank_agreement *a,
                                struct bank_why *why)
{
    bank_session_free(l->session);
    l->session = NULL;
    return bank_session_new(a, &l->session, why);
}

enum bank_status bank_link_evidence(struct bank_link *l, const uint8_t nonce[BANK_NONCE_SIZE],
                                    struct bank_evidence *out, struct bank_why *why)
{
    (void)nonce;
    (void)why;
    memcpy(out->data, bank_session_key(l->session), BANK_KEY_SIZE);
    out->size = BANK_KEY_SIZE;
    return BANK_OK;
}

enum bank_status bank_verify(const struct bank_policy *policy, const struct bank_answer *a,
                             struct bank_verdict *out, struct bank_why *why)
{
    (void)policy;
    (void)why;
    memcpy(out->key, a->evidence, BANK_KEY_SIZE);
    return BANK_OK;
}

enum bank_status bank_link_begin(struct bank_link *l, uint32_t bank,
                                 const uint8_t header[BANK_HEADER_SIZE], struct bank_why *why)
{
    return bank_session_begin(l->session, bank, header, why);
}

enum bank_status bank_link_chunk(struct bank_link *l, uint32_t bank, const uint8_t *sealed,
                                 size_t len, struct bank_why *why)
{
    return bank_session_chunk(l->session, bank, sealed, len, why);
}

enum bank_status bank_link_end(struct bank_link *l, uint32_t bank, struct bank_why *why)
{
    return bank_session_end(l->session, bank, why);
}

enum bank_status bank_link_join(struct bank_link *l, struct bank_why *why)
{
    return bank_book_join(bank_session_book(l->session), why);
}

enum bank_status bank_link_search(struct bank_link *l, uint64_t count, uint64_t *done,
                                  uint64_t *total, struct bank_why *why)
{
    return bank_book_search(bank_session_book(l->session), count, done, total, why);
}

enum bank_status bank_link_summary(struct bank_link *l, struct bank_summary *out,
                                   struct bank_why *why)
{
    return bank_book_summary(bank_session_book(l->session), out, why);
}

enum bank_status bank_link_circle(struct bank_link *l, uint64_t index, struct bank_circle *out,
                                  struct bank_why *why)
{
    return bank_book_circle(bank_session_book(l->session), index, out, why);
}
