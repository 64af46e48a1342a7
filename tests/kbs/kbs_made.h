/*
 * Evidence of other TEEs than SGX, made under roots of the tests' own, in the JSON of guest-components' attesters
 * (their sources are what its form was taken from; each is written here by hand), and a service that holds those
 * roots. Ends the program when something of the kit fails. Not thread-safe: what is made stands in one place.
 */
#ifndef CM_TESTS_KBS_MADE_H
#define CM_TESTS_KBS_MADE_H

#include "kbs_kit.h"

#define MADE_MAX 196608

/** What was made last, a text; and the SNP report in it, if it was one: 1184 bytes. */
extern char made_json[MADE_MAX];
extern size_t made_len;
const uint8_t *made_report(void);
/** Its certificates in DER: 0 ARK, 1 ASK, 2 VCEK. */
struct cm_span made_certificate(size_t i);

/** What the next evidence holds of init-data: the digest, zeros behind it. */
extern uint8_t made_launched[64];

struct made_tee {
    const char *name;
    void (*make)(const uint8_t bound[64]);
};
enum { MADE_TDX, MADE_MILAN, MADE_TURIN, MADE_AZ_SNP, MADE_AZ_TDX, MADE_CCA, MADE_TPM, MADE_TEES };
extern const struct made_tee made_tees[MADE_TEES];

/** A service under these roots, with a resource bank/key/one; devices' keys are enrolled, their policies permit. */
void made_start(void);
void made_stop(void);

struct kbs_guest *made_guest(size_t tee);
/** Evidence of a TEE for a guest's key and challenge. */
const char *made_for(size_t tee, const struct kbs_guest *g);
/** The whole way with it; the status. */
int made_attest(size_t tee, struct kbs_guest *g);

/** Append to what was made. */
void made_put(const char *format, ...) __attribute__((format(printf, 1, 2)));
void made_put_base64(const char *name, struct cm_span bytes);
void made_put_list(const char *name, const uint8_t *bytes, size_t len);

#endif
