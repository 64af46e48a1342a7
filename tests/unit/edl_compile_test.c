/* The EDL compiler with files: no memory at any allocation leaves no file and says so. */
#include "harness.h"

#include <dirent.h>
#include <unistd.h>

#include "common/span.h"
#include "edl/edl.h"
#include "os/os.h"

static int entries(const char *dir, bool remove_them)
{
    DIR *d = opendir(dir);
    int n = 0;

    for (struct dirent *e = NULL; d != NULL && (e = readdir(d)) != NULL;) {
        if (e->d_name[0] != '.') {
            n++;
            if (remove_them) {
                CHECK_EQ(unlinkat(dirfd(d), e->d_name, 0), 0);
            }
        }
    }
    if (d != NULL) {
        (void)closedir(d);
    }
    return n;
}

/* old: a file of the host's side is there already, so that its name is taken late, over another */
static void run_out_of_memory(bool old)
{
    static const char text[] =
        "enclave { struct s { size_t n; [count=n] int *p; }; trusted { public int f([in, out] s *a,"
        " [in, string] const char *t); }; untrusted { void g([out] s *a) propagate_errno; }; };";
    static char messages[8192];
    char dir[] = "/tmp/cm_edl_test_XXXXXX";
    char out[64] = "";
    char there[64] = "";
    char edl[64] = "";
    const char *paths[1] = {edl};
    struct cm_edl_options options = {0};
    long k = 1;

    REQUIRE(mkdtemp(dir) != NULL);
    (void)snprintf(edl, sizeof(edl), "%s.edl", dir);
    (void)snprintf(out, sizeof(out), "%s/made.d", dir);
    REQUIRE(cm_file_write_atomic(edl, cm_span_make(text, sizeof(text) - 1), 0600, NULL) == CM_OK);
    (void)snprintf(there, sizeof(there), "%s%s_u.c", dir, strrchr(dir, '/'));
    options.trusted_dir = dir;
    options.untrusted_dir = dir;
    options.dep_file = out;
    options.quiet = true;
    for (;; k++) {
        FILE *to = fmemopen(messages, sizeof(messages) - 1, "w");
        enum cm_status st = CM_OK;
        bool hit = false;

        REQUIRE(to != NULL);
        REQUIRE(!old || cm_file_write_atomic(there, cm_span_make("", 0), 0600, NULL) == CM_OK);
        memset(messages, 0, sizeof(messages));
        fail_alloc_at(k);
        st = cm_edl_compile(&options, paths, 1, to, NULL);
        hit = fail_alloc_hit();
        fail_alloc_at(-1);
        (void)fclose(to);
        if (!hit) {
            CHECK_EQ(st, CM_OK);
            break;
        }
        if (st == CM_OK) { /* only the way to a nameless file is given up without being missed */
            CHECK_EQ(entries(dir, true), 6);
            continue;
        }
        CHECK_EQ(st, CM_ERR_NOMEM);
        CHECK(strstr(messages, "memory") != NULL);
        CHECK_EQ(entries(dir, true), old ? 1 : 0);
    }
    CHECK(k > 20);
    CHECK_EQ(entries(dir, true), 6);
    CHECK_EQ(rmdir(dir), 0);
    CHECK_EQ(unlink(edl), 0);
}

TEST(out_of_memory_at_every_allocation)
{
    run_out_of_memory(false);
}

TEST(what_was_made_goes_away_when_a_late_name_fails)
{
    run_out_of_memory(true);
}

TEST_MAIN
