/* Evaluating key release policies; see casemate/release.h. Recursion: groups, bounded by the parser. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/try.h"
#include "policy/release_node.h"

#define ARENA_MAX   (64u << 20)
#define MAX_ADDRESS 512u
#define SHOWN       96u

/* Scheme and host in small letters, no port 443, no slash at the end. */
enum cm_status cm_release_normal(struct cm_span address, char *out, size_t cap)
{
    static const char port[] = ":443";
    size_t slashes = 0;
    size_t host_end = 0;

    while (address.len != 0 && address.ptr[address.len - 1] == '/') {
        address.len--;
    }
    if (address.len >= cap) {
        return CM_ERR_SPACE;
    }
    for (size_t i = 0; i < address.len; i++) {
        uint8_t c = address.ptr[i];

        if (c <= 0x20 || c >= 0x7f) {
            return CM_ERR_FORMAT;
        }
        slashes += c == '/' ? 1 : 0;
        host_end = slashes < 3 ? i + 1 : host_end;
        out[i] = (char)(slashes < 3 ? cm_lower(c) : c);
    }
    out[address.len] = '\0';
    if (host_end > 4 && memcmp(out + host_end - 4, port, 4) == 0) {
        memmove(out + host_end - 4, out + host_end, address.len - host_end + 1);
    }
    return CM_OK;
}

/* The claim of a dotted name; NULL when it is absent. */
static const struct cm_pj *find(const struct cm_pj *claims, struct cm_span path)
{
    const struct cm_pj *v = claims;

    while (v != NULL && path.len != 0) {
        const uint8_t *dot = memchr(path.ptr, '.', path.len);
        size_t len = dot == NULL ? path.len : (size_t)(dot - path.ptr);

        v = cm_pj_member(v, cm_span_make(path.ptr, len));
        len += dot == NULL ? 0 : 1;
        path = cm_span_make(path.ptr + len, path.len - len);
    }
    return v == NULL || v->type == CM_PJ_NULL ? NULL : v;
}

/* A value as text, for policies that know only strings; empty for what has none. */
static struct cm_span as_text(const struct cm_pj *v, char buffer[24])
{
    if (v->type == CM_PJ_TEXT) {
        return v->text;
    }
    buffer[0] = '\0';
    if (v->type == CM_PJ_BOOL) {
        (void)snprintf(buffer, 24, "%s", v->number != 0 ? "true" : "false");
    } else if (v->type == CM_PJ_INT) {
        (void)snprintf(buffer, 24, "%lld", (long long)v->number);
    }
    return cm_span_make(buffer, strlen(buffer));
}

static bool plain(const struct cm_pj *v)
{
    return v->type == CM_PJ_TEXT || v->type == CM_PJ_INT || v->type == CM_PJ_BOOL;
}

/* Real policies write "false" and "0" for booleans and integers: either side may be the string. */
static bool equal(const struct cm_pj *x, const struct cm_pj *y)
{
    char a[24] = "";
    char b[24] = "";

    return plain(x) && plain(y) && cm_span_same(as_text(x, a), as_text(y, b));
}

/* An integer, or a string of one. */
static bool integer(const struct cm_pj *v, struct cm_arena *arena, int64_t *out)
{
    const struct cm_pj *parsed = v;

    if (v->type == CM_PJ_TEXT &&
        (v->text.len > 20 || cm_pj_parse(arena, v->text, &parsed, NULL) != CM_OK)) {
        return false;
    }
    *out = parsed->number;
    return parsed->type == CM_PJ_INT;
}

static bool ordered(enum cm_release_op op, const struct cm_pj *x, const struct cm_pj *y,
                    struct cm_arena *arena)
{
    int64_t a = 0;
    int64_t b = 0;

    if (!integer(x, arena, &a) || !integer(y, arena, &b)) {
        return false;
    }
    if (op == CM_RELEASE_LESS || op == CM_RELEASE_GREATER_OR_EQUALS) {
        return (a < b) == (op == CM_RELEASE_LESS);
    }
    return (a > b) == (op == CM_RELEASE_GREATER);
}

struct run {
    struct cm_arena *arena;
    const struct cm_pj *claims;
    const struct cm_release_node *last; /* the condition that was looked at last: it decided */
};

static bool claim_holds(struct run *run, const struct cm_release_node *n)
{
    const struct cm_pj *v = find(run->claims, n->claim);

    run->last = n;
    if (n->op == CM_RELEASE_EXISTS) {
        return (v != NULL) == (n->value->number != 0);
    }
    if (v == NULL) {
        return false;
    }
    if (n->op == CM_RELEASE_EQUALS) {
        return equal(v, n->value);
    }
    if (n->op == CM_RELEASE_NOT_EQUALS) {
        return plain(v) && !equal(v, n->value);
    }
    return ordered(n->op, v, n->value, run->arena);
}

