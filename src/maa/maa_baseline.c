/*
 * By which level of a platform evidence is judged. Azure has numbered baselines, the numbers of Intel's TCB
 * evaluation data sets, and "azuredefault". Here evidence is always judged by the maker's newest data; a
 * policy that names a number is not gone below.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "decide/decide_log.h"
#include "maa/maa_private.h"

#define PROPERTY "x-ms-sgx-tcbidentifier"
#define DEFAULT  "azuredefault"

/* The number that a property asks for; 0: whatever is newest. */
static bool wanted(const struct cm_policy_claim *property, int64_t *out)
{
    char text[24] = "";
    char *end = NULL;

    if (property->value_type == CM_POLICY_INT) {
        *out = property->number;
        return true;
    }
    if (property->value_type != CM_POLICY_TEXT || property->text.len == 0 ||
        property->text.len >= sizeof(text)) {
        return false;
    }
    memcpy(text, property->text.ptr, property->text.len);
    if (strcasecmp(text, DEFAULT) == 0) {
        *out = 0;
        return true;
    }
    *out = strtoll(text, &end, 10);
    return text[0] >= '0' && text[0] <= '9' && *end == '\0';
}

enum cm_status cm_maa_baseline_check(const struct cm_decision *d, struct cm_why *why)
{
    const struct cm_claim *number = cm_evidence_find(d->evidence, 0, "tcb.evaluation_number", 0);
    struct cm_policy_claim property;
    int64_t least = 0;

    for (size_t i = 0; d->outcome != NULL && cm_policy_outcome_property(d->outcome, i, &property);
         i++) {
        if (property.type.len != strlen(PROPERTY) ||
            memcmp(property.type.ptr, PROPERTY, property.type.len) != 0) {
            continue;
        }
        if (!wanted(&property, &least)) {
            cm_why_set(why, PROPERTY " is neither " DEFAULT " nor a number");
            return CM_ERR_POLICY;
        }
        if (least > 0 && (number == NULL || number->number < (uint64_t)least)) {
            cm_why_set(why, PROPERTY " asks for %lld, and the platform was judged by number %lld",
                       (long long)least, number == NULL ? 0LL : (long long)number->number);
            return CM_ERR_POLICY;
        }
    }
    return CM_OK;
}

/* "azuredefault": the first of the list, which it is selected before. NULL: no memory */
static json_t *newest(const json_t *list)
{
    json_t *first = json_array_get(list, 0);
    json_t *out = first == NULL ? json_pack("{s:b}", "isSelectedTcb", 1) : json_deep_copy(first);

    for (size_t i = 0; i < json_array_size(list); i++) {
        if (json_object_set_new(json_array_get(list, i), "isSelectedTcb", json_false()) != 0) {
            json_decref(out);
            return NULL;
        }
    }
    if (out != NULL && json_object_set_new(out, "tcbIdentifier", json_string(DEFAULT)) != 0) {
        json_decref(out);
        out = NULL;
    }
    return out;
}

void cm_maa_baselines(struct cm_call *call, void *state)
{
    const char *type = cm_call_param(call, "type");
    json_t *out = NULL;
    struct cm_why why = {""};
    enum cm_status st = CM_OK;

    (void)state;
    if (!cm_maa_versioned(call)) {
        return;
    }
    if (strcasecmp(type, "SgxEnclave") != 0 && strcasecmp(type, "OpenEnclave") != 0 &&
        strcasecmp(type, "TdxVm") != 0) {
        cm_call_fail(call, 400, "InvalidParameter", "this type has no TCB baselines");
        return;
    }
    /* by their numbers what is kept of the maker's; the newest is what judges, under this name */
    st = cm_decide_baselines(call->service, type, &out, &why);
    if (st == CM_OK && json_array_insert_new(json_object_get(out, "tcbBaselines"), 0,
                                             newest(json_object_get(out, "tcbBaselines"))) != 0) {
        st = CM_ERR_NOMEM;
    }
    if (st != CM_OK) {
        json_decref(out);
        cm_call_fail_status(call, st, &why);
        return;
    }
    cm_call_answer_json(call, 200, out);
}
