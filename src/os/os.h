/*
 * The few services of the operating system that host-side libraries and tools share.
 * Host side only; never linked into an enclave.
 */
#ifndef CM_OS_H
#define CM_OS_H

#include <casemate/status.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "common/span.h"

/**
 * Read a whole regular file; a pipe or a device is refused, and never waited for. *out is allocated
 * with malloc and one zero byte follows the data (so that text can be used as a string); the caller
 * frees it. From 64 KiB on it is page aligned.
 * @retval CM_ERR_NOTFOUND no such file   @retval CM_ERR_LIMIT larger than max
 * @retval CM_ERR_IO anything else that the system said (why names it)
 */
CM_MUST_USE enum cm_status cm_file_read(const char *path, size_t max, uint8_t **out,
                                        size_t *out_len, struct cm_why *why);

/**
 * The same for a file that the one at `path` names, in that one's folder.
 *
 * @param name  UNTRUSTED, not terminated. CM_ERR_PARAM with a '/' or a zero in it, or when empty.
 * @retval CM_ERR_UNSUPPORTED  path is a descriptor's (/proc/self/fd/N), which has no folder
 */
CM_MUST_USE enum cm_status cm_file_read_beside(const char *path, struct cm_span name, size_t max,
                                               uint8_t **out, size_t *out_len, struct cm_why *why);

/**
 * The same as cm_file_read for a file that holds the user's secrets: it must be his, a regular file (no link to
 * one), and closed to everybody else. What was checked is what is read.
 * @retval CM_ERR_DENIED it is not   Otherwise as above.
 */
CM_MUST_USE enum cm_status cm_file_read_private(const char *path, size_t max, uint8_t **out,
                                                size_t *out_len, struct cm_why *why);

/*
 * A file that is written and on the disk but has no name yet: it vanishes when the process ends,
 * however that happens (where the file system has O_TMPFILE). Begin with fd -1 and NULL pointers.
 */
struct cm_draft {
    int fd;
    char *path;
    char *temp; /* its name until it is published, where it needs one, or NULL */
};

/**
 * Write the bytes of a draft for path. mode is what open(2) takes: the caller's umask applies, so
 * 0666 for what anyone may read and 0600 for keys.
 *
 * @param d  set only on CM_OK; end it with cm_draft_publish() or cm_draft_drop()
 * @retval CM_ERR_IO the system's reason is in why   @retval CM_ERR_NOMEM
 */
CM_MUST_USE enum cm_status cm_draft_write(struct cm_draft *d, const char *path, struct cm_span data,
                                          uint32_t mode, struct cm_why *why);

/**
 * Give a draft its name and end it, on failure too. A reader of path sees the old or the new content.
 *
 * @param replace  whether a file that is there goes away; else it stays
 * @retval CM_ERR_EXISTS  it stayed   @retval CM_ERR_IO   @retval CM_ERR_NOMEM
 */
CM_MUST_USE enum cm_status cm_draft_publish(struct cm_draft *d, bool replace, struct cm_why *why);

/** End a draft that gets no name. */
void cm_draft_drop(struct cm_draft *d);

/**
 * Write a file so that a reader sees the old or the new content and never a part. mode as above. What
 * is no regular file (a device, a pipe) is written to. Nothing is left behind on failure.
 */
CM_MUST_USE enum cm_status cm_file_write_atomic(const char *path, struct cm_span data,
                                                uint32_t mode, struct cm_why *why);

/**
 * Write a file that does not exist yet; when somebody else was first, theirs stays and this is
 * CM_OK: read it back. Whole or not at all, as above. For secrets that are made at first use.
 */
CM_MUST_USE enum cm_status cm_file_create_once(const char *path, struct cm_span data, uint32_t mode,
                                               struct cm_why *why);

/**
 * Wait for a lock that one holder has at a time, among threads and processes; it ends with the
 * process at the latest.
 *
 * @param path  a file of its own, made when missing and never removed: what is replaced as a whole
 *              cannot be its own lock.
 * @param fd    for cm_file_unlock(); -1 on failure. @retval CM_ERR_IO
 */
CM_MUST_USE enum cm_status cm_file_lock(const char *path, int *fd, struct cm_why *why);
/** Accepts -1. */
void cm_file_unlock(int fd);

/** Whether both paths lead to the same existing file. */
bool cm_file_same(const char *a, const char *b);

/**
 * For the end of a tool's main(): have all bytes that were printed to standard output reached it? A
 * full disk or a closed descriptor shows only here, because printing is buffered. Flushes.
 * @retval CM_ERR_IO some were lost (why names the cause, as far as it is known)
 */
CM_MUST_USE enum cm_status cm_stdout_finish(struct cm_why *why);

/** Print len bytes; all that are not printable ASCII as \xNN, since a terminal would obey some. */
void cm_print_escaped(FILE *to, const char *text, size_t len);

/**
 * Print a text behind a lead and end the line: escaped as above, and broken at blanks so that lines
 * fit 80 columns. A word that is longer than a line (a path) stays whole. The lead is printed as is.
 */
void cm_print_wrapped(FILE *to, const char *lead, const char *text);

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
