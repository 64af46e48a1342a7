/*
 * Each answer of the host that the C library inside must not believe (rows C1 and C2): the call fails,
 * with an errno that the call may have, and no byte beside the caller's buffer is touched.
 */
#include "harness.h"

#include "hostile_lie.h"
#include "syscall_kit.h"

#include <sys/stat.h>

static int64_t probe(const char *name, int64_t arg, int *error)
{
    oe_enclave_t *e = kit_enclave();
    int64_t r = -99;

    if (e == NULL || enc_probe(e, &r, name, arg, error) != OE_OK) {
        return -99;
    }
    return r;
}

/* The probe fails with this errno, and the host did tell its lie. */
static void refused(const char *name, int64_t arg, struct lie what, int error)
{
    int got = 0;
    int64_t r;

    lie = what;
    r = probe(name, arg, &got);
    CHECK_EQ(r, -1);
    CHECK_EQ(got, error);
    CHECK(lie.told != 0);
    lie = (struct lie){0};
}

static void lengths(const char *name)
{
    static const int64_t beyond[] = {33, 64, 65536, INT32_MAX, INT64_MAX, -2, -4096, INT64_MIN};
    size_t i;

    for (i = 0; i < sizeof(beyond) / sizeof(beyond[0]); i++) {
        refused(name, 32, (struct lie){.name = name, .value = beyond[i]}, EIO);
    }
}

TEST(C2_read_returns_more_than_asked)
{
    lengths("read");
}

TEST(C2_pread_returns_more_than_asked)
{
    lengths("pread");
}

TEST(C2_write_returns_more_than_asked)
{
    lengths("write");
}

TEST(C2_pwrite_returns_more_than_asked)
{
    lengths("pwrite");
}

TEST(C1_scattered_read_returns_more_than_its_parts)
{
    refused("readv", 0, (struct lie){.name = "read", .value = 31}, EIO);
    refused("readv", 0, (struct lie){.name = "read", .value = INT64_MAX}, EIO);
}

TEST(C2_errno_is_one_of_linux)
{
    refused("read", 8, (struct lie){.name = "read", .value = -1, .error = EAGAIN}, EAGAIN);
    refused("read", 8, (struct lie){.name = "read", .value = -1, .error = 0}, EIO);
    refused("read", 8, (struct lie){.name = "read", .value = -1, .error = 512}, EINVAL);
    refused("read", 8, (struct lie){.name = "read", .value = -1, .error = -5}, EINVAL);
}

TEST(C2_descriptor_in_range)
{
    refused("open", 0, (struct lie){.name = "open", .value = (int64_t)INT32_MAX + 1}, EIO);
    refused("open", 0, (struct lie){.name = "open", .value = -2}, EIO);
    refused("open", 0, (struct lie){.name = "open", .value = INT64_MIN}, EIO);
}

TEST(C2_position_is_the_one_asked_for)
{
    refused("lseek", 5, (struct lie){.name = "lseek", .value = 6}, EIO);
    refused("lseek", 5, (struct lie){.name = "lseek", .value = -7}, EIO);
    refused("lseek_end", 0, (struct lie){.name = "lseek", .value = INT64_MIN}, EIO);
}

TEST(C2_status_result)
{
    refused("access", 0, (struct lie){.name = "access", .value = 1}, EIO);
    refused("access", 0, (struct lie){.name = "access", .value = -3}, EIO);
}

TEST(C2_stat_members)
{
    static const char *const names[] = {"stat", "fstat"};
    size_t i;

    for (i = 0; i < 2; i++) {
        refused(names[i], 0, (struct lie){.name = names[i], .member = 1, .value = -1}, EIO);
        refused(names[i], 0, (struct lie){.name = names[i], .member = 2, .value = 0}, EIO);
        refused(names[i], 0, (struct lie){.name = names[i], .member = 2, .value = 0x7fffffff}, EIO);
        refused(names[i], 0, (struct lie){.name = names[i], .member = 3, .value = -1}, EIO);
        refused(names[i], 0, (struct lie){.name = names[i], .member = 3, .value = 1000000000}, EIO);
    }
}

/* programs take buffers of the block size */
TEST(C2_stat_block_size_is_sane)
{
    static const int64_t sizes[] = {-1, 0, 511, (1 << 20) + 1, INT64_MAX};
    size_t i;

    for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        int error = 0;

        lie = (struct lie){.name = "stat", .member = 4, .value = sizes[i]};
        CHECK_EQ(probe("stat", 0, &error), 4096);
    }
    lie = (struct lie){0};
}

TEST(C2_directory_entry_is_one_name)
{
    refused("readdir", 0, (struct lie){.name = "readdir", .text = "../../etc/passwd"}, EIO);
    refused("readdir", 0, (struct lie){.name = "readdir", .text = "a/b"}, EIO);
    refused("readdir", 0, (struct lie){.name = "readdir", .text = ""}, EIO);
    refused("readdir", 0, (struct lie){.name = "readdir", .text = NULL}, EIO);
    refused("readdir", 0, (struct lie){.name = "readdir", .text = "a", .value = 2}, EIO);
    refused("readdir", 0, (struct lie){.name = "readdir", .text = "a", .value = -2}, EIO);
}

TEST(C2_lock_type_is_one)
{
    refused("getlk", 0, (struct lie){.name = "fcntl", .member = 77}, EIO);
    refused("getlk", 0, (struct lie){.name = "fcntl", .member = 1, .value = 5}, EIO);
}

TEST(C2_bytes_waiting_not_below_zero)
{
    refused("fionread", 0, (struct lie){.name = "ioctl", .member = -1}, EIO);
    refused("fionread", 0, (struct lie){.name = "ioctl", .member = 3, .value = 9}, EIO);
}

TEST_MAIN
