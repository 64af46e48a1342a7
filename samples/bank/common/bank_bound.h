/* What the enclave's evidence binds: the custom claims of each quote that it makes for a bank. */
#ifndef BANK_BOUND_H
#define BANK_BOUND_H

#include "bank_seal.h"

#define BANK_NONCE_SIZE   32U
#define BANK_EVIDENCE_MAX 16384U /* a quote with its certificates is about 5 KB */

struct bank_bound {
    uint8_t nonce[BANK_NONCE_SIZE]; /* of the bank that asked: the quote answers it and no other */
    uint8_t key[BANK_KEY_SIZE];     /* of the enclave's session: what the banks encrypt to */
};

#endif
