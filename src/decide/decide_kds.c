/* AMD's key distribution service; see decide_kds.h. Untrusted: every answer. */
#include "decide/decide_kds.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/hex.h"
#include "common/try.h"
#include "evidence/certs.h"

#define TIMEOUT_MS 10000u

/* On Turin and after it 8 bytes of the chip's id count, and the TCB has another layout. */
static bool new_layout(const struct cm_kds_ask *ask)
{
    return strcmp(ask->line, "Turin") == 0;
}

static void key_url(const char *base, const struct cm_kds_ask *a, char out[CM_KDS_MAX_URL])
{
    const bool turin = new_layout(a);
    char chip[2 * sizeof(a->chip) + 1] = "";

    cm_hex_encode(cm_span_make(a->chip, turin ? 8 : sizeof(a->chip)), CM_HEX_LOWER, chip);
    if (turin) {
        (void)snprintf(out, CM_KDS_MAX_URL,
                       "%s/vcek/v1/%s/%s?fmcSPL=%02u&blSPL=%02u&teeSPL=%02u&snpSPL=%02u"
                       "&ucodeSPL=%02u",
                       base, a->line, chip, a->tcb[0], a->tcb[1], a->tcb[2], a->tcb[3], a->tcb[7]);
    } else {
        (void)snprintf(out, CM_KDS_MAX_URL,
                       "%s/vcek/v1/%s/%s?blSPL=%02u&teeSPL=%02u&snpSPL=%02u&ucodeSPL=%02u", base,
                       a->line, chip, a->tcb[0], a->tcb[1], a->tcb[6], a->tcb[7]);
    }
}

enum cm_status cm_kds_url(const char *base, const struct cm_kds_ask *ask, enum cm_kds_document d,
                          char out[CM_KDS_MAX_URL])
{
    if (strlen(base) > CM_KDS_MAX_URL / 2) {
        return CM_ERR_PARAM;
    }
    if (d == CM_KDS_KEY) {
        key_url(base, ask, out);
    } else {
        (void)snprintf(out, CM_KDS_MAX_URL, "%s/%s/v1/%s/%s", base, ask->vlek ? "vlek" : "vcek",
                       ask->line, d == CM_KDS_CHAIN ? "cert_chain" : "crl");
    }
    return CM_OK;
}

/* "SEV-Milan", "SEV-VLEK-Milan", "ARK-Milan" */
static bool named(const struct cm_cert *c, const char *prefix, const char *line)
{
    char name[40] = "";

    (void)snprintf(name, sizeof(name), "%s-%s", prefix, line);
    return cm_cert_name_is(cm_cert_cn(c), name);
}

enum cm_status cm_kds_check_chain(struct cm_span pem, const struct cm_kds_ask *ask,
                                  struct cm_why *why)
{
    const struct cm_cert *list[2] = {NULL};
    struct cm_certs *set = NULL;
    size_t count = 0;
    enum cm_status st = CM_OK;

    CM_TRY(cm_certs_create_general(NULL, &set));
    st = cm_certs_add(set, pem, list, 2, &count);
    if (st == CM_ERR_NOMEM) {
        goto out;
    }
    if (st != CM_OK || count != 2 || !cm_cert_self_issued(list[1]) ||
        !named(list[0], ask->vlek ? "SEV-VLEK" : "SEV", ask->line) ||
        !named(list[1], "ARK", ask->line)) {
        cm_why_set(why, "the chain is not that of AMD's %s: an intermediate certificate and a root",
                   ask->line);
        st = CM_ERR_FORMAT;
    }
out:
    cm_certs_free(set);
    return st;
}

enum cm_status cm_kds_check_key(struct cm_span der, const struct cm_kds_ask *ask,
                                uint64_t *not_after, struct cm_why *why)
{
    const struct cm_cert *list[1] = {NULL};
    struct cm_certs *set = NULL;
    char issuer[40] = "";
    size_t count = 0;
    enum cm_status st = CM_OK;

    (void)snprintf(issuer, sizeof(issuer), "SEV-%s", ask->line);
    CM_TRY(cm_certs_create_general(NULL, &set));
    st = cm_certs_add(set, der, list, 1, &count);
    if (st == CM_ERR_NOMEM) {
        goto out;
    }
    if (st != CM_OK || count != 1 || !cm_cert_name_is(cm_cert_issuer_cn(list[0]), issuer)) {
        cm_why_set(why, "this is no certificate of a chip of AMD's %s", ask->line);
        st = CM_ERR_FORMAT;
        goto out;
    }
    *not_after = cm_cert_period(list[0]).not_after;
out:
    cm_certs_free(set);
    return st;
}

/* A document that is asked for, and what came. */
struct document {
    const char *base;
    const struct cm_kds_ask *ask;
    uint8_t *owned;
    struct cm_span span;
};

/* The answer belongs to the client, so it is copied. */
static enum cm_status get(struct cm_http *h, enum cm_kds_document d, struct document *doc,
                          struct cm_why *why)
{
    char url[CM_KDS_MAX_URL] = "";
    struct cm_http_answer answer;
    enum cm_status st = CM_OK;

    CM_TRY(cm_kds_url(doc->base, doc->ask, d, url));
    CM_TRY(cm_http_get(h, url, NULL, &answer, why));
    doc->owned = malloc(answer.body.len);
    if (doc->owned == NULL) {
        st = CM_ERR_NOMEM;
        goto out;
    }
    memcpy(doc->owned, answer.body.ptr, answer.body.len);
    doc->span = cm_span_make(doc->owned, answer.body.len);
out:
    return st;
}

enum cm_status cm_kds_fetch(const char *base, const char *ca_file, uint64_t now,
                            const struct cm_want *want, struct cm_kept **out, struct cm_why *why)
{
    const struct cm_http_options options = {.ca_file = ca_file, .timeout_ms = TIMEOUT_MS};
    struct cm_span part[CM_PART_COUNT] = {{NULL, 0}};
    struct document first = {.base = base, .ask = &want->kds};
    struct document list = first;
    struct cm_http *h = NULL;
    enum cm_status st = CM_OK;

    *out = NULL;
    CM_TRY(cm_http_create(&options, &h, why));
    if (want->kind == CM_KEPT_SNP_KEY) {
        CM_TRY(get(h, CM_KDS_KEY, &first, why));
    } else {
        CM_TRY(get(h, CM_KDS_CHAIN, &first, why));
        CM_TRY(get(h, CM_KDS_CRL, &list, why));
    }
    part[0] = first.span;
    part[1] = list.span;
    CM_TRY(cm_kept_make(want, part, now, out, why));
out:
    cm_http_free(h);
    free(first.owned);
    free(list.owned);
    return st;
}
