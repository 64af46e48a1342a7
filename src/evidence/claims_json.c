/* A verification's result as JSON; see cm_evidence_json() in casemate/evidence.h. */
#include <string.h>

#include "evidence/claims.h"
#include "token/json.h"

static const char *const authorities[] = {
    [CM_AUTHORITY_SELF] = "self-asserted",
    [CM_AUTHORITY_KEY] = "key-bound",
    [CM_AUTHORITY_ENDORSER] = "endorser",
    [CM_AUTHORITY_HARDWARE] = "hardware-signed",
};

static const char *const results[] = {
    [CM_CHECK_NOT_CHECKED] = "not checked",
    [CM_CHECK_PASS] = "pass",
    [CM_CHECK_FAIL] = "fail",
    [CM_CHECK_NOT_APPLICABLE] = "not applicable",
};

static const char *const roles[] = {
    [CM_ROLE_LAUNCH] = "launch",
    [CM_ROLE_RUNTIME] = "runtime",
    [CM_ROLE_CONFIG] = "config",
    [CM_ROLE_SIGNER] = "signer",
};

static void member(struct cm_json_wr *w, const char *name, const char *text)
{
    cm_json_wr_name(w, name);
    cm_json_wr_str(w, text);
}

static void hex(struct cm_json_wr *w, const uint8_t *bytes, size_t len)
{
    static const char digits[] = "0123456789abcdef";
    char quoted[2 * 4096 + 2];
    size_t at = 0;

    if (len > 4096) { /* longer values are cut in print; programs read the bytes */
        len = 4096;
    }
    quoted[at++] = '"';
    for (size_t i = 0; i < len; i++) {
        quoted[at++] = digits[bytes[i] >> 4];
        quoted[at++] = digits[bytes[i] & 15];
    }
    quoted[at++] = '"';
    cm_json_wr_raw(w, cm_span_make(quoted, at));
}

static void value(struct cm_json_wr *w, const struct cm_claim *c)
{
    cm_json_wr_name(w, "value");
    switch (c->type) {
    case CM_CLAIM_TYPE_BYTES:
    case CM_CLAIM_TYPE_DIGEST:
        hex(w, c->bytes, c->len);
        break;
    case CM_CLAIM_TYPE_TEXT:
        cm_json_wr_str(w, c->text);
        break;
    case CM_CLAIM_TYPE_UINT:
    case CM_CLAIM_TYPE_TIME:
        cm_json_wr_u64(w, c->number);
        break;
    case CM_CLAIM_TYPE_BOOL:
        cm_json_wr_bool(w, c->number != 0);
        break;
    }
    if (c->type == CM_CLAIM_TYPE_DIGEST) {
        member(w, "label", c->text);
        member(w, "alg", c->alg);
        member(w, "role", roles[c->role]);
    }
}

static void claims(struct cm_json_wr *w, const struct cm_evidence *ev, size_t submod)
{
    const struct cm_claim *c = NULL;

    cm_json_wr_name(w, "claims");
    cm_json_wr_array(w);
    for (size_t i = 0; (c = cm_evidence_claim(ev, submod, i)) != NULL; i++) {
        cm_json_wr_object(w);
        member(w, "name", c->name);
        value(w, c);
        member(w, "authority", authorities[c->authority]);
        cm_json_wr_end(w);
    }
    cm_json_wr_end(w);
}

static void checks(struct cm_json_wr *w, const struct cm_evidence *ev, size_t submod)
{
    const struct cm_check *c = NULL;

    cm_json_wr_name(w, "checks");
    cm_json_wr_array(w);
    for (size_t i = 0; (c = cm_evidence_check(ev, submod, i)) != NULL; i++) {
        cm_json_wr_object(w);
        member(w, "name", c->name);
        member(w, "result", results[c->result]);
        cm_json_wr_name(w, "required");
        cm_json_wr_bool(w, c->required);
        if (c->result == CM_CHECK_FAIL) {
            member(w, "reason", cm_status_str(c->status));
        }
        if (c->detail[0] != '\0') {
            member(w, "detail", c->detail);
        }
        cm_json_wr_end(w);
    }
    cm_json_wr_end(w);
}

static void bindings(struct cm_json_wr *w, const struct cm_evidence *ev)
{
    const struct cm_binding *b = NULL;

    cm_json_wr_name(w, "bindings");
    cm_json_wr_array(w);
    for (size_t i = 0; (b = cm_evidence_binding(ev, i)) != NULL; i++) {
        const char *to = cm_evidence_name(ev, b->to);
        const char *from = cm_evidence_name(ev, b->from);

        cm_json_wr_object(w);
        member(w, "name", b->name);
        member(w, "from", from == NULL ? "" : from);
        member(w, "to", to == NULL ? "" : to);
        member(w, "result", results[b->result]);
        cm_json_wr_end(w);
    }
    cm_json_wr_end(w);
}

enum cm_status cm_evidence_json(const struct cm_evidence *ev, char *out, size_t cap, size_t *len)
{
    struct cm_json_wr w = cm_json_wr_init(out, cap);
    const struct cm_floor *f = NULL;

    cm_json_wr_object(&w);
    cm_json_wr_name(&w, "submods");
    cm_json_wr_array(&w);
    for (size_t i = 0; i < cm_evidence_submods(ev); i++) {
        cm_json_wr_object(&w);
        member(&w, "name", cm_evidence_name(ev, i));
        cm_json_wr_name(&w, "genuine");
        cm_json_wr_bool(&w, cm_evidence_genuine(ev, i));
        claims(&w, ev, i);
        checks(&w, ev, i);
        cm_json_wr_end(&w);
    }
    cm_json_wr_end(&w);
    bindings(&w, ev);
    cm_json_wr_name(&w, "floors");
    cm_json_wr_object(&w);
    for (size_t i = 0; (f = cm_evidence_floor(ev, i)) != NULL; i++) {
        cm_json_wr_name(&w, f->name);
        cm_json_wr_u64(&w, f->value);
    }
    cm_json_wr_end(&w);
    cm_json_wr_end(&w);
    return cm_json_wr_finish(&w, len);
}
