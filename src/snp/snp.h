/*
 * AMD SEV-SNP attestation reports (AMD 56860, table "ATTESTATION_REPORT Structure"; certificates: AMD
 * 57230; certificate table: AMD 56421, 4.1.8.1), versions 2 to 5 with the layouts of Milan, Genoa, Turin
 * and what follows it. Little endian. docs/evidence-snp.md says what is checked and what is not.
 */
#ifndef CM_SNP_SNP_H
#define CM_SNP_SNP_H

#include <casemate/verify.h>

#include "common/reader.h"
#include "evidence/certs.h"
#include "evidence/claims.h"

#define CM_SNP_REPORT_SIZE 1184u
#define CM_SNP_SIGNED_SIZE 0x2A0u /* what the signature is over: the report's own first bytes */

/* guest policy */
#define CM_SNP_POLICY_SMT           (UINT64_C(1) << 16)
#define CM_SNP_POLICY_ONE           (UINT64_C(1) << 17) /* always set */
#define CM_SNP_POLICY_MIGRATE_MA    (UINT64_C(1) << 18)
#define CM_SNP_POLICY_DEBUG         (UINT64_C(1) << 19)
#define CM_SNP_POLICY_SINGLE_SOCKET (UINT64_C(1) << 20)
#define CM_SNP_POLICY_CXL_ALLOW     (UINT64_C(1) << 21)
#define CM_SNP_POLICY_AES_256_XTS   (UINT64_C(1) << 22)
#define CM_SNP_POLICY_RAPL_DIS      (UINT64_C(1) << 23)
#define CM_SNP_POLICY_HIDING        (UINT64_C(1) << 24)
#define CM_SNP_POLICY_SWAP_DISABLE  (UINT64_C(1) << 25) /* version 5 */

/* Lines of processors; each has a root of its own. */
enum cm_snp_product {
    CM_SNP_UNKNOWN = 0, /* version 2 does not say */
    CM_SNP_MILAN,
    CM_SNP_GENOA, /* also Bergamo and Siena */
    CM_SNP_TURIN,
    CM_SNP_VENICE,
};

enum cm_snp_signer {
    CM_SNP_VCEK = 0,
    CM_SNP_VLEK = 1,
    CM_SNP_NO_KEY = 7,
};

/** A TCB_VERSION taken apart; fmc only counts where the layout has it. */
struct cm_snp_tcb {
    uint8_t bootloader;
    uint8_t tee;
    uint8_t snp;
    uint8_t microcode;
    uint8_t fmc;
    uint8_t reserved[4]; /* in the order of the bytes */
};

struct cm_snp_firmware {
    uint8_t major;
    uint8_t minor;
    uint8_t build;
};

/** A report. Spans point into it. Everything is self-asserted until its signature is verified. */
struct cm_snp_report {
    struct cm_span bytes; /* CM_SNP_REPORT_SIZE of them */
    uint32_t version;
    uint32_t guest_svn;
    uint64_t policy;
    struct cm_span family_id;
    struct cm_span image_id;
    uint32_t vmpl;
    uint32_t signature_algo;
    struct cm_span current_tcb;
    uint64_t platform_info;
    uint32_t flags;
    unsigned signing_key; /* enum cm_snp_signer, or a reserved number */
    bool author_key_en;
    bool mask_chip_key;
    struct cm_span report_data;
    struct cm_span measurement;
    struct cm_span host_data;
    struct cm_span id_key_digest;
    struct cm_span author_key_digest;
    struct cm_span report_id;
    struct cm_span report_id_ma;
    struct cm_span reported_tcb;
    uint8_t cpuid[3]; /* family, model, stepping; from version 3 on */
    enum cm_snp_product product;
    struct cm_span chip_id;
    struct cm_span committed_tcb;
    struct cm_snp_firmware current;
    struct cm_snp_firmware committed;
    struct cm_span launch_tcb;
    uint64_t launch_mit; /* from version 5 on */
    uint64_t current_mit;
    uint8_t signature[96]; /* r || s, big endian */
};

/**
 * Take a report apart: CM_SNP_REPORT_SIZE bytes. What must be zero is by its version.
 * @retval CM_ERR_FORMAT wrong size, or something reserved is not zero
 * @retval CM_ERR_UNSUPPORTED another version, signature algorithm or processor
 */
