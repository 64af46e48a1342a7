/* The platform's secret: private, made exactly once, never replaced when it is damaged. */
#include "harness.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/os.h"
#include "sgxemu/emu_keys.h"

static char dir[64];
static char path[96];

static bool fresh_dir(void)
{
    (void)snprintf(dir, sizeof(dir), "/tmp/cm_fuse_test_XXXXXX");
    if (mkdtemp(dir) == NULL || setenv("CASEMATE_STATE_DIR", dir, 1) != 0) {
        return false;
    }
    (void)snprintf(path, sizeof(path), "%s/sgx-platform", dir);
    return true;
}

static void remove_dir(void)
{
    (void)chmod(dir, 0700);
    (void)unlink(path);
    CHECK_EQ(rmdir(dir), 0); /* fails when a temporary file was left */
}

TEST(created_private_and_read_back)
{
    struct cm_emu_platform a;
    struct cm_emu_platform b;
    struct cm_why why = {{0}};
    struct stat sb;

    REQUIRE(fresh_dir());
    CHECK_EQ(cm_emu_platform_load(&a, &why), CM_OK);
    REQUIRE(stat(path, &sb) == 0);
    CHECK_EQ(sb.st_mode & 07777, 0600);
    CHECK_EQ(cm_emu_platform_load(&b, &why), CM_OK);
    CHECK_MEM(a.prov_root, b.prov_root, 16);
    CHECK_MEM(a.seal_fuses, b.seal_fuses, 16);
    CHECK_MEM(a.owner_epoch, b.owner_epoch, 16);
    CHECK_MEM(a.cpusvn, b.cpusvn, 16);
    CHECK(memcmp(a.report_keyid, b.report_keyid, 32) != 0); /* new in every "boot" */
    CHECK(memcmp(a.prov_root, a.seal_fuses, 16) != 0);
    remove_dir();
}

TEST(two_platforms_differ)
{
    struct cm_emu_platform a;
    struct cm_emu_platform b;

    REQUIRE(fresh_dir());
    CHECK_EQ(cm_emu_platform_load(&a, NULL), CM_OK);
    remove_dir();
    REQUIRE(fresh_dir());
    CHECK_EQ(cm_emu_platform_load(&b, NULL), CM_OK);
    remove_dir();
    CHECK(memcmp(a.seal_fuses, b.seal_fuses, 16) != 0);
    CHECK(memcmp(a.prov_root, b.prov_root, 16) != 0);
}

TEST(racing_processes_get_one_secret)
{
    enum { RACERS = 12, ROUNDS = 10 };
    size_t wrong = 0;

    for (int round = 0; round < ROUNDS; round++) {
        int ends[2];
        int gate[2];
        struct cm_emu_platform mine;

        REQUIRE(fresh_dir() && pipe(ends) == 0 && pipe(gate) == 0);
        for (int i = 0; i < RACERS; i++) {
            if (fork() == 0) {
                struct cm_emu_platform p;
                char c = 0;

                (void)close(gate[1]);
                memset(&p, 0, sizeof(p));
                /* all start together when the gate closes */
                if (read(gate[0], &c, 1) != 0 || cm_emu_platform_load(&p, NULL) != CM_OK) {
                    memset(&p, 0, sizeof(p));
                }
                _exit(write(ends[1], p.seal_fuses, 16) == 16 ? 0 : 1);
            }
        }
        (void)close(gate[0]);
        (void)close(gate[1]);
        for (int i = 0; i < RACERS; i++) {
            (void)wait(NULL);
        }
        CHECK_EQ(cm_emu_platform_load(&mine, NULL), CM_OK);
        for (int i = 0; i < RACERS; i++) {
            uint8_t theirs[16] = {0};

            wrong += read(ends[0], theirs, 16) != 16 || memcmp(theirs, mine.seal_fuses, 16) != 0;
        }
        (void)close(ends[0]);
        (void)close(ends[1]);
        remove_dir();
    }
    CHECK_EQ(wrong, 0);
}

TEST(open_to_others_is_refused)
{
    struct cm_emu_platform p;
    struct cm_why why = {{0}};

    REQUIRE(fresh_dir());
    CHECK_EQ(cm_emu_platform_load(&p, NULL), CM_OK);
    REQUIRE(chmod(path, 0640) == 0);
    CHECK_EQ(cm_emu_platform_load(&p, &why), CM_ERR_DENIED);
    CHECK(strstr(why.text, "0600") != NULL);
    REQUIRE(chmod(path, 0604) == 0);
    CHECK_EQ(cm_emu_platform_load(&p, NULL), CM_ERR_DENIED);
    REQUIRE(chmod(path, 0600) == 0);
    CHECK_EQ(cm_emu_platform_load(&p, NULL), CM_OK);
    remove_dir();
}

TEST(not_a_file_is_refused)
{
    struct cm_emu_platform p;

    REQUIRE(fresh_dir());
    REQUIRE(symlink("/dev/zero", path) == 0);
    CHECK_EQ(cm_emu_platform_load(&p, NULL), CM_ERR_DENIED);
    remove_dir();
}

/* any damage is reported and the file stays: replacing it would destroy what was sealed with it */
TEST(damaged_file_is_refused_and_kept)
{
    struct cm_emu_platform p;
    struct cm_why why = {{0}};
    uint8_t *good = NULL;
    size_t len = 0;

    REQUIRE(fresh_dir());
    CHECK_EQ(cm_emu_platform_load(&p, NULL), CM_OK);
    REQUIRE(cm_file_read(path, 4096, &good, &len, NULL) == CM_OK);
    for (size_t i = 0; i < len; i++) {
        uint8_t *now = NULL;
        size_t now_len = 0;

        good[i] ^= 4;
        REQUIRE(cm_file_write_atomic(path, cm_span_make(good, len), 0600, NULL) == CM_OK);
        CHECK_EQ(cm_emu_platform_load(&p, &why), CM_ERR_FORMAT);
        REQUIRE(cm_file_read(path, 4096, &now, &now_len, NULL) == CM_OK);
        CHECK(now_len == len && memcmp(now, good, len) == 0);
        free(now);
        good[i] ^= 4;
    }
    CHECK(strstr(why.text, "damaged") != NULL);
    for (size_t cut = 0; cut < len; cut += 7) {
        REQUIRE(cm_file_write_atomic(path, cm_span_make(good, cut), 0600, NULL) == CM_OK);
        CHECK_EQ(cm_emu_platform_load(&p, NULL), CM_ERR_FORMAT);
    }
    REQUIRE(cm_file_write_atomic(path, cm_span_make(good, len), 0600, NULL) == CM_OK);
    CHECK_EQ(cm_emu_platform_load(&p, NULL), CM_OK);
    free(good);
    remove_dir();
}

TEST(no_memory_is_an_error_and_leaves_nothing)
{
    struct cm_emu_platform p;
    int refused = 0;

    REQUIRE(fresh_dir());
    for (long k = 1; k < 50; k++) {
        enum cm_status st = CM_OK;

        (void)unlink(path);
        fail_alloc_at(k);
        st = cm_emu_platform_load(&p, NULL);
        if (st == CM_OK && !fail_alloc_hit()) {
            fail_alloc_at(-1);
            break;
        }
        fail_alloc_at(-1);
        refused += st != CM_OK;
    }
    CHECK(refused > 0);
    remove_dir();
}

TEST_MAIN
