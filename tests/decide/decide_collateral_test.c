/*
 * Collateral that is missing, stale, rolled back, forged or revoked; sources that are down and come back;
 * carrying it by hand, and between instances. Rows H7 and H12 of docs/testing.md.
 */
#include "decide_service_kit.h"

#include <casemate/emuplat.h>
#include <unistd.h>

#include "collateral/collateral_files.h"
#include "emuplat/emuplat_admin.h"
#include "os/os.h"

#define HOUR 3600
#define DAY  86400

static bool unavailable; /* what the last one was refused for */

/* The reason of a decision about the usual enclave. */
static enum cm_status decide_now(char reason[256], bool may_wait)
{
    const struct decide_enclave e = decide_enclave();
    struct cm_decide_job job = {.api = "test"};
    struct cm_decision *d = NULL;
    struct cm_why why = {""};
    enum cm_status st = CM_OK;

    job.evidence = cm_span_make(quote, decide_quote(&e, quote));
    st = cm_decide(kit_service(), &job, may_wait, &d, &why);
    (void)snprintf(reason, 256, "%s", st == CM_OK ? d->why.text : why.text);
    unavailable = st == CM_OK && d->unavailable;
    st = st == CM_OK ? d->st : st;
    cm_decision_free(d);
    return st;
}

#define CHECK_SAYS(text, words)                                   \
    do {                                                          \
        if (strstr(text, words) == NULL) {                        \
            TEST_FAIL("\"%s\" does not say \"%s\"", text, words); \
        }                                                         \
    } while (0)

static bool is_ready(char reason[256])
{
    struct cm_why why = {""};
    bool ready =
        cm_decide_module.ready(cm_service_module(kit_service(), cm_decide_module.name), &why);

    (void)snprintf(reason, 256, "%s", why.text);
    return ready;
}

TEST(a_source_that_is_down_is_named_and_asked_again_later)
{
    char reason[256] = "";

    begin();
    source.st = CM_ERR_IO;
    CHECK_EQ(decide_now(reason, true), CM_ERR_NOTFOUND);
    CHECK_SAYS(reason, "the emulated source is down");
    CHECK(unavailable);
    CHECK_EQ(source.asked, 1);
    CHECK_EQ(decide_now(reason, true), CM_ERR_NOTFOUND); /* not for every quote */
    CHECK_SAYS(reason, "the emulated source is down");
    CHECK_EQ(source.asked, 1);
    CHECK_EQ(decide_now(reason, false), CM_ERR_NOTFOUND); /* nor does a loop wait for it */
    source.st = CM_OK;
    kit_step_clock(31);
    CHECK_EQ(decide_now(reason, true), CM_OK); /* it recovers by itself */
    CHECK(!unavailable);
    CHECK_EQ(source.asked, 2);
    kit_stop();
}

TEST(collateral_is_renewed_before_it_ends)
{
    char reason[256] = "";

    begin();
    CHECK_EQ(decide_now(reason, true), CM_OK);
    cm_service_tick(kit_service());
    CHECK_EQ(source.asked, 1);
    kit_step_clock(25 * HOUR);
    cm_service_tick(kit_service());
    CHECK_EQ(source.asked, 2);
    source.st = CM_ERR_IO; /* what is valid stays, though it cannot be renewed */
    for (int i = 0; i < 20; i++) {
        kit_step_clock(DAY);
        cm_service_tick(kit_service());
        CHECK_EQ(decide_now(reason, false), CM_OK);
    }
    CHECK(source.asked > 10);
    CHECK(is_ready(reason));
    kit_stop();
}

TEST(stale_collateral_refuses)
{
    char reason[256] = "";

    begin();
    CHECK_EQ(decide_now(reason, true), CM_OK);
    CHECK(is_ready(reason));
    source.st = CM_ERR_IO;
    for (int i = 0; i < 31; i++) { /* it stays in use */
        kit_step_clock(DAY);
        (void)decide_now(reason, true);
    }
    CHECK_EQ(decide_now(reason, true), CM_ERR_EXPIRED);
    CHECK(unavailable);
    CHECK_SAYS(reason, "stale");
    CHECK_SAYS(reason, "the emulated source is down");
    CHECK(!is_ready(reason));
    CHECK_SAYS(reason, "dcap/sgx/");
    configure((uint64_t)10 * DAY); /* a grace that was asked for */
    CHECK_EQ(decide_now(reason, true), CM_OK);
    CHECK(is_ready(reason));
    kit_step_clock(10 * DAY); /* and ends */
    CHECK_EQ(decide_now(reason, true), CM_ERR_EXPIRED);
    CHECK(!is_ready(reason));
    source.st = CM_OK; /* what the source gives must be valid, too */
    kit_step_clock(2 * HOUR);
    CHECK_EQ(decide_now(reason, true), CM_ERR_EXPIRED);
    CHECK_SAYS(reason, "what the source gave has expired");
    kit_stop();
}

