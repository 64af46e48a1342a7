/* The same work inside and outside sees the same (syscall_work.h). */
#include "harness.h"

#include "syscall_kit.h"
#include "syscall_work.h"

static void compare(const char *name)
{
    static char outside[KIT_LOG];
    static char inside[KIT_LOG];
    struct work_log log = {outside, sizeof(outside), 0};
    oe_enclave_t *e = kit_enclave();
    char folder[64];
    int r = -1;

    REQUIRE(e != NULL && kit_folder(folder));
    CHECK(work_do(name, folder, &log));
    kit_remove(folder);
    REQUIRE(kit_folder(folder));
    CHECK_EQ(enc_work(e, &r, name, folder, inside, sizeof(inside)), OE_OK);
    CHECK_EQ(r, 0);
    kit_remove(folder);
    CHECK(strlen(outside) > 20);
    CHECK_EQ(strcmp(outside, inside), 0);
    kit_print_difference(outside, inside);
}

TEST(same_on_descriptors)
{
    compare("descriptors");
}

TEST(same_on_paths)
{
    compare("paths");
}

TEST(same_on_streams)
{
    compare("streams");
}

TEST(same_on_reopened_streams)
{
    compare("reopen");
}

TEST(same_on_folders)
{
    compare("folders");
}

TEST(same_on_links_modes_and_times)
{
    compare("meta");
}

TEST(same_on_memory)
{
    compare("memory");
}

TEST(same_on_sockets)
{
    compare("sockets");
}

TEST(same_on_names)
{
    compare("names");
}

TEST(same_on_events)
{
    compare("events");
}

TEST(same_on_identity)
{
    compare("identity");
}

TEST_MAIN
