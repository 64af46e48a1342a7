/*
 * Preparing an archive: choose members, check that what remains is complete, write it. Called by
 * tools/cm_inside_ar.c.
 */
#include "libc/prep_plan.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "common/try.h"
#include "libc/prep_ar.h"
#include "os/os.h"

/* One defined symbol and the number of the member (or node, see below) that defines it. */
struct def {
    const char *name;
    size_t member;
};

struct defs {
    struct def *items;
    size_t count;
    size_t cap;
    bool bad;
};

static int by_name(const void *a, const void *b)
{
    const struct def *x = a;
    const struct def *y = b;
    int c = strcmp(x->name, y->name);

    if (c != 0) {
        return c;
    }
    return x->member < y->member ? -1 : x->member > y->member;
}

static int name_only(const void *key, const void *item)
{
    return strcmp(key, ((const struct def *)item)->name);
}

static const struct def *find(const struct defs *d, const char *name)
{
    return d->count == 0 ? NULL : bsearch(name, d->items, d->count, sizeof(*d->items), name_only);
}

static void add_def(struct defs *d, const char *name, size_t member)
{
    if (d->count == d->cap && !d->bad) {
        size_t cap = 2 * d->cap + 1024;
        struct def *p = realloc(d->items, cap * sizeof(*p));

        if (p == NULL) {
            d->bad = true;
            return;
        }
        d->items = p;
        d->cap = cap;
    }
    if (!d->bad) {
        d->items[d->count].name = name;
        d->items[d->count].member = member;
        d->count++;
    }
}

/* Adds what the object defines; only_strong leaves weak definitions out. */
static void collect(struct defs *d, const struct cm_prep_elf *e, size_t member, bool only_strong)
{
    size_t i;

    for (i = 0; i < e->symbol_count; i++) {
        const struct cm_prep_symbol *sym = &e->symbols[i];

        if (cm_prep_symbol_is_export(sym) && (!only_strong || sym->bind == STB_GLOBAL)) {
            add_def(d, sym->name, member);
        }
    }
}

static void sort(struct defs *d)
{
    if (d->count != 0) {
        qsort(d->items, d->count, sizeof(*d->items), by_name);
    }
}

/* A member that may be linked into an enclave, as far as the check is concerned. */
struct node {
    const struct cm_prep_member *member;
};

struct work {
    const struct cm_prep_plan *plan;
    struct cm_prep_ar ar;
    struct cm_prep_ar *others; /* one for each of plan->resolve */
    struct defs ours;          /* strong definitions of our objects */
    struct defs theirs;        /* strong definitions of the package */
    struct defs all;           /* what the nodes define */
    struct node *nodes;        /* the members that remain, then those of the other archives */
    size_t node_count;
    size_t own_nodes; /* the first of them, which go to the output */
    struct cm_prep_buf report;
};

static void report(struct work *w, const char *verb, const char *member, const char *because)
{
    cm_prep_buf_put(&w->report, verb, strlen(verb));
    cm_prep_buf_put(&w->report, " ", 1);
    cm_prep_buf_put(&w->report, member, strlen(member));
    cm_prep_buf_put(&w->report, ": ", 2);
    cm_prep_buf_put(&w->report, because, strlen(because));
    cm_prep_buf_put(&w->report, "\n", 1);
}

/*
 * The symbol of ours that this member defines, or NULL. A weak definition is an alias for the real
 * thing, or a dummy for programs that do not link it: it is a dummy when another member of the
 * package has a strong one, and then this member stays.
 */
static const char *replaced_symbol(const struct work *w, const struct cm_prep_elf *e)
{
    size_t i;

    for (i = 0; i < e->symbol_count; i++) {
        const struct cm_prep_symbol *s = &e->symbols[i];

        if (cm_prep_symbol_is_export(s) && find(&w->ours, s->name) != NULL &&
            (s->bind == STB_GLOBAL || find(&w->theirs, s->name) == NULL)) {
            return s->name;
        }
    }
    return NULL;
}

/* Decides about one member of the package. */
static enum cm_status choose_member(struct work *w, struct cm_prep_member *m, struct cm_why *why)
{
    const struct cm_prep_plan *plan = w->plan;
    const char *symbol = replaced_symbol(w, &m->elf);
    char hit[CM_PREP_HIT_SIZE] = "";
    enum cm_status st;

    if (symbol != NULL) {
        m->dropped = true;
        report(w, "replaced", m->name, symbol);
        return CM_OK;
    }
    st =
        cm_prep_scan(&m->elf, plan->mode, plan->waived.items, plan->waived.count, &m->dropped, hit);
    if (st != CM_OK) {
        cm_why_set(why, "out of memory");
    } else if (m->dropped) {
        report(w, "dropped", m->name, hit);
    }
    return st;
}

static enum cm_status check_own_object(const struct cm_prep_member *m, struct cm_why *why)
{
    char hit[CM_PREP_HIT_SIZE] = "";
    bool found = false;
    enum cm_status st = cm_prep_scan(&m->elf, CM_PREP_SCAN_SECTIONS, NULL, 0, &found, hit);

