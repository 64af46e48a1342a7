/*
 * A bank against a malicious host: every way to get a key released that is not inside the enclave
 * that the bank trusts. In each case the bank must send nothing at all.
 */
#include <unistd.h>

#include "bank/common/bank_csv.h"
#include "bank/common/bank_text.h"
#include "bank/host/bank_run.h"
#include "bank_u.h"
#include "harness.h"

static struct bank_parties parties; /* two banks: north and south */
static struct bank_agreement agreement;
static struct bank_policy usual; /* the policy that comes with the enclave, and emulated */
static struct bank_link *honest; /* the right enclave, not debuggable */
static unsigned sent;

static enum bank_status count_header(void *ctx, const uint8_t header[BANK_HEADER_SIZE],
                                     struct bank_why *why)
{
    (void)ctx;
    (void)header;
    (void)why;
    sent++;
    return BANK_OK;
}

static enum bank_status count_chunk(void *ctx, const uint8_t *sealed, size_t len,
                                    struct bank_why *why)
{
    (void)ctx;
    (void)sealed;
    (void)len;
    (void)why;
    sent++;
    return BANK_OK;
}

/* what leaves the first bank in its present state */
static unsigned leaves(void)
{
    struct bank_sink sink = {count_header, count_chunk, NULL};

    sent = 0;
    (void)bank_party_send(&parties.list[0], &agreement, 0, &sink, NULL);
    return sent;
}

static enum bank_status ask(struct bank_link *l, struct bank_evidence *out)
{
    struct bank_party *p = &parties.list[0];

    if (bank_party_ask(p, NULL) != BANK_OK) {
        return BANK_CRYPTO;
    }
    return bank_link_evidence(l, p->nonce, out, NULL);
}

/* the bank is given this evidence: refused with this reason, and nothing is sent */
static void refused(const struct bank_policy *policy, const struct bank_evidence *e,
                    const char *reason)
{
    struct bank_why why = {{0}};

    CHECK_EQ(bank_party_answer(&parties.list[0], policy, e->data, e->size, &why), BANK_REFUSED);
    if (strstr(why.text, reason) == NULL) {
        TEST_FAIL("refused for '%s', not for '%s'", why.text, reason);
    }
    CHECK(!parties.list[0].verified);
    CHECK_EQ(leaves(), 0);
}

static void accepted(const struct bank_policy *policy, const struct bank_evidence *e)
{
    struct bank_why why = {{0}};

    if (bank_party_answer(&parties.list[0], policy, e->data, e->size, &why) != BANK_OK) {
        TEST_FAIL("refused: %s", why.text);
    }
    CHECK(leaves() >= 2);
}

/* the right enclave's fresh evidence against this policy */
static void refused_by(const struct bank_policy *policy, const char *reason)
{
    struct bank_evidence e;

    CHECK_EQ(ask(honest, &e), BANK_OK);
    refused(policy, &e, reason);
}

static void make_banks(void)
{
    static const char *const names[2] = {"north", "south"};
    char dir[] = "/tmp/cm-bank-refusal-XXXXXX";
    struct bank_why why = {{0}};
    char path[128];

    if (mkdtemp(dir) == NULL) {
        abort();
    }
    for (int i = 0; i < 2; i++) {
        FILE *f = NULL;

        (void)snprintf(path, sizeof(path), "%s/%s.csv", dir, names[i]);
        f = fopen(path, "w");
        if (f == NULL || fputs(BANK_CSV_HEADER "\n", f) < 0 || fclose(f) != 0) {
            abort();
        }
    }
    CHECK_EQ(bank_parties_find(dir, &parties, &why), BANK_OK);
    CHECK_EQ(bank_agree(&parties, &(struct bank_rules){3, 5, 3600, 90}, &agreement, &why), BANK_OK);
}

static struct bank_link *enclave(bool debug)
{
    struct bank_why why = {{0}};
    struct bank_link *l = NULL;

    if (bank_link_start(getenv("BANK_ENCLAVE"), true, debug, &l, &why) != BANK_OK ||
        bank_link_open(l, &agreement, &why) != BANK_OK) {
        TEST_FAIL("%s", why.text);
        abort();
    }
    return l;
}

TEST(the_banks_and_the_enclave)
{
    struct bank_why why = {{0}};

    make_banks();
    honest = enclave(false);
    REQUIRE(bank_policy_read(getenv("BANK_POLICY"), &usual, &why) == BANK_OK);
}

TEST(nothing_is_sent_before_anything_is_verified)
{
    CHECK_EQ(leaves(), 0);
}

/* first without anything that makes this process accept emulated evidence, then with it */
TEST(an_emulated_platform_is_refused_without_the_flag)
{
    refused_by(&usual, "EMULATED, it proves nothing (OE_VERIFY_FAILED)");
    CHECK_EQ(setenv("CASEMATE_ACCEPT_EMULATED", "1", 1), 0);
    refused_by(&usual, "EMULATED platform: it protects nothing");
    CHECK_EQ(unsetenv("CASEMATE_ACCEPT_EMULATED"), 0);
    usual.emulated = true;
}

