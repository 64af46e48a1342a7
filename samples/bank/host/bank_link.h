/*
 * The way to the enclave: one function a call of bank.edl, with the reason for a refusal fetched at
 * once. bank_link_oe.c goes through the enclave; the tests also have one that calls the session
 * directly, outside.
 */
#ifndef BANK_LINK_H
#define BANK_LINK_H

#include <stdbool.h>

#include "../common/bank_bound.h"

struct bank_link;

/**
 * @param image     The signed enclave.
 * @param simulate  Use the emulator even where the machine has SGX.
 * @param debug     Let debuggers look inside: no bank accepts that.
 */
enum bank_status bank_link_start(const char *image, bool simulate, bool debug,
                                 struct bank_link **out, struct bank_why *why);
void bank_link_stop(struct bank_link *l);

enum bank_status bank_link_open(struct bank_link *l, const struct bank_agreement *a,
                                struct bank_why *why);

/** Evidence on its way from the enclave to a bank. UNTRUSTED until a bank has verified it. */
struct bank_evidence {
    uint8_t data[BANK_EVIDENCE_MAX];
    size_t size;
};

enum bank_status bank_link_evidence(struct bank_link *l, const uint8_t nonce[BANK_NONCE_SIZE],
                                    struct bank_evidence *out, struct bank_why *why);
/** What a key release service is told: the key that it is to encrypt to, and a report that binds it. */
struct bank_attestation {
    char runtime[1024];
    uint8_t report[BANK_EVIDENCE_MAX];
    size_t report_size;
};
enum bank_status bank_link_attest(struct bank_link *l, struct bank_attestation *out,
                                  struct bank_why *why);

/** Hand on a bank's key as the service encrypted it for the enclave. */
enum bank_status bank_link_released(struct bank_link *l, uint32_t bank, const uint8_t *wrapped,
                                    size_t len, struct bank_why *why);

#define BANK_SEALED_MAX 16384U

/** The result sealed by the enclave for itself; and read again by it. */
enum bank_status bank_link_seal(struct bank_link *l, uint8_t sealed[BANK_SEALED_MAX], size_t *len,
                                struct bank_why *why);
enum bank_status bank_link_unseal(struct bank_link *l, const uint8_t *sealed, size_t len,
                                  struct bank_result *out, struct bank_why *why);

enum bank_status bank_link_begin(struct bank_link *l, uint32_t bank,
                                 const uint8_t header[BANK_HEADER_SIZE], struct bank_why *why);
enum bank_status bank_link_chunk(struct bank_link *l, uint32_t bank, const uint8_t *sealed,
                                 size_t len, struct bank_why *why);
enum bank_status bank_link_end(struct bank_link *l, uint32_t bank, struct bank_why *why);
enum bank_status bank_link_join(struct bank_link *l, struct bank_why *why);
enum bank_status bank_link_search(struct bank_link *l, uint64_t count, uint64_t *done,
                                  uint64_t *total, struct bank_why *why);
enum bank_status bank_link_summary(struct bank_link *l, struct bank_summary *out,
                                   struct bank_why *why);
enum bank_status bank_link_circle(struct bank_link *l, uint64_t index, struct bank_circle *out,
                                  struct bank_why *why);

#endif
