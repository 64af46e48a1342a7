/* casemate inspect in memory: no allocation may fail unnoticed. */
#include "harness.h"

#include <unistd.h>

#include "cli/cli.h"
#include "os/os.h"
#include "sign/elf_fixture.h"

TEST(out_of_memory_at_every_allocation)
{
    static struct fixture fx;
    char path[] = "/tmp/cm_inspect_XXXXXX";
    const int fd = mkstemp(path);
    FILE *to = fopen("/dev/null", "w");

    REQUIRE(fd >= 0 && to != NULL);
    (void)close(fd);
    fx_make(&fx);
    REQUIRE(cm_file_write_atomic(path, cm_span_make(fx.b, sizeof(fx.b)), 0600, NULL) == CM_OK);
    for (int json = 0; json < 2; json++) {
        long k = 1;

        for (;; k++) {
            enum cm_status st = CM_OK;
            bool hit = false;

            fail_alloc_at(k);
            st = cm_cli_inspect(path, json != 0, to, NULL);
            hit = fail_alloc_hit();
            fail_alloc_at(-1);
            if (!hit) {
                CHECK_EQ(st, CM_OK);
                break;
            }
            CHECK_EQ(st, CM_ERR_NOMEM);
        }
        CHECK(k > 4);
    }
    (void)fclose(to);
    CHECK_EQ(unlink(path), 0);
}

TEST_MAIN
