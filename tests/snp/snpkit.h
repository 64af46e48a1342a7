/*
 * SEV-SNP evidence of our own: reports, keys and certificates in AMD's formats, every field under the
 * test's control. Written from AMD's tables, not with the code under test.
 */
#ifndef CM_TESTS_SNPKIT_H
#define CM_TESTS_SNPKIT_H

#include <casemate/verify.h>

#include "certkit.h"

#define SK_EXTS 16

struct sk_world {
    /* report */
    const char *product; /* "Milan", "Genoa", "Turin", "Venice": sets cpuid and layouts */
    uint32_t version;
    uint64_t policy;
    uint32_t guest_svn;
    uint32_t vmpl;
    uint32_t algo;
    uint64_t platform;
    uint32_t flags; /* SIGNING_KEY in bits 2 to 4 */
    uint8_t report_data[64];
    uint8_t measurement[48];
    uint8_t host_data[32];
    uint8_t id_key_digest[48];
    uint8_t author_key_digest[48];
    uint8_t family_id[16];
    uint8_t image_id[16];
    uint8_t reported[8]; /* TCBs as bytes */
    uint8_t committed[8];
    uint8_t current[8];
    uint8_t launch[8];
    uint8_t cpuid[3];
    uint8_t chip_id[64];
    uint8_t current_fw[3]; /* build, minor, major */
    uint8_t committed_fw[3];
    uint64_t mit[2]; /* launch, current: version 5 */
    /* certificates */
    bool vlek;
    struct ck_cert ark;
    struct ck_cert ask;
    struct ck_cert vek;
    char names[4][32];
    uint8_t values[SK_EXTS][80]; /* of the key's extensions */
    EVP_PKEY *report_key;        /* what signs the report */
    size_t poke;                 /* offset + 1 of a byte that is set before signing; 0: none */
    uint8_t poke_value;
    /* results of sk_build */
    uint8_t report[1184 + 16384];
    size_t report_len;
    uint8_t ders[3][4096]; /* ark, ask, vek */
    size_t ders_len[3];
    struct cm_trust_root root;
    struct cm_material materials[8]; /* ark, ask, vek are the first three */
    size_t material_count;
    struct cm_verify_input in;
};

/** Genuine evidence of a product: VCEK, nothing but what must be set. */
void sk_init(struct sk_world *w, const char *product);
/** The same signed with a VLEK. */
void sk_init_vlek(struct sk_world *w, const char *product);

/** Set an extension of the key's certificate (dotted, under 1.3.6.1.4.1.3704.1, such as "3.8"). */
void sk_ext(struct sk_world *w, const char *name, const void *bytes, size_t len);
/** An INTEGER there. */
void sk_ext_int(struct sk_world *w, const char *name, uint8_t value);
void sk_ext_drop(struct sk_world *w, const char *name);

/** Make report and certificates. */
void sk_build(struct sk_world *w);
/** Sign the report's bytes as they are now. */
void sk_sign(struct sk_world *w);
/** Append a certificate table with these entries: letters v V(lek) a(sk) r(ark) c(rl: crl given). */
void sk_append_table(struct sk_world *w, const char *which, bool efi_order);

/** A raw P-384 signature as AMD writes it: r, s little endian in 72 bytes each. */
void sk_raw_signature(EVP_PKEY *key, struct cm_span data, uint8_t out[144]);
/** An AMD key structure of 0x404 bytes. */
void sk_key(EVP_PKEY *key, uint8_t out[0x404]);

/** The job over what was built. */
struct cm_verify_job sk_job(const struct sk_world *w);

#endif
