/* What is searched for and counted of a decision. Untrusted: everything that the evidence says. */
#include <stdio.h>
#include <string.h>

#include "common/hex.h"
#include "decide/decide_record.h"
#include "token/utf8.h"

/* Text of others, cut at a character; what is no text or no printing character becomes a question mark. */
static void plain(char *out, size_t cap, const char *text)
{
    struct cm_span s = cm_span_make(text, strlen(text));
    size_t used = 0;

    while (s.len != 0) {
        uint32_t c = 0;
        size_t n = cm_utf8_decode(s, &c);
        const bool good = n != 0 && c >= ' ' && c != 0x7f && !(c >= 0x80 && c < 0xa0);
        const char *from = good ? (const char *)s.ptr : "?";
        const size_t take = good ? n : 1;

        if (used + take >= cap) {
            break;
        }
        memcpy(out + used, from, take);
        used += take;
        n = n == 0 ? 1 : n;
        s = cm_span_make(s.ptr + n, s.len - n);
    }
    out[used] = '\0';
}

static void hex_of(const struct cm_claim *c, char out[129])
{
    if (c != NULL && c->bytes != NULL) {
        cm_hex_encode(cm_span_make(c->bytes, c->len > 64 ? 64 : c->len), CM_HEX_LOWER, out);
    }
}

/* The first measurement of a role, of the first submodule that has one. */
static const struct cm_claim *measured(const struct cm_evidence *ev, enum cm_measurement_role role)
{
    const struct cm_claim *c = NULL;

    for (size_t s = 0; s < cm_evidence_submods(ev); s++) {
        for (size_t n = 0; (c = cm_evidence_find(ev, s, CM_CLAIM_MEASUREMENTS, n)) != NULL; n++) {
            if (c->role == role) {
                return c;
            }
        }
    }
    return NULL;
}

static const char *text_of(const struct cm_evidence *ev, const char *name)
{
    const struct cm_claim *c = cm_evidence_find(ev, 0, name, 0);

    return c != NULL && c->type == CM_CLAIM_TYPE_TEXT ? c->text : "";
}

/* What it ran on: a platform's model by Intel's FMSPC, a chip by its number. */
static void platform_of(const struct cm_evidence *ev, struct cm_facts *out)
{
    const struct cm_claim *fmspc = cm_evidence_find(ev, 0, "pck.fmspc", 0);
    const struct cm_claim *id = cm_evidence_find(ev, 0, CM_CLAIM_UEID, 0);
    char hex[129] = "";

    hex_of(fmspc != NULL ? fmspc : id, hex);
    if (hex[0] != '\0') {
        (void)snprintf(out->platform, sizeof(out->platform), "%s%s", fmspc != NULL ? "fmspc:" : "",
                       hex);
    }
}

/* The check that failed first, or the policy's line: what many refusals have in common. */
static void cause_of(const struct cm_decision *d, struct cm_facts *out)
{
    const struct cm_check *c = NULL;

    if (d->st == CM_OK) {
        return;
    }
    (void)snprintf(out->cause, sizeof(out->cause), "%s: %s", d->stage, cm_status_str(d->st));
    if (d->outcome != NULL) {
        (void)snprintf(out->cause, sizeof(out->cause), "policy %s, line %zu", out->policy_type,
                       cm_policy_outcome_line(d->outcome));
        return;
    }
    for (size_t s = 0; d->evidence != NULL && s < cm_evidence_submods(d->evidence); s++) {
        for (size_t i = 0; (c = cm_evidence_check(d->evidence, s, i)) != NULL; i++) {
            if (c->required && c->result != CM_CHECK_PASS) {
                (void)snprintf(out->cause, sizeof(out->cause), "%.40s: %.50s", c->name,
                               cm_status_str(c->status));
                return;
            }
        }
    }
}

void cm_facts_of(const struct cm_decision *d, const struct cm_decide_job *job, struct cm_facts *out)
{
    memset(out, 0, sizeof(*out));
    out->time = (int64_t)d->time;
    out->ok = d->st == CM_OK;
    out->genuine = d->claims != NULL;
    out->emulated = d->emulated;
    out->status = d->st;
    plain(out->token, sizeof(out->token), d->id);
    plain(out->api, sizeof(out->api), job->api == NULL ? "" : job->api);
    plain(out->tee, sizeof(out->tee), cm_decision_own(d)->tee);
    plain(out->stage, sizeof(out->stage), d->stage);
    plain(out->reason, sizeof(out->reason), d->why.text);
    plain(out->client, sizeof(out->client), job->client == NULL ? "" : job->client);
    plain(out->policy_type, sizeof(out->policy_type), d->policy_type == NULL ? "" : d->policy_type);
    if (d->rule != NULL) {
        out->policy_version = d->rule->version;
        plain(out->policy_hash, sizeof(out->policy_hash), d->rule->hash);
    }
    if (d->evidence != NULL) {
        hex_of(measured(d->evidence, CM_ROLE_LAUNCH), out->measurement);
        hex_of(measured(d->evidence, CM_ROLE_SIGNER), out->signer);
        plain(out->tcb, sizeof(out->tcb), text_of(d->evidence, CM_CLAIM_TCB_STATUS));
        platform_of(d->evidence, out);
    }
    cause_of(d, out);
}
