/* The enclave of the tests of protected files. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <casemate/pfs.h>
#include <openenclave/advanced/mallinfo.h>
#include <openenclave/enclave.h>

#include "pfs_t.h"
#include "pfs_work.h"

int pfs_mount_at(const char *folder, const struct pfs_choice *choice)
{
    uint8_t key[64];
    struct cm_pfs_options options = {
        .size = sizeof(options),
        .key = choice->key,
        .flags = choice->flags,
        .given_len = choice->given_len,
        .given = choice->given_len == 0 ? NULL : key,
        .label = choice->label[0] == '\0' ? NULL : choice->label,
    };

    int r;

    memset(key, choice->given, sizeof(key));
    if (cm_load_module_protected_file_system() != OE_OK ||
        cm_load_module_protected_file_system() != OE_OK) {
        return -1;
    }
    if (umount("/p") != 0 && errno != EINVAL) {
        return errno;
    }
    r = mount(folder, "/p", CM_PROTECTED_FILE_SYSTEM, 0, &options) == 0 ? 0 : errno;
    explicit_bzero(key, sizeof(key));
    return r;
}

int pfs_work(const char *name, char *log, size_t size)
{
    struct work_log l = {log, size, 0};
    char path[64];

    (void)snprintf(path, sizeof(path), "/p/%s", name);
    return mkdir(path, 0700) == 0 && pfs_work_do(name, path, &l) ? 0 : -1;
}

static int64_t result(int64_t r, int fd)
{
    int error = r < 0 ? errno : 0;

    if (fd >= 0 && close(fd) != 0 && error == 0) {
        error = errno;
    }
    return error != 0 ? -error : r;
}

int64_t pfs_put(const char *path, int flags, const uint8_t *bytes, size_t size, uint64_t at)
{
    int fd = open(path, flags, 0600);

    return fd < 0 ? result(-1, -1) : result(pwrite(fd, bytes, size, (off_t)at), fd);
}

int64_t pfs_get(const char *path, uint8_t *bytes, size_t size, uint64_t at)
{
    int fd = open(path, O_RDONLY);

    return fd < 0 ? result(-1, -1) : result(pread(fd, bytes, size, (off_t)at), fd);
}

/* ------------------------------------------------------------------------------ what is left in memory */

extern uint64_t cm_heap_start; /* src/enclave/heap_pages.c */

static int64_t count_in(const uint8_t *memory, size_t n, const uint8_t bytes[16])
{
    int64_t count = 0;

    for (size_t i = 0; i + 16 <= n; i++) {
        count += memory[i] == bytes[0] && memcmp(memory + i, bytes, 16) == 0;
    }
    return count;
}

/* How often 16 bytes are in the heap, and in the part of the stack that earlier calls used. */
static int64_t left_in_memory(const uint8_t bytes[16])
{
    enum { DEPTH = 60000, OWN = 1000 };
    const uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    oe_mallinfo_t info = {0};

    if (oe_allocator_mallinfo(&info) != OE_OK) {
        return -1;
    }
    return count_in((const uint8_t *)(uintptr_t)cm_heap_start, info.max_total_heap_size, bytes) +
           count_in((const uint8_t *)(here - DEPTH), DEPTH - OWN, bytes);
}

/* Bytes that are nowhere but where this puts them. */
static void make_secret(uint8_t *out, size_t n)
{
    uint32_t x = 0x9e3779b9u;

    for (size_t i = 0; i < n; i++) {
        x = x * 1664525u + 1013904223u;
        out[i] = (uint8_t)(x >> 24);
    }
}

/* Writes and reads a secret; how often its first bytes are in memory, while it is open and after. */
static int64_t pfs_secret(const char *path, bool after)
{
    uint8_t bytes[4096 + 100];
    uint8_t first[16];
    int fd = open(path, O_RDWR | O_CREAT, 0600);
    int64_t found = -1;

    make_secret(first, sizeof(first));
    make_secret(bytes, sizeof(bytes));
    if (fd >= 0 && pwrite(fd, bytes, sizeof(bytes), 0) == sizeof(bytes) &&
        pwrite(fd, bytes, 100, 8192) == 100 && pread(fd, bytes, 50, 0) == 50) {
        found = after ? 0 : left_in_memory(first);
    }
    if (fd < 0 || close(fd) != 0) {
        return -2;
    }
    return after && found == 0 ? left_in_memory(first) : found;
}

