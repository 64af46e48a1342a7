/*
 * The few services of the operating system that host-side libraries and tools share.
 * Host side only; never linked into an enclave.
 */
#ifndef CM_OS_H
#define CM_OS_H

#include <casemate/status.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/span.h"

/**
 * Read a whole regular file. *out is allocated with malloc and one zero byte follows the data
 * (so that text can be used as a string); the caller frees it. From 64 KiB on it is page aligned.
 * @retval CM_ERR_NOTFOUND no such file   @retval CM_ERR_LIMIT larger than max
 * @retval CM_ERR_IO anything else that the system said (why names it)
 */
CM_MUST_USE enum cm_status cm_file_read(const char *path, size_t max, uint8_t **out,
                                        size_t *out_len, struct cm_why *why);

/**
 * The same for a file that holds the user's secrets: it must be his, a regular file (no link to
 * one), and closed to everybody else. What was checked is what is read.
 * @retval CM_ERR_DENIED it is not   Otherwise as above.
 */
CM_MUST_USE enum cm_status cm_file_read_private(const char *path, size_t max, uint8_t **out,
                                                size_t *out_len, struct cm_why *why);

/**
 * Write a file so that a reader sees the old or the new content and never a part: temporary file
 * in the same folder, fsync, rename. Nothing is left behind on failure.
 */
CM_MUST_USE enum cm_status cm_file_write_atomic(const char *path, struct cm_span data,
                                                uint32_t mode, struct cm_why *why);

/**
 * Write a file that does not exist yet; when somebody else was first, theirs stays and this is
 * CM_OK: read it back. Whole or not at all, as above. For secrets that are made at first use.
 */
CM_MUST_USE enum cm_status cm_file_create_once(const char *path, struct cm_span data, uint32_t mode,
                                               struct cm_why *why);

/** Whether both paths lead to the same existing file. */
bool cm_file_same(const char *a, const char *b);

/**
 * For the end of a tool's main(): have all bytes that were printed to standard output reached it? A
 * full disk or a closed descriptor shows only here, because printing is buffered. Flushes.
 * @retval CM_ERR_IO some were lost (why names the cause, as far as it is known)
 */
CM_MUST_USE enum cm_status cm_stdout_finish(struct cm_why *why);

/**
 * The folder that holds this user's Casemate state (platform secret, debug signer): the variable
 * CASEMATE_STATE_DIR, else XDG_STATE_HOME/casemate, else HOME/.local/state/casemate, else the same
 * below the home folder of the system's user database. An empty variable is as if it were not set,
 * and so is a relative XDG_STATE_HOME or HOME. Created with mode 0700 when missing.
 *
 * @retval CM_ERR_PARAM     CASEMATE_STATE_DIR is a relative path
 * @retval CM_ERR_NOTFOUND  no variable, and the user has no home folder
 * @retval CM_ERR_DENIED    it belongs to another user, or others may write to it
 * @retval CM_ERR_LIMIT     the path is longer than cap
 * @retval CM_ERR_IO        it cannot be made or looked at
 */
CM_MUST_USE enum cm_status cm_state_dir(char *out, size_t cap, struct cm_why *why);

/* A function of a library that is loaded at run time. */
struct cm_library_symbol {
    const char *name;
    void *slot; /* a pointer to a function; set to NULL when the library has no such */
    bool required;
};

/**
 * Load a library for the rest of the process and look its functions up.
 *
 * @param soname   as the dynamic loader finds it.
 * @param package  the Debian or Ubuntu package that has it, for the message.
 * @retval CM_ERR_NOTFOUND no such library   @retval CM_ERR_PLATFORM it cannot be used
 */
CM_MUST_USE enum cm_status cm_library_load(const char *soname, const char *package,
                                           const struct cm_library_symbol *symbols, size_t count,
                                           struct cm_why *why);

#endif
