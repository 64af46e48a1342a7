/* Protected files in an enclave: what POSIX says of them, and a host that does what it likes with them. */
#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include <casemate/pfs.h>

#include "pfs_kit.h"
#include "pfs_work.h"

enum { LOG = 65536, TEXT = 200 };

static oe_enclave_t *e;
static char folder[64];

static void (*meanwhile_file)(void);

/* while the enclave holds a file open: what another one gets */
static int64_t meanwhile[2];

void pfs_committed(uint64_t generation)
{
    char text[TEXT];

    if (generation == 1) {
        meanwhile_file();
        return;
    }
    meanwhile[0] = kit_get(kit_enclave(true), "/p/f", text, sizeof(text));
    meanwhile[1] = kit_put(kit_enclave(true), "/p/f", "other");
}

/* a path of the host's in the folder */
static const char *host_path(const char *name)
{
    static char paths[2][128];
    static unsigned turn;
    char *p = paths[turn++ % 2];

    (void)snprintf(p, sizeof(paths[0]), "%s/%s", folder, name);
    return p;
}

static bool begin(uint32_t key, uint8_t given)
{
    e = kit_enclave(false);
    return e != NULL && kit_folder(folder) && kit_mount(e, folder, key, given, "", 0) == 0;
}

static void end(void)
{
    CHECK_EQ(kit_call(e, "umount", "", ""), 0);
    kit_remove(folder);
}

/* ------------------------------------------------------------------------------ POSIX */

static void compare(const char *name)
{
    static char outside[LOG];
    static char inside[LOG];
    struct work_log log = {outside, sizeof(outside), 0};
    char own[64];
    int r = -1;

    REQUIRE(begin(CM_PFS_KEY_PRODUCT, 0) && kit_folder(own));
    CHECK(pfs_work_do(name, own, &log));
    kit_remove(own);
    CHECK_EQ(pfs_work(e, &r, name, inside, sizeof(inside)), OE_OK);
    CHECK_EQ(r, 0);
    CHECK(strlen(outside) > 20);
    CHECK_EQ(strcmp(outside, inside), 0);
    kit_print_difference(outside, inside);
    end();
}

TEST(protected_files_are_files)
{
    compare("protected");
}

TEST(protected_paths_are_paths)
{
    compare("paths");
}

TEST(protected_streams_are_streams)
{
    compare("streams");
}

TEST(protected_folders_are_folders)
{
    compare("folders");
}

TEST(what_protected_files_do_not_have)
{
    REQUIRE(begin(CM_PFS_KEY_PRODUCT, 0));
    CHECK_EQ(kit_put(e, "/p/f", "text"), 4);
    CHECK_EQ(kit_call(e, "link", "/p/f", "/p/g"), -EPERM);
    CHECK_EQ(kit_call(e, "mkdir", "/p/d", ""), 0);
    CHECK_EQ(kit_call(e, "rename", "/p/d", "/p/e"), -EXDEV);
    CHECK_EQ(symlink("f", host_path("s")), 0);
    CHECK_EQ(kit_call(e, "size", "/p/s", ""), -ELOOP);
    CHECK_EQ(kit_put(e, "/p/s", "text"), -ELOOP);
    CHECK_EQ(mkfifo(host_path("q"), 0600), 0);
    CHECK_EQ(kit_put(e, "/p/q", "text"), -EOPNOTSUPP);
    CHECK_EQ(kit_put(e, "/p/.cm-new-mine", "text"), -EPERM);
    end();
}

/* what makers left is nobody's, and does not keep a folder */
TEST(files_that_were_being_made)
{
    uint8_t none = 0;

    REQUIRE(begin(CM_PFS_KEY_PRODUCT, 0));
    CHECK_EQ(kit_call(e, "mkdir", "/p/d", ""), 0);
    CHECK(kit_store(host_path("d/.cm-new-0123456789abcdef"), &none, 0));
    CHECK_EQ(kit_call(e, "size", "/p/d/.cm-new-0123456789abcdef", ""), -ENOENT);
    CHECK_EQ(kit_call(e, "entries", "/p/d", ""), 2); /* . and .. */
    CHECK_EQ(kit_call(e, "rmdir", "/p/d", ""), 0);
    end();
}

