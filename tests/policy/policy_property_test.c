/*
 * What holds for every policy: policies and claims are made at random (seeded, so that a failure comes
 * again), and what must not change a decision does not.
 */
#include "policy_kit.h"

#define ROUNDS     1500
#define MAX_CLAIMS 12

static uint64_t state;

static unsigned below(unsigned n)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(state >> 33) % n;
}

struct text {
    char s[8192];
    size_t n;
};

static void put(struct text *t, const char *s)
{
    t->n += (size_t)snprintf(t->s + t->n, sizeof(t->s) - t->n, "%s", s);
}

static const char *const types[] = {"\"a\"", "\"b\"", "\"c\"", "\"d\""};
static const char *const values[] = {"0", "1", "-7", "true", "false", "\"x\"", "\"\""};
static const char *const orders[] = {"==", "!=", "<", ">=", "=="};

/* one condition; never one that names an issuer */
static void put_condition(struct text *t, unsigned index)
{
    char name[16] = "";
    bool named = below(2) == 0;

    if (!named && below(4) == 0) {
        put(t, "!");
    }
    (void)snprintf(name, sizeof(name), "n%u:", index);
    put(t, named ? name : "");
    put(t, "[type==");
    put(t, types[below(4)]);
    if (below(3) != 0) {
        unsigned v = below(7);

        put(t, ", value");
        put(t, orders[v < 3 ? below(5) : below(2)]);
        put(t, values[v]);
    }
    put(t, "]");
}

static void put_rule(struct text *t, bool issuance)
{
    unsigned conditions = below(4);

    for (unsigned i = 0; i < conditions; i++) {
        put(t, i == 0 ? "" : " && ");
        put_condition(t, i);
    }
    put(t, " => ");
    if (issuance) {
        put(t, "issue(type=");
    } else {
        unsigned action = below(5);

        if (action < 3) {
            put(t, action < 2 ? "permit();" : "deny();");
            return;
        }
        put(t, "add(type=");
    }
    put(t, types[below(4)]);
    put(t, ", value=");
    put(t, values[below(7)]);
    put(t, ");");
}

/* a policy, with room in its authorization rules for a rule more */
static void make_policy(struct text *t, const char *first, const char *last)
{
    unsigned rules = 1 + below(5);

    t->n = 0;
    put(t, "version=1.2; authorizationrules { ");
    put(t, first);
    for (unsigned i = 0; i < rules; i++) {
        put_rule(t, false);
    }
    put(t, last);
    put(t, " }; issuancerules { ");
    for (unsigned i = below(3); i > 0; i--) {
        put_rule(t, true);
    }
    put(t, " };");
}

struct claim {
    const char *type;
    unsigned kind; /* 0 integer, 1 boolean, 2 string */
    int64_t number;
};

static unsigned make_claims(struct claim *c)
{
    static const char *const names[] = {"a", "b", "c", "d"};
    unsigned n = below(MAX_CLAIMS);

    for (unsigned i = 0; i < n; i++) {
        c[i].type = names[below(4)];
        c[i].kind = below(3);
        c[i].number = (int64_t)below(3) - 1;
    }
    return n;
}

static void add_claim(struct cm_policy_claims *set, const struct claim *c,
                      enum cm_policy_issuer issuer)
{
    enum cm_status st = CM_OK;

    if (c->kind == 0) {
        st = cm_policy_claims_int(set, c->type, c->number, issuer);
    } else if (c->kind == 1) {
        st = cm_policy_claims_bool(set, c->type, c->number > 0, issuer);
    } else {
        st = cm_policy_claims_text(set, c->type, kit_span(c->number > 0 ? "x" : ""), issuer);
    }
    CHECK_EQ(st, CM_OK);
}

/* how claims are made into a set */
struct how {
    bool backwards;
    bool custom; /* and every claim once more, as the attester's */
    const char *gate;
    bool gate_value;
};

static struct cm_policy_claims *set_of(const struct claim *c, unsigned n, const struct how *how)
{
    struct cm_policy_claims *set = NULL;

    if (cm_policy_claims_create(&set) != CM_OK) {
        return NULL;
    }
    for (unsigned i = 0; i < n; i++) {
        add_claim(set, &c[how->backwards ? n - 1 - i : i], CM_POLICY_SERVICE);
    }
    for (unsigned i = 0; how->custom && i < MAX_CLAIMS; i++) {
        struct claim other;

        other.type = types[i % 4];
        other.kind = i % 3;
        other.number = (int64_t)(i % 2);
        add_claim(set, &other, CM_POLICY_CUSTOM);
        other.type = i % 4 == 0 ? "a" : (i % 4 == 1 ? "b" : (i % 4 == 2 ? "c" : "d"));
        add_claim(set, &other, CM_POLICY_CUSTOM);
    }
    if (how->gate != NULL) {
        CHECK_EQ(cm_policy_claims_bool(set, how->gate, how->gate_value, CM_POLICY_SERVICE), CM_OK);
    }
    return set;
}

