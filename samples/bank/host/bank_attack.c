/* See bank_attack.h. */
#include "bank_attack.h"

#include <string.h>
#include <time.h>

#include "../common/bank_pack.h"
#include "../common/bank_text.h"

static const struct {
    const char *name;
    const char *text;
} attacks[] = {
    [BANK_HONEST] = {"", ""},
    [BANK_SWAPPED_KEY] = {"swapped-key", "hands out a key of its own"},
    [BANK_DEBUG_ENCLAVE] = {"debug-enclave", "starts the enclave for its debugger"},
    [BANK_OLD_QUOTE] = {"old-quote", "replays a quote that it had before"},
    [BANK_LATE_QUOTE] = {"late-quote", "holds the quote back"},
};

bool bank_attack_parse(const char *name, enum bank_attack *out)
{
    for (size_t i = 1; i < sizeof(attacks) / sizeof(attacks[0]); i++) {
        if (strcmp(attacks[i].name, name) == 0) {
            *out = (enum bank_attack)i;
            return true;
        }
    }
    return false;
}

const char *bank_attack_text(enum bank_attack attack)
{
    return attacks[attack].text;
}

/* The key is the last thing in evidence (bank_bound.h). The private half would open every file. */
static enum bank_status swap_key(struct bank_evidence *e, struct bank_why *why)
{
    struct bank_key *own = NULL;
    uint8_t key[BANK_KEY_SIZE];
    enum bank_status st = bank_key_new(&own, key);

    if (st != BANK_OK || e->size < sizeof(key)) {
        return bank_fail(why, BANK_CRYPTO, "the attack failed: no key");
    }
    memcpy(e->data + e->size - sizeof(key), key, sizeof(key));
    bank_key_free(own);
    return BANK_OK;
}

enum bank_status bank_attack_carry(struct bank_link *l, enum bank_attack attack, uint64_t max_age,
                                   const uint8_t nonce[BANK_NONCE_SIZE], struct bank_evidence *out,
                                   struct bank_why *why)
{
    const struct timespec too_long = {.tv_sec = (time_t)max_age + 1};
    uint8_t earlier[BANK_NONCE_SIZE] = {0};
    enum bank_status st = BANK_OK;

    if (attack == BANK_OLD_QUOTE && !bank_pack_random(earlier, sizeof(earlier))) {
        return bank_fail(why, BANK_CRYPTO, "no random numbers");
    }
    st = bank_link_evidence(l, attack == BANK_OLD_QUOTE ? earlier : nonce, out, why);
    if (st == BANK_OK && attack == BANK_SWAPPED_KEY) {
        st = swap_key(out, why);
    }
    if (st == BANK_OK && attack == BANK_LATE_QUOTE) {
        (void)nanosleep(&too_long, NULL);
    }
    return st;
}
