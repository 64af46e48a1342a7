/* `casemate policy check`, `hash` and `explain`; see cli_policy.h. Files are UNTRUSTED. */
#include "cli/cli_policy.h"

#include <stdlib.h>
#include <string.h>

#include "cli/cli_policy_file.h"
#include "cli/cli_text.h"
#include "cli/cli_verify_policy.h"
#include "common/try.h"
#include "os/os.h"

#define JSON_CAP (1u << 20)

/* The first character that is no white space. */
static int first_character(struct cm_span s)
{
    for (size_t i = 0; i < s.len; i++) {
        uint8_t c = s.ptr[i];

        if (c != ' ' && c != '\t' && c != '\r' && c != '\n') {
            return c;
        }
    }
    return -1;
}

enum cm_status cm_cli_policy_open(const char *path, struct cm_cli_policy_file *f,
                                  struct cm_why *why)
{
    struct cm_policy_error error = {0};
    enum cm_status st = CM_OK;

    memset(f, 0, sizeof(*f));
    CM_TRY(cm_file_read(path, CM_POLICY_TOKEN_MAX, &f->bytes, &f->len, why));
    f->text = cm_span_make(f->bytes, f->len);
    if (cm_policy_token_recognise(f->text)) {
        struct cm_why inner = {{0}};

        st = cm_policy_token_open(f->text, &f->token, &inner);
        if (st != CM_OK) {
            cm_why_set(why, "%s: %s", path, inner.text[0] ? inner.text : cm_status_str(st));
            goto out;
        }
        f->is_token = true;
        f->text = f->token.text;
    }
    if (!f->is_token && first_character(f->text) == '{') {
        st = cm_release_parse(f->text, &f->release, &error);
    } else {
        st = cm_policy_parse(f->text, &f->policy, &error);
    }
    if (st != CM_OK) {
        cm_why_set(why, "%s:%zu:%zu: %s", path, error.line, error.column, error.text);
    }
out:
    return st;
}

void cm_cli_policy_close(struct cm_cli_policy_file *f)
{
    cm_policy_free(f->policy);
    cm_release_free(f->release);
    cm_policy_token_free(&f->token);
    free(f->bytes);
}

static void print_warnings(const char *path, const struct cm_policy *policy, FILE *out)
{
    struct cm_policy_error w;

    for (size_t i = 0; cm_policy_warning(policy, i, &w) == CM_OK; i++) {
        char lead[4200] = "";

        (void)snprintf(lead, sizeof(lead), "%.4000s:%zu:%zu: warning: ", path, w.line, w.column);
        cm_print_wrapped(out, lead, w.text);
    }
}

static size_t authorities(const struct cm_release *release)
{
    struct cm_span authority;
    size_t n = 0;

    while (cm_release_authority(release, n, &authority)) {
        n++;
    }
    return n;
}

static void check_json(struct cm_json_wr *w, const void *subject)
{
    const struct cm_cli_policy_file *f = subject;
    char hash[CM_POLICY_HASH_CAP] = "";
    struct cm_policy_error e;

    cm_cli_json_str(w, "kind", f->release != NULL ? "key release policy" : "policy");
    cm_cli_json_bool(w, "token", f->is_token);
    if (f->is_token) {
        cm_cli_json_bool(w, "signed", f->token.is_signed);
    }
    if (f->release != NULL) {
        cm_cli_json_u64(w, "authorities", authorities(f->release));
        cm_cli_json_bool(w, "immutable", cm_release_immutable(f->release));
    } else {
        cm_cli_json_str(w, "version", cm_policy_version(f->policy));
        cm_cli_json_u64(w, "rules", cm_policy_rules(f->policy));
        if (cm_policy_hash(f->text, hash) == CM_OK) {
            cm_cli_json_str(w, "hash", hash);
        }
        cm_json_wr_name(w, "warnings");
        cm_json_wr_array(w);
        for (size_t i = 0; cm_policy_warning(f->policy, i, &e) == CM_OK; i++) {
            cm_json_wr_object(w);
            cm_cli_json_u64(w, "line", e.line);
            cm_cli_json_u64(w, "column", e.column);
            cm_cli_json_str(w, "text", e.text);
            cm_json_wr_end(w);
        }
        cm_json_wr_end(w);
    }
}

