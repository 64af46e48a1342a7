/*
 * Any bytes as a JMESPath query and, behind the first NUL byte, as the document: searching ends, in its
 * budget, with a value that can be written and read again, or with a reason.
 */
#include <stdlib.h>
#include <string.h>

#include "common/span.h"
#include "policy/jmespath.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static const char fallback[] =
    "{\"a\":[{\"b\":1,\"c\":\"x\"},{\"b\":2,\"c\":[1,[2]]},null],\"d\":{\"e\":true}}";

static void search(struct cm_arena *arena, const struct cm_jp *query, struct cm_span document)
{
    struct cm_jp_budget budget = {.arena = arena, .steps = 200000};
    const struct cm_pj *doc = NULL;
    const struct cm_pj *found = NULL;
    const struct cm_pj *again = NULL;
    struct cm_span text = {NULL, 0};
    uint64_t steps = 1000000;
    enum cm_status st = cm_pj_parse(arena, document, &doc, NULL);

    if (st != CM_OK) {
        return;
    }
    st = cm_jp_search(query, doc, &budget, &found);
    if (st != CM_OK) {
        if (budget.why.text[0] == '\0' && arena->status == CM_OK && budget.steps != 0) {
            abort();
        }
        return;
    }
    if (cm_pj_write(arena, found, &text) != CM_OK) {
        if (arena->status == CM_OK) {
            abort();
        }
        return;
    }
    st = cm_pj_parse(arena, text, &again, NULL);
    /* objects that a query makes may name a member twice, which no text may */
    if (st == CM_OK && !cm_pj_equal(found, again, &steps) && steps != 0 && found->depth == 0) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    const unsigned char *nul = size == 0 ? NULL : memchr(data, 0, size);
    struct cm_span query = cm_span_make(data, nul == NULL ? size : (size_t)(nul - data));
    struct cm_span document = cm_span_make(fallback, sizeof(fallback) - 1);
    struct cm_arena arena = cm_arena_init(16u << 20);
    const struct cm_jp *compiled = NULL;
    struct cm_why why = {{0}};
    size_t at = 0;
    enum cm_status st = CM_OK;

    if (nul != NULL) {
        document = cm_span_make(nul + 1, size - query.len - 1);
    }
    st = cm_jp_compile(&arena, query, &compiled, &at, &why);
    if (st == CM_OK) {
        search(&arena, compiled, document);
    } else if (at > query.len || (why.text[0] == '\0' && arena.status == CM_OK)) {
        abort();
    }
    cm_arena_free(&arena);
    return 0;
}
