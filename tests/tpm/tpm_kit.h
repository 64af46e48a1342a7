/*
 * Quotes, public areas and event logs of our own, every field under the test's control. Ends the process
 * when something of the kit fails: a test cannot go on.
 */
#ifndef CM_TESTS_TPM_KIT_H
#define CM_TESTS_TPM_KIT_H

#include "common/writer.h"
#include "tpm/tcg_log.h"

#define KIT_NOW UINT64_C(1790000000)

enum kit_key { KIT_RSA, KIT_P256, KIT_P384, KIT_OTHER, KIT_KEYS };

struct kit_bank {
    uint16_t alg;
    uint32_t mask;
};

struct kit_quote {
    uint32_t magic;
    uint16_t type;
    struct cm_span nonce;
    uint64_t clock;
    uint32_t resets;
    uint32_t restarts;
    uint8_t safe;
    uint64_t firmware;
    struct kit_bank bank[4];
    size_t bank_count;
    size_t bitmap; /* bytes of it */
    enum kit_key key;
    uint16_t scheme;
    uint16_t hash;
    /* values by bank and PCR; kit_defaults() fills them with a pattern */
    uint8_t value[4][32][64];
};

struct kit_made {
    uint8_t attest[512];
    size_t attest_len;
    uint8_t signature[640]; /* TPMT_SIGNATURE */
    size_t signature_len;
    uint8_t values[8192]; /* raw, in order of selection */
    size_t values_len;
};

/** A good quote: SHA-256 bank, PCR 0 to 7, RSASSA with SHA-256. */
void kit_defaults(struct kit_quote *q);
void kit_make(const struct kit_quote *q, struct kit_made *out);
/** Values as tpm2-tools serialises them, labelled with banks of the caller's; returns the length. */
size_t kit_tools(const struct kit_bank *bank, size_t bank_count, struct cm_span raw,
                 const uint16_t *algs, uint8_t *out, size_t cap);

const struct cm_privkey *kit_key(enum kit_key key);
const struct cm_pubkey *kit_public(enum kit_key key);
/** TPMT_PUBLIC of a key; returns the length. */
size_t kit_area(enum kit_key key, uint32_t attributes, uint8_t *out, size_t cap);
#define KIT_AK_ATTRIBUTES \
    0x00050072u /* fixedTPM, fixedParent, sensitiveDataOrigin, userWithAuth,
                                         restricted, sign */

/* event logs */
struct kit_log {
    struct cm_wr out;
    uint16_t alg[4];
    size_t alg_count; /* 0: the SHA-1 form */
    uint8_t value[4][32][64];
    uint32_t mask; /* registers that were extended */
    uint8_t bytes[65536];
};

void kit_log_begin(struct kit_log *log, const uint16_t *algs, size_t alg_count);
/** An event whose digest is of hashed, and whose data says data. */
void kit_log_event(struct kit_log *log, uint32_t pcr, uint32_t type, struct cm_span hashed,
                   struct cm_span data);
/** The same for data that is what was hashed. */
void kit_log_data(struct kit_log *log, uint32_t pcr, uint32_t type, struct cm_span data);
void kit_log_text(struct kit_log *log, uint32_t pcr, uint32_t type, const char *text);
/** A UEFI_VARIABLE_DATA of one byte, in the global name space. */
size_t kit_variable(const char *name, uint8_t value, uint8_t *out);
struct cm_span kit_log_bytes(const struct kit_log *log);
/** What a parsed log leads to in one bank. */
enum cm_status kit_replay(const struct cm_tcg_log *log, uint16_t alg, struct cm_tpm_bank *out);

struct cm_span kit_text(const char *text);
void kit_must(bool ok, const char *what);

#endif
