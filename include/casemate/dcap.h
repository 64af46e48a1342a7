/*
 * Verification of SGX and TDX quotes (ECDSA, "DCAP"): quote versions 3, 4 and 5 with every body type,
 * against collateral that the caller gives. Offline: no network, clock, file or global state.
 *
 * Stricter than Intel's quote verification library where that one leaves things to its callers:
 * notBefore, basicConstraints and key usage of every certificate, issue dates in the future, the PCK
 * certificate given equals the one in the quote, raw signed bytes of JSON, bytes behind the quote,
 * debug refused, the tail of the QE's report data zero; expired collateral is a failed check.
 */
#ifndef CASEMATE_DCAP_H
#define CASEMATE_DCAP_H

#include <casemate/evidence.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What the maker publishes about a platform. All UNTRUSTED: everything is verified. */
struct cm_dcap_collateral {
    struct cm_span tcb_info;          /* JSON, exactly as served */
    struct cm_span tcb_info_chain;    /* PEM: TCB signing certificate and root */
    struct cm_span qe_identity;       /* JSON, exactly as served */
    struct cm_span qe_identity_chain; /* PEM */
    struct cm_span root_ca_crl;       /* DER, PEM, or DER in hexadecimal */
    struct cm_span pck_crl;           /* likewise */
    struct cm_span
        pck_chain; /* PEM; needed only if the quote holds none; must equal it if it does, but
                      for white space and NUL at the end */
};

/** The platform's status, merged over platform, quoting enclave and TDX module. */
enum cm_dcap_tcb {
    CM_DCAP_UP_TO_DATE = 0,
    CM_DCAP_SW_HARDENING_NEEDED,
    CM_DCAP_CONFIGURATION_NEEDED,
    CM_DCAP_CONFIGURATION_AND_SW_HARDENING_NEEDED,
    CM_DCAP_OUT_OF_DATE,
    CM_DCAP_OUT_OF_DATE_CONFIGURATION_NEEDED,
    CM_DCAP_TD_RELAUNCH_ADVISED,
    CM_DCAP_TD_RELAUNCH_ADVISED_CONFIGURATION_NEEDED,
    CM_DCAP_REVOKED,
    CM_DCAP_NOT_SUPPORTED, /* no published level describes this platform */
};

/** For accept_tcb: the bit of a status. UpToDate is always accepted, Revoked and NotSupported never. */
#define CM_DCAP_ACCEPT(tcb) (1u << (tcb))

/** The name that collateral uses, such as "UpToDate". */
const char *cm_dcap_tcb_str(enum cm_dcap_tcb tcb);

/**
 * Collateral and certificate chains that were verified before, so that their signatures need not be
 * checked again. Keyed by their exact bytes; trust roots, validity periods, floors and revocation
 * are applied at every use. Thread-safe. Holds at most a fixed number of platforms (least recently
 * used go first).
 */
struct cm_dcap_cache;
CM_MUST_USE enum cm_status cm_dcap_cache_create(size_t max_platforms, struct cm_dcap_cache **out);
/** Accepts NULL. No verification may be using it. */
void cm_dcap_cache_free(struct cm_dcap_cache *cache);

/** Intel's production root, family "sgx" (both editions of the certificate share its key). */
const struct cm_trust_root *cm_dcap_intel_root(void);

/**
 * Verify a quote.
 *
 * @param quote       UNTRUSTED; exactly one quote.
 * @param collateral  UNTRUSTED.
 * @param in          time, trust roots (family "sgx"), floors, expected report data, flags.
 * @param accept_tcb  statuses beyond UpToDate that the caller accepts: CM_DCAP_ACCEPT() bits.
 * @param cache       or NULL.
 * @param out         the explanation: one submodule "cpu" with every check and claim. Set whenever
 *                    the quote could be taken apart, ALSO WHEN IT IS REFUSED; else NULL. The caller
 *                    frees it.
 *
 * @return CM_OK only if every required check passed; else the status of the first that failed:
 * @retval CM_ERR_FORMAT quote, certificate, CRL or JSON malformed
 * @retval CM_ERR_SIGNATURE a signature does not verify
 * @retval CM_ERR_MISMATCH parts do not belong together, or no TCB level matches
 * @retval CM_ERR_EXPIRED something is not valid at the given time
 * @retval CM_ERR_REVOKED a certificate or the TCB level is revoked
 * @retval CM_ERR_POLICY untrusted root, debug, emulated, TCB status not accepted, rollback
 * @retval CM_ERR_UNSUPPORTED certification data without a PCK certificate, and none was given; a
 *                    version, key type, vendor or algorithm that is not handled
 * @retval CM_ERR_NOTFOUND a part that another check needs could not be had
 * @retval CM_ERR_PARAM a NULL argument, or a length without a pointer
 * @retval CM_ERR_NOMEM, CM_ERR_LIMIT, CM_ERR_CRYPTO nothing is known about the quote
 *
 * Thread-safe. Allocates a bounded amount. Enclave-safe.
 */
CM_MUST_USE enum cm_status cm_dcap_verify(struct cm_span quote,
                                          const struct cm_dcap_collateral *collateral,
                                          const struct cm_verify_input *in, unsigned accept_tcb,
                                          struct cm_dcap_cache *cache, struct cm_evidence **out);

#ifdef __cplusplus
}
#endif
#endif
