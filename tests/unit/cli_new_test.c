/* casemate new: what a project gets, and that nothing that exists is touched. */
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/cli_templates.h"
#include "harness.h"

static FILE *quiet;

static enum cm_status make(const char *dir, const char *name, struct cm_why *why)
{
    memset(why, 0, sizeof(*why));
    if (quiet == NULL) {
        quiet = fopen("/dev/null", "w");
    }
    return cm_cli_new(dir, name, quiet, why);
}

static bool holds(const char *dir, const char *path)
{
    char full[256];

    (void)snprintf(full, sizeof(full), "%s/%s", dir, path);
    return access(full, F_OK) == 0;
}

static void remove_project(const char *dir)
{
    char command[256];

    (void)snprintf(command, sizeof(command), "rm -rf '%s'", dir);
    CHECK_EQ(system(command), 0);
}

TEST(makes_every_file_with_the_name_in_it)
{
    char dir[] = "/tmp/cm-new-test-XXXXXX";
    char path[256];
    static char text[8192];
    struct cm_why why;
    FILE *f = NULL;

    REQUIRE(mkdtemp(dir) != NULL);
    CHECK_EQ(make(dir, "shop_2", &why), CM_OK);
    CHECK(holds(dir, "shop_2/CMakeLists.txt"));
    CHECK(holds(dir, "shop_2/shop_2.edl"));
    CHECK(holds(dir, "shop_2/host/shop_2.c"));
    CHECK(holds(dir, "shop_2/enclave/shop_2_enc.c"));
    CHECK(holds(dir, "shop_2/.gitignore"));
    CHECK(holds(dir, "shop_2/.vscode/launch.json"));
    (void)snprintf(path, sizeof(path), "%s/shop_2/shop_2.edl", dir);
    f = fopen(path, "r");
    REQUIRE(f != NULL);
    text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
    (void)fclose(f);
    CHECK(strstr(text, "ecall_shop_2_greet") != NULL);
    CHECK(strstr(text, "@NAME@") == NULL);
    remove_project(dir);
}

TEST(never_touches_what_is_there)
{
    char dir[] = "/tmp/cm-new-test-XXXXXX";
    char path[256];
    struct cm_why why;

    REQUIRE(mkdtemp(dir) != NULL);
    (void)snprintf(path, sizeof(path), "%s/shop", dir);
    CHECK_EQ(mkdir(path, 0700), 0);
    CHECK_EQ(make(dir, "shop", &why), CM_ERR_EXISTS);
    CHECK(strstr(why.text, "nothing was changed") != NULL);
    CHECK(!holds(dir, "shop/CMakeLists.txt"));
    CHECK_EQ(rmdir(path), 0); /* still empty */
    CHECK_EQ(rmdir(dir), 0);  /* and nothing beside it */
}

TEST(refuses_names_that_c_cannot_use)
{
    static const char *const bad[] = {"",     "9a",      "A",   "a-b",  "a b",
                                      "../a", "a/b",     "_a",  "int",  "main",
                                      "run",  "enclave", "a;b", "\x1b", "a\xc3\xa4"};
    char dir[] = "/tmp/cm-new-test-XXXXXX";
    char longest[40];
    struct cm_why why;

    REQUIRE(mkdtemp(dir) != NULL);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        CHECK_EQ(make(dir, bad[i], &why), CM_ERR_PARAM);
        CHECK(why.text[0] != '\0');
    }
    memset(longest, 'a', sizeof(longest));
    longest[33] = '\0';
    CHECK_EQ(make(dir, longest, &why), CM_ERR_PARAM);
    longest[32] = '\0';
    CHECK_EQ(make(dir, longest, &why), CM_OK);
    remove_project(dir);
}

TEST(leaves_nothing_behind_when_memory_runs_out)
{
    char dir[] = "/tmp/cm-new-test-XXXXXX";
    struct cm_why why;

    REQUIRE(mkdtemp(dir) != NULL);
    CHECK_EQ(make(dir, "warmup", &why), CM_OK); /* opens /dev/null */
    for (long k = 1; k < 60; k++) {
        enum cm_status st = CM_OK;
        bool hit = false;

        fail_alloc_at(k);
        st = make(dir, "shop", &why);
        hit = fail_alloc_hit();
        fail_alloc_at(-1);
        if (!hit) {
            CHECK_EQ(st, CM_OK);
            break;
        }
        CHECK(st == CM_OK || !holds(dir, "shop"));
        if (st == CM_OK) {
            break; /* an allocation that was not needed */
        }
    }
    remove_project(dir);
}

TEST(refuses_a_folder_that_cannot_be_written)
{
    struct cm_why why;

    CHECK_EQ(make("/proc", "shop", &why), CM_ERR_IO);
    CHECK_EQ(make("/nonexistent", "shop", &why), CM_ERR_IO);
}

TEST_MAIN