CM_MUST_USE enum cm_status cm_snp_report_parse(struct cm_span bytes, struct cm_snp_report *out,
                                               struct cm_why *why);
/** 72 bytes little endian, of which 48 may be set, to 48 big endian: how AMD writes numbers on P-384. */
void cm_snp_read_number(struct cm_rd *rd, uint8_t out[48]);

/** "Milan", ...; NULL for CM_SNP_UNKNOWN. */
const char *cm_snp_product_name(enum cm_snp_product product);
/** "snp-milan", ...; "snp" for CM_SNP_UNKNOWN. */
const char *cm_snp_product_model(enum cm_snp_product product);
/** The line whose name text is, such as "Milan". */
enum cm_snp_product cm_snp_product_named(struct cm_span text);
/** Whether TCB_VERSION, certificates and chip id are laid out as on Turin (structVersion 1). */
bool cm_snp_product_new_layout(enum cm_snp_product product);

/** Take 8 bytes apart by the product's layout. */
struct cm_snp_tcb cm_snp_tcb_decode(struct cm_span bytes, bool new_layout);
/** Whether every component of a is at most that of b. Never compare TCBs as one number. */
bool cm_snp_tcb_at_most(const struct cm_snp_tcb *a, const struct cm_snp_tcb *b);

/** What the certificate table of an extended report holds (also configfs-tsm's auxblob). */
struct cm_snp_table {
    struct cm_span vcek;
    struct cm_span vlek;
    struct cm_span ask; /* ASK or ASVK */
    struct cm_span ark;
    struct cm_span crl;
    size_t others; /* entries with other GUIDs */
};

/**
 * Take a certificate table apart. Entries lie behind the list, within the table, each GUID once.
 * @retval CM_ERR_FORMAT
 */
CM_MUST_USE enum cm_status cm_snp_table_parse(struct cm_span bytes, struct cm_snp_table *out);

/** Whether bytes begin like a certificate table: one of AMD's GUIDs comes first. */
bool cm_snp_table_recognise(struct cm_span bytes);

/** What a VCEK or VLEK certificate says beside its key. */
struct cm_snp_vek {
    enum cm_snp_signer kind;     /* by the subject's name */
    enum cm_snp_product product; /* by the issuer's name */
    uint64_t struct_version;
    struct cm_span product_name;
    struct cm_snp_tcb tcb;
    struct cm_span hwid;   /* VCEK: 64 bytes, or 8 in the new layout */
    struct cm_span csp_id; /* VLEK */
};

/**
 * Read AMD's extensions of a certificate (1.3.6.1.4.1.3704.1), strictly by its kind and product.
 * @retval CM_ERR_FORMAT an extension is malformed or missing, or one that contradicts the kind
 * @retval CM_ERR_MISMATCH no such certificate by its names
 */
CM_MUST_USE enum cm_status cm_snp_vek_read(const struct cm_cert *cert, struct cm_snp_vek *out,
                                           struct cm_why *why);

/** The kind of key that a certificate's subject names; false: neither. */
bool cm_snp_vek_kind(const struct cm_cert *cert, enum cm_snp_signer *out);

/** All claims of a report. */
void cm_snp_claim(const struct cm_snp_report *r, struct cm_evidence *ev, size_t submod);

/** How a report is embedded; zero: it is the evidence itself. */
struct cm_snp_use {
    bool has_vmpl; /* the one privilege level that is accepted */
    uint32_t vmpl;
    bool no_nonce; /* report data is judged by the caller (a binding), not against the challenge */
};

/**
 * Verify a report (1184 bytes, with a certificate table behind it or not) with the job's materials and
 * record checks and claims. @param report  or NULL; set when the report could be taken apart.
 */
CM_MUST_USE enum cm_status cm_snp_verify_report(const struct cm_verify_job *job,
                                                struct cm_span bytes, const struct cm_snp_use *use,
                                                struct cm_evidence *ev, size_t submod,
                                                struct cm_snp_report *report);

/** The format's place in the table of src/verify (evidence/material.h). */
bool cm_snp_recognise(struct cm_span bytes);
CM_MUST_USE enum cm_status cm_snp_verify(const struct cm_verify_job *job, struct cm_evidence *ev,
                                         size_t submod);

#endif