static bool holds(struct run *run, const struct cm_release_node *n)
{
    if (n->kind == CM_RELEASE_CLAIM) {
        return claim_holds(run, n);
    }
    for (size_t i = 0; i < n->count; i++) {
        if (holds(run, &n->items[i]) == (n->kind == CM_RELEASE_ANY)) {
            return n->kind == CM_RELEASE_ANY;
        }
    }
    return n->kind == CM_RELEASE_ALL;
}

/* Text of a policy or a token as printable ASCII, cut. */
static void show(struct cm_span s, char out[SHOWN + 4])
{
    size_t n = s.ptr == NULL ? 0 : (s.len < SHOWN ? s.len : SHOWN);

    for (size_t i = 0; i < n; i++) {
        uint8_t c = s.ptr[i];

        out[i] = (char)(c < 0x20 || c > 0x7e ? '?' : c);
    }
    (void)snprintf(out + n, 4, "%s", s.len > n ? "..." : "");
}

/* The condition that decided, and what the token says. */
static void describe(const struct run *run, char *out, size_t cap)
{
    const struct cm_pj *v = find(run->claims, run->last->claim);
    char name[SHOWN + 4] = "";
    char want[SHOWN + 4] = "";
    char have[SHOWN + 4] = "";
    char a[24] = "";
    char b[24] = "";

    show(run->last->claim, name);
    show(as_text(run->last->value, a), want);
    if (v != NULL && plain(v)) {
        show(as_text(v, b), have);
    }
    (void)snprintf(out, cap, "%s %s \"%s\", and it is %s%s%s", name,
                   cm_release_op_name(run->last->op), want,
                   v == NULL ? "absent" : (plain(v) ? "\"" : "no plain value"), have,
                   v != NULL && plain(v) ? "\"" : "");
}

static void say(struct cm_release_reason *reason, const char *what, const char *details)
{
    if (reason != NULL) {
        (void)snprintf(reason->text, sizeof(reason->text), "%s%s%s", what,
                       details[0] == '\0' ? "" : ": ", details);
    }
}

/* The entries of the issuer, of which there may be several; the first that holds decides. */
static enum cm_status judge(const struct cm_release *release, const char *issuer, struct run *run,
                            struct cm_release_reason *reason)
{
    char authority[MAX_ADDRESS] = "";
    char details[400] = "";
    bool known = false;

    for (size_t i = 0; i < release->count; i++) {
        const struct cm_release_entry *e = &release->entries[i];

        if (cm_release_normal(e->authority, authority, sizeof(authority)) != CM_OK ||
            strcmp(authority, issuer) != 0) {
            continue;
        }
        known = true;
        if (holds(run, &e->conditions)) {
            describe(run, details, sizeof(details));
            say(reason, "released under this authority, by", details);
            return CM_OK;
        }
        describe(run, details, sizeof(details));
    }
    say(reason, known ? "refused" : "no authority of the policy is the token's issuer", details);
    return CM_ERR_POLICY;
}

enum cm_status cm_release_evaluate(const struct cm_release *release, struct cm_span issuer,
                                   struct cm_span claims, struct cm_release_reason *reason)
{
    struct cm_arena arena = cm_arena_init(ARENA_MAX);
    struct run run = {.arena = &arena};
    char normal[MAX_ADDRESS] = "";
    struct cm_why why = {{0}};
    enum cm_status st = CM_OK;

    say(reason, "", "");
    if (release == NULL) {
        say(reason, "there is no policy, and without one nothing is released", "");
        return CM_ERR_POLICY;
    }
    if (cm_release_normal(issuer, normal, sizeof(normal)) != CM_OK) {
        say(reason, "the token's issuer is no address", "");
        return CM_ERR_POLICY;
    }
    if (claims.len > CM_POLICY_MAX_JSON) {
        say(reason, "the token's claims are too long", "");
        return CM_ERR_LIMIT;
    }
    st = cm_pj_parse(&arena, claims, &run.claims, &why);
    if (st == CM_OK && run.claims->type != CM_PJ_OBJECT) {
        st = CM_ERR_SYNTAX;
        cm_why_set(&why, "they are no JSON object");
    }
    if (st == CM_OK) {
        st = judge(release, normal, &run, reason);
    } else {
        say(reason, "the token's claims cannot be read", why.text);
    }
    cm_arena_free(&arena);
    return st;
}