TEST(the_right_enclave_is_accepted)
{
    struct bank_evidence e;

    REQUIRE(ask(honest, &e) == BANK_OK);
    accepted(&usual, &e);
    CHECK(parties.list[0].verdict.emulated);
    CHECK_EQ(parties.list[0].verdict.status, OE_SGX_TCB_STATUS_UP_TO_DATE);
    CHECK_MEM(parties.list[0].verdict.key, e.data + e.size - BANK_KEY_SIZE, BANK_KEY_SIZE);
}

/* the flag of an earlier policy does not stand for a later one */
TEST(an_emulated_platform_is_refused_by_a_later_policy_without_the_flag)
{
    struct bank_policy strict = usual;

    strict.emulated = false;
    refused_by(&strict, "EMULATED platform: it protects nothing");
}

/* what a host would do to read every row: the file key sealed for it instead of for the enclave */
TEST(a_swapped_key_is_refused)
{
    struct bank_evidence e;
    struct bank_key *own = NULL;
    uint8_t key[BANK_KEY_SIZE];

    REQUIRE(bank_key_new(&own, key) == BANK_OK && ask(honest, &e) == BANK_OK);
    memcpy(e.data + e.size - sizeof(key), key, sizeof(key));
    refused(&usual, &e, "swapped key");
    bank_key_free(own);
}

TEST(every_changed_bit_of_nonce_and_key_is_refused)
{
    for (size_t i = 0; i < sizeof(struct bank_bound); i++) {
        struct bank_evidence e;

        REQUIRE(ask(honest, &e) == BANK_OK);
        e.data[e.size - 1 - i] ^= (uint8_t)(1U << (i % 8));
        refused(&usual, &e, "swapped key");
    }
}

TEST(evidence_that_is_cut_or_empty_is_refused)
{
    static const size_t lengths[] = {0, 1, 48, 432, 1000, 4000};

    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        struct bank_evidence e;

        REQUIRE(ask(honest, &e) == BANK_OK);
        e.size = lengths[i];
        refused(&usual, &e, "");
    }
}

TEST(a_wrong_measurement_is_refused)
{
    for (size_t i = 0; i < 32; i++) {
        struct bank_policy p = usual;

        p.enclave[i] ^= 1;
        refused_by(&p, "wrong measurement");
    }
}

TEST(a_policy_that_names_no_enclave_refuses_all)
{
    struct bank_policy p = usual;

    p.by_enclave = false;
    refused_by(&p, "names no enclave");
}

/* MRSIGNER from the quote itself: bytes 48 + 128 of it */
TEST(a_policy_by_signer)
{
    struct bank_policy p = usual;
    struct bank_evidence e;

    REQUIRE(ask(honest, &e) == BANK_OK);
    p.by_enclave = false;
    p.by_signer = true;
    p.product = 1;
    p.minimum_svn = 1;
    memcpy(p.signer, e.data + 48 + 128, 32);
    accepted(&p, &e);
    p.signer[31] ^= 1;
    refused_by(&p, "wrong signer");
    p.signer[31] ^= 1;
    p.product = 2;
    refused_by(&p, "wrong product");
    p.product = 0x101;
    refused_by(&p, "wrong product");
    p.product = 1;
    p.minimum_svn = 2;
    refused_by(&p, "old enclave: security version 1");
    p.minimum_svn = 0;
    p.by_enclave = true; /* both must hold then */
    p.enclave[0] ^= 1;
    refused_by(&p, "wrong measurement");
}

TEST(a_debug_enclave_is_refused)
{
    struct bank_link *watched = enclave(true);
    struct bank_evidence e;

    REQUIRE(ask(watched, &e) == BANK_OK);
    refused(&usual, &e, "debug enclave, its host reads all (OE_VERIFY_FAILED)");
    /* whatever else in this process accepts them */
    CHECK_EQ(setenv("CASEMATE_ACCEPT_DEBUG", "1", 1), 0);
    REQUIRE(ask(watched, &e) == BANK_OK);
    refused(&usual, &e, "debug enclave: its host can read");
    CHECK_EQ(unsetenv("CASEMATE_ACCEPT_DEBUG"), 0);
    bank_link_stop(watched);
}

TEST(a_quote_for_another_nonce_is_refused)
{
    struct bank_evidence old;

    REQUIRE(ask(honest, &old) == BANK_OK);
    REQUIRE(bank_party_ask(&parties.list[0], NULL) == BANK_OK); /* a new question */
    refused(&usual, &old, "stale quote: it answers another nonce");
}

