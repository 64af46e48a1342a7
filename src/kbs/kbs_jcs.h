/*
 * JSON in the canonical form of RFC 8785: what is bound to evidence is a hash of it. Values come from our own
 * strict reader, so that nothing which the RFC excludes (duplicate names, lone surrogates, U+0000) gets here.
 */
#ifndef CM_KBS_KBS_JCS_H
#define CM_KBS_KBS_JCS_H

#include "token/json.h"

/**
 * Write a value in canonical form.
 * @param out  set only on CM_OK; not ended by a NUL; the caller frees it.
 * @retval CM_ERR_LIMIT  a number beyond what IEEE 754 doubles hold   @retval CM_ERR_PARAM absent
 */
CM_MUST_USE enum cm_status cm_jcs(struct cm_json_value v, uint8_t **out, size_t *len);

/** The same of a text, which is parsed first. @retval as of cm_json_parse() */
CM_MUST_USE enum cm_status cm_jcs_text(struct cm_span text, uint8_t **out, size_t *len,
                                       struct cm_why *why);

/**
 * A number as ECMAScript writes it (Number::toString).
 * @param text  a JSON number @param out  NUL-terminated @retval CM_ERR_LIMIT it is no finite double
 */
#define CM_JCS_NUMBER_CAP 32
CM_MUST_USE enum cm_status cm_jcs_number(struct cm_span text, char out[CM_JCS_NUMBER_CAP]);

#endif
