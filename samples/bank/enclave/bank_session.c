/* See bank_session.h. */
#include "bank_session.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "bank_release.h"

#include "../common/bank_agreement.h"
#include "../common/bank_pack.h"
#include "../common/bank_text.h"

struct bank_session {
    struct bank_agreement agreement;
    struct bank_key *key;
    uint8_t public_key[BANK_KEY_SIZE];
    struct bank_book *book;
    struct bank_opener *openers[BANK_MAX_BANKS];
    bool begun[BANK_MAX_BANKS];   /* once only: a second file of the same bank is refused */
    struct bank_release *release; /* made when it is asked for */
    uint8_t released[BANK_MAX_BANKS][BANK_RELEASED_SIZE];
    bool has_released[BANK_MAX_BANKS];
    uint8_t plain[BANK_CHUNK_SIZE];
};

enum bank_status bank_session_new(const struct bank_agreement *a, struct bank_session **out,
                                  struct bank_why *why)
{
    enum bank_status st = bank_agreement_check(a, why);
    struct bank_session *s = NULL;
    uint64_t secret = 0;

    if (st != BANK_OK) {
        return st;
    }
    s = calloc(1, sizeof(*s));
    if (s == NULL) {
        return bank_fail(why, BANK_NO_MEMORY, "no memory for a session");
    }
    s->agreement = *a;
    if (!bank_pack_random((uint8_t *)&secret, sizeof(secret))) {
        st = bank_fail(why, BANK_CRYPTO, "no random numbers");
        goto out;
    }
    st = bank_key_new(&s->key, s->public_key);
    if (st == BANK_OK) {
        st = bank_book_new(&s->agreement, secret, &s->book);
    }
    bank_wipe(&secret, sizeof(secret));
    if (st != BANK_OK) {
        (void)bank_fail(why, st, "no session: %s", bank_status_text(st));
        goto out;
    }
    *out = s;
    s = NULL;
out:
    bank_session_free(s);
    return st;
}

void bank_session_free(struct bank_session *s)
{
    if (s == NULL) {
        return;
    }
    for (uint32_t i = 0; i < BANK_MAX_BANKS; i++) {
        bank_opener_free(s->openers[i]);
    }
    bank_key_free(s->key);
    bank_release_free(s->release);
    bank_book_free(s->book);
    bank_wipe_free(s, sizeof(*s));
}

const uint8_t *bank_session_key(const struct bank_session *s)
{
    return s->public_key;
}

static enum bank_status known_bank(const struct bank_session *s, uint32_t bank,
                                   struct bank_why *why)
{
    return bank < s->agreement.bank_count
               ? BANK_OK
               : bank_fail(why, BANK_SYNTAX, "the agreement has %u banks, so there is no bank %u",
                           s->agreement.bank_count, bank + 1);
}

enum bank_status bank_session_runtime(struct bank_session *s, const char **out,
                                      struct bank_why *why)
{
    enum bank_status st = s->release != NULL ? BANK_OK : bank_release_new(&s->release, why);

    if (st == BANK_OK) {
        *out = bank_release_runtime(s->release);
    }
    return st;
}

enum bank_status bank_session_released(struct bank_session *s, uint32_t bank,
                                       const uint8_t *wrapped, size_t len, struct bank_why *why)
{
    enum bank_status st = known_bank(s, bank, why);

    if (st == BANK_OK && s->release == NULL) {
        st = bank_fail(why, BANK_STATE, "no key was asked for");
    }
    if (st == BANK_OK) {
        st = bank_release_unwrap(s->release, wrapped, len, s->released[bank], why);
    }
    if (st == BANK_OK) {
        s->has_released[bank] = true;
    }
    return st;
}

const struct bank_agreement *bank_session_agreement(const struct bank_session *s)
{
    return &s->agreement;
}

static enum bank_status open_file(const struct bank_session *s, uint32_t bank, struct bank_why *why)
{
    enum bank_status st = known_bank(s, bank, why);

    if (st == BANK_OK && s->openers[bank] == NULL) {
        st = bank_fail(why, BANK_STATE, "%s: no file is open", s->agreement.names[bank]);
    }
    return st;
}

enum bank_status bank_session_begin(struct bank_session *s, uint32_t bank,
                                    const uint8_t header[BANK_HEADER_SIZE], struct bank_why *why)
{
    struct bank_envelope e = {&s->agreement, bank, s->public_key, NULL};
    enum bank_status st = known_bank(s, bank, why);

    if (st != BANK_OK) {
        return st;
    }
    if (s->has_released[bank]) {
        e.released_key = s->released[bank];
    }
    if (s->begun[bank]) {
        return bank_fail(why, BANK_STATE, "%s: a second file", s->agreement.names[bank]);
    }
    s->begun[bank] = true;
    return bank_opener_new(&e, s->key, header, &s->openers[bank], why);
}

enum bank_status bank_session_chunk(struct bank_session *s, uint32_t bank, const uint8_t *sealed,
                                    size_t len, struct bank_why *why)
{
    enum bank_status st = open_file(s, bank, why);

    if (st == BANK_OK && (len <= BANK_TAG_SIZE || len > BANK_CHUNK_SIZE + BANK_TAG_SIZE)) {
        st = bank_fail(why, BANK_REFUSED, "%s: a chunk of a wrong size", s->agreement.names[bank]);
    }
    if (st == BANK_OK) {
        st = bank_opener_chunk(s->openers[bank], sealed, len, s->plain, why);
    }
    if (st == BANK_OK) {
        st = bank_book_feed(s->book, bank, s->plain, len - BANK_TAG_SIZE, why);
    }
    bank_wipe(s->plain, sizeof(s->plain));
    return st;
}

enum bank_status bank_session_end(struct bank_session *s, uint32_t bank, struct bank_why *why)
{
    enum bank_status st = open_file(s, bank, why);

    if (st != BANK_OK) {
        return st;
    }
    st = bank_opener_end(s->openers[bank], why);
    bank_opener_free(s->openers[bank]);
    s->openers[bank] = NULL;
    return st == BANK_OK ? bank_book_end_file(s->book, bank, why) : st;
}

struct bank_book *bank_session_book(struct bank_session *s)
{
    return s->book;
}