/* The platform's status twice changed: higher numbers, and the same status. */
static void issue_anew(void)
{
    CHECK_EQ(cm_emuplat_set_tcb(CM_DCAP_SW_HARDENING_NEEDED, NULL), CM_OK);
    CHECK_EQ(cm_emuplat_set_tcb(CM_DCAP_UP_TO_DATE, NULL), CM_OK);
}

/* When what the store has was fetched. */
static int64_t kept_since(void)
{
    struct cm_db *db = reader();
    const int64_t out = kit_count(db, "SELECT MAX(fetched) FROM collateral");

    cm_db_close(db);
    return out;
}

static enum cm_status forget_collateral(struct cm_db *db, void *arg, struct cm_why *why)
{
    (void)arg;
    return cm_db_run(db, "DELETE FROM collateral", cm_db_none(), cm_db_nowhere(), why);
}

TEST(what_was_seen_once_is_never_taken_back)
{
    struct cm_collateral_parts *old = decide_kit_parts();
    char reason[256] = "";
    int64_t since = 0;

    issue_anew();
    begin();
    CHECK_EQ(decide_now(reason, true), CM_OK);
    since = kept_since();
    source.instead = old; /* the source goes back */
    kit_step_clock(25 * HOUR);
    cm_service_tick(kit_service());
    CHECK_EQ(source.asked, 2);
    CHECK_EQ(kept_since(), since);             /* and nothing older gets into the store */
    CHECK_EQ(decide_now(reason, true), CM_OK); /* what is there stays */
    CHECK_EQ(attest(&(struct decide_enclave){.mrenclave = 1}, "x", NULL), CM_OK); /* written */
    REQUIRE(cm_service_write(kit_service(), forget_collateral, NULL, NULL) == CM_OK);
    again();
    source.instead = old;
    CHECK_EQ(decide_now(reason, true), CM_ERR_POLICY); /* across a restart without it */
    CHECK_SAYS(reason, "rollback");
    source.instead = NULL;
    REQUIRE(cm_service_write(kit_service(), forget_collateral, NULL, NULL) == CM_OK);
    again();
    CHECK_EQ(decide_now(reason, true), CM_OK);
    kit_stop();
    cm_parts_free(old);
}

TEST(an_older_revocation_list_is_refused)
{
    static const enum cm_collateral_part lists[] = {CM_PART_ROOT_CA_CRL, CM_PART_PCK_CRL};
    struct cm_collateral_parts *old = decide_kit_parts();
    char reason[256] = "";

    issue_anew();
    for (size_t i = 0; i < 2; i++) {
        struct cm_collateral_parts *mixed = decide_kit_parts();

        begin();
        CHECK_EQ(decide_now(reason, true), CM_OK);
        CHECK_EQ(cm_parts_set(mixed, lists[i], cm_parts_get(old, lists[i])), CM_OK);
        source.instead = mixed;
        kit_step_clock(25 * HOUR);
        cm_service_tick(kit_service());
        CHECK_EQ(source.asked, 2);
        CHECK_EQ(attest(&(struct decide_enclave){.mrenclave = 1}, "x", NULL), CM_OK);
        REQUIRE(cm_service_write(kit_service(), forget_collateral, NULL, NULL) == CM_OK);
        again();
        source.instead = mixed;
        CHECK_EQ(decide_now(reason, true), CM_ERR_POLICY);
        CHECK_SAYS(reason, "rollback");
        kit_stop();
        cm_parts_free(mixed);
    }
    cm_parts_free(old);
}

TEST(what_is_forged_never_replaces_what_is_good)
{
    char reason[256] = "";

    begin();
    source.corrupt_tcb = true;
    CHECK_EQ(decide_now(reason, true), CM_ERR_NOTFOUND);
    CHECK_SAYS(reason, "does not verify");
    source.corrupt_tcb = false;
    kit_step_clock(60);
    CHECK_EQ(decide_now(reason, true), CM_OK);
    source.corrupt_tcb = true;
    kit_step_clock(25 * HOUR);
    cm_service_tick(kit_service());
    CHECK_EQ(source.asked, 3);
    CHECK_EQ(decide_now(reason, false), CM_OK);
    kit_stop();
}

