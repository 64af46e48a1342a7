/*
 * What an EPID signature consists of. Names for programs that mention them, and nothing more: Intel has
 * ended the EPID service, no attester here makes such evidence and every verifier refuses it.
 * Multi-byte numbers in these structures are big endian.
 */
#ifndef _OE_BITS_SGX_EPID_H
#define _OE_BITS_SGX_EPID_H

#include "../defs.h"
#include "../types.h"

OE_EXTERNC_BEGIN

OE_PACK_BEGIN

typedef struct _sgx_epid_oct_str32 {
    uint8_t data[4];
} sgx_epid_oct_str32_t;

typedef struct _sgx_epid_oct_str256 {
    uint8_t data[32];
} sgx_epid_oct_str256_t;

/** Elements of the fields F(q) and F(p). */
typedef struct _sgx_epid_fq_elem_str {
    sgx_epid_oct_str256_t data;
} sgx_epid_fq_elem_str_t;

typedef struct _sgx_epid_fp_elem_str {
    sgx_epid_oct_str256_t data;
} sgx_epid_fp_elem_str_t;

/** A point of the group G1. */
typedef struct _sgx_epid_g1_elem_str {
    sgx_epid_fq_elem_str_t x;
    sgx_epid_fq_elem_str_t y;
} sgx_epid_g1_elem_str_t;

/** The part of a signature that does not depend on revocation lists. */
typedef struct _sgx_epid_basic_signature {
    sgx_epid_g1_elem_str_t B;
    sgx_epid_g1_elem_str_t K;
    sgx_epid_g1_elem_str_t T;
    sgx_epid_fp_elem_str_t c;
    sgx_epid_fp_elem_str_t sx;
    sgx_epid_fp_elem_str_t sf;
    sgx_epid_fp_elem_str_t sa;
    sgx_epid_fp_elem_str_t sb;
} sgx_epid_basic_signature_t;

/** A proof that the signer is not the one of an entry of the list of revoked signatures. */
typedef struct _sgx_epid_nr_proof {
    sgx_epid_g1_elem_str_t T;
    sgx_epid_fp_elem_str_t c;
    sgx_epid_fp_elem_str_t smu;
    sgx_epid_fp_elem_str_t snu;
} sgx_epid_nr_proof_t;

typedef struct _sgx_epid_signature {
    sgx_epid_basic_signature_t sigma0;
    sgx_epid_oct_str32_t rl_ver; /**< version of the revocation list */
    sgx_epid_oct_str32_t n2;     /**< number of proofs that follow */
    OE_ZERO_SIZED_ARRAY sgx_epid_nr_proof_t sigma[0];
} sgx_epid_signature_t;

typedef struct _sgx_epid_sig_rl_entry {
    sgx_epid_g1_elem_str_t b;
    sgx_epid_g1_elem_str_t k;
} sgx_epid_sig_rl_entry_t;

/** The list of revoked signatures; n2 entries, of which the structure holds the first. */
typedef struct _sgx_epid_sig_rl {
    sgx_epid_oct_str32_t gid[4]; /**< the group */
    uint8_t rlver[4];
    uint8_t n2[4];
    sgx_epid_sig_rl_entry_t bk[1];
} sgx_epid_sig_rl_t;

OE_PACK_END

OE_CHECK_SIZE(sizeof(sgx_epid_basic_signature_t), 352);
OE_CHECK_SIZE(sizeof(sgx_epid_nr_proof_t), 160);

OE_EXTERNC_END

#endif
