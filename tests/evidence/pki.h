/*
 * A certificate hierarchy, collateral and quotes of our own, in Intel's formats, with every field
 * under the test's control. Built with OpenSSL's X.509 code, so that it shares nothing with the
 * reader under test. Keys are made once a process. Nothing here is secret or meant for use.
 */
#ifndef CM_TESTS_PKI_H
#define CM_TESTS_PKI_H

#include <casemate/dcap.h>

enum pki_key {
    PKI_ROOT,
    PKI_CA,
    PKI_PCK,
    PKI_TCB,
    PKI_ATT,
    PKI_OTHER, /* P-256, nobody's */
    PKI_P384,
    PKI_RSA,
    PKI_KEYS,
};

#define PKI_NOW      UINT64_C(1700000000)
#define PKI_DAY      UINT64_C(86400)
#define PKI_CRITICAL "1.2.3.4.5.6" /* an extension that nobody knows */

enum pki_aki { PKI_AKI_RIGHT, PKI_AKI_NONE, PKI_AKI_WRONG, PKI_AKI_EMPTY };

struct pki_cert {
    const char *cn;
    const char *issuer; /* common name */
    enum pki_key key;
    enum pki_key signer;
    uint64_t not_before;
    uint64_t not_after;
    uint64_t serial;
    bool ca;
    int pathlen; /* -1: none */
    bool no_constraints;
    const char *usage;   /* OpenSSL's names; NULL: none */
    const char *unknown; /* OID of an additional critical extension; NULL: none */
    enum pki_aki aki;
    bool version1;
    bool sha384; /* signed with another hash */
    bool sgx;    /* has the SGX extension */
    bool sgx_twice;
};

struct pki_crl {
    const char *issuer;
    enum pki_key signer;
    uint64_t this_update;
    uint64_t next_update; /* 0: none */
    long number;          /* -1: none */
    uint64_t revoked;     /* a serial number; 0: none */
    bool revoked_removed; /* with reason removeFromCRL */
    bool entry_critical;  /* the entry has an unknown critical extension */
    bool delta;           /* with a critical delta CRL indicator */
    enum pki_aki aki;
    int form; /* 0 DER, 1 PEM, 2 hexadecimal */
};

/* What the SGX extension says. */
struct pki_ext {
    uint8_t comp[16];
    uint16_t pcesvn;
    uint8_t fmspc[6];
    uint8_t pceid[2];
    bool platform;
    bool cached_keys;   /* the other two flags are set */
    const uint8_t *raw; /* instead of all above: the extension's value */
    size_t raw_len;
};

#define PKI_LEVELS 8

struct pki_level {
    const char *status; /* NULL ends the list */
    uint8_t sgx[16];
    uint16_t pcesvn;
    uint8_t tdx[16];
    const char *advisory;
};

struct pki_isv {
    const char *status; /* NULL ends the list */
    unsigned isvsvn;
    const char *advisory;
};

struct pki_module {
    const char *id; /* NULL ends the list */
    uint8_t mrsigner;
    uint8_t attributes;
    struct pki_isv levels[PKI_LEVELS];
};

struct pki_spec {
    struct pki_cert root;
    struct pki_cert ca;
    struct pki_cert pck;
    struct pki_cert tcb;      /* the signer of both documents */
    struct pki_cert tcb_root; /* the root in the documents' chains */
    struct pki_ext ext;
    struct pki_crl root_crl;
    struct pki_crl pck_crl;
    /* chains */
    const char *pck_order; /* letters: l leaf, c CA, r root, o the document signer */
    const char *tcb_order; /* s signer, r root, c CA */
    const char *qe_order;
    bool give_chain; /* beside the quote as well */
    /* TCB info */
    unsigned tcb_version;
    const char *tcb_id; /* of version 3 */
    uint8_t tcb_fmspc[6];
    uint8_t tcb_pceid[2];
    unsigned tcb_evaluation;
    unsigned tcb_type;
    unsigned tcb_components; /* 16 */
    uint64_t tcb_issued;
    uint64_t tcb_next;
    struct pki_level levels[PKI_LEVELS];
    bool no_module;
    uint8_t module_mrsigner;
    uint8_t module_attributes;
    struct pki_module modules[PKI_LEVELS];
    enum pki_key tcb_signer;
    const char *tcb_body; /* instead of all above */
    /* QE identity */
    unsigned qe_version;
    const char *qe_id;
    unsigned qe_evaluation;
    uint64_t qe_issued;
    uint64_t qe_next;
    uint8_t qe_mrsigner;
    unsigned qe_isvprodid;
    uint8_t qe_misc;
    uint8_t qe_attr;      /* first byte; the rest 0 */
    uint8_t qe_attr_mask; /* first byte; the rest ff */
    struct pki_isv qe_levels[PKI_LEVELS];
    enum pki_key qe_signer;
    const char *qe_body;
    /* quote */
    unsigned version;
    unsigned body_type;
    uint8_t header[48];
    uint8_t body[885];
    uint8_t qe_report[384];
    bool keep_report_data; /* do not compute the QE's */
    uint8_t qe_auth[32];
    size_t qe_auth_len;
    enum pki_key qe_report_signer;
    enum pki_key quote_signer;
    unsigned cert_type;
    bool trailing_nul; /* behind the chain in the quote */
};

struct pki_bundle {
    struct cm_span quote;
    struct cm_dcap_collateral col;
    struct cm_span root_pem;
    struct cm_span pck_chain;  /* as in the quote */
    struct cm_trust_root root; /* family sgx, not emulated */
    void *owned[16];
    size_t owned_count;
};

/** A genuine, up-to-date platform. body_type as in quote version 5: 1 SGX, 2 to 4 TD. */
void pki_defaults(struct pki_spec *s, unsigned version, unsigned body_type);

/** Everything signed. Ends the process when OpenSSL fails: a test cannot go on. */
struct pki_bundle *pki_make(const struct pki_spec *s);
void pki_free(struct pki_bundle *b);

/** SHA-256 of a key's SubjectPublicKeyInfo. */
void pki_spki(enum pki_key key, uint8_t out[32]);

/** The value of the SGX extension; returns its length (at most 1024). */
size_t pki_sgx_extension(const struct pki_ext *e, uint8_t *out);

/** A signed document: {"<name>":<body>,"signature":"..."}; malloced. */
char *pki_signed_json(const char *name, const char *body, enum pki_key signer);

/** The bodies that pki_make() signs; malloced. */
char *pki_tcb_body(const struct pki_spec *s);
char *pki_qe_body(const struct pki_spec *s);

/** ECDSA over SHA-256, r || s. */
void pki_sign(enum pki_key key, const void *data, size_t len, uint8_t out[64]);

/** Write the bundle as files of the names that `casemate verify --collateral DIR` reads. */
bool pki_write(const struct pki_bundle *b, const char *dir);

/* private to pki*.c */
void *pki_evp(enum pki_key key);
void pki_must(bool ok, const char *what);

#endif
