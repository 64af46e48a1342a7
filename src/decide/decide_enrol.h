/*
 * What the operator has enrolled: public keys of devices (CCA, PSA, OP-TEE, TPM, Google), and reference
 * values (CoRIM, or JSON of docs/evidence.md) that evidence is compared with. Each is for the evidence that
 * policies of one type judge, and what is enrolled there decides: evidence that differs is not genuine.
 * On a worker. Thread-safe.
 */
#ifndef CM_DECIDE_DECIDE_ENROL_H
#define CM_DECIDE_DECIDE_ENROL_H

#include "decide/decide.h"

#define CM_ENROL_MAX     512u         /* of all */
#define CM_ENROL_CONTENT (512u << 10) /* bytes of one */

/**
 * Enrol, with an audit record.
 *
 * @param name     1 to 64 printable characters, for people; one of a kind.
 * @param type     of policies, such as "Psa".
 * @param content  UNTRUSTED in form; a key or set of keys, reference values in JSON, or a CoRIM: told apart by
 *                 what it is. Whether it is of use is seen when evidence comes.
 * @param out      as in cm_decide_enrolled()
 * @retval CM_ERR_FORMAT  none of these   @retval CM_ERR_LIMIT  too large, or too many
 * @retval CM_ERR_EXISTS  the name is taken   @retval CM_ERR_PARAM  name or type; why says which
 */
CM_MUST_USE enum cm_status cm_decide_enrol(struct cm_call *call, const char *name, const char *type,
                                           struct cm_span content, json_t **out,
                                           struct cm_why *why);

/** Take away, with an audit record. @retval CM_ERR_NOTFOUND */
CM_MUST_USE enum cm_status cm_decide_unenrol(struct cm_call *call, const char *id,
                                             struct cm_why *why);

/** [{"id", "name", "type", "kind": "key"|"json"|"corim", "added_at", "author", "size", "sha256"}], by name. */
CM_MUST_USE enum cm_status cm_decide_enrolled(struct cm_db *db, json_t **out, struct cm_why *why);

/** One of them, with "content" in base64. @retval CM_ERR_NOTFOUND */
CM_MUST_USE enum cm_status cm_decide_enrolled_one(struct cm_db *db, const char *id, json_t **out,
                                                  struct cm_why *why);

#endif
