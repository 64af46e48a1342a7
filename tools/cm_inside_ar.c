/*
 * cm_inside_ar: makes an archive that may be linked into an enclave from a package's archives.
 * Runs at build time only; see docs/inside.md and src/libc/prep_plan.h for what it does.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libc/prep_plan.h"
#include "os/os.h"

static const char usage[] =
    "usage: cm_inside_ar --package NAME --in IN.a... --out OUT.a [option value]... [-- OBJECT...]\n"
    "OBJECTs are added; members of IN.a that define one of their symbols are left out.\n"
    "  --resolve FILE   an archive that may define what the result needs\n"
    "  --roots FILE     text file of symbols that have to be usable, one a line, # comments\n"
    "  --allow PREFIX   symbols with this prefix come from the enclave runtime\n"
    "  --runtime NAME   this symbol comes from the enclave runtime, not from the package\n"
    "  --trap FUNCTION  fill this function of the package with UD2 and let an OBJECT define it\n"
    "  --waive FUNCTION the instruction scan passes over this function\n"
    "  --without NAME   leave this section out of the package's members\n"
    "  --report FILE    write what was dropped and why\n"
    "  --scan sections|functions\n"
    "  --check whole|roots\n";

static void push(struct cm_prep_list *list, const char *item)
{
    const char **p = realloc(list->items, (list->count + 1) * sizeof(*p));

    if (p == NULL) {
        (void)fputs("cm_inside_ar: out of memory\n", stderr);
        exit(1);
    }
    list->items = p;
    list->items[list->count++] = item;
}

/* One name a line into the list, which points into the text: that stays until the program ends. */
static bool read_roots(const char *path, struct cm_prep_list *list, struct cm_why *why)
{
    static uint8_t *text;
    char *save = NULL;
    char *line;
    size_t len = 0;

    if (cm_file_read(path, (size_t)1 << 20, &text, &len, why) != CM_OK) {
        return false;
    }
    for (line = strtok_r((char *)text, "\n", &save); line != NULL;
         line = strtok_r(NULL, "\n", &save)) {
        if (line[0] != '#') {
            push(list, line);
        }
    }
    return true;
}

static bool apply(struct cm_prep_plan *plan, const char *name, const char *value,
                  struct cm_why *why)
{
    if (strcmp(name, "--package") == 0) {
        plan->package = value;
    } else if (strcmp(name, "--in") == 0) {
        push(&plan->inputs, value);
    } else if (strcmp(name, "--out") == 0) {
        plan->output = value;
    } else if (strcmp(name, "--report") == 0) {
        plan->report = value;
    } else if (strcmp(name, "--without") == 0) {
        plan->without = value;
    } else if (strcmp(name, "--resolve") == 0) {
        push(&plan->resolve, value);
    } else if (strcmp(name, "--allow") == 0) {
        push(&plan->allowed, value);
    } else if (strcmp(name, "--runtime") == 0) {
        push(&plan->runtime, value);
    } else if (strcmp(name, "--trap") == 0) {
        push(&plan->trapped, value);
    } else if (strcmp(name, "--waive") == 0) {
        push(&plan->waived, value);
    } else if (strcmp(name, "--roots") == 0) {
        return read_roots(value, &plan->roots, why);
    } else if (strcmp(name, "--scan") == 0 && strcmp(value, "sections") == 0) {
        plan->mode = CM_PREP_SCAN_SECTIONS;
    } else if (strcmp(name, "--scan") == 0 && strcmp(value, "functions") == 0) {
        plan->mode = CM_PREP_SCAN_FUNCTIONS;
    } else if (strcmp(name, "--check") == 0) {
        plan->whole = strcmp(value, "whole") == 0;
    } else {
        cm_why_set(why, "unknown option %s %s", name, value);
        return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    struct cm_prep_plan plan;
    struct cm_why why = {""};
    int i;

    memset(&plan, 0, sizeof(plan));
    for (i = 1; i + 1 < argc && strcmp(argv[i], "--") != 0; i += 2) {
        if (!apply(&plan, argv[i], argv[i + 1], &why)) {
            (void)fprintf(stderr, "cm_inside_ar: %s\n%s", why.text, usage);
            return 2;
        }
    }
    for (i += i < argc && strcmp(argv[i], "--") == 0; i < argc; i++) {
        push(&plan.objects, argv[i]);
    }
    if (i != argc || plan.package == NULL || plan.inputs.count == 0 || plan.output == NULL) {
        (void)fputs(usage, stderr); /* NOLINT(clang-analyzer-unix.Malloc): the process ends */
        return 2;
    }
    if (cm_prep_run(&plan, &why) != CM_OK) {
        (void)fprintf(stderr, "cm_inside_ar: %s\n", why.text);
        return 1;
    }
    free(plan.inputs.items);
    free(plan.objects.items);
    free(plan.resolve.items);
    free(plan.allowed.items);
    free(plan.trapped.items);
    free(plan.waived.items);
    free(plan.runtime.items);
    free(plan.roots.items);
    return 0;
}
