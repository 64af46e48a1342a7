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

TEST(C2_link_text_is_as_long_as_it_says)
{
    static const int64_t beyond[] = {33, 4096, INT64_MAX, -2, INT64_MIN, 0};
    size_t i;

    for (i = 0; i < sizeof(beyond) / sizeof(beyond[0]); i++) {
        refused("readlink", 32, (struct lie){.name = "readlink", .member = 'a', .value = beyond[i]},
                EIO);
    }
    refused("readlink", 32, (struct lie){.name = "readlink", .member = 0, .value = 5}, EIO);
    refused("readlink", 32, (struct lie){.name = "readlink", .value = -1, .error = ENOENT}, ENOENT);
}

TEST(C2_change_result)
{
    refused("chmod", 0, (struct lie){.name = "chmod", .value = 1}, EIO);
    refused("chmod", 0, (struct lie){.name = "chmod", .value = -2}, EIO);
}

/* programs multiply and subtract them */
TEST(C2_space_makes_sense)
{
    static const struct {
        int member;
        int64_t value;
    } wrong[] = {{1, 0},  {1, -1},  {1, (1 << 24) + 1}, {2, -1}, {2, INT64_MAX}, {3, 1001},
                 {3, -1}, {4, 501}, {6, 101},           {5, -1}, {7, 0},         {7, 4097}};
    size_t i;
    int error = 0;

    lie = (struct lie){.name = "statfs"};
    CHECK_EQ(probe("statfs", 0, &error), 4096000);
    for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        refused("statfs", 0,
                (struct lie){.name = "statfs", .member = wrong[i].member, .value = wrong[i].value},
                EIO);
    }
    refused("statfs", 0, (struct lie){.name = "statfs", .value = 3}, EIO);
}

TEST(C2_sockets_in_range)
{
    refused("socket", 0, (struct lie){.name = "socket", .value = (int64_t)INT32_MAX + 1}, EIO);
    refused("socket", 0, (struct lie){.name = "socket", .value = -2}, EIO);
    refused("accept", 16, (struct lie){.name = "accept", .value = -2}, EIO);
    refused("accept", 16, (struct lie){.name = "accept", .value = INT64_MAX}, EIO);
    refused("socketpair", 0, (struct lie){.name = "socketpair", .value = -1}, EIO);
    refused("socketpair", 0, (struct lie){.name = "socketpair", .value = INT64_MAX}, EIO);
    refused("socketpair", 0, (struct lie){.name = "socketpair", .value = 1001}, EIO);
}

TEST(C2_recv_returns_more_than_asked)
{
    lengths("recv");
    lengths("recvfrom");
}

TEST(C2_send_returns_more_than_asked)
{
    lengths("send");
}

TEST(C2_recvmsg_returns_more_than_its_parts)
{
    lengths("recvmsg");
}

/* longer than any address, shorter than its family has, of another family */
TEST(C2_address_is_whole)
{
    static const char *const names[] = {"accept", "getsockname", "getpeername", "recvfrom"};
    static const int64_t wrong[] = {129, 65536, UINT32_MAX, 1, 2, 15};
    size_t i;
    size_t k;

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        for (k = 0; k < sizeof(wrong) / sizeof(wrong[0]); k++) {
            refused(names[i], 16, (struct lie){.name = names[i], .member = 1, .value = wrong[k]},
                    EIO);
        }
        refused(names[i], 16, (struct lie){.name = names[i], .member = 2, .value = 10}, EIO);
    }
    refused("recvmsg", 8, (struct lie){.name = "recvmsg", .member = 1, .value = 4096}, EIO);
}

TEST(C2_address_beyond_the_callers_room)
{
    int error = 0;

    CHECK_EQ(probe("getsockname", 4, &error), 16); /* the guards stand: probe() would say so */
}

