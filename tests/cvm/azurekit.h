/* Azure's evidence of our own: HCL report, runtime data, vTPM quote; every field is the test's to change. */
#ifndef CM_TESTS_AZUREKIT_H
#define CM_TESTS_AZUREKIT_H

#include "pki.h"
#include "snpkit.h"

/* an HCL report over an SNP report of ours, and a quote */
struct vm {
    struct sk_world snp;
    uint32_t version;
    uint32_t request;
    uint32_t status;
    uint32_t kind;
    uint32_t hash;
    int var_extra; /* added to the length that is claimed */
    size_t hashed; /* bytes of runtime data that are hashed; 0: all */
    uint8_t tail;  /* byte behind the hash in report data */
    const char *kid;
    const char *more_keys;
    const char *key_ops;
    const char *user_data;
    EVP_PKEY *ak;
    EVP_PKEY *signer; /* of the quote */
    const char *nonce;
    size_t nonce_len; /* 0: it is text */
    uint32_t selected;
    bool list; /* values labelled by their place */
    uint8_t blob[4096];
    size_t blob_len;
    char runtime[2048];
    uint8_t quote[256];
    size_t quote_len;
    uint8_t signature[512];
    size_t signature_len;
    uint8_t pcrs[24 * 32];
    char json[32768];
    struct pki_bundle *td; /* kind 4: the quote and its collateral; vm_free() */
    uint8_t td_quote[16384];
    size_t td_quote_len;
    bool td_other; /* the quote has other report data */
};

void vm_init(struct vm *v);
void vm_build(struct vm *v);
/** The same as Trustee's JSON, version 1 or 2, with count values of PCRs; returns its length. */
size_t vm_json(struct vm *v, int version, size_t count);
void vm_free(struct vm *v);

#endif
