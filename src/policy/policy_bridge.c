/*
 * Verified evidence as a policy's incoming claims; see casemate/policy.h. Only what is vouched for gets
 * the issuer AttestationService and Azure Attestation's names; the attester's own words stay his.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/hex.h"
#include "common/try.h"
#include "policy/policy_azure.h"
#include "policy/policy_run.h"

#define MAX_NAME 400u

struct bridge {
    const struct cm_evidence *ev;
    struct cm_policy_claims *set;
    bool emulated;
    size_t submod;
    bool genuine;    /* the submodule */
    char prefix[96]; /* of its names */
};

static const char *const results[] = {
    [CM_CHECK_NOT_CHECKED] = "not-checked",
    [CM_CHECK_PASS] = "pass",
    [CM_CHECK_FAIL] = "fail",
    [CM_CHECK_NOT_APPLICABLE] = "not-applicable",
};

static const char *const authorities[] = {
    [CM_AUTHORITY_SELF] = "self-asserted",
    [CM_AUTHORITY_KEY] = "key-bound",
    [CM_AUTHORITY_ENDORSER] = "endorser",
    [CM_AUTHORITY_HARDWARE] = "hardware-signed",
};

/*
 * Whether somebody beside the attester stands behind a claim. An emulator's claims count like those of
 * hardware: the whole of them is refused unless a policy accepts emulation by name.
 */
static bool vouched(const struct bridge *b, const struct cm_claim *c)
{
    return b->genuine && (c->authority != CM_AUTHORITY_SELF || b->emulated);
}

/* A claim's name of its pieces, cut where MAX_NAME ends: there are a hundred in a decision, and snprintf() is slow. */
static void join(char out[MAX_NAME], const char *const *pieces, size_t count)
{
    size_t used = 0;

    for (size_t i = 0; i < count; i++) {
        const size_t len = strnlen(pieces[i], MAX_NAME - 1 - used);

        memcpy(out + used, pieces[i], len);
        used += len;
    }
    out[used] = '\0';
}

/* The same of the submodule's prefix and two pieces. */
static void name_of(const struct bridge *b, const char *lead, const char *name, char out[MAX_NAME])
{
    const char *const pieces[] = {b->prefix, lead, name};

    join(out, pieces, 3);
}

static enum cm_status add_text(struct bridge *b, const char *name, const char *text,
                               enum cm_policy_issuer issuer)
{
    return cm_policy_claims_text(b->set, name, cm_span_make(text, strlen(text)), issuer);
}

enum cm_status cm_policy_add_hex(struct cm_policy_claims *set, const char *name,
                                 const uint8_t *bytes, size_t len, enum cm_policy_issuer issuer)
{
    char few[2 * 128 + 1] = "";
    char *text = few;
    enum cm_status st = CM_OK;

    if (len > CM_POLICY_MAX_JSON / 2) {
        return CM_ERR_LIMIT;
    }
    if (len > 128) {
        text = malloc(2 * len + 1);
        if (text == NULL) {
            return CM_ERR_NOMEM;
        }
    }
    cm_hex_encode(cm_span_make(bytes, len), CM_HEX_LOWER, text);
    st = cm_policy_claims_text(set, name, cm_span_make(text, 2 * len), issuer);
    if (text != few) {
        free(text);
    }
    return st;
}

/* What does not fit the language's integers is a string of decimal digits. */
static enum cm_status add_uint(struct bridge *b, const char *name, uint64_t v,
                               enum cm_policy_issuer issuer)
{
    char text[24] = "";

    if (v <= INT64_MAX) {
        return cm_policy_claims_int(b->set, name, (int64_t)v, issuer);
    }
    (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)v);
    return add_text(b, name, text, issuer);
}

static enum cm_status add_value(struct bridge *b, const char *name, const struct cm_claim *c,
                                enum cm_policy_issuer issuer)
{
    switch (c->type) {
    case CM_CLAIM_TYPE_BYTES:
    case CM_CLAIM_TYPE_DIGEST:
        return cm_policy_add_hex(b->set, name, c->bytes, c->len, issuer);
    case CM_CLAIM_TYPE_TEXT:
        return cm_policy_claims_text(b->set, name, cm_span_make(c->text, c->len), issuer);
    case CM_CLAIM_TYPE_UINT:
    case CM_CLAIM_TYPE_TIME:
        return add_uint(b, name, c->number, issuer);
    case CM_CLAIM_TYPE_BOOL:
        return cm_policy_claims_bool(b->set, name, c->number != 0, issuer);
    }
    return CM_ERR_PARAM;
}

