/*
 * One verification for the evidence of every Trusted Execution Environment: a file is recognised by what
 * it is, its format's verifier checks it against what the caller gives, and the result is the claims
 * model of evidence.h. Offline: no network, clock, file or global state.
 *
 * NOT promised: that genuine evidence is acceptable evidence; that is a policy's affair (policy.h).
 */
#ifndef CASEMATE_VERIFY_H
#define CASEMATE_VERIFY_H

#include <casemate/dcap.h>
#include <casemate/evidence.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Formats of evidence. Append only. */
enum cm_format {
    CM_FORMAT_ANY = 0,   /* recognise it */
    CM_FORMAT_DCAP,      /* SGX or TDX quote */
    CM_FORMAT_SNP,       /* AMD SEV-SNP attestation report, alone or with its certificate table */
    CM_FORMAT_NITRO,     /* AWS Nitro Enclaves attestation document */
    CM_FORMAT_TPM,       /* TPM 2.0 quote: TPMS_ATTEST, or TPM2B_ATTEST and TPMT_SIGNATURE */
    CM_FORMAT_AZURE_CVM, /* HCL report with its vTPM quote */
    CM_FORMAT_GCE,       /* Google Compute Engine vTPM attestation */
    CM_FORMAT_GCP_TOKEN, /* Google Confidential Space token (JWT) */
    CM_FORMAT_CCA,       /* Arm CCA token */
    CM_FORMAT_PSA,       /* Arm PSA token */
    CM_FORMAT_OPTEE,     /* OP-TEE attestation PTA */
    CM_FORMAT_NVIDIA,    /* NVIDIA GPU or switch: SPDM measurements */
};

/** A format's short name, such as "snp"; NULL for another number. */
const char *cm_format_name(enum cm_format format);

/** What stands beside the evidence. UNTRUSTED means: believed only as far as something signs it. */
enum cm_material_kind {
    CM_MATERIAL_CERTS = 1, /* UNTRUSTED: certificates in PEM or DER, or SNP's certificate table */
    CM_MATERIAL_CRL,       /* UNTRUSTED: a revocation list in DER or PEM */
    CM_MATERIAL_SIGNATURE, /* UNTRUSTED: a signature that is kept apart (TPMT_SIGNATURE, raw) */
    CM_MATERIAL_PCRS, /* UNTRUSTED: values of PCRs, as tpm2-tools or raw in order of selection */
    CM_MATERIAL_EVENT_LOG,  /* UNTRUSTED: TCG event log or CCEL */
    CM_MATERIAL_TPM_PUBLIC, /* UNTRUSTED: TPMT_PUBLIC or TPM2B_PUBLIC of the attestation key */
    CM_MATERIAL_QUOTE,      /* UNTRUSTED: the hardware's quote that goes with a vTPM's evidence */
    CM_MATERIAL_REQUEST,    /* UNTRUSTED: the request that the evidence answers (SPDM) */
    CM_MATERIAL_KEY,        /* TRUSTED: an enrolled public key: PEM, DER, JWK (set) or COSE_Key */
    CM_MATERIAL_REFERENCE,  /* TRUSTED: reference values: CoRIM, or JSON of docs/evidence.md */
    CM_MATERIAL_FIRMWARE,   /* TRUSTED: a firmware image whose launch measurement is expected */
};

struct cm_material {
    enum cm_material_kind kind;
    const char *name; /* where it is from, for messages */
    struct cm_span bytes;
};

/** Certificates that were parsed and verified before, so that they need not be again: keyed by their
 * exact bytes and their issuer's. Roots, periods and revocation are applied at every use. Thread-safe;
 * holds at most a fixed number (least recently used go first). */
struct cm_cert_cache;
CM_MUST_USE enum cm_status cm_cert_cache_create(size_t max_certs, struct cm_cert_cache **out);
/** Accepts NULL. No verification may be using it. */
void cm_cert_cache_free(struct cm_cert_cache *cache);

/** A verification's evidence and what it may use. All borrowed for the call. */
struct cm_verify_job {
    struct cm_span evidence; /* UNTRUSTED; exactly one piece of evidence, or the text of one */
    enum cm_format format;
    const struct cm_material *materials;
    size_t material_count;
    const struct cm_dcap_collateral *dcap; /* for SGX and TDX quotes; NULL: none */
    unsigned accept_tcb;                   /* CM_DCAP_ACCEPT() bits */
    struct cm_dcap_cache *dcap_cache;      /* or NULL */
    struct cm_cert_cache *cert_cache;      /* or NULL */
    const struct cm_verify_input *in;      /* time, roots, floors, flags; and report_data: what the
                                              format was challenged with: report data (SGX, TDX, SNP),
                                              nonce (Nitro, PSA, GCP, NVIDIA), challenge (CCA),
                                              extraData (TPM, GCE, Azure) */
};

/** The makers' roots that Casemate knows, of every family; *count is set. Static. */
const struct cm_trust_root *cm_verify_roots(size_t *count);

/** The constant of a family's name, of those that the makers' roots have and of "tpm"; NULL: there is none. */
const char *cm_trust_family(const char *name, size_t len);

#define CM_ROOT_LABEL 80

/**
 * A root of trust of the caller's choice: one self-issued certificate in PEM or DER, TRUSTED. Only its key
 * and its name count.
 * @param family       of cm_trust_family(), or NULL: filled in by the caller
 * @param label        becomes the certificate's common name; out borrows it. A name with EMULATED in it makes
 *                     out->emulated
 * @retval CM_ERR_FORMAT  it is none      @retval CM_ERR_NOMEM, CM_ERR_CRYPTO
 * Thread-safe.
 */
CM_MUST_USE enum cm_status cm_trust_root_read(struct cm_span certificate, const char *family,
                                              char label[CM_ROOT_LABEL], struct cm_trust_root *out,
                                              struct cm_why *why);

/**
 * What bytes are; CM_FORMAT_ANY when they are nothing known. Only looks, verifies nothing. Binary evidence
 * written as text as a whole (hexadecimal, base64, base64url, an armour like PEM's) is known by what it is
 * the text of; cm_verify() takes it so, too.
 */
enum cm_format cm_verify_recognise(struct cm_span evidence);

/**
 * Verify evidence of any format.
 *
 * @param out  the explanation, ALSO SET WHEN IT IS REFUSED: what a format recognised has at least the check
 *             that says where it is malformed. Claims of a submodule that nothing genuine vouches for are
 *             self-asserted. NULL when nothing is known about the evidence. The caller frees it with
 *             cm_evidence_free().
 * @return CM_OK only if every required check of every submodule passed and every submodule behind the
 *         first is bound to a genuine one; else the status of the first that failed (see cm_dcap_verify()).
 * @retval CM_ERR_UNSUPPORTED also: nothing recognised it (with out NULL); or a material that the format compares
 *         with nothing, which would look as if it had been compared (the check "materials")
 * @retval CM_ERR_PARAM, CM_ERR_NOMEM, CM_ERR_CRYPTO, CM_ERR_LIMIT  with out NULL: no verdict
 *
 * Thread-safe. Allocates a bounded amount.
 */
CM_MUST_USE enum cm_status cm_verify(const struct cm_verify_job *job, struct cm_evidence **out);

#ifdef __cplusplus
}
#endif
#endif
