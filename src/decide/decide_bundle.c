/* Collateral for people: what is kept, and carrying it between services by hand. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/hex.h"
#include "common/try.h"
#include "decide/decide_json.h"
#include "decide/decide_module.h"
#include "evidence/timefmt.h"
#include "token/base64.h"

#define EXPIRING (7 * UINT64_C(86400))
#define FORM     "casemate_collateral"
#define MAX_KEPT 1024u

/* ----------------------------------------------------------------- listing */

struct listing {
    json_t *list;
    uint64_t now;
    bool failed;
};

static const char *state_of(uint64_t next_update, uint64_t now)
{
    return next_update < now ? "stale" : next_update - now <= EXPIRING ? "expiring" : "fresh";
}

/* Into the list by urgency: what ends first comes first. */
static void put(struct listing *l, json_t *item, json_int_t next_update)
{
    size_t at = 0;

    while (at < json_array_size(l->list)) {
        const json_t *n = json_object_get(json_array_get(l->list, at), "next_update");

        if (!json_is_integer(n) || json_integer_value(n) > next_update) {
            break;
        }
        at++;
    }
    l->failed = l->failed || item == NULL || json_array_insert_new(l->list, at, item) != 0;
}

/* What one part of a set is called, and which of its numbers is its date of issue. */
struct part {
    const char *kind;
    const char *name;
    size_t index; /* of facts */
    int issued;   /* index of facts.number; -1: it says none */
};

static void put_part(struct listing *l, const struct cm_keeper_state *s, const struct part *p,
                     const char *subject)
{
    const uint64_t next = s->kept->facts.part_after[p->index];

    if (next == 0) {
        return;
    }
    put(l,
        json_pack("{s:s, s:s, s:s, s:I, s:o, s:o, s:s, s:s}", "kind", p->kind, "name", p->name,
                  "subject", subject, "fetched_at", (json_int_t)s->kept->fetched, "issued_at",
                  p->issued < 0 ? json_null()
                                : json_integer((json_int_t)s->kept->facts.number[p->issued]),
                  "next_update", next > INT64_MAX ? json_null() : json_integer((json_int_t)next),
                  "state", state_of(next, l->now), "detail", s->error),
        next > INT64_MAX ? INT64_MAX : (json_int_t)next);
}

static void list_dcap(struct listing *l, const struct cm_keeper_state *s)
{
    static const struct part sgx[] = {{"tcb-info", "SGX TCB info", 0, 1},
                                      {"qe-identity", "SGX QE identity", 1, 3},
                                      {"crl", "Intel root revocation list", 2, -1},
                                      {"crl", "PCK revocation list", 3, -1}};
    static const struct part tdx[] = {{"tcb-info", "TDX TCB info", 0, 1},
                                      {"qe-identity", "TDX QE identity", 1, 3},
                                      {"crl", "Intel root revocation list", 2, -1},
                                      {"crl", "PCK revocation list", 3, -1}};
    const struct cm_collateral_key *key = &s->kept->want.key;
    char fmspc[13] = "";

    cm_hex_encode(cm_span_make(key->fmspc, sizeof(key->fmspc)), CM_HEX_UPPER, fmspc);
    for (size_t i = 0; i < 4; i++) {
        put_part(l, s, key->tdx ? &tdx[i] : &sgx[i], fmspc);
    }
}

static void list_one(void *arg, const struct cm_keeper_state *s)
{
    static const struct part crl = {"crl", "AMD revocation list", 0, -1};
    static const struct part chip = {"certificate", "AMD VCEK", 0, -1};
    struct listing *l = arg;

    if (s->kept == NULL) {
        put(l,
            json_pack("{s:s, s:s, s:s, s:n, s:n, s:n, s:s, s:s}", "kind", "bundle", "name", s->name,
                      "subject", s->name, "fetched_at", "issued_at", "next_update", "state",
                      "missing", "detail", s->error),
            0);
    } else if (s->kept->want.kind == CM_KEPT_DCAP) {
        list_dcap(l, s);
    } else if (s->kept->want.kind == CM_KEPT_SNP_CA) {
        put_part(l, s, &crl, s->kept->want.kds.line);
    } else {
        put_part(l, s, &chip, s->name);
    }
}

enum cm_status cm_decide_collateral(struct cm_service *s, json_t **out, struct cm_why *why)
{
    struct cm_decide_module_state *m = cm_decide_state(s);
    struct listing l = {json_array(), cm_service_now(s), false};

    (void)why;
    *out = NULL;
    if (l.list == NULL) {
        return CM_ERR_NOMEM;
    }
    cm_keeper_each(cm_engine_keeper(m->engine), list_one, &l);
    if (l.failed) {
        json_decref(l.list);
        return CM_ERR_NOMEM;
    }
    *out = l.list;
    return CM_OK;
}

