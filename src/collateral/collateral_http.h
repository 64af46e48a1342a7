/*
 * One HTTP GET, bounded in everything, over libcurl (loaded at run time). The server is UNTRUSTED,
 * also when its certificate is good: what it serves is signed by others or worthless.
 */
#ifndef CM_COLLATERAL_HTTP_H
#define CM_COLLATERAL_HTTP_H

#include <casemate/status.h>
#include <stdbool.h>

#include "common/span.h"

#define CM_HTTP_MAX_BODY    ((size_t)1 << 20)
#define CM_HTTP_MAX_HEADERS ((size_t)64 * 1024) /* of one response, all lines */
#define CM_HTTP_MAX_CHAIN   ((size_t)16 * 1024) /* decoded */
#define CM_HTTP_REDIRECTS   3

/* A client: one connection that is kept between requests. Not thread-safe. */
struct cm_http;

struct cm_http_options {
    const char *ca_file;      /* PEM, instead of the system's; NULL */
    unsigned timeout_ms;      /* of one request, everything included */
    const char *subscription; /* send it as "Ocp-Apim-Subscription-Key"; NULL */
    bool metadata;            /* send "Metadata: true", which a cloud's local service wants */
};

/** @retval CM_ERR_NOTFOUND libcurl is absent; why says what to install */
CM_MUST_USE enum cm_status cm_http_create(const struct cm_http_options *options,
                                          struct cm_http **out, struct cm_why *why);
/** Accepts NULL. */
void cm_http_free(struct cm_http *h);

/**
 * Whether a base address may be used: https, or http to this machine or to the link-local address
 * of a cloud's metadata service; no user, query or fragment.
 * @retval CM_ERR_PARAM  why says what is wrong
 */
CM_MUST_USE enum cm_status cm_http_check_url(const char *url, struct cm_why *why);

struct cm_http_answer {
    struct cm_span body;  /* not empty */
    struct cm_span chain; /* the issuer chain's header, URL-decoded; {NULL, 0} when absent */
};

/**
 * Get. Follows at most CM_HTTP_REDIRECTS redirections, from https to https only.
 *
 * @param headers  names of headers of which one may hold the issuer chain, NULL-terminated; or NULL.
 * @param out      set on CM_OK; belongs to h until the next call.
 * @retval CM_ERR_NOTFOUND status 404 or 410     @retval CM_ERR_BUSY   429 or 503
 * @retval CM_ERR_DENIED   401, 403, or a server whose certificate is not trusted
 * @retval CM_ERR_FORMAT   an answer that is none, an empty body, a chain that is not text
 * @retval CM_ERR_LIMIT    a body or headers beyond the limits
 * @retval CM_ERR_IO       no connection, too slow, any other status
 */
CM_MUST_USE enum cm_status cm_http_get(struct cm_http *h, const char *url,
                                       const char *const *headers, struct cm_http_answer *out,
                                       struct cm_why *why);

#endif
