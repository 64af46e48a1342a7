/*
 * By which level of a platform evidence is judged. Azure has numbered baselines, the numbers of Intel's TCB
 * evaluation data sets, and "azuredefault". Here evidence is always judged by the maker's newest data; a
 * policy that names a number is not gone below.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

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

void cm_maa_baselines(struct cm_call *call, void *state)
{
    const char *type = cm_call_param(call, "type");

    (void)state;
    if (!cm_maa_versioned(call)) {
        return;
    }
    if (strcasecmp(type, "SgxEnclave") != 0 && strcasecmp(type, "OpenEnclave") != 0 &&
        strcasecmp(type, "TdxVm") != 0) {
        cm_call_fail(call, 400, "InvalidParameter", "this type has no TCB baselines");
        return;
    }
    /* one: the maker's newest collateral. Numbers and dates are each platform's, in its tokens */
    cm_call_answer_json(call, 200,
                        json_pack("{s:[{s:b, s:s}]}", "tcbBaselines", "isSelectedTcb", 1,
                                  "tcbIdentifier", "azuredefault"));
}