struct writer {
    uint64_t who;
    int64_t r;
};

static void *run_writer(void *p)
{
    struct writer *w = p;

    (void)pfs_many(e, &w->r, "/p/many", w->who, 60);
    return NULL;
}

TEST(threads_with_one_file)
{
    struct writer writers[4];
    pthread_t threads[4];

    REQUIRE(begin(CM_PFS_KEY_PRODUCT, 0));
    for (unsigned i = 0; i < 4; i++) {
        writers[i] = (struct writer){i, -1};
        CHECK_EQ(pthread_create(&threads[i], NULL, run_writer, &writers[i]), 0);
    }
    for (unsigned i = 0; i < 4; i++) {
        CHECK_EQ(pthread_join(threads[i], NULL), 0);
        CHECK_EQ(writers[i].r, 0);
    }
    CHECK_EQ(kit_call(e, "size", "/p/many", ""), 60 * 4 * 700);
    end();
}

/* another process that keeps to the rules stays away from a file that is open */
TEST(one_enclave_at_a_time_writes)
{
    oe_enclave_t *other = kit_enclave(true);
    char text[TEXT];

    REQUIRE(begin(CM_PFS_KEY_PRODUCT, 0) && other != NULL);
    CHECK_EQ(kit_put(e, "/p/f", "text"), 4);
    CHECK_EQ(kit_mount(other, folder, CM_PFS_KEY_PRODUCT, 0, "", 0), 0);
    CHECK_EQ(kit_get(other, "/p/f", text, sizeof(text)), 4);
    CHECK_EQ(kit_call(e, "hold", "/p/f", ""), 0);
    CHECK_EQ(meanwhile[0], -EBUSY);
    CHECK_EQ(meanwhile[1], -EBUSY);
    CHECK_EQ(kit_put(other, "/p/f", "other"), 5);
    CHECK_EQ(kit_get(e, "/p/f", text, sizeof(text)), 5);
    CHECK_EQ(kit_call(other, "umount", "", ""), 0);
    end();
}

/* ------------------------------------------------------------------------------ keys */

TEST(who_reads_what)
{
    oe_enclave_t *other = kit_enclave(true);
    char text[TEXT];

    REQUIRE(begin(CM_PFS_KEY_PRODUCT, 0) && other != NULL);
    CHECK_EQ(kit_put(e, "/p/product", "product"), 7);
    CHECK_EQ(kit_mount(e, folder, CM_PFS_KEY_UNIQUE, 0, "", 0), 0);
    CHECK_EQ(kit_put(e, "/p/unique", "unique"), 6);
    CHECK_EQ(kit_get(e, "/p/product", text, sizeof(text)), -EKEYREJECTED); /* another policy */
    CHECK_EQ(kit_mount(e, folder, CM_PFS_KEY_GIVEN, 5, "", 0), 0);
    CHECK_EQ(kit_put(e, "/p/given", "given"), 5);
    CHECK_EQ(kit_get(e, "/p/unique", text, sizeof(text)), -EKEYREJECTED);
    CHECK_EQ(kit_mount(e, folder, CM_PFS_KEY_GIVEN, 6, "", 0), 0);
    CHECK_EQ(kit_get(e, "/p/given", text, sizeof(text)), -EBADMSG); /* another key */
    /* another enclave of the same signer */
    CHECK_EQ(kit_mount(other, folder, CM_PFS_KEY_PRODUCT, 0, "", 0), 0);
    CHECK_EQ(kit_get(other, "/p/product", text, sizeof(text)), 7);
    CHECK_STR(text, "product");
    CHECK_EQ(kit_mount(other, folder, CM_PFS_KEY_UNIQUE, 0, "", 0), 0);
    CHECK_EQ(kit_get(other, "/p/unique", text, sizeof(text)), -EBADMSG);
    CHECK_EQ(kit_mount(other, folder, CM_PFS_KEY_GIVEN, 5, "", 0), 0);
    CHECK_EQ(kit_get(other, "/p/given", text, sizeof(text)), 5);
    CHECK_EQ(kit_call(other, "umount", "", ""), 0);
    end();
}

