/*
 * The host that carries nonces and evidence between banks and enclave; and, on demand, a malicious
 * one, to see it refused (bank --attack NAME).
 */
#ifndef BANK_ATTACK_H
#define BANK_ATTACK_H

#include "bank_link.h"

enum bank_attack {
    BANK_HONEST,
    BANK_SWAPPED_KEY,   /* a key pair of the host's instead of the enclave's */
    BANK_DEBUG_ENCLAVE, /* the right enclave, started so that a debugger can read it */
    BANK_OLD_QUOTE,     /* a genuine quote of the right enclave, made for an earlier nonce */
    BANK_LATE_QUOTE,    /* the right quote, held back for longer than the policy allows */
};

/** False for a name that is none. */
bool bank_attack_parse(const char *name, enum bank_attack *out);

/** What the host does, as half a sentence. */
const char *bank_attack_text(enum bank_attack attack);

/** Ask the enclave for evidence, for one bank's nonce, and do what the attack does to it. */
enum bank_status bank_attack_carry(struct bank_link *l, enum bank_attack attack, uint64_t max_age,
                                   const uint8_t nonce[BANK_NONCE_SIZE], struct bank_evidence *out,
                                   struct bank_why *why);

#endif
