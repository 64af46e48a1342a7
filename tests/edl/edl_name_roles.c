/*
 * Names in every role that an EDL file can give them. Reads names from standard input, one a line.
 * usage: edl_name_roles FOLDER. For each role writes EDL files FOLDER/ROLE_N.edl of all names that
 * the compiler takes in that role, for edl_names.sh to generate and compile; a name that it does
 * not take must be refused at its own place. Prints how many were taken and refused.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "edl/edl.h"

enum { NAMES_A_FILE = 300, MAX_LINE = 256, MAX_TEXT = 2048 };

/* @ is the name, # a number of its own */
struct role {
    const char *name;
    const char *type;    /* declarations */
    const char *trusted; /* functions */
    const char *untrusted;
};

#define WALK "#([in, out, count=n] struct w *@, size_t n, [in, string] const char *t_);\n"
#define SIZE "s#(size_t @, [in, size=@] const void *d_, [out, size=@] uint8_t *o_);\n"

static const struct role roles[] = {
    {"ecall", "", "public int @([in, string] const char *t_, [out] struct w *w_);\n", ""},
    {"ocall", "", "", "int @([in, string] const char *t_, [out] struct w *w_) propagate_errno;\n"},
    {"parameter", "", "public int zz_f" WALK "public void zz_f" SIZE,
     "int zz_g" WALK "void zz_g" SIZE},
    {"struct", "struct @ { uint32_t c; bool q; [count=c] int *p; };\n",
     "public void zz_f#([in, out] @ *a); public void zz_h#([out, count=2] struct @ *a);\n",
     "void zz_g#([in, out] struct @ *a, [in] const @ *b); void zz_k#([out] @ *a);\n"},
    {"union", "union @ { int a; char b[4]; };\n", "public void zz_f#([in, out] union @ *a);\n",
     "@ zz_g#(@ a);\n"},
    {"enum", "enum @ { e_# };\n", "public @ zz_f#(enum @ a);\n",
     "enum @ zz_g#([out] enum @ *a);\n"},
    {"enumerator", "enum n_# { @ = #1 };\n", "public void zz_f#([in] const int a[@]);\n",
     "enum n_# zz_g#([out] int a[2][@]);\n"},
    {"member",
     "struct s_# { uint32_t @; bool q; [count=@] struct w *p; };\n"
     "struct t_# { uint32_t c; long double @[2]; [count=c] int *q; };\n",
     "public void zz_f#([in, out] s_# *a, [out] t_# *b);\n", "void zz_g#([in, out] t_# *a);\n"},
    {"pointer_member", "struct s_# { uint32_t c; [count=c] struct w *@; };\n",
     "public void zz_f#([in, out] s_# *a, [out] s_# *b);\n", "void zz_g#([in, out] s_# *a);\n"},
};

enum { ROLES = sizeof(roles) / sizeof(roles[0]) };

static const char head[] =
    "enclave {\nstruct w { uint32_t len; bool yes; [size=len] void *data; };\n";

static void put(FILE *f, const char *pattern, const char *name, unsigned number)
{
    for (const char *c = pattern; *c != '\0'; c++) {
        if (*c == '@') {
            (void)fputs(name, f);
        } else if (*c == '#') {
            (void)fprintf(f, "%u", number);
        } else {
            (void)fputc(*c, f);
        }
    }
}

static enum cm_status read_text(void *ctx, struct cm_edl_arena *arena, const char *path,
                                const char **text, size_t *len)
{
    (void)path;
    *len = strlen(ctx);
    *text = cm_edl_copy_text(arena, ctx, *len);
    return *text == NULL ? CM_ERR_NOMEM : CM_OK;
}

/* true when the compiler takes the name; a refusal that does not show it ends the test */
static bool is_taken(const struct role *r, const char *name)
{
    char text[MAX_TEXT] = "";
    char messages[MAX_TEXT] = "";
    struct cm_edl_options options;
    struct cm_edl_context ctx;
    const struct cm_edl_unit *unit = NULL;
    FILE *f = fmemopen(text, sizeof(text), "w");
    enum cm_status st = CM_OK;

    memset(&options, 0, sizeof(options));
    memset(&ctx, 0, sizeof(ctx));
    if (f == NULL) {
        exit(2);
    }
    (void)fputs(head, f);
    put(f, r->type, name, 0);
    (void)fputs("trusted {\n", f);
    put(f, r->trusted, name, 0);
    (void)fputs("};\nuntrusted {\n", f);
    put(f, r->untrusted, name, 0);
    (void)fputs("};\n};\n", f);
    (void)fclose(f);
    options.warn_off[CM_EDL_W_USER_CHECK] = true;
    options.warn_off[CM_EDL_W_NON_PORTABLE_TYPE] = true;
    options.warn_error[CM_EDL_W_RESERVED_NAME] = true; /* what is doubtful need not compile */
    ctx.options = &options;
    ctx.source.read = read_text;
    ctx.source.ctx = text;
    ctx.messages = fmemopen(messages, sizeof(messages) - 1, "w");
    st = cm_edl_parse(&ctx, "n.edl", &unit);
    if (ctx.messages != NULL) {
        (void)fclose(ctx.messages);
    }
    cm_edl_context_free(&ctx);
    if (st != CM_OK &&
        (strncmp(messages, "error: n.edl:", 13) != 0 || strstr(messages, name) == NULL)) {
        (void)printf("FAIL %s as %s: %s\n", name, r->name, messages);
        exit(1);
    }
    return st == CM_OK;
}

static void write_file(const char *folder, const struct role *r, unsigned number, char **names,
                       size_t count)
{
    char path[1024] = "";
    FILE *f = NULL;

    (void)snprintf(path, sizeof(path), "%s/%s_%u.edl", folder, r->name, number);
    f = fopen(path, "w");
    if (f == NULL) {
        exit(2);
    }
    (void)fputs(head, f);
    for (unsigned i = 0; i < count; i++) {
        put(f, r->type, names[i], i);
    }
    (void)fputs("trusted {\n", f);
    for (unsigned i = 0; i < count; i++) {
        put(f, r->trusted, names[i], i);
    }
    (void)fputs("};\nuntrusted {\n", f);
    for (unsigned i = 0; i < count; i++) {
        put(f, r->untrusted, names[i], i);
    }
    (void)fputs("};\n};\n", f);
    if (fclose(f) != 0) {
        exit(2);
    }
}

int main(int argc, char **argv)
{
    static char *names[ROLES][NAMES_A_FILE];
    size_t counts[ROLES] = {0};
    unsigned files[ROLES] = {0};
    unsigned taken = 0;
    unsigned refused = 0;
    char line[MAX_LINE];

    if (argc != 2) {
        return 2;
    }
    while (fgets(line, sizeof(line), stdin) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        for (size_t r = 0; r < ROLES; r++) {
            if (!is_taken(&roles[r], line)) {
                refused++;
                continue;
            }
            taken++;
            names[r][counts[r]++] = strdup(line);
            if (counts[r] == NAMES_A_FILE) {
                write_file(argv[1], &roles[r], files[r]++, names[r], counts[r]);
                counts[r] = 0;
            }
        }
    }
    for (size_t r = 0; r < ROLES; r++) {
        write_file(argv[1], &roles[r], files[r], names[r], counts[r]);
    }
    (void)printf("%u taken, %u refused\n", taken, refused);
    return taken != 0 && refused != 0 ? 0 : 1;
}