TEST(mounts_that_are_none)
{
    REQUIRE(begin(CM_PFS_KEY_PRODUCT, 0));
    CHECK_EQ(kit_mount(e, folder, 3, 0, "", 0), EINVAL);
    CHECK_EQ(kit_mount(e, folder, CM_PFS_KEY_PRODUCT, 5, "", 0), EINVAL); /* a key, not asked for */
    CHECK_EQ(kit_mount(e, folder, CM_PFS_KEY_GIVEN, 0, "", 0), EINVAL);
    CHECK_EQ(kit_mount(e, folder, CM_PFS_KEY_PRODUCT, 0, "", 2), EINVAL);
    CHECK_EQ(kit_mount(e, "", CM_PFS_KEY_PRODUCT, 0, "", 0), ENOENT);
    CHECK_EQ(kit_mount(e, folder, CM_PFS_KEY_PRODUCT, 0, "", 0), 0);
    end();
}

/* ------------------------------------------------------------------------------ attacks */

TEST(a_changed_file_is_refused)
{
    static const size_t places[] = {0, 9, 10, 40, 100, 600, 700, 5000, 6 * 4096 + 9};
    uint8_t *bytes;
    size_t size = 0;
    char text[TEXT];

    REQUIRE(begin(CM_PFS_KEY_PRODUCT, 0));
    CHECK_EQ(kit_put(e, "/p/f", "a text"), 6);
    bytes = kit_load(host_path("f"), &size);
    REQUIRE(bytes != NULL && size == 7 * 4096);
    CHECK(memmem(bytes, size, "a text", 6) == NULL);
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        int64_t r;

        bytes[places[i]] ^= 4;
        CHECK(kit_store(host_path("f"), bytes, size));
        r = kit_get(e, "/p/f", text, sizeof(text));
        CHECK(r == -EBADMSG || r == -EKEYREJECTED || r == -EOPNOTSUPP || r == -EUCLEAN);
        CHECK_EQ(strlen(text), 0);
        bytes[places[i]] ^= 4;
    }
    for (size_t n = 0; n < size; n += 1024) {
        CHECK(kit_store(host_path("f"), bytes, n));
        CHECK_EQ(kit_get(e, "/p/f", text, sizeof(text)), -EBADMSG);
    }
    CHECK(kit_store(host_path("f"), bytes, size));
    CHECK_EQ(kit_get(e, "/p/f", text, sizeof(text)), 6);
    free(bytes);
    end();
}

/* a debug enclave, which anybody reads, could make files under a key of another mask */
TEST(a_key_request_of_the_hosts_is_refused)
{
    /* in the header from byte 64 on: SDM Vol. 3D, KEYREQUEST */
    static const struct {
        size_t at;
        uint8_t value;
    } changes[] = {{0, 0}, {2, 1}, {2, 0}, {24, 0}, {32, 0xff}, {40, 1}, {72, 0xff}, {76, 1}};
    uint8_t *bytes;
    size_t size = 0;
    char text[TEXT];

    REQUIRE(begin(CM_PFS_KEY_PRODUCT, 0));
    CHECK_EQ(kit_put(e, "/p/f", "a text"), 6);
    bytes = kit_load(host_path("f"), &size);
    REQUIRE(bytes != NULL);
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        const uint8_t before = bytes[64 + changes[i].at];

        CHECK(before != changes[i].value);
        for (size_t header = 0; header < 2; header++) {
            bytes[header * 4096 + 64 + changes[i].at] = changes[i].value;
        }
        CHECK(kit_store(host_path("f"), bytes, size));
        CHECK_EQ(kit_get(e, "/p/f", text, sizeof(text)), -EKEYREJECTED);
        for (size_t header = 0; header < 2; header++) {
            bytes[header * 4096 + 64 + changes[i].at] = before;
        }
    }
    free(bytes);
    end();
}