TEST(a_forged_list_is_known_by_the_chain_of_quotes)
{
    struct cm_collateral_parts *mixed = decide_kit_parts();
    struct cm_span list = cm_parts_get(mixed, CM_PART_PCK_CRL);
    uint8_t *forged = malloc(list.len);
    char reason[256] = "";

    REQUIRE(forged != NULL);
    memcpy(forged, list.ptr, list.len);
    forged[list.len - 1] ^= 1; /* of the signature */
    CHECK_EQ(cm_parts_set(mixed, CM_PART_PCK_CRL, cm_span_make(forged, list.len)), CM_OK);
    begin();
    CHECK_EQ(decide_now(reason, true), CM_OK);
    source.instead = mixed;
    kit_step_clock(25 * HOUR);
    cm_service_tick(kit_service());
    CHECK_EQ(source.asked, 2);
    CHECK_EQ(decide_now(reason, false), CM_OK);
    kit_stop();
    cm_parts_free(mixed);
    free(forged);
}

/* Without a part: there is no function that takes one away, so it is left out of another set. */
static struct cm_collateral_parts *without(const struct cm_collateral_parts *all, unsigned missing)
{
    struct cm_collateral_parts *p = NULL;

    if (cm_parts_create(&p) != CM_OK) {
        abort();
    }
    for (unsigned i = 0; i < CM_PART_PCK_CHAIN; i++) {
        if (i != missing && cm_parts_set(p, (enum cm_collateral_part)i,
                                         cm_parts_get(all, (enum cm_collateral_part)i)) != CM_OK) {
            abort();
        }
    }
    return p;
}

TEST(nothing_is_believed_while_a_part_is_missing)
{
    struct cm_collateral_parts *all = decide_kit_parts();
    char reason[256] = "";

    for (unsigned i = 0; i < CM_PART_PCK_CHAIN; i++) {
        begin();
        source.instead = without(all, i);
        CHECK_EQ(decide_now(reason, true), CM_ERR_NOTFOUND);
        CHECK_SAYS(reason, cm_part_name((enum cm_collateral_part)i));
        kit_stop();
        cm_parts_free(source.instead);
    }
    cm_parts_free(all);
}

TEST(strangers_cannot_have_it_ask)
{
    struct cm_decide_config config;
    struct decide_enclave e = decide_enclave();
    struct cm_decide_job job = {.api = "test"};
    struct cm_decision *d = NULL;

    begin();
    config = decide_kit_config(&source_root, &source);
    config.root_count = 0; /* the quote's chain leads to nobody whom this service trusts */
    REQUIRE(cm_decide_configure(kit_service(), &config, NULL) == CM_OK);
    job.evidence = cm_span_make(quote, decide_quote(&e, quote));
    REQUIRE(cm_decide(kit_service(), &job, true, &d, NULL) == CM_OK);
    CHECK(d->st != CM_OK);
    CHECK_SAYS(d->why.text, "not trusted");
    CHECK_EQ(source.asked, 0);
    cm_decision_free(d);
    kit_stop();
}

/* -------------------------------------------------------------------- hand */

static struct cm_status_count {
    enum cm_status st;
    size_t count;
    struct cm_why why;
} import_text(const char *text, size_t len)
{
    struct cm_status_count r = {CM_OK, 0, {""}};

    r.st = cm_decide_import(kit_service(), cm_span_make(text, len), &r.count, &r.why);
    return r;
}

static char *bundle_of(const struct cm_collateral_parts *parts)
{
    static const char path[] = "decide-bundle.json";
    uint8_t *text = NULL;
    size_t len = 0;

    if (cm_parts_save(parts, path, NULL) != CM_OK ||
        cm_file_read(path, 1 << 20, &text, &len, NULL) != CM_OK) {
        abort();
    }
    (void)unlink(path);
    return (char *)text;
}

