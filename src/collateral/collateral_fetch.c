/* The collateral client: cache, service, checks; see collateral_client.h. */
#include <stdlib.h>
#include <string.h>

#include "collateral/collateral_document.h"
#include "collateral/collateral_http.h"
#include "common/try.h"
#include "common/writer.h"

/* A fetch under way. */
struct fetch {
    const struct cm_collateral_config *config;
    struct cm_collateral_key *key;
    struct cm_http *http; /* made at the first request */
    struct cm_collateral_parts *parts;
};

/* The leaf and its issuers as one text, and what the rest is found by. */
static enum cm_status keep_pck(struct fetch *f, struct cm_document_bytes bytes)
{
    const bool ended = bytes.body.ptr[bytes.body.len - 1] == '\n';
    const size_t len = bytes.body.len + (ended ? 0 : 1) + bytes.chain.len;
    uint8_t *pem = malloc(len); /* both are bounded by the HTTP client */
    struct cm_pck_ext pck;
    struct cm_wr w = cm_wr_init(pem, len);
    enum cm_status st = CM_OK;

    if (pem == NULL) {
        return CM_ERR_NOMEM;
    }
    cm_wr_bytes(&w, bytes.body.ptr, bytes.body.len);
    cm_wr_bytes(&w, "\n", ended ? 0 : 1);
    cm_wr_bytes(&w, bytes.chain.ptr, bytes.chain.len);
    CM_TRY(cm_wr_finish(&w));
    CM_TRY(cm_parts_set(f->parts, CM_PART_PCK_CHAIN, cm_span_make(pem, len)));
    CM_TRY(cm_collateral_key_pck(bytes.body, f->key, &pck));
out:
    free(pem);
    return st;
}

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

    if (d == CM_DOCUMENT_PCK) {
        return keep_pck(f, bytes);
    }
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
        .subscription = d == CM_DOCUMENT_PCK && f->config->kind == CM_COLLATERAL_PCS &&
                                f->config->subscription[0] != '\0'
                            ? f->config->subscription
                            : NULL,
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
    if (options.subscription != NULL) { /* it is for this one document */
        cm_http_free(f->http);
        f->http = NULL;
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
    char url[CM_DOCUMENT_MAX_URL] = "";
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
                                   struct cm_collateral_key *key, struct cm_collateral_parts **out,
                                   struct cm_why *why)
{
    struct fetch f = {.config = config, .key = key};
    enum cm_status st = CM_OK;

    *out = NULL;
    CM_TRY(cm_parts_create(&f.parts));
    for (unsigned d = key->without_chain ? CM_DOCUMENT_PCK : CM_DOCUMENT_TCB_INFO;
         d < CM_DOCUMENT_COUNT; d++) {
        CM_TRY(get_document(&f, (enum cm_document)d, why));
    }
    *out = f.parts;
    f.parts = NULL;
out:
    cm_http_free(f.http);
    cm_parts_free(f.parts);
    return st;
}
