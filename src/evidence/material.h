/*
 * What every format's verifier is given and how it is called: src/verify holds the table of them.
 *
 *   bool cm_X_recognise(struct cm_span bytes);      looks at magic and lengths only; never guesses
 *   enum cm_status cm_X_verify(const struct cm_verify_job *job, struct cm_evidence *ev, size_t submod);
 *
 * A verifier adds claims and checks to its submodule (and submodules of its own behind it, with their
 * bindings), and returns CM_OK or the status of the first required check that failed. What cannot be
 * taken apart returns CM_ERR_FORMAT, CM_ERR_UNSUPPORTED or CM_ERR_LIMIT after a failed check that says
 * where. An input that a required check needs and that was not given is a failed check with
 * CM_ERR_NOTFOUND; a nonce that was not given is CM_CHECK_NOT_CHECKED and refuses nothing.
 */
#ifndef CM_EVIDENCE_MATERIAL_H
#define CM_EVIDENCE_MATERIAL_H

#include <casemate/verify.h>

#include "common/span.h"

/**
 * [text] repeated: the label of a measurement whose value means nothing on this device, so that reference
 * values are not compared with it. Counts only once the verifier has raised it.
 */
#define CM_CLAIM_EXEMPT "reference.exempt"

/** The nth (from 0) material of a kind; NULL beyond the last. */
const struct cm_material *cm_material(const struct cm_verify_job *job, enum cm_material_kind kind,
                                      size_t nth);

/** The caller's root of that family with that SHA-256 of its SubjectPublicKeyInfo; NULL: not trusted. */
const struct cm_trust_root *cm_root_find(const struct cm_verify_input *in, const char *family,
                                         const uint8_t spki_sha256[32]);

/**
 * The check "nonce" of a submodule: what the evidence holds against in->report_data, in constant time.
 * A field of fixed size (exact false) is compared over the expected length; a text or byte string of the
 * attester's own length (exact true) must be equal as a whole. @return CM_OK also when none was expected
 */
CM_MUST_USE enum cm_status cm_check_nonce(const struct cm_verify_input *in, struct cm_evidence *ev,
                                          size_t submod, struct cm_span held, bool exact);

#endif
