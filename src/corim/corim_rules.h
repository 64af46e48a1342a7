/* Private to src/corim: what a CoMID must look like, and its parts by name. */
#ifndef CM_CORIM_CORIM_RULES_H
#define CM_CORIM_CORIM_RULES_H

#include "corim/corim.h"

/* concise-mid-tag */
#define MID_TAG_IDENTITY   1
#define MID_TRIPLES        4
#define TRIPLES_REFERENCE  0
#define TRIPLES_ENDORSED   1
#define TRIPLES_IDENTITY   2
#define TRIPLES_ATTEST_KEY 3
/* environment-map, class-map */
#define ENV_CLASS    0
#define ENV_INSTANCE 1
#define ENV_GROUP    2
#define CLASS_ID     0
#define CLASS_VENDOR 1
#define CLASS_MODEL  2
#define CLASS_LAST   4
/* measurement-map, measurement-values-map */
#define MEAS_KEY       0
#define MEAS_VALUES    1
#define VAL_VERSION    0
#define VAL_SVN        1
#define VAL_DIGESTS    2
#define VAL_FLAGS      3
#define VAL_RAW        4
#define VAL_RAW_MASK   5
#define VAL_NAME       11
#define VAL_CRYPTOKEYS 13
#define VAL_REGISTERS  14
#define VERSION_TEXT   0
#define KEY_TEXT       0 /* of a key as a map, in earlier drafts */
#define VERSION_SCHEME 1
/* tags */
#define TAG_UUID        37
#define TAG_OID         111
#define TAG_UEID        550
#define TAG_SVN         552
#define TAG_MIN_SVN     553
#define TAG_PKIX_KEY    554
#define TAG_COSE_KEY    558
#define TAG_BYTES       560
#define TAG_MASKED_RAW  563
#define TAG_IMPL_ID     600 /* of Arm's profiles before 2025 */
#define TAG_REFVAL_ID   601
#define TAG_CONFIG_NAME 602

/** The item under a tag of that number; absent for anything else. */
struct cm_cbor_value cm_corim_untag(struct cm_cbor_value v, uint64_t tag);
/** The byte string under a tag of that number; {NULL, 0} for anything else. */
struct cm_span cm_corim_tagged(struct cm_cbor_value v, uint64_t tag);

/** The digest size of an algorithm of the IANA registry of named information hashes; 0: unknown. */
size_t cm_corim_hash_size(uint64_t alg);
/** The usual name of an algorithm, in number or as text; "" when it is none we compare. */
void cm_corim_hash_name(struct cm_cbor_value alg, char out[32]);

/** Whether a CoMID has the form that it must have, and obeys its manifest's profile. */
CM_MUST_USE enum cm_status cm_corim_check_mid(struct cm_cbor_value mid,
                                              enum cm_corim_profile profile, struct cm_why *why);

#endif
