/* What is searched for and counted of a decision. Untrusted: everything that the evidence says. */
#include <stdio.h>
#include <string.h>

#include "common/hex.h"
#include "decide/decide_record.h"
#include "token/utf8.h"

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

static int64_t number_of(const struct cm_evidence *ev, const char *const names[2])
{
    for (size_t i = 0; i < 2; i++) {
        const struct cm_claim *c = cm_evidence_find(ev, 0, names[i], 0);

        if (c != NULL && c->type == CM_CLAIM_TYPE_UINT && c->number <= INT64_MAX) {
            return (int64_t)c->number;
        }
    }
    return -1;
}

/* Identifiers such as INTEL-SA-00615 as a JSON array; what is no such thing is left out. */
static void advisories_of(const struct cm_evidence *ev, char *out, size_t cap)
{
    const struct cm_claim *c = NULL;
    size_t used = 1;

    (void)snprintf(out, cap, "[");
    for (size_t i = 0; (c = cm_evidence_find(ev, 0, CM_CLAIM_ADVISORY, i)) != NULL; i++) {
        if (c->type == CM_CLAIM_TYPE_TEXT && used + c->len + 5 < cap &&
            strspn(c->text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") == c->len) {
            used +=
                (size_t)snprintf(out + used, cap - used, "%s\"%s\"", used == 1 ? "" : ",", c->text);
        }
    }
    (void)snprintf(out + used, cap - used, "]");
}

/* What runs there: version and product by SGX's names, or SNP's. */
static void program_of(const struct cm_evidence *ev, struct cm_facts *out)
{
    static const char *const svn[2] = {"sgx.isvsvn", "snp.guest_svn"};
    static const char *const product[2] = {"sgx.isvprodid", "sgx.isvprodid"};
    const struct cm_claim *launch = measured(ev, CM_ROLE_LAUNCH);

    hex_of(launch, out->measurement);
    hex_of(measured(ev, CM_ROLE_SIGNER), out->signer);
    if (launch != NULL && launch->text != NULL) {
        cm_utf8_plain(out->label, sizeof(out->label), launch->text);
    }
    out->svn = number_of(ev, svn);
    out->product = number_of(ev, product);
    out->debug = strncmp(text_of(ev, CM_CLAIM_DBGSTAT), "enabled", 7) == 0;
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
    out->took_ns = cm_decision_own(d)->took_ns;
    out->product = -1;
    out->svn = -1;
    (void)snprintf(out->advisories, sizeof(out->advisories), "[]");
    cm_utf8_plain(out->token, sizeof(out->token), d->id);
    cm_utf8_plain(out->api, sizeof(out->api), job->api == NULL ? "" : job->api);
    cm_utf8_plain(out->tee, sizeof(out->tee), cm_decision_own(d)->tee);
    cm_utf8_plain(out->stage, sizeof(out->stage), d->stage);
    cm_utf8_plain(out->reason, sizeof(out->reason), d->why.text);
    cm_utf8_plain(out->client, sizeof(out->client), job->client == NULL ? "" : job->client);
    cm_utf8_plain(out->policy_type, sizeof(out->policy_type),
                  d->policy_type == NULL ? "" : d->policy_type);
    if (d->rule != NULL) {
        out->policy_version = d->rule->version;
        cm_utf8_plain(out->policy_hash, sizeof(out->policy_hash), d->rule->hash);
    }
    if (d->evidence != NULL) {
        program_of(d->evidence, out);
        advisories_of(d->evidence, out->advisories, sizeof(out->advisories));
        cm_utf8_plain(out->tcb, sizeof(out->tcb), text_of(d->evidence, CM_CLAIM_TCB_STATUS));
        platform_of(d->evidence, out);
    }
    cause_of(d, out);
}