/*
 * The events of a boot log under the two names that Azure Attestation's policies ask for; ours is
 * long, and nobody asks for it.
 */
static enum cm_status add_events(struct bridge *b, const struct cm_claim *c)
{
    static const char *const names[] = {"events", "bootEvents"};
    char name[MAX_NAME] = "";
    enum cm_status st = CM_OK;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && vouched(b, c); i++) {
        name_of(b, "", names[i], name);
        CM_TRY(
            cm_policy_claims_json(b->set, name, cm_span_make(c->text, c->len), CM_POLICY_SERVICE));
    }
out:
    return st;
}

/* A claim under its own name, measurements under their label too, and by what authority it is known. */
static enum cm_status add_claim(struct bridge *b, const struct cm_claim *c)
{
    enum cm_policy_issuer issuer = vouched(b, c) ? CM_POLICY_SERVICE : CM_POLICY_CUSTOM;
    char name[MAX_NAME];
    enum cm_status st = CM_OK;

    if (strcmp(c->name, "tpm.events") == 0 && c->type == CM_CLAIM_TYPE_TEXT) {
        return add_events(b, c);
    }
    name_of(b, "", c->name, name);
    st = add_value(b, name, c, issuer);
    if (st == CM_ERR_FORMAT && c->type == CM_CLAIM_TYPE_TEXT) {
        return CM_OK; /* text of the attester that is none: no rule can ask for it */
    }
    CM_TRY(st);
    if (c->type == CM_CLAIM_TYPE_DIGEST) {
        const char *const pieces[] = {b->prefix, c->name, ".", c->text};

        join(name, pieces, 4);
        CM_TRY(add_value(b, name, c, issuer));
    }
    name_of(b, "casemate.authority.", c->name, name);
    CM_TRY(add_text(b, name, authorities[c->authority], CM_POLICY_SERVICE));
out:
    return st;
}

static enum cm_status add_submod(struct bridge *b)
{
    const struct cm_claim *c = NULL;
    const struct cm_check *check = NULL;
    char name[MAX_NAME];
    enum cm_status st = CM_OK;

    name_of(b, "", CM_POLICY_CLAIM_GENUINE, name);
    CM_TRY(cm_policy_claims_bool(b->set, name, b->genuine, CM_POLICY_SERVICE));
    if (b->genuine) {
        name_of(b, "", "pcrs", name);
        CM_TRY(cm_policy_add_pcrs(b->set, name, b->ev, b->submod,
                                  b->emulated ? CM_AUTHORITY_SELF : CM_AUTHORITY_KEY));
    }
    for (size_t i = 0; (check = cm_evidence_check(b->ev, b->submod, i)) != NULL; i++) {
        name_of(b, "casemate.check.", check->name, name);
        CM_TRY(add_text(b, name, results[check->result], CM_POLICY_SERVICE));
    }
    for (size_t i = 0; (c = cm_evidence_claim(b->ev, b->submod, i)) != NULL; i++) {
        CM_TRY(add_claim(b, c));
    }
out:
    return st;
}

static enum cm_status add_bindings(struct bridge *b)
{
    const struct cm_binding *bound = NULL;
    char name[MAX_NAME] = "";
    enum cm_status st = CM_OK;

    for (size_t i = 0; (bound = cm_evidence_binding(b->ev, i)) != NULL; i++) {
        const char *from = cm_evidence_name(b->ev, bound->from);
        const char *to = cm_evidence_name(b->ev, bound->to);

        (void)snprintf(name, sizeof(name), "casemate.binding.%s.%s", from == NULL ? "" : from,
                       to == NULL ? "" : to);
        CM_TRY(add_text(b, name, results[bound->result], CM_POLICY_SERVICE));
    }
out:
    return st;
}

/* The one claim of a name that is vouched for; NULL when it is absent or stands more than once. */
static const struct cm_claim *trusted(const struct bridge *b, const char *name)
{
    const struct cm_claim *c = cm_evidence_find(b->ev, b->submod, name, 0);

    if (c == NULL || !vouched(b, c) || cm_evidence_find(b->ev, b->submod, name, 1) != NULL) {
        return NULL;
    }
    return c;
}

static enum cm_status add_bit(struct bridge *b, const struct cm_policy_azure *a,
                              const struct cm_claim *c)
{
    bool set =
        c->bytes != NULL && a->bit / 8 < c->len && (c->bytes[a->bit / 8] >> (a->bit % 8) & 1) != 0;

    return cm_policy_claims_bool(b->set, a->name, set, CM_POLICY_SERVICE);
}

static enum cm_status add_azure(struct bridge *b, const struct cm_policy_azure *a)
{
    const struct cm_claim *c = a->ours == NULL ? NULL : trusted(b, a->ours);