enum cm_status cm_cli_policy_check(const char *path, bool json, FILE *out, struct cm_why *why)
{
    struct cm_cli_policy_file f;
    enum cm_status st = cm_cli_policy_open(path, &f, why);

    if (st != CM_OK) {
        cm_cli_policy_close(&f);
        return st;
    }
    if (json) {
        st = cm_cli_json_print(check_json, &f, JSON_CAP, out);
    } else {
        cm_print_escaped(out, path, strlen(path));
        if (f.release != NULL) {
            (void)fprintf(out, ": a key release policy of %zu authorities%s\n",
                          authorities(f.release),
                          cm_release_immutable(f.release) ? ", immutable" : "");
        } else {
            (void)fprintf(out, ": a policy of version %s with %zu rules%s\n",
                          cm_policy_version(f.policy), cm_policy_rules(f.policy),
                          !f.is_token
                              ? ""
                              : (f.token.is_signed ? ", in a token whose signature is NOT verified"
                                                   : ", in an unsecured token"));
            print_warnings(path, f.policy, out);
        }
    }
    cm_cli_policy_close(&f);
    return st;
}

enum cm_status cm_cli_policy_hash(const char *path, FILE *out, struct cm_why *why)
{
    struct cm_cli_policy_file f;
    char hash[CM_POLICY_HASH_CAP] = "";
    enum cm_status st = cm_cli_policy_open(path, &f, why);

    CM_TRY(st);
    if (f.release != NULL) {
        cm_why_set(why, "%s: key release policies have no such hash", path);
        st = CM_ERR_UNSUPPORTED;
        goto out;
    }
    CM_TRY(cm_policy_hash(f.text, hash));
    if (fprintf(out, "%s\n", hash) < 0) {
        st = CM_ERR_IO;
    }
out:
    cm_cli_policy_close(&f);
    return st;
}

void cm_cli_outcome_steps(const struct cm_policy_outcome *o, FILE *out)
{
    struct cm_policy_step s;
    const char *section = "";

    for (size_t i = 0; cm_policy_outcome_step(o, i, &s); i++) {
        char lead[48] = "";

        if (strcmp(section, s.section) != 0) {
            section = s.section;
            (void)fprintf(out, "%s\n", section);
        }
        (void)snprintf(lead, sizeof(lead), "  line %zu %s ", s.line,
                       s.failed ? "FAILED" : (s.fired ? "fired" : "did not fire:"));
        cm_print_wrapped(out, lead, s.details);
    }
}

static enum cm_status read_claims(const char *path, enum cm_policy_issuer issuer,
                                  struct cm_policy_claims *claims, struct cm_why *why)
{
    uint8_t *text = NULL;
    size_t len = 0;
    struct cm_why inner = {{0}};
    enum cm_status st = CM_OK;

    CM_TRY(cm_file_read(path, CM_POLICY_MAX_JSON, &text, &len, why));
    st = cm_policy_claims_object(claims, cm_span_make(text, len), issuer, &inner);
    if (st != CM_OK) {
        cm_why_set(why, "%s: %s", path, inner.text[0] != '\0' ? inner.text : cm_status_str(st));
    }
out:
    free(text);
    return st;
}

