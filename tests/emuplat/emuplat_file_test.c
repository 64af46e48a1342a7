/* The state file: made exactly once, private, replaced as a whole, refused when it is damaged. */
#include "emuplat_kit.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/wait.h>

#include "common/span.h"
#include "os/os.h"

static uint8_t *load(size_t *len)
{
    uint8_t *file = NULL;

    return cm_file_read(kit_state, CM_EMUPLAT_MAX_FILE, &file, len, NULL) == CM_OK ? file : NULL;
}

static bool store(const uint8_t *bytes, size_t len)
{
    return cm_file_write_atomic(kit_state, cm_span_make(bytes, len), 0600, NULL) == CM_OK;
}

static enum cm_status open_close(struct cm_why *why)
{
    struct cm_emuplat e;
    enum cm_status st = CM_OK;

    memset(&e, 0, sizeof(e));
    st = cm_emuplat_open(cm_emuplat_clock(), &e, why);
    if (st == CM_OK) {
        cm_emuplat_close(&e);
    }
    return st;
}

TEST(racing_processes_get_one_platform)
{
    enum { RACERS = 10, ROUNDS = 6 };
    size_t wrong = 0;

    for (int round = 0; round < ROUNDS; round++) {
        int ends[2];
        int gate[2];
        uint8_t mine[65];

        REQUIRE(kit_fresh() && pipe(ends) == 0 && pipe(gate) == 0);
        for (int i = 0; i < RACERS; i++) {
            if (fork() == 0) {
                uint8_t root[65] = {0};
                char go = 0;

                (void)close(gate[1]);
                (void)!read(gate[0], &go, 1); /* all at once, when the parent closes its end */
                if (cm_emuplat_root_key(root, NULL) != CM_OK) {
                    memset(root, 0, sizeof(root));
                }
                (void)!write(ends[1], root, sizeof(root));
                _exit(0);
            }
        }
        (void)close(gate[0]);
        (void)close(gate[1]);
        for (int i = 0; i < RACERS; i++) {
            uint8_t root[65] = {0};

            REQUIRE(read(ends[0], root, sizeof(root)) == (ssize_t)sizeof(root));
            if (i == 0) {
                memcpy(mine, root, sizeof(mine));
            }
            wrong += root[0] != 4 || memcmp(mine, root, sizeof(root)) != 0;
        }
        while (wait(NULL) > 0) {
        }
        (void)close(ends[0]);
        (void)close(ends[1]);
        kit_remove();
    }
    CHECK_EQ(wrong, 0);
}

/* every change counts: none is lost to another that read the same state */
TEST(racing_changes_are_all_made)
{
    enum { RACERS = 8, EACH = 5 };
    struct cm_emuplat_bundle *b = NULL;
    size_t failed = 0;

    REQUIRE(kit_fresh() && open_close(NULL) == CM_OK);
    for (int i = 0; i < RACERS; i++) {
        if (fork() == 0) {
            int bad = 0;

            for (int k = 0; k < EACH; k++) {
                bad += cm_emuplat_set_tcb(CM_DCAP_OUT_OF_DATE, NULL) != CM_OK;
                bad += kit_verify(cm_span_make("", 0), 0).status == CM_ERR_STATE;
            }
            _exit(bad != 0);
        }
    }
    for (int i = 0; i < RACERS; i++) {
        int status = 0;

        failed += wait(&status) <= 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0;
    }
    CHECK_EQ(failed, 0);
    REQUIRE(cm_emuplat_collateral(&b, NULL) == CM_OK);
    CHECK_EQ(cm_emuplat_bundle_info(b)->evaluation, 1 + RACERS * EACH);
    CHECK_EQ(cm_emuplat_bundle_info(b)->crl_number, 1 + RACERS * EACH);
    cm_emuplat_bundle_free(b);
    kit_remove();
}

/* quotes verify while the platform changes under them */
static void *quoting_thread(void *failed)
{
    static __thread uint8_t quote[KIT_QUOTE_MAX];
    int *bad = failed;

    for (int i = 0; i < 20; i++) {
        size_t size = kit_quote(quote);
        struct kit_verdict v = kit_verify(cm_span_make(quote, size), ~0u);

        *bad += size == 0 || v.status != CM_OK;
    }
    return NULL;
}

TEST(threads_quote_while_the_platform_changes)
{
    enum { THREADS = 4 };
    pthread_t thread[THREADS];
    int failed[THREADS] = {0};
    size_t started = 0;

    REQUIRE(kit_fresh() && open_close(NULL) == CM_OK);
    for (size_t i = 0; i < THREADS; i++) {
        started += pthread_create(&thread[i], NULL, quoting_thread, &failed[i]) == 0;
    }
    CHECK_EQ(started, THREADS);
    for (int i = 0; i < 10; i++) {
        CHECK_EQ(cm_emuplat_rotate(NULL), CM_OK);
        CHECK_EQ(cm_emuplat_set_tcb(CM_DCAP_OUT_OF_DATE, NULL), CM_OK);
    }
    for (size_t i = 0; i < started; i++) {
        CHECK_EQ(pthread_join(thread[i], NULL), 0);
        CHECK_EQ(failed[i], 0);
    }
    kit_remove();
}