TEST(files_that_are_swapped)
{
    char text[TEXT];

    REQUIRE(begin(CM_PFS_KEY_PRODUCT, 0));
    CHECK_EQ(kit_put(e, "/p/a", "this is a"), 9);
    CHECK_EQ(kit_put(e, "/p/b", "this is b"), 9);
    CHECK_EQ(rename(host_path("a"), host_path("x")), 0);
    CHECK_EQ(rename(host_path("b"), host_path("a")), 0);
    CHECK_EQ(rename(host_path("x"), host_path("b")), 0);
    CHECK_EQ(kit_get(e, "/p/a", text, sizeof(text)), -EBADMSG);
    CHECK_EQ(kit_get(e, "/p/b", text, sizeof(text)), -EBADMSG);
    CHECK_EQ(kit_call(e, "size", "/p/b", ""), -EBADMSG);
    /* by the enclave's own hand it is another matter */
    CHECK_EQ(kit_put(e, "/p/c", "this is c"), 9);
    CHECK_EQ(kit_call(e, "rename", "/p/c", "/p/d"), 0);
    CHECK_EQ(kit_get(e, "/p/d", text, sizeof(text)), 9);
    CHECK_STR(text, "this is c");
    CHECK_EQ(rename(host_path("d"), host_path("c")), 0); /* nor back */
    CHECK_EQ(kit_get(e, "/p/c", text, sizeof(text)), -EBADMSG);
    end();
}

TEST(mounts_that_are_swapped)
{
    char text[TEXT];

    REQUIRE(begin(CM_PFS_KEY_GIVEN, 5));
    CHECK_EQ(kit_mount(e, folder, CM_PFS_KEY_GIVEN, 5, "red", 0), 0);
    CHECK_EQ(kit_put(e, "/p/f", "red"), 3);
    CHECK_EQ(kit_mount(e, folder, CM_PFS_KEY_GIVEN, 5, "blue", 0), 0);
    CHECK_EQ(kit_get(e, "/p/f", text, sizeof(text)), -EBADMSG);
    CHECK_EQ(kit_mount(e, folder, CM_PFS_KEY_GIVEN, 5, "red", 0), 0);
    CHECK_EQ(kit_get(e, "/p/f", text, sizeof(text)), 3);
    end();
}

/* what an enclave cannot notice by itself, and what it can do about it */
TEST(a_whole_file_rolled_back)
{
    uint8_t *old;
    size_t size = 0;
    uint64_t revision[2] = {0, 0};
    uint8_t digest[2][32];
    int64_t r = -1;
    char text[TEXT];

    REQUIRE(begin(CM_PFS_KEY_PRODUCT, 0));
    CHECK_EQ(kit_put(e, "/p/f", "100 coins"), 9);
    old = kit_load(host_path("f"), &size);
    REQUIRE(old != NULL);
    CHECK_EQ(pfs_tell(e, &r, "/p/f", &revision[0], digest[0]), OE_OK);
    CHECK_EQ(r, 0);
    CHECK_EQ(kit_put(e, "/p/f", "  0 coins"), 9);
    CHECK_EQ(pfs_tell(e, &r, "/p/f", &revision[1], digest[1]), OE_OK);
    CHECK_EQ(r, 0);
    CHECK(revision[1] > revision[0] && memcmp(digest[0], digest[1], 32) != 0);
    CHECK_EQ(pfs_open_at(e, &r, "/p/f", O_RDWR, revision[1], digest[1]), OE_OK);
    CHECK_EQ(r, 0);
    CHECK_EQ(pfs_open_at(e, &r, "/p/f", O_RDWR, revision[0], digest[0]), OE_OK);
    CHECK_EQ(r, -ESTALE);
    CHECK(kit_store(host_path("f"), old, size));
    CHECK_EQ(kit_get(e, "/p/f", text, sizeof(text)), 9); /* genuine, and old */
    CHECK_STR(text, "100 coins");
    CHECK_EQ(pfs_open_at(e, &r, "/p/f", O_RDONLY, revision[1], digest[1]), OE_OK);
    CHECK_EQ(r, -ESTALE);
    CHECK_EQ(pfs_open_at(e, &r, "/p/f", O_RDWR | O_TRUNC, revision[0], digest[0]), OE_OK);
    CHECK_EQ(r, -EINVAL);
    free(old);
    end();
}

