/*
 * What `oesign` does, as a library: configuration, signing, prediction and the
 * texts that `dump` and `--explain` print. tools/oesign.c and `casemate inspect`
 * only parse arguments and call this.
 *
 * Host side only. UNTRUSTED: image files, configuration files, certificates and
 * signatures. Nothing here reads the environment or the clock.
 */
#ifndef CM_SIGN_SIGN_H
#define CM_SIGN_SIGN_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <casemate/status.h>

#include "common/span.h"
#include "image/image.h"

struct cm_why;
struct cm_rsa_key;

/* ---------------------------------------------------------- configuration */

/* The keys of a configuration file, as bits of cm_sign_config.present. */
enum cm_sign_key {
    CM_SIGN_DEBUG,
    CM_SIGN_NUM_HEAP_PAGES,
    CM_SIGN_NUM_STACK_PAGES,
    CM_SIGN_NUM_TCS,
    CM_SIGN_PRODUCT_ID,
    CM_SIGN_SECURITY_VERSION,
    CM_SIGN_FAMILY_ID,
    CM_SIGN_EXTENDED_PRODUCT_ID,
    CM_SIGN_CAPTURE_PF_GP,
    CM_SIGN_ZERO_BASE,
    CM_SIGN_START_ADDRESS,
    CM_SIGN_DATE, /* SigningDate=YYYYMMDD: ours, not Open Enclave's */
    CM_SIGN_KEY_COUNT
};

struct cm_sign_config {
    uint32_t present;                  /* bit n: enum cm_sign_key n was given */
    uint64_t value[CM_SIGN_KEY_COUNT]; /* numbers; the date as BCD */
    uint8_t family_id[16];             /* bytes in the order in which the UUID is written */
    uint8_t extended_product_id[16];
};

/**
 * Parse a configuration file: lines of NAME=VALUE, blank lines, lines that begin with '#'.
 * Numbers are decimal or, with 0x, hexadecimal.
 *
 * @param out  Set only on CM_OK, otherwise zeroed.
 * @param why  "line N: ..." with the key.
 * @retval CM_ERR_SYNTAX  not NAME=VALUE, an unknown or doubled key, or a bad value
 */
CM_MUST_USE enum cm_status cm_sign_config_parse(struct cm_span text, struct cm_sign_config *out,
                                                struct cm_why *why);

/**
 * Override the properties that the enclave's source set, by Open Enclave's rules: an absent key
 * keeps the source's value, except that an absent FamilyID and ExtendedProductID turn KSS off and
 * an absent CapturePFGPExceptions or CreateZeroBaseEnclave means 0. StartAddress counts only with
 * CreateZeroBaseEnclave=1. (Without any configuration file the source's values all stay: do not
 * call this then.)
 */
void cm_sign_config_apply(const struct cm_sign_config *config, struct cm_enclave_props *props);

/**
 * The date for SIGSTRUCT: the configuration's, else SOURCE_DATE_EPOCH's, else the default.
 *
 * @param config             May be NULL.
 * @param source_date_epoch  The variable's text or NULL: seconds since 1970, decimal.
 * @retval CM_ERR_SYNTAX     source_date_epoch is not such a number, or after the year 9999
 */
CM_MUST_USE enum cm_status cm_sign_date(const struct cm_sign_config *config,
                                        const char *source_date_epoch, uint32_t *out,
                                        struct cm_why *why);

/* ---------------------------------------------------------------- signing */

/* An image with the configuration applied, laid out and measured. */
struct cm_sign_job {
    struct cm_image *image;
    uint8_t *module_file; /* the shared library that the image needs; NULL: none */
    struct cm_enclave_props props;
    struct cm_plan *plan;
    uint8_t mrenclave[CM_MRENCLAVE_SIZE];
    uint8_t sigstruct[CM_SIGSTRUCT_SIZE]; /* all signed fields; unsigned until one of the below */
};

/**
 * @param file    Borrowed until cm_sign_job_close.
 * @param path    Where it is: a shared library that it needs is read from that folder.
 * @param config  May be NULL: the image's own properties.
 * @param job     Zeroed on failure.
 */
CM_MUST_USE enum cm_status cm_sign_job_open(struct cm_span file, const char *path,
                                            const struct cm_sign_config *config, uint32_t date,
                                            struct cm_sign_job *job, struct cm_why *why);

/**
 * Read the shared library that an image needs from the folder of `path`, and join the two.
 *
 * @param file  Its bytes, from malloc: free them after the image, on failure too. NULL: it needs none.
 */
CM_MUST_USE enum cm_status cm_sign_module(struct cm_image *image, const char *path, uint8_t **file,
                                          struct cm_why *why);

/* Accepts a zeroed job. */
void cm_sign_job_close(struct cm_sign_job *job);

/**
 * Sign with a signature made elsewhere over the digest of cm_sigstruct_digest.
 *
 * @param cert_pem   X.509 certificate with the signer's public key. Not verified: the signature is.
 * @param signature  384 bytes, most significant byte first.
 */
CM_MUST_USE enum cm_status cm_sign_attach(struct cm_sign_job *job, struct cm_span cert_pem,
                                          struct cm_span signature, struct cm_why *why);

/* Write the signed file, readable by all, atomically. The job must be signed (CM_ERR_STATE). */
CM_MUST_USE enum cm_status cm_sign_write(const struct cm_sign_job *job, const char *path,
                                         struct cm_why *why);

/* A key that lives behind an OpenSSL engine or provider. */
struct cm_key_store;

/**
 * Load an engine, or when there is none of that name, a provider.
 *
 * @param load_path  The engine's shared object, or the folder that holds the provider's. May be
 *                   NULL: OpenSSL's own places.
 * @retval CM_ERR_NOTFOUND  neither an engine nor a provider of that name can be loaded
 */
CM_MUST_USE enum cm_status cm_key_store_open(const char *name, const char *load_path,
                                             struct cm_key_store **out, struct cm_why *why);

/* Accepts NULL. Free the keys first. */
void cm_key_store_close(struct cm_key_store *store);

/* A PIN that the key id does not hold is asked for on the terminal, by OpenSSL. */
CM_MUST_USE enum cm_status cm_key_store_key(struct cm_key_store *store, const char *key_id,
                                            struct cm_rsa_key **out, struct cm_why *why);

/* ------------------------------------------------------------------ texts */

/**
 * The instruction check of image/scan.h, its hits printed with function and address.
 *
 * @param strict  Warnings, and an image without symbols, are errors too.
 * @retval CM_ERR_POLICY  there are errors
 */
CM_MUST_USE enum cm_status cm_sign_scan(FILE *to, const struct cm_image *image, bool strict,
                                        struct cm_why *why);

/**
 * What `oesign dump` prints. Verifies too: a SIGSTRUCT that does not verify, or signs another
 * measurement than the file's, is an error after the text has been written.
 */
CM_MUST_USE enum cm_status cm_sign_dump(FILE *to, const struct cm_image *image, struct cm_why *why);

/* Each page that is added: offset, permissions, type, measured or not, SHA-256. Runs of zero pages
 * are one line. UNMEASURED and W+X pages are marked. */
CM_MUST_USE enum cm_status cm_sign_explain(FILE *to, const struct cm_plan *plan);

#endif