/* --------------------------------------------------------------- baselines */

struct baselines {
    json_t *list;
    bool tdx;
    bool failed;
};

static bool has_number(const json_t *list, json_int_t number)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (json_integer_value(
                json_object_get(json_array_get(list, i), "tcbEvaluationDataNumber")) == number) {
            return true;
        }
    }
    return false;
}

static void take_baseline(void *arg, const struct cm_keeper_state *s)
{
    struct baselines *b = arg;
    const struct cm_kept *k = s->kept;
    json_int_t number = 0;
    char identifier[24] = "";
    char date[24] = "";
    json_t *item = NULL;
    size_t at = 0;

    if (k == NULL || k->want.kind != CM_KEPT_DCAP || k->want.key.tdx != b->tdx) {
        return;
    }
    number = (json_int_t)k->facts.number[0];
    if (has_number(b->list, number)) {
        return;
    }
    while (at < json_array_size(b->list) &&
           json_integer_value(
               json_object_get(json_array_get(b->list, at), "tcbEvaluationDataNumber")) > number) {
        at++;
    }
    (void)snprintf(identifier, sizeof(identifier), "%lld", (long long)number);
    cm_time_text(k->facts.number[1], date);
    item = json_pack("{s:b, s:s, s:s, s:I, s:s, s:s}", "isSelectedTcb", 1, "minimumPswLinuxVersion",
                     "", "minimumPswWindowsVersion", "", "tcbEvaluationDataNumber", number,
                     "tcbIdentifier", identifier, "tcbReleaseDate", date);
    b->failed = b->failed || item == NULL || json_array_insert_new(b->list, at, item) != 0;
}

enum cm_status cm_decide_baselines(struct cm_service *s, const char *type, json_t **out,
                                   struct cm_why *why)
{
    struct cm_decide_module_state *m = cm_decide_state(s);
    const char *name = cm_rules_type(type);
    struct baselines b = {.list = json_array()};
    enum cm_status st = CM_OK;

    *out = NULL;
    if (name == NULL) {
        cm_why_set(why, "there is no such type of attestation");
        st = CM_ERR_NOTFOUND;
        goto out;
    }
    CM_TRY(b.list == NULL ? CM_ERR_NOMEM : CM_OK);
    b.tdx = strcmp(name, "TdxVm") == 0;
    if (b.tdx || strcmp(name, "SgxEnclave") == 0 || strcmp(name, "OpenEnclave") == 0) {
        cm_keeper_each(cm_engine_keeper(m->engine), take_baseline, &b);
    }
    CM_TRY(b.failed ? CM_ERR_NOMEM : CM_OK);
    *out = json_pack("{s:O}", "tcbBaselines", b.list);
    st = *out == NULL ? CM_ERR_NOMEM : CM_OK;
out:
    json_decref(b.list);
    return st;
}

/* ------------------------------------------------------------------ export */

static json_t *base64_of(const uint8_t *bytes, size_t len)
{
    const size_t cap = CM_BASE64_ENCODED(len) + 1;
    char *text = malloc(cap);
    size_t used = 0;
    json_t *out = NULL;

    if (text != NULL && cm_base64url_encode(cm_span_make(bytes, len), text, cap, &used) == CM_OK) {
        out = json_stringn(text, used);
    }
    free(text);
    return out;
}

static void export_one(void *arg, const struct cm_keeper_state *s)
{
    struct listing *l = arg;
    uint8_t *bytes = NULL;
    size_t len = 0;
    json_t *item = NULL;

    if (s->kept == NULL || json_array_size(l->list) == MAX_KEPT) {
        return;
    }
    if (cm_kept_write(s->kept, &bytes, &len) == CM_OK) {
        item = json_pack("{s:s, s:o}", "name", s->name, "bytes", base64_of(bytes, len));
    }
    free(bytes);
    l->failed = l->failed || item == NULL || json_array_append_new(l->list, item) != 0;
}

enum cm_status cm_decide_export(struct cm_service *s, json_t **out, struct cm_why *why)
{
    struct cm_decide_module_state *m = cm_decide_state(s);
    struct listing l = {json_array(), cm_service_now(s), false};

    (void)why;
    *out = NULL;
    if (l.list == NULL) {
        return CM_ERR_NOMEM;
    }
    cm_keeper_each(cm_engine_keeper(m->engine), export_one, &l);
    if (!l.failed) {
        *out = json_pack("{s:i, s:O}", FORM, 1, "kept", l.list);
    }
    json_decref(l.list);
    return *out == NULL ? CM_ERR_NOMEM : CM_OK;
}
