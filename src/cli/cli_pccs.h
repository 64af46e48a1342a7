/*
 * The PCCS REST API (Intel's Provisioning Certificate Caching Service, versions 3 and 4) over the
 * emulated platform's collateral: what to answer, apart from the server that carries it.
 */
#ifndef CM_CLI_PCCS_H
#define CM_CLI_PCCS_H

#include <casemate/status.h>
#include <stdint.h>

#include "emuplat/emuplat_admin.h"

#define CM_PCCS_MAX_URI     4096u
#define CM_PCCS_MAX_HEADERS 6u

enum cm_pccs_method {
    CM_PCCS_READ,  /* GET, HEAD */
    CM_PCCS_BODY,  /* anything with a body: nobody has anything to send */
    CM_PCCS_OTHER, /* anything else: nothing can be changed over the network */
};

struct cm_pccs_header {
    const char *name;
    char *value; /* owned */
};

/* An answer; everything in it is its own. */
struct cm_pccs_answer {
    int status; /* of HTTP */
    const char *reason;
    const char *content_type;
    struct cm_pccs_header headers[CM_PCCS_MAX_HEADERS];
    size_t header_count;
    uint8_t *body; /* owned */
    size_t body_len;
};

/**
 * Answer a request.
 *
 * @param uri   UNTRUSTED: path and query as the client wrote them.
 * @param info  what is served.
 * @param out   set on CM_OK, whatever its status; cm_pccs_answer_free() it in any case.
 * @retval CM_ERR_NOMEM  (everything else is an answer)
 *
 * Statuses: 200; 400 malformed or missing parameters; 404 not known to this platform; 405 another
 * method; 410 an evaluation number of the past; 413 a body; 414 a URI above CM_PCCS_MAX_URI.
 */
CM_MUST_USE enum cm_status cm_pccs_answer(enum cm_pccs_method method, const char *uri,
                                          const struct cm_emuplat_info *info,
                                          struct cm_pccs_answer *out);

/** Also one that is all zero. */
void cm_pccs_answer_free(struct cm_pccs_answer *a);

/*
 * glibc's arc4random() and arc4random_buf() for the libevent that is linked in: the real ones came
 * with glibc 2.36, and our tools run with older ones. The build puts these in their place.
 */
uint32_t cm_pccs_random_u32(void);
void cm_pccs_random_buf(void *out, size_t n);

/** The answer when the platform's state cannot be had. */
void cm_pccs_answer_failed(struct cm_pccs_answer *out);

#endif