TEST(C2_control_messages)
{
    int error = 0;

    lie = (struct lie){.name = "recvmsg", .member = 9};
    CHECK_EQ(probe("recvmsg", 8, &error), 24);
    lie = (struct lie){.name = "recvmsg", .member = 4};
    CHECK_EQ(probe("recvmsg", 8, &error), 0); /* the host's descriptors stay outside */
    lie = (struct lie){0};
    refused("recvmsg", 8, (struct lie){.name = "recvmsg", .member = 3, .value = 15}, EIO);
    refused("recvmsg", 8, (struct lie){.name = "recvmsg", .member = 3, .value = 25}, EIO);
    refused("recvmsg", 8, (struct lie){.name = "recvmsg", .member = 10, .value = 8}, EIO);
    REQUIRE(test_failed_checks == 0); /* who believes the next two goes on for ever */
    refused("recvmsg", 8, (struct lie){.name = "recvmsg", .member = 3, .value = 0}, EIO);
    refused("recvmsg", 8, (struct lie){.name = "recvmsg", .member = 3, .value = -1}, EIO);
    refused("recvmsg", 8, (struct lie){.name = "recvmsg", .member = 5, .value = 49}, EIO);
    refused("recvmsg", 8, (struct lie){.name = "recvmsg", .member = 5, .value = -1}, EIO);
    refused("recvmsg", 8, (struct lie){.name = "recvmsg", .member = 5, .value = 8}, EIO);
    CHECK_EQ(probe("send descriptor", 0, &error), -1);
    CHECK_EQ(error, EOPNOTSUPP);
}

TEST(C1_parts_whose_sum_is_no_length)
{
    int error = 0;

    CHECK_EQ(probe("send beyond", 0, &error), -1);
    CHECK_EQ(error, EINVAL);
}

TEST(C1_option_longer_than_its_room)
{
    refused("getsockopt", 4, (struct lie){.name = "getsockopt", .value = 5}, EIO);
    refused("getsockopt", 4, (struct lie){.name = "getsockopt", .value = UINT32_MAX}, EIO);
}

/* A resolver's number is one that netdb.h has; nothing is taken from a list with a lie in it. */
static void names_fail(const char *name, struct lie what)
{
    int error = 0;

    lie = what;
    CHECK_EQ(probe(name, 0, &error), -4); /* EAI_FAIL */
    CHECK(lie.told != 0);
    lie = (struct lie){0};
}

TEST(C2_resolved_addresses_are_whole)
{
    const char *r = "getaddrinfo_read";

    names_fail("getaddrinfo", (struct lie){.name = "getaddrinfo_open", .value = 1});
    names_fail("getaddrinfo", (struct lie){.name = "getaddrinfo_open", .value = -99});
    names_fail("getaddrinfo", (struct lie){.name = r, .value = 2});
    names_fail("getaddrinfo", (struct lie){.name = r, .member = 1, .value = 129});
    names_fail("getaddrinfo", (struct lie){.name = r, .member = 1, .value = 8});
    names_fail("getaddrinfo", (struct lie){.name = r, .member = 2, .value = 10});
    names_fail("getaddrinfo", (struct lie){.name = r, .member = 6, .value = 10});
    names_fail("getaddrinfo", (struct lie){.name = r, .member = 6, .value = 1});
}

TEST(C2_resolver_errno_is_one_of_linux)
{
    static const int errors[][2] = {{0, EIO}, {-5, EINVAL}, {512, EINVAL}, {EMFILE, EMFILE}};

    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        int error = 0;

        lie = (struct lie){.name = "getaddrinfo_open", .value = -11, .error = errors[i][0]};
        CHECK_EQ(probe("getaddrinfo", 0, &error), -11); /* EAI_SYSTEM */
        CHECK_EQ(error, errors[i][1]);
    }
    lie = (struct lie){0};
}

TEST(C2_resolved_names_end)
{
    names_fail("getaddrinfo", (struct lie){.name = "getaddrinfo_read", .member = 7, .value = 5});
    names_fail("getaddrinfo",
               (struct lie){.name = "getaddrinfo_read", .member = 7, .value = 1 << 20});
    names_fail("getnameinfo", (struct lie){.name = "getnameinfo"});
    names_fail("getnameinfo", (struct lie){.name = "getnameinfo", .value = 7});
}

TEST(C2_answers_without_end)
{
    names_fail("getaddrinfo", (struct lie){.name = "getaddrinfo_read", .member = 8});
}

TEST(C2_epoll_results)
{
    refused("epoll_create1", 0, (struct lie){.name = "epoll_create1", .value = -2}, EIO);
    refused("epoll_create1", 0, (struct lie){.name = "epoll_create1", .value = INT64_MAX}, EIO);
    refused("epoll_ctl", 0, (struct lie){.name = "epoll_ctl", .value = 1}, EIO);
    refused("epoll_wait", 0, (struct lie){.name = "epoll_wait", .value = 5}, EIO);
    refused("epoll_wait", 0, (struct lie){.name = "epoll_wait", .value = INT32_MAX}, EIO);
    refused("epoll_wait", 0, (struct lie){.name = "epoll_wait", .value = -2}, EIO);
}

