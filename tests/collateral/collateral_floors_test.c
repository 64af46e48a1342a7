/* Floors between runs: they rise, never fall, and a damaged file is not as good as none (H7). */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness.h"

#include "collateral/floor_file.h"
#include "common/span.h"
#include "pki.h"

static char dir[64];
static char file[96];

static void scene(void)
{
    (void)snprintf(dir, sizeof(dir), "collateral-floors-%ld", (long)getpid());
    (void)snprintf(file, sizeof(file), "%s/floors.json", dir);
    (void)mkdir(dir, 0700);
}

static void clean(void)
{
    char command[128] = "";

    (void)snprintf(command, sizeof(command), "rm -rf ./%s", dir);
    CHECK_EQ(system(command), 0);
}

static void write_text(const char *text)
{
    FILE *f = fopen(file, "wb");

    if (f == NULL || fputs(text, f) < 0 || fclose(f) != 0) {
        TEST_FAIL("%s cannot be written", file);
    }
}

/* One run of a verifier: with the floors of the file, which rise. */
static enum cm_status run(const struct pki_spec *s)
{
    struct pki_bundle *b = pki_make(s);
    struct cm_verify_input in = {.now = PKI_NOW, .roots = &b->root, .root_count = 1};
    struct cm_floor_file *floors = NULL;
    struct cm_evidence *ev = NULL;
    enum cm_status st = cm_floor_file_open(file, &floors, NULL);

    if (st == CM_OK) {
        in.floors = cm_floor_file_floors(floors, &in.floor_count);
        st = cm_dcap_verify(b->quote, &b->col, &in, 0, NULL, &ev);
        CHECK_EQ(cm_floor_file_raise(floors, ev, NULL), CM_OK);
    }
    cm_evidence_free(ev);
    cm_floor_file_close(floors);
    pki_free(b);
    return st;
}

TEST(H7_old_collateral_is_refused_in_the_next_run)
{
    struct pki_spec s;
    struct pki_spec older;

    scene();
    pki_defaults(&s, 3, 1);
    older = s;
    s.tcb_evaluation++;
    CHECK_EQ(run(&older), CM_OK);
    CHECK_EQ(run(&s), CM_OK);
    CHECK_EQ(run(&s), CM_OK);
    CHECK_EQ(run(&older), CM_ERR_POLICY);
    CHECK_EQ(run(&older), CM_ERR_POLICY); /* a refusal lowers nothing */
    CHECK_EQ(run(&s), CM_OK);
    older = s;
    older.root_crl.number--;
    CHECK_EQ(run(&older), CM_ERR_POLICY);
    clean();
}

/* A verification that was not given the floors cannot lower them either. */
TEST(H7_nothing_falls)
{
    struct pki_spec s;
    struct pki_bundle *b = NULL;
    struct cm_verify_input in = {.now = PKI_NOW};
    struct cm_floor_file *f = NULL;
    struct cm_evidence *ev = NULL;

    scene();
    pki_defaults(&s, 3, 1);
    b = pki_make(&s);
    s.tcb_evaluation += 3;
    CHECK_EQ(run(&s), CM_OK);
    in.roots = &b->root;
    in.root_count = 1;
    REQUIRE(cm_dcap_verify(b->quote, &b->col, &in, 0, NULL, &ev) == CM_OK);
    REQUIRE(cm_floor_file_open(file, &f, NULL) == CM_OK);
    CHECK_EQ(cm_floor_file_raise(f, ev, NULL), CM_OK);
    cm_floor_file_close(f);
    s.tcb_evaluation -= 3;
    CHECK_EQ(run(&s), CM_ERR_POLICY);
    cm_evidence_free(ev);
    pki_free(b);
    clean();
}

/* Evidence that does not verify raises nothing: else a stranger could shut a verifier out. */
TEST(H7_forged_collateral_raises_nothing)
{
    struct pki_spec s;
    struct pki_spec forged;

    scene();
    pki_defaults(&s, 3, 1);
    forged = s;
    forged.tcb_evaluation += 1000;
    forged.tcb_signer = PKI_OTHER;
    CHECK_EQ(run(&forged), CM_ERR_SIGNATURE);
    CHECK_EQ(run(&s), CM_OK);
    clean();
}

TEST(damaged_files_are_refused_and_kept)
{
    static const char *const texts[] = {
        "",
        "{",
        "[]",
        "{}",
        "{\"version\":1}",
        "{\"version\":2,\"floors\":{}}",
        "{\"version\":1,\"floors\":[]}",
        "{\"version\":1,\"floors\":{\"a\":\"1\"}}",
        "{\"version\":1,\"floors\":{\"a\":-1}}",
        "{\"version\":1,\"floors\":{\"a\":1.5}}",
        "{\"version\":1,\"floors\":{\"a\":18446744073709551616}}",
        "{\"version\":1,\"floors\":{\"a\":1,\"a\":2}}",
        "{\"version\":1,\"floors\":{},\"more\":1}",
    };
    struct cm_floor_file *f = NULL;
    char longest[300] = "";

    scene();
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct cm_why why = {""};

        write_text(texts[i]);
        CHECK_EQ(cm_floor_file_open(file, &f, &why), CM_ERR_FORMAT);
        CHECK(f == NULL && strstr(why.text, "restore the file") != NULL);
    }
    (void)snprintf(longest, sizeof(longest), "{\"version\":1,\"floors\":{\"%096d\":1}}", 0);
    write_text(longest);
    CHECK_EQ(cm_floor_file_open(file, &f, NULL), CM_ERR_FORMAT);
    (void)snprintf(longest, sizeof(longest), "{\"version\":1,\"floors\":{\"%095d\":7}}", 0);
    write_text(longest);
    CHECK_EQ(cm_floor_file_open(file, &f, NULL), CM_OK);
    {
        size_t count = 0;
        const struct cm_floor *floors = cm_floor_file_floors(f, &count);

        CHECK_EQ(count, 1);
        CHECK_EQ(floors[0].value, 7);
    }
    cm_floor_file_close(f);
    clean();
}