static enum cm_status explain_policy(const struct cm_cli_explain *e, const struct cm_policy *policy,
                                     FILE *out, struct cm_why *why)
{
    struct cm_policy_claims *claims = NULL;
    struct cm_policy_outcome *o = NULL;
    char *json = NULL;
    size_t len = 0;
    enum cm_status verdict = CM_OK;
    enum cm_status st = CM_OK;

    CM_TRY(cm_policy_claims_create(&claims));
    CM_TRY(read_claims(e->claims, CM_POLICY_SERVICE, claims, why));
    if (e->custom != NULL) {
        CM_TRY(read_claims(e->custom, CM_POLICY_CUSTOM, claims, why));
    }
    verdict =
        cm_policy_evaluate(policy, claims, e->allow_emulated ? CM_POLICY_ALLOW_EMULATED : 0, &o);
    if (o == NULL) {
        st = verdict;
        goto out;
    }
    if (e->json) {
        CM_TRY(cm_cli_outcome_json(o, &json, &len));
        st = fwrite(json, 1, len, out) == len && fputc('\n', out) != EOF ? CM_OK : CM_ERR_IO;
    } else {
        cm_cli_outcome_steps(o, out);
        cm_print_wrapped(
            out, verdict == CM_OK ? "PERMITTED: " : "REFUSED: ", cm_policy_outcome_reason(o));
        cm_cli_outcome_claims(o, out);
    }
    st = st == CM_OK && verdict != CM_OK ? CM_ERR_POLICY : st;
out:
    free(json);
    cm_policy_outcome_free(o);
    cm_policy_claims_free(claims);
    return st;
}

/* The claim "iss" of a token's payload into out, as it stands there. */
static enum cm_status issuer_of(struct cm_span claims, char *out, size_t cap, struct cm_why *why)
{
    size_t max = claims.len / 2 + 2;
    struct cm_json_node *nodes = calloc(max, sizeof(*nodes));
    struct cm_json doc;
    enum cm_status st = CM_OK;

    if (nodes == NULL) {
        return CM_ERR_NOMEM;
    }
    CM_TRY(cm_json_parse(claims, nodes, max, &doc, why));
    st = cm_json_string(cm_json_get(cm_json_root(&doc), "iss"), out, cap, NULL);
    if (st != CM_OK) {
        cm_why_set(why, "the claims have no iss, and --issuer is not given");
    }
out:
    free(nodes);
    return st;
}

static enum cm_status explain_release(const struct cm_cli_explain *e,
                                      const struct cm_release *release, FILE *out,
                                      struct cm_why *why)
{
    struct cm_release_reason reason = {{0}};
    uint8_t *text = NULL;
    size_t len = 0;
    char issuer[600] = "";
    enum cm_status st = CM_OK;

    CM_TRY(cm_file_read(e->claims, CM_POLICY_MAX_JSON, &text, &len, why));
    if (e->issuer != NULL) {
        (void)snprintf(issuer, sizeof(issuer), "%.590s", e->issuer);
    } else {
        CM_TRY(issuer_of(cm_span_make(text, len), issuer, sizeof(issuer), why));
    }
    st = cm_release_evaluate(release, cm_span_make(issuer, strlen(issuer)), cm_span_make(text, len),
                             &reason);
    if (st != CM_OK && st != CM_ERR_POLICY) {
        cm_why_set(why, "%s: %s", e->claims, reason.text);
        goto out;
    }
    if (e->json) {
        char line[2048] = "";
        struct cm_json_wr w = cm_json_wr_init(line, sizeof(line));

        cm_json_wr_object(&w);
        cm_cli_json_bool(&w, "permitted", st == CM_OK);
        cm_cli_json_str(&w, "reason", reason.text);
        cm_json_wr_end(&w);
        if (cm_json_wr_finish(&w, &len) != CM_OK || fwrite(line, 1, len, out) != len ||
            fputc('\n', out) == EOF) {
            st = CM_ERR_IO;
        }
    } else {
        cm_print_wrapped(out, st == CM_OK ? "PERMITTED: " : "REFUSED: ", reason.text);
    }
out:
    free(text);
    return st;
}

enum cm_status cm_cli_policy_explain(const struct cm_cli_explain *e, FILE *out, struct cm_why *why)
{
    struct cm_cli_policy_file f;
    enum cm_status st = cm_cli_policy_open(e->policy, &f, why);

    if (st == CM_OK) {
        st = f.release != NULL ? explain_release(e, f.release, out, why)
                               : explain_policy(e, f.policy, out, why);
    }
    cm_cli_policy_close(&f);
    return st;
}