TEST(files_are_private)
{
    struct stat sb;

    REQUIRE(kit_fresh() && open_close(NULL) == CM_OK);
    REQUIRE(stat(kit_state, &sb) == 0);
    CHECK_EQ(sb.st_mode & 07777, 0600);
    CHECK_EQ(cm_emuplat_set_tcb(CM_DCAP_OUT_OF_DATE, NULL), CM_OK);
    REQUIRE(stat(kit_state, &sb) == 0);
    CHECK_EQ(sb.st_mode & 07777, 0600);
    kit_remove();
}

TEST(a_file_that_others_can_read_is_refused)
{
    char elsewhere[128] = "";
    struct cm_why why = {{0}};

    REQUIRE(kit_fresh() && open_close(NULL) == CM_OK);
    REQUIRE(chmod(kit_state, 0640) == 0);
    CHECK_EQ(open_close(&why), CM_ERR_DENIED);
    CHECK(strstr(why.text, "0600") != NULL);
    REQUIRE(chmod(kit_state, 0600) == 0);
    CHECK_EQ(open_close(NULL), CM_OK);

    (void)snprintf(elsewhere, sizeof(elsewhere), "%s.moved", kit_state);
    REQUIRE(rename(kit_state, elsewhere) == 0 && symlink(elsewhere, kit_state) == 0);
    CHECK_EQ(open_close(NULL), CM_ERR_DENIED);
    REQUIRE(unlink(kit_state) == 0 && mkfifo(kit_state, 0600) == 0);
    CHECK_EQ(open_close(NULL), CM_ERR_DENIED); /* and does not wait for a writer */
    REQUIRE(unlink(kit_state) == 0 && rename(elsewhere, kit_state) == 0);
    CHECK_EQ(open_close(NULL), CM_OK);
    kit_remove();
}

TEST(every_truncation_is_refused_and_left_as_it_is)
{
    struct cm_why why = {{0}};
    uint8_t *file = NULL;
    uint8_t *again = NULL;
    size_t len = 0;
    size_t again_len = 0;

    REQUIRE(kit_fresh() && open_close(NULL) == CM_OK);
    file = load(&len);
    REQUIRE(file != NULL);
    for (size_t n = 0; n < len; n += n < 400 || len - n < 100 ? 1 : 41) {
        struct cm_emuplat_cpu cpu;
        struct cm_emuplat_state *s = NULL;
        uint8_t *exact = malloc(n + 1); /* for the sanitiser: nothing behind it */

        REQUIRE(exact != NULL && cm_emuplat_cpu_load(&cpu, NULL) == CM_OK);
        memcpy(exact, file, n);
        CHECK_EQ(cm_emuplat_file_parse(cm_span_make(exact, n), &cpu, &s), CM_ERR_FORMAT);
        CHECK(s == NULL);
        free(exact);
    }
    REQUIRE(store(file, len - 1));
    CHECK_EQ(open_close(&why), CM_ERR_FORMAT);
    CHECK(strstr(why.text, "casemate platform reset --yes") != NULL);
    CHECK_EQ(cm_emuplat_set_tcb(CM_DCAP_OUT_OF_DATE, NULL), CM_ERR_FORMAT);
    CHECK_EQ(cm_emuplat_rotate(NULL), CM_ERR_FORMAT);
    again = load(&again_len);
    REQUIRE(again != NULL);
    CHECK_EQ(again_len, len - 1);
    CHECK_MEM(again, file, len - 1);
    CHECK_EQ(cm_emuplat_reset(NULL), CM_OK); /* the way out, when asked for */
    CHECK_EQ(open_close(NULL), CM_OK);
    free(file);
    free(again);
    kit_remove();
}

/* the same without the two sums in front: the parser alone holds as well */
TEST(every_truncation_of_the_body_is_refused)
{
    struct cm_emuplat_state *s = NULL;
    uint8_t *file = NULL;
    size_t len = 0;
    size_t body = 0;

    REQUIRE(kit_fresh() && open_close(NULL) == CM_OK);
    file = load(&len);
    REQUIRE(file != NULL && len > 48);
    body = len - 48;
    CHECK_EQ(cm_emuplat_body_parse(cm_span_make(file, body), &s), CM_OK);
    cm_emuplat_state_free(s);
    CHECK_EQ(cm_emuplat_body_parse(cm_span_make(file, body + 1), &s), CM_ERR_FORMAT);
    for (size_t n = 0; n < body; n++) {
        uint8_t *exact = malloc(n + 1);

        REQUIRE(exact != NULL);
        memcpy(exact, file, n);
        CHECK_EQ(cm_emuplat_body_parse(cm_span_make(exact, n), &s), CM_ERR_FORMAT);
        free(exact);
    }
    free(file);
    kit_remove();
}