TEST(a_question_has_one_answer)
{
    struct bank_evidence e;

    REQUIRE(ask(honest, &e) == BANK_OK);
    accepted(&usual, &e);
    CHECK_EQ(bank_party_answer(&parties.list[0], &usual, e.data, e.size, NULL), BANK_REFUSED);
    REQUIRE(ask(honest, &e) == BANK_OK); /* and asking again forgets what was verified */
    CHECK_EQ(leaves(), 0);
}

TEST(a_late_quote_is_refused)
{
    struct bank_evidence e;

    REQUIRE(ask(honest, &e) == BANK_OK);
    parties.list[0].asked_at -= usual.max_age + 1;
    refused(&usual, &e, "stale quote: it came 121 s after the nonce");
    REQUIRE(ask(honest, &e) == BANK_OK);
    parties.list[0].asked_at -= usual.max_age - 10;
    accepted(&usual, &e);
}

/* the platform stays as it is, so the policy is what changes */
TEST(a_platform_that_the_policy_does_not_accept_is_refused)
{
    struct bank_policy p = usual;

    p.statuses = 0;
    refused_by(&p, "platform: its maker calls it UpToDate");
}

TEST(the_rehearsed_attacks_are_refused)
{
    static const struct {
        enum bank_attack attack;
        const char *reason;
    } rows[] = {{BANK_SWAPPED_KEY, "north releases no key: swapped key"},
                {BANK_OLD_QUOTE, "north releases no key: stale quote: it answers another nonce"},
                {BANK_LATE_QUOTE, "north releases no key: stale quote: it came 2 s after"}};
    FILE *quiet = fopen("/dev/null", "w");
    struct bank_progress progress;

    REQUIRE(quiet != NULL);
    bank_progress_init(&progress, quiet);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct bank_policy p = usual;
        struct bank_why why = {{0}};

        p.max_age = 1;
        CHECK_EQ(bank_verify_all(honest, &parties, &p, rows[i].attack, &progress, &why),
                 BANK_REFUSED);
        CHECK(strstr(why.text, rows[i].reason) == why.text);
        CHECK_EQ(leaves(), 0);
    }
    (void)fclose(quiet);
}

/* the enclave's side of it: a host of another build, or one that tries */
TEST(evidence_that_does_not_fit_does_not_leave)
{
    oe_enclave_t *e = NULL;
    uint8_t nonce[BANK_NONCE_SIZE + 1] = {1};
    uint8_t out[BANK_EVIDENCE_MAX];
    uint8_t none[100] = {0};
    size_t size = 0;
    int answer = BANK_OK;

    REQUIRE(oe_create_bank_enclave(getenv("BANK_ENCLAVE"), OE_ENCLAVE_TYPE_SGX,
                                   OE_ENCLAVE_FLAG_SIMULATE, NULL, 0, &e) == OE_OK);
    CHECK_EQ(ecall_bank_evidence(e, &answer, nonce, 32, out, sizeof(out), &size), OE_OK);
    CHECK_EQ(answer, BANK_STATE); /* no agreement, so no key */
    CHECK_EQ(ecall_bank_open(e, &answer, &agreement, sizeof(agreement)), OE_OK);
    CHECK_EQ(answer, BANK_OK);
    for (size_t n = 0; n < 3; n++) {
        static const size_t wrong[] = {0, 31, 33};

        CHECK_EQ(ecall_bank_evidence(e, &answer, nonce, wrong[n], out, sizeof(out), &size), OE_OK);
        CHECK_EQ(answer, BANK_SYNTAX);
    }
    CHECK_EQ(ecall_bank_evidence(e, &answer, nonce, 32, NULL, 0, &size), OE_OK);
    CHECK_EQ(answer, BANK_SYNTAX);
    CHECK_EQ(ecall_bank_evidence(e, &answer, nonce, 32, out, sizeof(none), &size), OE_OK);
    CHECK_EQ(answer, BANK_LIMIT);
    CHECK_EQ(size, 0);
    CHECK_MEM(out, none, sizeof(none)); /* nothing of it */
    CHECK_EQ(ecall_bank_evidence(e, &answer, nonce, 32, out, sizeof(out), &size), OE_OK);
    CHECK_EQ(answer, BANK_OK);
    CHECK(size > sizeof(struct bank_bound) && size < sizeof(out));
    CHECK_EQ(oe_terminate_enclave(e), OE_OK);
}

TEST(the_end)
{
    char dir[128];

    bank_link_stop(honest);
    (void)snprintf(dir, sizeof(dir), "%.*s",
                   (int)(strrchr(parties.list[0].path, '/') - parties.list[0].path),
                   parties.list[0].path);
    for (uint32_t i = 0; i < parties.count; i++) {
        (void)unlink(parties.list[i].path);
    }
    CHECK_EQ(rmdir(dir), 0);
    bank_parties_free(&parties);
}

TEST_MAIN
