/*
 * Policies by Trustee's routes, in our language: Rego is recognised and refused, never kept; and ready
 * policies for resources. See kbs_private.h. Untrusted: what is uploaded.
 */
#include <stdlib.h>
#include <string.h>

#include "common/try.h"
#include "kbs/kbs_private.h"
#include "token/base64.h"

#define RESOURCE_TYPE "Kbs-Resource"

static const struct {
    const char *name;
    const char *text;
} ready[] = {
    {"default", "version= 1.2;\n"
                "authorizationrules\n"
                "{\n"
                "    [type==\"cpu0.tee\", value==\"sample\"] => deny();\n"
                "    [type==\"casemate.genuine\", value==true] => permit();\n"
                "};\n"
                "issuancerules\n"
                "{\n"
                "};\n"},
    {"allow-all", "version= 1.2;\n"
                  "authorizationrules\n"
                  "{\n"
                  "    => permit();\n"
                  "};\n"
                  "issuancerules\n"
                  "{\n"
                  "};\n"},
    {"deny-all", "version= 1.2;\n"
                 "authorizationrules\n"
                 "{\n"
                 "    => deny();\n"
                 "};\n"
                 "issuancerules\n"
                 "{\n"
                 "};\n"},
};

const char *cm_kbs_policy(const char *name)
{
    if (strcmp(name, "affirming") == 0) { /* what is in force where nobody set one */
        return cm_rules_default(RESOURCE_TYPE);
    }
    for (size_t i = 0; i < sizeof(ready) / sizeof(ready[0]); i++) {
        if (strcmp(ready[i].name, name) == 0) {
            return ready[i].text;
        }
    }
    return NULL;
}

/* ------------------------------------------------------------------------ Rego */

/* The first word of a line and what stands behind it. */
static bool begins_with_word(const char *line, size_t len, const char *word)
{
    size_t n = strlen(word);

    return len > n && strncmp(line, word, n) == 0 && (line[n] == ' ' || line[n] == '\t');
}

/* A module of Rego begins with "package NAME"; its other beginnings count, too, and none is ours. */
static bool is_rego(const char *text)
{
    static const char *const words[] = {"package", "import", "default", "allow"};

    while (*text != '\0') {
        size_t blank = strspn(text, " \t\r\n");
        size_t len = strcspn(text + blank, "\n");

        text += blank;
        for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
            if (begins_with_word(text, len, words[i])) {
                return true;
            }
        }
        text += strcspn(text, "\n");
    }
    return false;
}

static void refuse_rego(struct cm_call *call)
{
    cm_call_fail(
        call, 400, "PolicyLanguage",
        "this is Rego, which is not evaluated here. Policies are written as rules over claims: "
        "version= 1.2; authorizationrules { [type==\"ear.status\", value==\"affirming\"] && "
        "[type==\"kbs.repository\", value==\"bank\"] => permit(); }; issuancerules { }; "
        "GET /kbs/v0/resource-policy/NAME gives ready ones: affirming, default, allow-all, "
        "deny-all. docs/service-kbs.md says how Rego is said in it.");
}

/* ---------------------------------------------------------------------- uploads */

/* The policy in a body: base64 of either alphabet. The caller frees it; NULL: answered. */
static char *policy_of(struct cm_call *call, json_t *body)
{
    const char *text = json_string_value(json_object_get(body, "policy"));
    size_t cap = text == NULL ? 0 : strlen(text);
    char *plain = text == NULL ? NULL : malloc(cap + 1);
    size_t len = 0;

    if (text == NULL) {
        cm_call_fail(call, 400, "InvalidParameter", "policy, in base64, is missing");
        return NULL;
    }
    if (plain == NULL) {
        cm_call_fail_status(call, CM_ERR_NOMEM, NULL);
        return NULL;
    }
    if (cm_base64_any_decode(cm_span_make(text, cap), false, (uint8_t *)plain, cap, &len) !=
            CM_OK ||
        memchr(plain, '\0', len) != NULL) {
        cm_call_fail(call, 400, "InvalidParameter", "policy is not base64 of a text");
        free(plain);
        return NULL;
    }
    plain[len] = '\0';
    return plain;
}