TEST(collateral_is_carried_by_hand)
{
    struct cm_collateral_parts *old = decide_kit_parts();
    struct cm_collateral_parts *now = NULL;
    char *old_text = bundle_of(old);
    char *text = NULL;
    char *all = NULL;
    json_t *exported = NULL;
    char reason[256] = "";
    int64_t since = 0;
    int taken = 0;

    issue_anew();
    now = decide_kit_parts();
    text = bundle_of(now);
    begin();
    source.st = CM_ERR_NOTFOUND;
    CHECK_EQ(import_text(text, strlen(text)).st, CM_OK);
    CHECK_EQ(decide_now(reason, false), CM_OK);
    since = kept_since();
    kit_step_clock(60);
    CHECK_EQ(import_text(old_text, strlen(old_text)).st, CM_ERR_POLICY);
    CHECK_EQ(kept_since(), since);
    REQUIRE(cm_decide_export(kit_service(), &exported, NULL) == CM_OK);
    all = json_dumps(exported, JSON_COMPACT);
    kit_stop();

    begin(); /* another service */
    source.st = CM_ERR_NOTFOUND;
    CHECK(decide_now(reason, true) != CM_OK);
    CHECK_EQ(import_text(all, strlen(all)).count, 1);
    CHECK_EQ(decide_now(reason, false), CM_OK);
    again(); /* and it is in the store */
    source.st = CM_ERR_NOTFOUND;
    CHECK_EQ(decide_now(reason, false), CM_OK);
    CHECK_EQ(import_text("{}", 2).st, CM_ERR_NOTFOUND);
    CHECK_EQ(import_text("{", 1).st, CM_ERR_FORMAT);
    CHECK_EQ(import_text("{\"casemate_collateral\":2,\"kept\":[]}", 35).st, CM_ERR_FORMAT);
    CHECK_EQ(import_text("{\"snp\":[{\"line\":\"Milan\"}]}", 26).st, CM_ERR_FORMAT);
    /* a change anywhere: refused, but for white space in PEM and a field that is not used */
    for (size_t at = 100; at < strlen(all); at += strlen(all) / 37) {
        char *changed = strdup(all);

        changed[at] = changed[at] == 'A' ? 'B' : 'A';
        if (strcmp(changed, all) != 0) {
            taken += import_text(changed, strlen(changed)).st == CM_OK ? 1 : 0;
        }
        free(changed);
    }
    CHECK(taken <= 3);
    CHECK_EQ(decide_now(reason, false), CM_OK);
    kit_stop();
    json_decref(exported);
    free(all);
    free(text);
    free(old_text);
    cm_parts_free(old);
    cm_parts_free(now);
}

TEST(instances_share_what_one_has_asked_for)
{
    static const struct cm_module *const modules[] = {&cm_rules_module, &cm_decide_module, NULL};
    struct kit_options options = {.modules = modules, .accept_emulated = true};
    struct kit *first = NULL;
    struct kit *second = NULL;
    char reason[256] = "";

    begin();
    first = kit_current();
    options.store = kit_store();
    CHECK_EQ(decide_now(reason, true), CM_OK);
    CHECK_EQ(source.asked, 1);
    second = kit_open(&options);
    kit_use(second);
    configure(0);
    CHECK_EQ(decide_now(reason, false), CM_OK); /* without asking, nor waiting */
    CHECK_EQ(source.asked, 1);
    kit_use(first);
    kit_step_clock(25 * HOUR);
    cm_service_tick(kit_service());
    CHECK_EQ(source.asked, 2);
    kit_use(second);
    cm_service_tick(kit_service()); /* the other has renewed it */
    CHECK_EQ(source.asked, 2);
    kit_close(second);
    kit_use(first);
    kit_stop();
}

TEST(what_nobody_uses_is_forgotten)
{
    char reason[256] = "";
    struct cm_db *db = NULL;

    begin();
    CHECK_EQ(decide_now(reason, true), CM_OK);
    db = reader();
    CHECK_EQ(kit_count(db, "SELECT COUNT(*) FROM collateral"), 1);
    for (int i = 0; i < 5; i++) {
        kit_step_clock(DAY);
        CHECK_EQ(decide_now(reason, true), CM_OK);
        cm_service_tick(kit_service());
    }
    CHECK_EQ(kit_count(db, "SELECT COUNT(*) FROM collateral"), 1);
    kit_step_clock(29 * DAY);
    again(); /* a start is no use */
    cm_service_tick(kit_service());
    CHECK_EQ(kit_count(db, "SELECT COUNT(*) FROM collateral"), 1);
    kit_step_clock(2 * DAY);
    cm_service_tick(kit_service());
    CHECK_EQ(kit_count(db, "SELECT COUNT(*) FROM collateral"), 0);
    CHECK(is_ready(reason)); /* what is not used does not have to be fresh */
    cm_db_close(db);
    kit_stop();
}

/* Last: the platform is revoked from here on. */
TEST(z_a_revoked_platform_is_refused)
{
    const struct decide_enclave e = decide_enclave();
    struct cm_decide_job job = {.api = "test"};
    struct cm_decision *d = NULL;

    begin();
    job.evidence = cm_span_make(quote, decide_quote(&e, quote));
    REQUIRE(cm_decide(kit_service(), &job, true, &d, NULL) == CM_OK);
    CHECK_EQ(d->st, CM_OK);
    cm_decision_free(d);
    CHECK_EQ(cm_emuplat_revoke(NULL), CM_OK);
    kit_step_clock(25 * HOUR);
    cm_service_tick(kit_service());
    REQUIRE(cm_decide(kit_service(), &job, false, &d, NULL) == CM_OK);
    CHECK_EQ(d->st, CM_ERR_REVOKED);
    cm_decision_free(d);
    kit_stop();
}

int main(int argc, char **argv)
{
    int result = 0;

    decide_kit_platform();
    result = test_main(argc, argv);
    decide_kit_platform_end();
    return result;
}