TEST(too_many_are_refused)
{
    struct cm_floor_file *f = NULL;
    FILE *out = NULL;

    scene();
    for (unsigned more = 0; more < 2; more++) {
        out = fopen(file, "wb");
        REQUIRE(out != NULL);
        (void)fputs("{\"version\":1,\"floors\":{", out);
        for (unsigned i = 0; i < CM_FLOORS_MAX / 4 + more * CM_FLOORS_MAX; i++) {
            (void)fprintf(out, "%s\"f%u\":%u", i == 0 ? "" : ",", i, i);
        }
        (void)fputs("}}", out);
        (void)fclose(out);
        CHECK_EQ(cm_floor_file_open(file, &f, NULL), more == 0 ? CM_OK : CM_ERR_LIMIT);
        cm_floor_file_close(f);
        f = NULL;
    }
    clean();
}

/* A file that cannot be written must not let the verdict stand; nothing is left half written. */
TEST(unwritable_is_an_error)
{
    struct cm_floor_file *f = NULL;

    CHECK_EQ(cm_floor_file_open("/dev/null/no/floors", &f, NULL), CM_ERR_IO);
    CHECK(f == NULL);
}

TEST(without_memory)
{
    struct pki_spec s;
    struct pki_bundle *b = NULL;
    struct cm_verify_input in = {.now = PKI_NOW};
    struct cm_evidence *ev = NULL;
    enum cm_status st = CM_ERR_NOMEM;

    scene();
    pki_defaults(&s, 3, 1);
    b = pki_make(&s);
    in.roots = &b->root;
    in.root_count = 1;
    REQUIRE(cm_dcap_verify(b->quote, &b->col, &in, 0, NULL, &ev) == CM_OK);
    for (long k = 1; st != CM_OK && k < 200; k++) {
        struct cm_floor_file *f = NULL;

        fail_alloc_at(k);
        st = cm_floor_file_open(file, &f, NULL);
        if (st == CM_OK) {
            st = cm_floor_file_raise(f, ev, NULL);
        }
        fail_alloc_at(-1);
        cm_floor_file_close(f);
    }
    CHECK_EQ(st, CM_OK);
    cm_evidence_free(ev);
    pki_free(b);
    clean();
}

/* ------------------------------------------------------------------ at once */

static atomic_bool opened;

static void *open_and_close(void *arg)
{
    struct cm_floor_file *f = NULL;

    if (cm_floor_file_open(file, &f, NULL) != CM_OK) {
        return &opened;
    }
    atomic_store(&opened, true);
    cm_floor_file_close(f);
    return arg;
}

/* Who holds the floors holds them alone, from reading to writing. */
TEST(H7_one_holder_at_a_time)
{
    struct cm_floor_file *f = NULL;
    pthread_t thread;
    void *failed = NULL;

    scene();
    REQUIRE(cm_floor_file_open(file, &f, NULL) == CM_OK);
    REQUIRE(pthread_create(&thread, NULL, open_and_close, NULL) == 0);
    (void)usleep(200000);
    CHECK(!atomic_load(&opened));
    cm_floor_file_close(f);
    (void)pthread_join(thread, &failed);
    CHECK(failed == NULL && atomic_load(&opened));
    clean();
}

static struct pki_bundle *shared[2];

static void *many_runs(void *arg)
{
    const struct pki_bundle *b = arg;

    for (int i = 0; i < 20; i++) {
        struct cm_verify_input in = {.now = PKI_NOW, .roots = &b->root, .root_count = 1};
        struct cm_floor_file *f = NULL;
        struct cm_evidence *ev = NULL;

        if (cm_floor_file_open(file, &f, NULL) != CM_OK) {
            return arg;
        }
        in.floors = cm_floor_file_floors(f, &in.floor_count);
        (void)!cm_dcap_verify(b->quote, &b->col, &in, 0, NULL, &ev);
        if (ev == NULL || cm_floor_file_raise(f, ev, NULL) != CM_OK) {
            cm_floor_file_close(f);
            return arg;
        }
        cm_evidence_free(ev);
        cm_floor_file_close(f);
    }
    return NULL;
}

/* The higher of two writers wins, whatever the order. */
TEST(H7_writers_at_once_lose_nothing)
{
    struct pki_spec s;
    pthread_t threads[2];
    struct cm_floor_file *f = NULL;
    size_t count = 0;
    const struct cm_floor *floors = NULL;
    bool found = false;

    scene();
    pki_defaults(&s, 3, 1);
    shared[0] = pki_make(&s);
    s.tcb_evaluation += 5;
    shared[1] = pki_make(&s);
    for (int i = 0; i < 2; i++) {
        REQUIRE(pthread_create(&threads[i], NULL, many_runs, shared[i]) == 0);
    }
    for (int i = 0; i < 2; i++) {
        void *failed = NULL;

        (void)pthread_join(threads[i], &failed);
        CHECK(failed == NULL);
        pki_free(shared[i]);
    }
    REQUIRE(cm_floor_file_open(file, &f, NULL) == CM_OK);
    floors = cm_floor_file_floors(f, &count);
    for (size_t i = 0; i < count; i++) {
        if (strstr(floors[i].name, "sgx_tcb_evaluation") != NULL) {
            CHECK_EQ(floors[i].value, s.tcb_evaluation);
            found = true;
        }
    }
    CHECK(found);
    cm_floor_file_close(f);
    clean();
}

TEST_MAIN
