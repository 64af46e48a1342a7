/*
 * Who makes quotes on this host, and who gives the collateral to verify them:
 *
 * - hardware: Intel's libsgx_dcap_ql in this process; with the environment variable SGX_AESM_ADDR,
 *   or where that library is absent, the AESM daemon through libsgx_quote_ex. Collateral comes from
 *   libdcap_quoteprov (Intel's or Azure's) or from our own client (src/collateral).
 * - the emulated platform, only if the caller asks for it.
 *
 * All libraries are loaded at run time; nothing here is needed to build. What they return is
 * checked before use, but they run in this process and are believed not to attack it. Nothing here
 * is trusted by an enclave or by a verifier: a quote that these libraries forge does not verify.
 */
#ifndef CM_QUOTING_QUOTING_H
#define CM_QUOTING_QUOTING_H

#include <casemate/dcap.h>

#include "common/span.h"

#define CM_QUOTING_TARGET_INFO_SIZE 512u
#define CM_QUOTING_REPORT_SIZE      432u
#define CM_QUOTING_MAX_QUOTE        ((size_t)64 * 1024) /* real ones are below 5 KiB */

/* A maker of quotes. Lives as long as the process; thread-safe. */
struct cm_quoting;

/**
 * Choose the maker of quotes for enclaves of one kind.
 *
 * @param emulated  the enclave runs on the emulator. Never chosen silently: hardware that cannot
 *                  quote is an error, and so is an emulated platform that cannot.
 * @param out       set only on CM_OK, otherwise NULL.
 * @retval CM_ERR_NOTFOUND    no quoting library; why names library, package and what to do
 * @retval CM_ERR_PLATFORM    a library is there, but lacks a function or cannot be loaded
 */
CM_MUST_USE enum cm_status cm_quoting_choose(bool emulated, const struct cm_quoting **out,
                                             struct cm_why *why);

/** What makes the quotes, for people: "libsgx_dcap_ql.so.1 (in process)". */
const char *cm_quoting_name(const struct cm_quoting *q);

/**
 * The quoting enclave's TARGETINFO: what an enclave's EREPORT must aim at.
 * @param out  zeroed on failure.
 * @retval CM_ERR_PLATFORM, CM_ERR_BUSY  the library failed; why has its code
 */
CM_MUST_USE enum cm_status cm_quoting_target_info(const struct cm_quoting *q,
                                                  uint8_t out[CM_QUOTING_TARGET_INFO_SIZE],
                                                  struct cm_why *why);

/**
 * Turn an enclave's REPORT into a quote.
 *
 * The result is well formed, has no bytes behind it and holds this very report. It is NOT verified.
 *
 * @param report    made for cm_quoting_target_info().
 * @param quote     NULL: only *size is wanted.
 * @param capacity  bytes at quote.
 * @param size      set on CM_OK to the quote's size, on CM_ERR_SPACE to the capacity that is
 *                  needed, otherwise to 0. With quote NULL it is an upper bound.
 * @retval CM_ERR_SPACE     capacity is too small
 * @retval CM_ERR_SIGNATURE the report was not made on this platform for this quoting enclave
 * @retval CM_ERR_MISMATCH  the library answered with a quote of another report
 * @retval CM_ERR_FORMAT, CM_ERR_LIMIT  the library answered with nonsense
 * @retval CM_ERR_PLATFORM, CM_ERR_BUSY, CM_ERR_NOMEM
 */
CM_MUST_USE enum cm_status cm_quoting_quote(const struct cm_quoting *q,
                                            const uint8_t report[CM_QUOTING_REPORT_SIZE],
                                            uint8_t *quote, size_t capacity, size_t *size,
                                            struct cm_why *why);

/* Collateral, owned. */
struct cm_quoting_collateral;

/**
 * The collateral for a quote, of any platform, not only of this one: from the bundle or folder that
 * the variable CASEMATE_COLLATERAL names; from the service that CASEMATE_PCCS_URL names; for
 * emulated quotes (q emulated) from this user's platform; from libdcap_quoteprov; or from the
 * service that cm_collateral_configure() finds.
 *
 * @param q      NULL on a machine that makes no quotes itself: as with hardware.
 * @param quote  UNTRUSTED; its PCK certificate says what is needed.
 * @param baseline  what a provider library chooses the edition of the collateral by: a text of its
 *               own, such as Azure's; handed on as it is. ptr NULL: the provider's choice.
 * @param out    set only on CM_OK, otherwise NULL; free with cm_quoting_collateral_free().
 *               Everything in it is UNTRUSTED and bounded; no part is empty but pck_chain, which
 *               is absent.
 * @retval CM_ERR_FORMAT, CM_ERR_UNSUPPORTED  the quote, or what was answered; UNSUPPORTED also: a
 *                baseline, and what gives collateral here is no library that can choose by one
 * @retval CM_ERR_NOTFOUND  nobody here gives collateral, or there is none for this platform
 * @retval CM_ERR_PLATFORM, CM_ERR_IO, CM_ERR_LIMIT, CM_ERR_NOMEM
 */
CM_MUST_USE enum cm_status cm_quoting_collateral(const struct cm_quoting *q, struct cm_span quote,
                                                 struct cm_span baseline,
                                                 struct cm_quoting_collateral **out,
                                                 struct cm_why *why);

/** Accepts NULL. */
void cm_quoting_collateral_free(struct cm_quoting_collateral *c);

/** The parts; they belong to c. */
struct cm_dcap_collateral cm_quoting_collateral_view(const struct cm_quoting_collateral *c);

#endif
