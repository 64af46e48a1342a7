/*
 * CoRIM and CoMID files (draft-ietf-rats-corim): reference values and keys. The files are the caller's
 * (CM_MATERIAL_REFERENCE); a signed one counts only if an enrolled key (CM_MATERIAL_KEY) verifies it.
 * docs/evidence-corim.md says what is compared with what.
 *
 * NOT promised: linked tags, dependent manifests, CoSWID and conditional endorsements are not followed.
 */
#ifndef CM_CORIM_CORIM_H
#define CM_CORIM_CORIM_H

#include "evidence/enrolled.h"
#include "evidence/material.h"
#include "token/cbor_own.h"
#include "token/cose.h"

#define CM_CORIM_MAX_BYTES (4u << 20)
#define CM_CORIM_MAX_TAGS  64

/* What a manifest's profile demands beyond the format itself. */
enum cm_corim_profile {
    CM_CORIM_PROFILE_NONE = 0, /* none, or none that is known: no rules of its own */
    CM_CORIM_PROFILE_CCA_PLATFORM,
    CM_CORIM_PROFILE_CCA_REALM,
    CM_CORIM_PROFILE_PSA,
};

/* A file taken apart. Not movable. */
struct cm_corim {
    struct cm_cbor_own message; /* of a signed one: the COSE_Sign1 */
    struct cm_cose_sign1 sign1;
    bool is_signed;
    struct cm_cbor_own manifest;
    enum cm_corim_profile profile;
    bool has_not_before;
    bool has_not_after;
    uint64_t not_before;
    uint64_t not_after;
    struct cm_cbor_own tags[CM_CORIM_MAX_TAGS]; /* the CoMIDs */
    size_t tag_count;
};

/** Whether the bytes begin like a CoRIM or a CoMID; a look at the first bytes only. */
bool cm_corim_recognise(struct cm_span bytes);

/**
 * Take a file apart and check its form and its profile's rules: an unsigned manifest (tag 501), a
 * signed one (COSE_Sign1, also within tags 500 and 502), or a CoMID alone (tag 506 or none).
 *
 * @param bytes  borrowed as long as out is used.
 * @param out    freed by the caller with cm_corim_free(), also after a failure.
 * @retval CM_ERR_FORMAT  malformed, or against its profile's rules
 * @retval CM_ERR_LIMIT   beyond the limits above   @retval CM_ERR_UNSUPPORTED  see cbor.h, cose.h
 */
CM_MUST_USE enum cm_status cm_corim_parse(struct cm_span bytes, struct cm_corim *out,
                                          struct cm_why *why);
void cm_corim_free(struct cm_corim *c);

/**
 * Whether a file may be believed: a signed one is verified under the enrolled keys that name no device,
 * and its period of validity must hold at that time. An unsigned one is believed because the caller
 * gave it.
 * @retval CM_ERR_NOTFOUND no key   @retval CM_ERR_SIGNATURE   @retval CM_ERR_EXPIRED
 */
CM_MUST_USE enum cm_status cm_corim_trusted(const struct cm_corim *c,
                                            const struct cm_verify_job *job, struct cm_why *why);

/**
 * Try the keys that CoRIM files among the materials give for a device (attest key triples). A triple
 * counts only if its instance id is the device's, or, where it names none, its class id is the
 * device's implementation id.
 * @return as of cm_enrolled_find(); a file that is malformed or not to be believed is an error
 */
CM_MUST_USE enum cm_status cm_corim_find_key(const struct cm_verify_job *job,
                                             const struct cm_enrolled_query *query,
                                             cm_enrolled_try try_key, void *ctx,
                                             struct cm_why *why);

/**
 * Compare all claims with the reference values of the CoRIM files among the materials, as required
 * checks of the submodules that they are about: "reference.software", "reference.measurement" and
 * "reference.register" (one a name), and on the first submodule "reference.file" and
 * "reference.environment" (nothing in the files is about this evidence). Nothing is added when no CoRIM
 * file was given. To be called after a format's verifier.
 *
 * @return CM_OK or the status of the first check that failed
 */
CM_MUST_USE enum cm_status cm_reference_check(const struct cm_verify_job *job,
                                              struct cm_evidence *ev);

#endif
