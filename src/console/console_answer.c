/* What handlers of the dashboard's API share; see console_private.h. */
#include <stdlib.h>
#include <string.h>

#include "console/console_private.h"
#include "rules/rules.h"

void cm_console_bad_policy(struct cm_call *call, const struct cm_policy_error *error)
{
    cm_call_answer_json(call, 400,
                        json_pack("{s{ss ss sI sI}}", "error", "code", "PolicySyntax", "message",
                                  error->text, "line", (json_int_t)error->line, "column",
                                  (json_int_t)error->column));
}

void cm_console_answer(struct cm_call *call, enum cm_status st, json_t *out,
                       const struct cm_why *why)
{
    if (st == CM_OK) {
        cm_call_answer_json(call, 200, out);
    } else {
        json_decref(out);
        cm_call_fail_status(call, st, why);
    }
}

const struct cm_rule_version *cm_console_draft(struct cm_call *call, const char *type,
                                               const char *text)
{
    const struct cm_rule_version *draft = NULL;
    struct cm_policy_error error = {0};
    const enum cm_status st =
        cm_rules_draft_text(type, cm_span_make(text, strlen(text)), &draft, &error);

    if (st == CM_OK) {
        return draft;
    }
    if (error.text[0] != '\0') {
        cm_console_bad_policy(call, &error);
    } else {
        cm_call_fail_status(call, st, NULL);
    }
    return NULL;
}

json_t *cm_console_tees(const char *type)
{
    static const struct {
        const char *type;
        const char *tees[2];
    } table[] = {
        {"SgxEnclave", {"sgx", NULL}}, {"OpenEnclave", {"sgx", NULL}}, {"SevSnpVm", {"snp", NULL}},
        {"TdxVm", {"tdx", NULL}},      {"AzureGuest", {"snp", "tdx"}}, {"Tpm", {"tpm", NULL}},
        {"Nitro", {"nitro", NULL}},    {"Gce", {"gce", NULL}},         {"GcpToken", {"gcp", NULL}},
        {"Cca", {"cca", NULL}},        {"Psa", {"psa", NULL}},         {"OpTee", {"optee", NULL}},
        {"Nvidia", {"nvidia", NULL}},
    };
    json_t *out = json_array();

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        for (size_t t = 0; t < 2 && strcmp(table[i].type, type) == 0; t++) {
            if (table[i].tees[t] != NULL) {
                (void)json_array_append_new(out, json_string(table[i].tees[t]));
            }
        }
    }
    return out;
}

json_t *cm_console_loads(const char *text, size_t len)
{
    return len == 0 ? json_null() : json_loadb(text, len, 0, NULL);
}
