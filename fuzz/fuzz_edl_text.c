/*
 * EDL text of any shape through the whole compiler: lexer, parser, checker, emitter. An import of
 * "a.edl" to "d.edl" gives the same text again from a later place, so that imports are reached.
 */
#include <stdlib.h>
#include <string.h>

#include "edl/edl.h"

struct input {
    const unsigned char *data;
    size_t size;
};

static enum cm_status read_input(void *ctx, struct cm_edl_arena *arena, const char *path,
                                 const char **text, size_t *len)
{
    const struct input *in = ctx;
    size_t skip = 0;
    char *copy = NULL;

    if (strlen(path) != 5 || strcmp(path + 1, ".edl") != 0 || path[0] < 'a' || path[0] > 'd') {
        return CM_ERR_NOTFOUND;
    }
    skip = (size_t)path[0] - (size_t)'a';
    skip *= in->size / 4;
    copy = cm_edl_copy_text(arena, (const char *)in->data + skip, in->size - skip);
    if (copy == NULL) {
        return CM_ERR_NOMEM;
    }
    *text = copy;
    *len = in->size - skip;
    return CM_OK;
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);
int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    static const char *const defines[] = {"A"};
    struct input in = {data, size};
    struct cm_edl_options options;
    struct cm_edl_context ctx;
    const struct cm_edl_unit *unit = NULL;
    enum cm_status st = CM_OK;

    if (size > 64 * 1024) {
        return 0;
    }
    memset(&options, 0, sizeof(options));
    memset(&ctx, 0, sizeof(ctx));
    options.defines = defines;
    options.define_count = 1;
    options.warn_all = true;
    ctx.options = &options;
    ctx.source.read = read_input;
    ctx.source.ctx = &in;
    ctx.messages = fopen("/dev/null", "w");
    st = cm_edl_parse(&ctx, "a.edl", &unit);
    for (int i = CM_EDL_ARGS_H; st == CM_OK && i <= CM_EDL_U_C; i++) {
        char *text = NULL;
        size_t len = 0;

        st = cm_edl_emit(unit, (enum cm_edl_output)i, size % 2 == 0, &text, &len);
        free(text);
    }
    if (ctx.messages != NULL) {
        (void)fclose(ctx.messages);
    }
    cm_edl_context_free(&ctx);
    return 0;
}
