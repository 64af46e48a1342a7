/*
 * The stack of the calling thread, frame by frame, for messages about a broken enclave. Nothing is
 * trusted: each frame must lie above the one before, on this thread's stack, and each return address in
 * the image; the list ends where one does not.
 */
#ifndef CM_ENCLAVE_FRAMES_H
#define CM_ENCLAVE_FRAMES_H

#include <stddef.h>
#include <stdint.h>

/**
 * @param rip  Comes first, unless it is 0.
 * @param rbp  Of the innermost frame.
 * @return     How many of at most max addresses are in out.
 *
 * No allocation, no ocall; serves the first level of exceptions too.
 */
size_t cm_frames(uint64_t rip, uint64_t rbp, uint64_t *out, size_t max);

/**
 * Tell the host, in memory that it gave for this ecall, which functions were active: only an enclave with
 * the DEBUG attribute does, since return addresses say what secrets decided.
 *
 * @return How many addresses stand at the beginning of the thread's arena.
 */
size_t cm_frames_tell(uint64_t rip, uint64_t rbp);

#endif
