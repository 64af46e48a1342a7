/* The collateral client: cache, service, checks; see collateral_client.h. */
#include <string.h>

#include "collateral/collateral_document.h"
#include "collateral/collateral_http.h"
#include "common/try.h"

/* A fetch under way. */
struct fetch {
    const struct cm_collateral_config *config;
    const struct cm_collateral_key *key;
    struct cm_http *http; /* made at the first request */
    struct cm_collateral_parts *parts;
};

static enum cm_status keep(struct fetch *f, enum cm_document d, struct cm_document_bytes bytes)
{
    static const struct {
        enum cm_collateral_part body;
        enum cm_collateral_part chain;
    } places[CM_DOCUMENT_COUNT] = {
        [CM_DOCUMENT_TCB_INFO] = {CM_PART_TCB_INFO, CM_PART_TCB_INFO_CHAIN},
        [CM_DOCUMENT_QE_IDENTITY] = {CM_PART_QE_IDENTITY, CM_PART_QE_IDENTITY_CHAIN},
        [CM_DOCUMENT_PCK_CRL] = {CM_PART_PCK_CRL, CM_PART_COUNT},
        [CM_DOCUMENT_ROOT_CRL] = {CM_PART_ROOT_CA_CRL, CM_PART_COUNT},
    };
    enum cm_status st = CM_OK;

    CM_TRY(cm_parts_set(f->parts, places[d].body, bytes.body));
    if (places[d].chain != CM_PART_COUNT) {
        CM_TRY(cm_parts_set(f->parts, places[d].chain, bytes.chain));
    }
out:
    return st;
}

static enum cm_status from_service(struct fetch *f, enum cm_document d, const char *url,
                                   struct cm_why *why)
{
    const struct cm_http_options options = {
        .ca_file = f->config->ca_file[0] != '\0' ? f->config->ca_file : NULL,
        .timeout_ms = f->config->timeout_ms,
        .metadata = f->config->kind == CM_COLLATERAL_AZURE,
    };
    struct cm_document_bytes bytes;
    struct cm_http_answer answer;
    enum cm_status st = CM_OK;

    if (f->http == NULL) {
        CM_TRY(cm_http_create(&options, &f->http, why));
    }
    CM_TRY(cm_http_get(f->http, url, cm_document_headers(d), &answer, why));
    bytes.body = answer.body;
    bytes.chain = answer.chain;
    CM_TRY(cm_document_check(d, bytes, f->key, f->config->now, why));
    CM_TRY(keep(f, d, bytes));
    if (f->config->cache[0] != '\0') {
        /* a full disk costs another request the next time */
        (void)!cm_cache_put(f->config->cache, url, f->config->now, bytes);
    }
out:
    return st;
}

/* The service failed in a way that says nothing about the document. */
static bool unreachable(enum cm_status st)
{
    return st == CM_ERR_IO || st == CM_ERR_BUSY || st == CM_ERR_DENIED || st == CM_ERR_LIMIT ||
           st == CM_ERR_FORMAT;
}

static enum cm_status get_document(struct fetch *f, enum cm_document d, struct cm_why *why)
{
    const struct cm_collateral_config *c = f->config;
    char url[2 * CM_COLLATERAL_MAX_URL] = "";
    struct cm_why cause = {""};
    struct cm_cache_entry e;
    bool usable = false; /* the entry, at need */
    enum cm_status st = CM_OK;

    memset(&e, 0, sizeof(e));
    CM_TRY(cm_document_url(c, f->key, d, url, why));
    if (c->cache[0] != '\0' && cm_cache_get(c->cache, url, &e) == CM_OK) {
        usable = cm_document_check(d, e.bytes, f->key, c->now, NULL) == CM_OK;
    }
    /* of an entry from the future (the clock was wrong then, or is now) the age wraps, far beyond */
    if (usable && c->now - e.stored <= c->max_age) {
        CM_TRY(keep(f, d, e.bytes));
        goto out;
    }
    st = from_service(f, d, url, &cause);
    if (usable && unreachable(st)) {
        st = keep(f, d, e.bytes);
    } else if (st != CM_OK) {
        cm_why_set(why, "%s", cause.text);
    }
out:
    cm_cache_entry_free(&e);
    return st;
}

enum cm_status cm_collateral_fetch(const struct cm_collateral_config *config,
                                   const struct cm_collateral_key *key,
                                   struct cm_collateral_parts **out, struct cm_why *why)
{
    struct fetch f = {.config = config, .key = key};
    enum cm_status st = CM_OK;

    *out = NULL;
    CM_TRY(cm_parts_create(&f.parts));
    for (unsigned d = 0; d < CM_DOCUMENT_COUNT; d++) {
        CM_TRY(get_document(&f, (enum cm_document)d, why));
    }
    *out = f.parts;
    f.parts = NULL;
out:
    cm_http_free(f.http);
    cm_parts_free(f.parts);
    return st;
}