/* what a call gives under a lie that is left out of the answer */
static void gives(const char *name, int64_t arg, struct lie what, int64_t value)
{
    int error = 0;

    lie = what;
    CHECK_EQ(probe(name, arg, &error), value);
    CHECK(lie.told != 0);
    lie = (struct lie){0};
}

/* the caller's own data comes back, for a watch that stands, and for nothing else */
TEST(C2_epoll_event_is_of_a_watch)
{
    const char *w = "epoll_wait";
    int error = 0;

    CHECK_EQ(probe(w, 0, &error), 1); /* EPOLLIN, honestly */
    gives(w, 0, (struct lie){.name = w, .member = 1, .value = 1}, 0);
    gives(w, 0, (struct lie){.name = w, .member = 1, .value = 1023}, 0);
    gives(w, 0, (struct lie){.name = w, .member = 1, .value = 0x80000000}, 0);
    gives(w, 0, (struct lie){.name = w, .member = 1, .value = INT64_C(1) << 32}, 0);
    gives(w, 0, (struct lie){.name = w, .member = 1, .value = INT64_MIN}, 0);
    refused(w, 2, (struct lie){.name = w, .member = 1, .value = 1}, EINTR);
}

TEST(C2_epoll_events_were_asked_for)
{
    const char *w = "epoll_wait";

    gives(w, 0, (struct lie){.name = w, .member = 2, .value = 4}, 0); /* EPOLLOUT */
    gives(w, 0, (struct lie){.name = w, .member = 2, .value = UINT32_MAX}, 1 | 8 | 16);
    gives(w, 0, (struct lie){.name = w, .member = 2, .value = 0}, 0);
}

TEST(C2_epoll_event_comes_once)
{
    gives("epoll_wait", 0, (struct lie){.name = "epoll_wait", .member = 3}, 1);
}

/* else the caller would follow a pointer that it had freed */
TEST(C2_epoll_event_of_a_closed_descriptor)
{
    int error = 0;

    CHECK_EQ(probe("epoll_wait", 1, &error), 0);
}

TEST(C2_poll_results)
{
    refused("poll", 0, (struct lie){.name = "poll", .value = 3}, EIO);
    refused("poll", 0, (struct lie){.name = "poll", .value = -2}, EIO);
    gives("poll", 0, (struct lie){.name = "poll", .value = 2}, 0); /* counted here, not there */
    gives("poll", 0, (struct lie){.name = "poll", .member = 1, .value = 4}, 1000004);
    gives("poll", 0, (struct lie){.name = "poll", .member = 1, .value = -1}, 2057060);
    refused("select", 0, (struct lie){.name = "poll", .value = 9}, EIO);
    gives("select", 0, (struct lie){.name = "poll", .member = 1, .value = 4}, 0);
    gives("select", 0, (struct lie){.name = "poll", .member = 1, .value = 1}, 11);
}

TEST(C2_identity)
{
    int error = 0;

    refused("getpid", 0, (struct lie){.name = "getpid", .value = 0}, EIO);
    refused("getpid", 0, (struct lie){.name = "getpid", .value = -1}, EIO);
    CHECK_EQ(probe("getpid", 0, &error), 5);
    lie = (struct lie){.name = "getpid", .value = 6};
    CHECK_EQ(probe("getpid", 0, &error), 5); /* told once, it stays */
    lie = (struct lie){0};
    refused("getppid", 0, (struct lie){.name = "getppid", .value = -1}, EIO);
    refused("getgroups", 4, (struct lie){.name = "getgroups", .value = 5}, EIO);
    refused("getgroups", 0, (struct lie){.name = "getgroups", .value = 65537}, EIO);
    refused("getgroups", 4, (struct lie){.name = "getgroups", .value = -2}, EIO);
}

TEST(C2_system_names_end)
{
    int64_t i;

    for (i = 0; i < 6; i++) {
        refused("uname", 0, (struct lie){.name = "uname", .value = i}, EIO);
    }
}

TEST_MAIN
