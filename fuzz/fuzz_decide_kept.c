/*
 * What the store gives back: kept collateral and explanations. The first byte picks: 0 bytes of kept
 * collateral, which must write themselves again as they were read; else a base (its length in the next two
 * bytes) and a difference of an explanation, and the claims in what comes out.
 */
#include <stdlib.h>
#include <string.h>

#include "decide/decide_items.h"
#include "decide/decide_kept.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void kept(struct cm_span bytes)
{
    struct cm_kept *first = NULL;
    struct cm_kept *second = NULL;
    uint8_t *again = NULL;
    size_t len = 0;

    if (cm_kept_read(bytes, &first, NULL) != CM_OK) {
        return;
    }
    if (cm_kept_write(first, &again, &len) != CM_OK ||
        cm_kept_read(cm_span_make(again, len), &second, NULL) != CM_OK ||
        strcmp(first->want.name, second->want.name) != 0 ||
        cm_kept_follows(first, second, NULL) != CM_OK ||
        memcmp(first->hash, second->hash, sizeof(first->hash)) != 0) {
        abort();
    }
    free(again);
    cm_kept_drop(second);
    cm_kept_drop(first);
}

static void explanation(struct cm_span text, struct cm_span diff)
{
    struct cm_items base = {NULL, 0, NULL, 0};
    struct cm_items made = {NULL, 0, NULL, 0};
    struct cm_policy_claims *claims = NULL;
    uint8_t *back = NULL;
    char *out = NULL;
    char *twice = NULL;
    json_t *root = NULL;
    size_t len = 0;
    size_t back_len = 0;
    size_t twice_len = 0;

    if (cm_items_read(text, &base) != CM_OK || cm_items_patch(&base, diff, &out, &len) != CM_OK) {
        goto out;
    }
    /* what was made differs from its base by something that makes it again */
    if (cm_items_read(cm_span_make(out, len), &made) != CM_OK ||
        cm_items_diff(&base, &made, &back, &back_len) != CM_OK ||
        cm_items_patch(&base, cm_span_make(back, back_len), &twice, &twice_len) != CM_OK ||
        twice_len != len || (len != 0 && memcmp(twice, out, len) != 0)) {
        abort();
    }
    root = json_loadb(out, len, 0, NULL);
    if (root != NULL && cm_items_claims(root, &claims) == CM_OK) {
        cm_policy_claims_free(claims);
    }
    json_decref(root);
out:
    free(twice);
    free(back);
    free(out);
    cm_items_free(&made);
    cm_items_free(&base);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t cut = 0;

    if (size < 3) {
        return 0;
    }
    if (data[0] == 0) {
        kept(cm_span_make(data + 1, size - 1));
        return 0;
    }
    cut = (size_t)data[1] | (size_t)data[2] << 8;
    cut = cut < size - 3 ? cut : size - 3;
    explanation(cm_span_make(data + 3, cut), cm_span_make(data + 3 + cut, size - 3 - cut));
    return 0;
}
