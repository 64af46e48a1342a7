/*
 * Rollback floors between runs: the highest evaluation numbers, dates and list numbers that were
 * ever verified, in a file of the verifier's own. Who can write or remove the file can roll back.
 */
#ifndef CM_COLLATERAL_FLOOR_FILE_H
#define CM_COLLATERAL_FLOOR_FILE_H

#include <casemate/evidence.h>

#define CM_FLOORS_MAX 4096u

/* A file with its lock: other holders wait, so nothing rises unseen between reading and writing. */
struct cm_floor_file;

/**
 * Lock and read. A file that does not exist holds no floors. The lock is "PATH.lock" beside it.
 *
 * @param out  set only on CM_OK, otherwise NULL.
 * @retval CM_ERR_FORMAT  the file is damaged: it is never replaced; why says what to do
 * @retval CM_ERR_LIMIT   more than CM_FLOORS_MAX   @retval CM_ERR_IO, CM_ERR_NOMEM
 */
CM_MUST_USE enum cm_status cm_floor_file_open(const char *path, struct cm_floor_file **out,
                                              struct cm_why *why);

/** Unlock. Accepts NULL. */
void cm_floor_file_close(struct cm_floor_file *f);

/** What was read and raised, for struct cm_verify_input; belongs to f. */
const struct cm_floor *cm_floor_file_floors(const struct cm_floor_file *f, size_t *count);

/**
 * Raise to what a verification reached and write the file, if anything rose. Nothing ever falls.
 * @retval CM_ERR_LIMIT, CM_ERR_NOMEM, CM_ERR_IO  the file is as it was
 */
CM_MUST_USE enum cm_status cm_floor_file_raise(struct cm_floor_file *f,
                                               const struct cm_evidence *ev, struct cm_why *why);

#endif