TEST(values_out_of_range_are_refused)
{
    /* offset in the body, the byte that is put there */
    static const struct {
        size_t at;
        uint8_t value;
        const char *what;
    } changes[] = {
        {0, 'X', "magic"},         {8, 2, "version"},          {12, 1, "reserved"},
        {23, 0xff, "created"},     {31, 0xff, "not after"},    {39, 0xff, "issued"},
        {47, 0xff, "next update"}, {55, 0xff, "changed"},      {64, 6, "status"},
        {64, 9, "status"},         {67, 1, "status"},          {101, 2, "revoked count"},
        {104, 0, "empty part"},    {105, 0xff, "part length"}, {106, 0xff, "part length"},
    };
    struct cm_emuplat_state *s = NULL;
    uint8_t *file = NULL;
    size_t len = 0;

    REQUIRE(kit_fresh() && open_close(NULL) == CM_OK);
    file = load(&len);
    REQUIRE(file != NULL);
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        uint8_t was = file[changes[i].at];

        file[changes[i].at] = changes[i].value;
        if (cm_emuplat_body_parse(cm_span_make(file, len - 48), &s) != CM_ERR_FORMAT) {
            TEST_FAIL("%s at %zu", changes[i].what, changes[i].at);
            cm_emuplat_state_free(s);
        }
        file[changes[i].at] = was;
    }
    free(file);
    kit_remove();
}

TEST(any_changed_byte_is_noticed)
{
    struct cm_emuplat_cpu cpu;
    uint8_t *file = NULL;
    size_t len = 0;

    REQUIRE(kit_fresh() && open_close(NULL) == CM_OK && cm_emuplat_cpu_load(&cpu, NULL) == CM_OK);
    file = load(&len);
    REQUIRE(file != NULL);
    for (size_t i = 0; i < len; i++) {
        struct cm_emuplat_state *s = NULL;

        file[i] ^= 4;
        if (cm_emuplat_file_parse(cm_span_make(file, len), &cpu, &s) != CM_ERR_FORMAT) {
            TEST_FAIL("byte %zu", i);
            cm_emuplat_state_free(s);
        }
        file[i] ^= 4;
    }
    free(file);
    kit_remove();
}

TEST(a_state_without_its_processor_is_refused)
{
    struct cm_why why = {{0}};
    uint8_t *file = NULL;
    uint8_t *again = NULL;
    size_t len = 0;
    size_t again_len = 0;

    REQUIRE(kit_fresh() && open_close(NULL) == CM_OK);
    file = load(&len);
    REQUIRE(file != NULL && unlink(kit_fuses) == 0);
    CHECK_EQ(open_close(&why), CM_ERR_MISMATCH);
    CHECK(strstr(why.text, "sgx-platform") != NULL);
    again = load(&again_len);
    REQUIRE(again != NULL && again_len == len);
    CHECK_MEM(file, again, len);
    CHECK_EQ(cm_emuplat_reset(NULL), CM_OK);
    free(file);
    free(again);
    kit_remove();
}

TEST(memory_that_runs_out_changes_nothing)
{
    static uint8_t quote[KIT_QUOTE_MAX];
    uint8_t report[432];
    size_t size = 0;

    REQUIRE(kit_fresh() && open_close(NULL) == CM_OK && kit_report(report));
    for (long k = 1; k < 4000; k++) {
        enum cm_status st = CM_OK;

        fail_alloc_at(k);
        st = cm_emuplat_quote(report, quote, sizeof(quote), &size, NULL);
        if (!fail_alloc_hit()) {
            fail_alloc_at(-1);
            CHECK_EQ(st, CM_OK);
            break;
        }
        fail_alloc_at(-1);
        CHECK(st == CM_OK || st == CM_ERR_NOMEM || st == CM_ERR_CRYPTO);
    }
    for (long k = 1; k < 20000; k += 13) {
        enum cm_status st = CM_OK;

        fail_alloc_at(k);
        st = cm_emuplat_rotate(NULL);
        if (!fail_alloc_hit()) {
            fail_alloc_at(-1);
            CHECK_EQ(st, CM_OK);
            break;
        }
        fail_alloc_at(-1);
        CHECK_EQ(open_close(NULL), CM_OK);
    }
    CHECK_EQ(kit_verify(cm_span_make(quote, size), 0).status, CM_OK);
    kit_remove();
}

TEST_MAIN
