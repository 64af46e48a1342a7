/* Collateral in files: what offline machines are given, and what people look at. */
#ifndef CM_COLLATERAL_FILES_H
#define CM_COLLATERAL_FILES_H

#include "collateral/collateral_parts.h"

/** The name of a part in a folder: "tcb_info.json". */
const char *cm_part_file(enum cm_collateral_part part);

/**
 * From a folder (file names of docs/evidence.md) or a JSON bundle.
 * @param path  UNTRUSTED content.
 * @param out   set only on CM_OK, otherwise NULL.
 * @retval CM_ERR_NOTFOUND a part is missing; why names it   @retval CM_ERR_FORMAT, CM_ERR_LIMIT
 */
CM_MUST_USE enum cm_status cm_parts_load(const char *path, struct cm_collateral_parts **out,
                                         struct cm_why *why);

/** The same from the text of a JSON bundle. @retval CM_ERR_SYNTAX  not JSON; others as above */
CM_MUST_USE enum cm_status cm_parts_read(struct cm_span text, struct cm_collateral_parts **out,
                                         struct cm_why *why);

/**
 * Into a folder that exists, as files; or as one JSON bundle, atomically.
 * @retval CM_ERR_FORMAT a part is no text where it should be   @retval CM_ERR_IO, CM_ERR_NOMEM
 */
CM_MUST_USE enum cm_status cm_parts_save(const struct cm_collateral_parts *parts, const char *path,
                                         struct cm_why *why);

#endif