    if (a->how == CM_AZURE_FIXED) {
        return add_text(b, a->name, a->text, CM_POLICY_SERVICE);
    }
    if (c == NULL) {
        return CM_OK;
    }
    switch (a->how) {
    case CM_AZURE_BIT:
        return add_bit(b, a, c);
    case CM_AZURE_BYTE:
        return c->bytes == NULL || c->len <= a->bit
                   ? CM_OK
                   : cm_policy_claims_int(b->set, a->name, c->bytes[a->bit], CM_POLICY_SERVICE);
    case CM_AZURE_DEBUGGABLE: /* whatever is not plainly disabled */
        return cm_policy_claims_bool(
            b->set, a->name, c->type != CM_CLAIM_TYPE_TEXT || strncmp(c->text, "disabled", 8) != 0,
            CM_POLICY_SERVICE);
    case CM_AZURE_SAME:
    case CM_AZURE_FIXED:
        break;
    }
    return add_value(b, a->name, c, CM_POLICY_SERVICE);
}

static enum cm_status add_azure_names(struct bridge *b)
{
    const struct cm_claim *tee = trusted(b, CM_CLAIM_TEE);
    const struct cm_policy_azure *table = NULL;
    size_t count = 0;
    enum cm_status st = CM_OK;

    if (tee == NULL || tee->type != CM_CLAIM_TYPE_TEXT) {
        return CM_OK;
    }
    table = cm_policy_azure_names(tee->text, &count);
    for (size_t i = 0; i < count; i++) {
        const struct cm_claim *only = table[i].only == NULL ? NULL : trusted(b, table[i].only);

        /* names that exist only where a feature is on: SGX with key separation and sharing */
        if (table[i].only != NULL && (only == NULL || only->bytes == NULL || only->len == 0 ||
                                      (only->bytes[0] & table[i].mask) == 0)) {
            continue;
        }
        CM_TRY(add_azure(b, &table[i]));
    }
out:
    return st;
}

/* A machine of Azure's: its TPM is bound to genuine hardware, which the TEE's name is of. */
static enum cm_status add_machine(struct bridge *b)
{
    const struct cm_claim *tee = cm_evidence_find(b->ev, 0, CM_CLAIM_TEE, 0);
    size_t vtpm = 1;

    while (vtpm < cm_evidence_submods(b->ev) &&
           (strcmp(cm_evidence_name(b->ev, vtpm), "vtpm") != 0 ||
            cm_evidence_find(b->ev, vtpm, "azure.runtime_data", 0) == NULL)) {
        vtpm++;
    }
    if (vtpm >= cm_evidence_submods(b->ev) || !cm_evidence_genuine(b->ev, 0) || tee == NULL ||
        tee->type != CM_CLAIM_TYPE_TEXT) {
        return CM_OK;
    }
    return cm_policy_claims_azurevm(b->set, b->ev, vtpm,
                                    strcmp(tee->text, "snp") == 0   ? "sevsnpvm"
                                    : strcmp(tee->text, "tdx") == 0 ? "tdxvm"
                                                                    : NULL);
}

static bool is_emulated(const struct cm_evidence *ev)
{
    for (size_t s = 0; s < cm_evidence_submods(ev); s++) {
        if (cm_evidence_find(ev, s, CM_CLAIM_EMULATED, 0) != NULL) {
            return true; /* the verifiers add it only to say so */
        }
    }
    return false;
}

enum cm_status cm_policy_claims_evidence(const struct cm_evidence *ev,
                                         struct cm_policy_claims **out)
{
    struct bridge b = {.ev = ev};
    enum cm_status st = CM_OK;

    *out = NULL;
    CM_TRY(cm_policy_claims_create(&b.set));
    b.emulated = is_emulated(ev);
    CM_TRY(cm_policy_claims_bool(b.set, CM_POLICY_CLAIM_EMULATED, b.emulated, CM_POLICY_SERVICE));
    for (b.submod = 0; b.submod < cm_evidence_submods(ev); b.submod++) {
        b.genuine = cm_evidence_genuine(ev, b.submod);
        if (b.submod == 0) {
            st = add_azure_names(&b);
            if (st != CM_OK) {
                goto out;
            }
        } else {
            (void)snprintf(b.prefix, sizeof(b.prefix), "%.90s/", cm_evidence_name(ev, b.submod));
        }
        CM_TRY(add_submod(&b));
    }
    CM_TRY(add_bindings(&b));
    CM_TRY(add_machine(&b));
    *out = b.set;
    b.set = NULL;
out:
    cm_policy_claims_free(b.set);
    return st;
}