static enum cm_status decide(const char *policy, const struct claim *c, unsigned n,
                             const struct how *how, char issued[512])
{
    struct cm_policy_claims *set = set_of(c, n, how);
    enum cm_status st = kit_run(policy, set, issued, 512);

    if (st != CM_OK) {
        issued[0] = '\0';
    }
    cm_policy_claims_free(set);
    return st;
}

static const struct how plain = {false, false, NULL, false};

TEST(what_must_not_matter_does_not)
{
    static const struct how backwards = {true, false, NULL, false};
    static const struct how custom = {false, true, NULL, false};
    static const struct how genuine = {false, false, "casemate.genuine", true};
    static const struct how hardware = {false, false, "casemate.emulated", false};
    unsigned permitted = 0;

    state = 1;
    for (int i = 0; i < ROUNDS; i++) {
        static struct text policy;
        struct claim c[MAX_CLAIMS];
        char issued[512] = "";
        char other[512] = "";
        unsigned n = 0;
        enum cm_status st = CM_OK;

        make_policy(&policy, "", "");
        n = make_claims(c);
        st = decide(policy.s, c, n, &plain, issued);
        permitted += st == CM_OK;
        CHECK_EQ(decide(policy.s, c, n, &plain, other), st);
        CHECK_STR(other, issued);
        CHECK_EQ(decide(policy.s, c, n, &backwards, other), st);
        CHECK_EQ(decide(policy.s, c, n, &custom, other), st);
        CHECK_STR(other, issued);
        CHECK_EQ(decide(policy.s, c, n, &genuine, other), st);
        CHECK_EQ(decide(policy.s, c, n, &hardware, other), st);
    }
    CHECK(permitted > ROUNDS / 10 && permitted < ROUNDS * 9 / 10); /* else it says nothing */
}

TEST(what_must_refuse_refuses)
{
    static const struct how forged = {false, false, "casemate.genuine", false};
    static const struct how emulated = {false, false, "casemate.emulated", true};

    state = 2;
    for (int i = 0; i < ROUNDS; i++) {
        static struct text policy;
        struct claim c[MAX_CLAIMS];
        char issued[512] = "";
        unsigned n = make_claims(c);
        uint64_t seed = 0;
        enum cm_status st = CM_OK;

        make_policy(&policy, "", "=> permit();");
        CHECK_EQ(decide(policy.s, c, n, &forged, issued), CM_ERR_POLICY);
        CHECK_EQ(decide(policy.s, c, n, &emulated, issued), CM_ERR_POLICY);
        seed = state;
        make_policy(&policy, "", "");
        st = decide(policy.s, c, n, &plain, issued);
        state = seed;
        make_policy(&policy, "=> permit();", ""); /* a permit more never refuses */
        CHECK(st != CM_OK || decide(policy.s, c, n, &plain, issued) == CM_OK);
        state = seed;
        make_policy(&policy, "", "=> deny();"); /* a deny that always fires always refuses */
        CHECK_EQ(decide(policy.s, c, n, &plain, issued), CM_ERR_POLICY);
        state = seed;
        make_policy(&policy, "=> deny();", "=> permit();");
        CHECK_EQ(decide(policy.s, c, n, &plain, issued), CM_ERR_POLICY);
    }
}

/* white space and comments between tokens are nothing */
TEST(layout_does_not_matter)
{
    state = 3;
    for (int i = 0; i < ROUNDS / 3; i++) {
        static const char *const spaces[] = {"",    " ", "\t", "\r\n", " // x ; { => permit();\n",
                                             "\n\n"};
        static struct text policy;
        static struct text spaced;
        struct claim c[MAX_CLAIMS];
        char issued[512] = "";
        char other[512] = "";
        bool quoted = false;
        unsigned n = make_claims(c);

        make_policy(&policy, "", "");
        spaced.n = 0;
        for (size_t k = 0; k < policy.n; k++) {
            char one[2] = {policy.s[k], '\0'};

            quoted = one[0] == '"' ? !quoted : quoted;
            put(&spaced, one);
            if (!quoted && strchr("{}()[],;", one[0]) != NULL) {
                put(&spaced, spaces[below(6)]);
            }
        }
        CHECK_EQ(decide(spaced.s, c, n, &plain, other), decide(policy.s, c, n, &plain, issued));
        CHECK_STR(other, issued);
    }
}

TEST_MAIN
