/*
 * TCG event logs: the SHA-1 form of old firmware and the crypto-agile one (PC Client Platform Firmware
 * Profile 1.05, section 10), and CCEL, the same for the runtime registers of a TD (UEFI 2.10, 38.4.1).
 * Little endian. UNTRUSTED: a log proves nothing until its replay equals registers that are signed, and
 * then it proves the digests: not the types of events, and their data only where the digest is a hash of
 * exactly that data.
 */
#ifndef CM_TPM_TCG_LOG_H
#define CM_TPM_TCG_LOG_H

#include "tpm/tpm.h"

#define CM_TCG_MAX_LOG    (4u << 20)
#define CM_TCG_MAX_EVENTS 16384

/* event types */
#define CM_TCG_PREBOOT_CERT           0x00000000u
#define CM_TCG_POST_CODE              0x00000001u
#define CM_TCG_NO_ACTION              0x00000003u
#define CM_TCG_SEPARATOR              0x00000004u
#define CM_TCG_ACTION                 0x00000005u
#define CM_TCG_EVENT_TAG              0x00000006u
#define CM_TCG_S_CRTM_VERSION         0x00000008u
#define CM_TCG_IPL                    0x0000000Du
#define CM_TCG_NONHOST_INFO           0x00000011u
#define CM_TCG_EFI_VARIABLE_CONFIG    0x80000001u
#define CM_TCG_EFI_VARIABLE_BOOT      0x80000002u
#define CM_TCG_EFI_BOOT_APPLICATION   0x80000003u
#define CM_TCG_EFI_ACTION             0x80000007u
#define CM_TCG_EFI_HCRTM              0x80000010u
#define CM_TCG_EFI_VARIABLE_AUTHORITY 0x800000E0u

struct cm_tcg_event {
    uint32_t pcr;
    uint32_t type; /* nothing proves it */
    struct cm_span data;
    struct cm_span digests; /* {u16 alg, digest} one behind the other; SHA-1 form: one digest */
};

struct cm_tcg_log {
    bool agile;
    uint16_t alg[CM_TPM_MAX_BANKS]; /* banks that every event has a digest of */
    size_t alg_count;
    struct cm_span events; /* behind the header */
    size_t event_count;    /* all well formed */
    uint8_t locality;      /* of StartupLocality: what PCR 0 begins with */
};

/**
 * Look through a log: everything well formed, within limits. Padding of one value (00 or FF) at the end,
 * as in the fixed areas of CCEL, is no event.
 * @retval CM_ERR_FORMAT, CM_ERR_LIMIT, CM_ERR_UNSUPPORTED
 */
CM_MUST_USE enum cm_status cm_tcg_log_parse(struct cm_span bytes, struct cm_tcg_log *out,
                                            struct cm_why *why);

/** Events one after the other: begin with cm_rd_init(log->events). False at the end. */
bool cm_tcg_next(const struct cm_tcg_log *log, struct cm_rd *at, struct cm_tcg_event *out);

/** An event's digest in a bank; {NULL, 0} when it has none. */
struct cm_span cm_tcg_digest(const struct cm_tcg_log *log, const struct cm_tcg_event *event,
                             uint16_t alg);

/** Where the claims of a log go, and by what authority. */
struct cm_tcg_claims {
    struct cm_evidence *ev;
    size_t submod;
    enum cm_authority authority; /* of what the log proves */
    uint32_t trusted;            /* registers whose replay equals the signed value: bit n */
    bool ccel;
    bool events; /* tpm.events, too */
};

struct cm_tcg_index; /* tcg_index.h: the events in the bank that decides */

/**
 * Add what the events say: proven statements with the authority, all others self-asserted. "tpm." or
 * "ccel." claims of docs/evidence-tpm.md.
 */
void cm_tcg_claim(const struct cm_tcg_index *index, const struct cm_tcg_claims *to);

/**
 * Add the claim "tpm.events": what a log proves, as the JSON that policies query (docs/evidence-tpm.md).
 * Events that are not proven are in it without their data; where one of them could hide another (the
 * registers of an operating system) a register's events all go without.
 */
void cm_tcg_claim_events(const struct cm_tcg_index *index, const struct cm_tcg_claims *to);

/**
 * Add what Windows measured about its own start: "tpm.windows" and "tpm.windows.boot_debug", "kernel_debug",
 * "hypervisor_debug", "test_signing", "flight_signing", "elam" (booleans) and "hvci_policy". Of several
 * statements the worst counts. Nothing at all where it is not proven.
 */
void cm_tcg_claim_windows(const struct cm_tcg_index *index, const struct cm_tcg_claims *to);

/* How a log is held against registers, and what is claimed of it. */
struct cm_tcg_want {
    enum cm_authority authority;
    bool events; /* the claim "tpm.events" */
};

/**
 * The checks of a TPM's log against signed values: tpm.event_log for PCR 0 to 7, which firmware alone
 * extends until it hands over, and tpm.event_log_os (a note) for others. Adds the claims.
 */
CM_MUST_USE enum cm_status cm_tcg_check(struct cm_span log, const struct cm_tpm_pcrs *pcrs,
                                        struct cm_tcg_want want, struct cm_evidence *ev,
                                        size_t submod);

/**
 * The check "ccel.event_log" of a TD's log against its signed runtime registers, and its claims.
 * @param rtmr  4 values of 48 bytes, as the quote has them. Registers that the log does not extend are
 *              not held against it; what user space extended later is a mismatch of RTMR 2 or 3, a note.
 */
CM_MUST_USE enum cm_status cm_ccel_check(struct cm_span log, const uint8_t rtmr[4][48],
                                         enum cm_authority authority, struct cm_evidence *ev,
                                         size_t submod);

#endif
