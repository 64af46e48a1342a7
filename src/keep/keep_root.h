/*
 * Private to src/keep: the ways in which a root key is had. A way makes a new root key, or finds it again
 * by the note that it left in the store when it made it. The note is no secret, and UNTRUSTED: whoever can
 * write to the store wrote it.
 */
#ifndef CM_KEEP_KEEP_ROOT_H
#define CM_KEEP_KEEP_ROOT_H

#include <casemate/status.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/span.h"

#define CM_ROOT_SIZE     32u
#define CM_ROOT_NOTE_MAX 8192u
#define CM_ROOT_SAYS_MAX 256u

struct cm_root_note {
    uint8_t bytes[CM_ROOT_NOTE_MAX];
    size_t len;
};

/* A root key in use; wiped by whoever has it. */
struct cm_root {
    uint8_t key[CM_ROOT_SIZE];
    char says[CM_ROOT_SAYS_MAX];
    bool emulated;
};

struct cm_root_way {
    const char *scheme; /* in front of the colon */
    uint8_t number;     /* in the store: never changes */
    const char *says;   /* for messages: "a file" */
    /** @param rest  what stands behind the scheme; of a URI (whole) all of it. */
    enum cm_status (*make)(const char *rest, struct cm_root_note *note, struct cm_root *root,
                           struct cm_why *why);
    enum cm_status (*find)(const char *rest, const struct cm_root_note *note, struct cm_root *root,
                           struct cm_why *why);
    bool whole;
    /** A quote of the enclave over data and zeros; malloc'd. NULL: this way has no enclave. */
    enum cm_status (*quote)(const char *rest, const struct cm_root_note *note,
                            const uint8_t data[32], uint8_t **out, size_t *len, struct cm_why *why);
};

extern const struct cm_root_way cm_root_file;
extern const struct cm_root_way cm_root_phrase;
extern const struct cm_root_way cm_root_token;
extern const struct cm_root_way cm_root_enclave;
extern const struct cm_root_way cm_root_enclave_exact;

/**
 * Wrap and unwrap as keep.h says, with the key given.
 * @retval as of cm_keep_wrap(), cm_keep_unwrap()
 */
CM_MUST_USE enum cm_status cm_keep_wrap_with(const uint8_t key[CM_ROOT_SIZE], const char *name,
                                             struct cm_span plain, uint8_t *out, size_t cap,
                                             size_t *len);
CM_MUST_USE enum cm_status cm_keep_unwrap_with(const uint8_t key[CM_ROOT_SIZE], const char *name,
                                               struct cm_span wrapped, uint8_t *out, size_t cap,
                                               size_t *len);

#endif