    if (st != CM_OK) {
        cm_why_set(why, "out of memory");
    } else if (found) {
        cm_why_set(why, "our own object %s has an instruction that no enclave can execute: %s",
                   m->name, hit);
        st = CM_ERR_DENIED;
    }
    return st;
}

/* Puts the rewritten object in b in the member's place; takes b over. */
static enum cm_status replace_bytes(struct cm_prep_member *m, struct cm_prep_buf *b,
                                    struct cm_why *why)
{
    struct cm_prep_elf fresh;
    enum cm_status st = CM_ERR_NOMEM;

    if (b->bad) {
        cm_why_set(why, "out of memory");
    } else {
        st = cm_prep_elf_open(&fresh, cm_span_make(b->ptr, b->len), m->name, why);
    }
    if (st != CM_OK) {
        cm_prep_buf_free(b);
        return st;
    }
    cm_prep_elf_close(&m->elf);
    free(m->owned);
    m->elf = fresh;
    m->owned = b->ptr;
    return CM_OK;
}

static enum cm_status strip(struct work *w, struct cm_why *why)
{
    size_t i;

    for (i = 0; i < w->ar.count; i++) {
        struct cm_prep_member *m = &w->ar.members[i];
        struct cm_prep_buf b = {NULL, 0, 0, false};
        enum cm_status st;

        if (m->added || m->dropped) {
            continue;
        }
        cm_prep_elf_without(&m->elf, w->plan->without, &b);
        st = replace_bytes(m, &b, why);
        if (st != CM_OK) {
            return st;
        }
    }
    return CM_OK;
}

/* Before anything else looks at the members: what is trapped is not the package's any more. */
static enum cm_status trap_one(struct work *w, const char *name, struct cm_why *why)
{
    size_t i;

    for (i = 0; i < w->ar.count; i++) {
        struct cm_prep_member *m = &w->ar.members[i];
        const struct cm_prep_symbol *function = cm_prep_elf_function(&m->elf, name);
        struct cm_prep_buf b = {NULL, 0, 0, false};

        if (function != NULL) {
            report(w, "trapped", m->name, name);
            cm_prep_elf_trap(&m->elf, function, &b);
            return replace_bytes(m, &b, why);
        }
    }
    cm_why_set(why, "package %s changed: it has no function %s any more", w->plan->package, name);
    return CM_ERR_MISMATCH;
}

static enum cm_status choose(struct work *w, struct cm_why *why)
{
    enum cm_status st = CM_OK;
    size_t i;

    for (i = 0; i < w->ar.count; i++) {
        struct cm_prep_member *m = &w->ar.members[i];

        CM_TRY(m->added ? check_own_object(m, why) : choose_member(w, m, why));
    }
out:
    return st;
}

static bool is_allowed(const struct cm_prep_plan *plan, const char *name)
{
    size_t i;

    if (strcmp(name, "_GLOBAL_OFFSET_TABLE_") == 0 || strcmp(name, "_DYNAMIC") == 0 ||
        strcmp(name, "__ehdr_start") == 0) {
        return true; /* the linker makes them */
    }
    for (i = 0; i < plan->runtime.count; i++) {
        if (strcmp(name, plan->runtime.items[i]) == 0) {
            return true;
        }
    }
    for (i = 0; i < plan->allowed.count; i++) {
        if (strncmp(name, plan->allowed.items[i], strlen(plan->allowed.items[i])) == 0) {
            return true;
        }
    }
    return false;
}

/* Nodes found to be needed, in the order in which they are looked at. */
struct todo {
    bool *seen;
    size_t *list;
    size_t len;
};

static void todo_add(struct todo *t, size_t node)
{
    if (!t->seen[node]) {
        t->seen[node] = true;
        t->list[t->len++] = node;
    }
}

/* Everything that the node needs must exist; the nodes that provide it are put on the list. */
static enum cm_status check_node(const struct work *w, size_t node, struct todo *t,
                                 struct cm_why *why)
{
    const struct cm_prep_member *m = w->nodes[node].member;
    size_t i;

    /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): load() gave every node its member */
    for (i = 0; i < m->elf.symbol_count; i++) {
        const struct cm_prep_symbol *s = &m->elf.symbols[i];
        const struct def *d;

        if (!cm_prep_symbol_is_import(s)) {
            continue;
        }
        d = find(&w->all, s->name);
        if (d != NULL) {
            todo_add(t, d->member);
        } else if (!is_allowed(w->plan, s->name)) {
            cm_why_set(why,
                       "package %s changed: %s needs the symbol %s, which nothing inside an "
                       "enclave defines (src/libc has to provide it)",
                       w->plan->package, m->name, s->name);
            return CM_ERR_MISMATCH;
        }
    }
    return CM_OK;
}

static enum cm_status check(const struct work *w, struct cm_why *why)
{
    enum cm_status st = CM_OK;
    struct todo t = {NULL, NULL, 0};
    size_t i;