static void set_policy(struct cm_call *call, const char *type, const char *text)
{
    struct cm_policy_error error = {0, 0, ""};
    struct cm_why why = {""};
    enum cm_rules_outcome outcome = CM_RULES_WAITING;
    int64_t version = 0;
    enum cm_status st =
        cm_rules_set_text(call, type, CM_RULES_ANY_BASE, cm_span_make(text, strlen(text)), "",
                          &outcome, &version, &error, &why);

    if (st != CM_OK && error.text[0] != '\0') {
        cm_call_fail(call, 400, "ParsePolicyError", "line %zu, column %zu: %s", error.line,
                     error.column, error.text);
    } else if (st != CM_OK) {
        cm_call_fail_status(call, st, &why);
    } else {
        cm_call_answer_json(call, outcome == CM_RULES_ACTIVE ? 200 : 202,
                            json_pack("{s:s, s:I, s:s}", "policy_id", type, "version",
                                      (json_int_t)version, "state",
                                      outcome == CM_RULES_ACTIVE ? "active" : "waiting"));
    }
}

/* The kinds of evidence are our identifiers: each has a policy of its own. */
static const char *attestation_type(struct cm_call *call, const char *id)
{
    const char *type = id == NULL ? NULL : cm_rules_type(id);

    if (type == NULL || strcmp(type, RESOURCE_TYPE) == 0) {
        cm_call_fail(
            call, 400, "InvalidParameter",
            "policy_id is a kind of evidence here: SgxEnclave, TdxVm, SevSnpVm, AzureGuest, "
            "Cca, Tpm, Nvidia; each has a policy of its own");
        return NULL;
    }
    return type;
}

/* First the language: who uploads Rego names the policy as his other services do. */
static void upload(struct cm_call *call, bool resources, json_t *body)
{
    char *text = policy_of(call, body);
    const char *type = RESOURCE_TYPE;

    if (text == NULL) {
        return;
    }
    if (is_rego(text)) {
        refuse_rego(call);
        goto out;
    }
    if (!resources) {
        type = attestation_type(call, json_string_value(json_object_get(body, "policy_id")));
    }
    if (type != NULL) {
        set_policy(call, type, text);
    }
out:
    free(text);
}

void cm_kbs_serve_resource_policy_put(struct cm_call *call, void *state)
{
    json_t *body = cm_call_json(call);

    (void)state;
    if (body != NULL) {
        upload(call, true, body);
    }
}

void cm_kbs_serve_attestation_policy_put(struct cm_call *call, void *state)
{
    json_t *body = cm_call_json(call);

    (void)state;
    if (body != NULL) {
        upload(call, false, body);
    }
}

/* -------------------------------------------------------------------- what there is */

static void answer_text(struct cm_call *call, const char *text)
{
    cm_call_answer(call, 200, "text/plain; charset=utf-8", cm_span_make(text, strlen(text)));
}

static void answer_active(struct cm_call *call, const char *type)
{
    const struct cm_rule_version *rule = NULL;
    enum cm_status st = cm_rules_active(call->service, type, &rule);

    if (st != CM_OK) {
        cm_call_fail_status(call, st, NULL);
        return;
    }
    answer_text(call, rule->text);
    cm_rules_release(rule);
}

void cm_kbs_serve_resource_policy(struct cm_call *call, void *state)
{
    const char *name = cm_call_param(call, "name");
    const char *text = cm_kbs_policy(name);

    (void)state;
    if (name[0] == '\0') {
        answer_active(call, RESOURCE_TYPE);
    } else if (text != NULL) {
        answer_text(call, text);
    } else {
        cm_call_fail(call, 404, "PolicyNotFound",
                     "ready policies are affirming, default, allow-all and deny-all");
    }
}

void cm_kbs_serve_attestation_policy(struct cm_call *call, void *state)
{
    const char *type = attestation_type(call, cm_call_param(call, "id"));

    (void)state;
    if (type != NULL) {
        answer_active(call, type);
    }
}

void cm_kbs_serve_attestation_policy_list(struct cm_call *call, void *state)
{
    json_t *list = json_array();
    const char *type = NULL;

    (void)state;
    for (size_t i = 0; (type = cm_rules_type_at(i)) != NULL; i++) {
        if (strcmp(type, RESOURCE_TYPE) != 0) {
            (void)json_array_append_new(list, json_string(type));
        }
    }
    cm_call_answer_json(call, 200, list);
}