int64_t pfs_call(const char *name, const char *path, const char *other, int64_t arg)
{
    struct stat s = {.st_size = -1};

    if (strcmp(name, "unlink") == 0) {
        return result(unlink(path), -1);
    }
    if (strcmp(name, "rename") == 0) {
        return result(rename(path, other), -1);
    }
    if (strcmp(name, "link") == 0) {
        return result(link(path, other), -1);
    }
    if (strcmp(name, "mkdir") == 0) {
        return result(mkdir(path, 0700), -1);
    }
    if (strcmp(name, "rmdir") == 0) {
        return result(rmdir(path), -1);
    }
    if (strcmp(name, "truncate") == 0) {
        return result(truncate(path, arg), -1);
    }
    if (strcmp(name, "size") == 0) {
        return stat(path, &s) == 0 ? s.st_size : -errno;
    }
    if (strncmp(name, "secret", 6) == 0) {
        return pfs_secret(path, strcmp(name, "secret after") == 0);
    }
    if (strcmp(name, "entries") == 0) {
        DIR *d = opendir(path);
        int64_t count = 0;

        while (d != NULL && readdir(d) != NULL) {
            count++;
        }
        return d == NULL || closedir(d) != 0 ? -errno : count;
    }
    if (strcmp(name, "left") == 0) {
        uint8_t bytes[16];

        memset(bytes, (int)arg, sizeof(bytes));
        return left_in_memory(bytes);
    }
    if (strcmp(name, "hold and read") == 0) {
        uint8_t block[4096];
        int fd = open(path, O_RDWR);

        return fd < 0 || pfs_committed(1) != OE_OK
                   ? -errno
                   : result(pread(fd, block, sizeof(block), arg), fd);
    }
    if (strcmp(name, "hold") == 0) {
        int fd = open(path, O_RDWR);

        return fd < 0 || pfs_committed(0) != OE_OK ? -errno : result(0, fd);
    }
    if (strcmp(name, "umount") == 0) {
        return result(umount("/p"), -1);
    }
    return -9999;
}

int64_t pfs_tell(const char *path, uint64_t *revision, uint8_t *digest)
{
    struct cm_pfs_root root = {.revision = 0};
    int fd = open(path, O_RDONLY);
    int64_t r;

    if (fd < 0) {
        return -errno;
    }
    r = result(cm_pfs_root(fd, &root), fd);
    *revision = root.revision;
    memcpy(digest, root.digest, sizeof(root.digest));
    return r;
}

int64_t pfs_open_at(const char *path, int flags, uint64_t revision, const uint8_t *digest)
{
    struct cm_pfs_root root = {.revision = revision};
    int fd;

    memcpy(root.digest, digest, sizeof(root.digest));
    fd = cm_pfs_open_at_root(path, flags, &root);
    return fd < 0 ? -errno : result(0, fd);
}

enum { WORDS = 4096 / sizeof(uint64_t) };

int64_t pfs_scribble(const char *path, uint64_t blocks, uint64_t first)
{
    int fd = open(path, O_RDWR | O_CREAT, 0600);
    uint64_t words[WORDS];

    if (fd < 0) {
        return -errno;
    }
    for (uint64_t generation = first;; generation++) {
        for (size_t i = 0; i < WORDS; i++) {
            words[i] = generation;
        }
        for (uint64_t b = 0; b < blocks; b++) {
            if (pwrite(fd, words, sizeof(words), (off_t)(b * sizeof(words))) != sizeof(words)) {
                return result(-1, fd);
            }
        }
        /* by both kinds of commit */
        if (generation % 4 == 0) {
            if (close(fd) != 0) {
                return -errno;
            }
            fd = open(path, O_RDWR);
        } else if (fsync(fd) != 0) {
            return result(-1, fd);
        }
        if (fd < 0 || pfs_committed(generation) != OE_OK) {
            return -errno;
        }
    }
}

/* Each thread has descriptors of its own, and places of its own in one file. */
int64_t pfs_many(const char *path, uint64_t who, uint64_t rounds)
{
    enum { PIECE = 700, THREADS = 4 };
    uint8_t bytes[PIECE];
    uint8_t back[PIECE];

    for (uint64_t i = 0; i < rounds; i++) {
        const off_t at = (off_t)((i * THREADS + who) * PIECE);
        int fd = open(path, O_RDWR | O_CREAT, 0600);
        int64_t r;

        memset(bytes, (int)(who * 50 + i % 50 + 1), sizeof(bytes));
        if (fd < 0) {
            return -errno;
        }
        r = pwrite(fd, bytes, sizeof(bytes), at);
        if (r == PIECE) {
            r = pread(fd, back, sizeof(back), at);
        }
        r = result(r, fd);
        if (r != PIECE || memcmp(bytes, back, PIECE) != 0) {
            return r == PIECE ? -1000 : r;
        }
    }
    return 0;
}

#ifdef PFS_OTHER
OE_SET_ENCLAVE_SGX(1, 1, true, 1536, 64, 6);
#else
OE_SET_ENCLAVE_SGX(1, 1, true, 1024, 64, 6);
#endif