    t.seen = calloc(w->node_count + 1, sizeof(*t.seen));
    t.list = calloc(w->node_count + 1, sizeof(*t.list));
    if (t.seen == NULL || t.list == NULL) {
        cm_why_set(why, "out of memory");
        st = CM_ERR_NOMEM;
        goto out;
    }
    for (i = 0; i < w->plan->roots.count; i++) {
        const struct def *d = find(&w->all, w->plan->roots.items[i]);

        if (d == NULL) {
            cm_why_set(why,
                       "package %s changed: the function %s is no longer usable inside an enclave",
                       w->plan->package, w->plan->roots.items[i]);
            st = CM_ERR_MISMATCH;
            goto out;
        }
        todo_add(&t, d->member);
    }
    for (i = 0; i < w->own_nodes; i++) {
        /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): load() gave every node its member */
        if (w->plan->whole || w->nodes[i].member->added) {
            todo_add(&t, i);
        }
    }
    for (i = 0; i < t.len; i++) {
        CM_TRY(check_node(w, t.list[i], &t, why));
    }
out:
    free(t.seen);
    free(t.list);
    return st;
}

static void add_node(struct work *w, const struct cm_prep_member *m)
{
    w->nodes[w->node_count].member = m;
    collect(&w->all, &m->elf, w->node_count, false);
    w->node_count++;
}

/* What remains of the package with our objects, and what the other archives add. */
static enum cm_status make_nodes(struct work *w, struct cm_why *why)
{
    size_t total = w->ar.count + 1;
    size_t i;
    size_t k;

    for (i = 0; i < w->plan->resolve.count; i++) {
        total += w->others[i].count;
    }
    w->nodes = calloc(total, sizeof(*w->nodes));
    if (w->nodes == NULL) {
        cm_why_set(why, "out of memory");
        return CM_ERR_NOMEM;
    }
    for (i = 0; i < w->ar.count; i++) {
        if (!w->ar.members[i].dropped) {
            add_node(w, &w->ar.members[i]);
        }
    }
    w->own_nodes = w->node_count;
    for (i = 0; i < w->plan->resolve.count; i++) {
        for (k = 0; k < w->others[i].count; k++) {
            add_node(w, &w->others[i].members[k]);
        }
    }
    sort(&w->all);
    return CM_OK;
}

static enum cm_status load(struct work *w, struct cm_why *why)
{
    enum cm_status st = CM_OK;
    size_t i;

    for (i = 0; i < w->plan->inputs.count; i++) {
        CM_TRY(cm_prep_ar_load(&w->ar, w->plan->inputs.items[i], why));
    }
    for (i = 0; i < w->plan->trapped.count; i++) {
        CM_TRY(trap_one(w, w->plan->trapped.items[i], why));
    }
    for (i = 0; i < w->ar.count; i++) {
        collect(&w->theirs, &w->ar.members[i].elf, i, true);
    }
    sort(&w->theirs);
    for (i = 0; i < w->plan->objects.count; i++) {
        CM_TRY(cm_prep_ar_add_object(&w->ar, w->plan->objects.items[i], why));
        collect(&w->ours, &w->ar.members[w->ar.count - 1].elf, w->ar.count - 1, true);
    }
    for (i = 0; i < w->plan->runtime.count; i++) {
        add_def(&w->ours, w->plan->runtime.items[i], w->ar.count);
    }
    sort(&w->ours);
    CM_TRY(cm_prep_ar_unique_names(&w->ar, why));
    w->others = calloc(w->plan->resolve.count + 1, sizeof(*w->others));
    if (w->others == NULL) {
        w->all.bad = true;
        goto out;
    }
    for (i = 0; i < w->plan->resolve.count; i++) {
        CM_TRY(cm_prep_ar_load(&w->others[i], w->plan->resolve.items[i], why));
    }
out:
    return st;
}

static void release(struct work *w)
{
    size_t i;

    for (i = 0; w->others != NULL && i < w->plan->resolve.count; i++) {
        cm_prep_ar_free(&w->others[i]);
    }
    free(w->others);
    free(w->ours.items);
    free(w->theirs.items);
    free(w->all.items);
    free(w->nodes);
    cm_prep_buf_free(&w->report);
    cm_prep_ar_free(&w->ar);
}

enum cm_status cm_prep_run(const struct cm_prep_plan *plan, struct cm_why *why)
{
    enum cm_status st = CM_OK;
    struct work w;

    memset(&w, 0, sizeof(w));
    w.plan = plan;
    CM_TRY(load(&w, why));
    CM_TRY(choose(&w, why));
    if (plan->without != NULL) {
        CM_TRY(strip(&w, why));
    }
    CM_TRY(make_nodes(&w, why));
    if (w.ours.bad || w.theirs.bad || w.all.bad || w.report.bad) {
        cm_why_set(why, "out of memory");
        st = CM_ERR_NOMEM;
        goto out;
    }
    CM_TRY(check(&w, why));
    if (plan->report != NULL) {
        CM_TRY(cm_file_write_atomic(plan->report, cm_span_make(w.report.ptr, w.report.len), 0644,
                                    why));
    }
    CM_TRY(cm_prep_ar_write(&w.ar, plan->output, why));
out:
    release(&w);
    return st;
}