static void change_a_block(void)
{
    size_t size = 0;
    uint8_t *bytes = kit_load(host_path("f"), &size);

    CHECK(bytes != NULL && size > 25000);
    bytes[6 * 4096 + 7] ^= 1; /* the first block of data */
    CHECK(kit_store(host_path("f"), bytes, size));
    free(bytes);
}

static void cut_it(void)
{
    CHECK_EQ(truncate(host_path("f"), 9000), 0);
}

/* what is open is read from the host like everything else */
TEST(a_file_that_is_changed_while_it_is_open)
{
    static void (*const attacks[])(void) = {change_a_block, cut_it};

    REQUIRE(begin(CM_PFS_KEY_PRODUCT, 0));
    for (size_t i = 0; i < 2; i++) {
        CHECK_EQ(kit_put(e, "/p/f", "a text"), 6);
        meanwhile_file = attacks[i];
        CHECK_EQ(kit_call(e, "hold and read", "/p/f", ""), -EBADMSG);
        CHECK_EQ(kit_call(e, "unlink", "/p/f", ""), 0);
    }
    end();
}

/* nothing of a file is left in the enclave's memory when it is closed, nor its key when it is unmounted */
TEST(what_is_closed_is_wiped)
{
    int64_t r = -1;

    REQUIRE(begin(CM_PFS_KEY_GIVEN, 0xc7));
    CHECK(kit_call(e, "secret", "/p/f", "") > 0); /* or this would find nothing either way */
    CHECK_EQ(kit_call(e, "secret after", "/p/f", ""), 0);
    CHECK_EQ(pfs_call(e, &r, "left", "", "", 0xc7), OE_OK);
    CHECK(r > 0);
    end();
    CHECK_EQ(pfs_call(e, &r, "left", "", "", 0xc7), OE_OK);
    CHECK_EQ(r, 0);
}

/* a close that was cut off between its two headers: refused, and opened by who asks for it */
TEST(a_close_that_was_cut_off)
{
    uint8_t *bytes;
    size_t size = 0;
    char text[TEXT];

    REQUIRE(begin(CM_PFS_KEY_PRODUCT, 0));
    CHECK_EQ(kit_put(e, "/p/f", "a text"), 6);
    bytes = kit_load(host_path("f"), &size);
    REQUIRE(bytes != NULL);
    memset(bytes + 2048, 0, 2048); /* of the first header */
    CHECK(kit_store(host_path("f"), bytes, size));
    CHECK_EQ(kit_get(e, "/p/f", text, sizeof(text)), -EUCLEAN);
    CHECK_EQ(kit_mount(e, folder, CM_PFS_KEY_PRODUCT, 0, "", CM_PFS_RECOVER), 0);
    CHECK_EQ(kit_get(e, "/p/f", text, sizeof(text)), 6);
    CHECK_EQ(kit_put(e, "/p/f", "b"), 1);
    CHECK_EQ(kit_mount(e, folder, CM_PFS_KEY_PRODUCT, 0, "", 0), 0);
    CHECK_EQ(kit_get(e, "/p/f", text, sizeof(text)), 6);
    CHECK_STR(text, "b text");
    free(bytes);
    end();
}

TEST_MAIN
