/*
 * Where ADD_PAGES' source pages come from. The driver refuses sources on noexec mounts; and a page
 * of private anonymous memory that was never touched needs no copy, since it is zero. (An untouched
 * page of a *file* is absent too, but not zero: hence the look at the mapping.)
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sgxemu/emu_kernel.h"

#define PM_PRESENT (1ull << 63)
#define PM_SWAPPED (1ull << 62)

atomic_uint cm_emu_maps_epoch;

/* Lines of a file in /proc through a small buffer: no stdio, since a host's allocator may be
 * anything and this runs with a lock held. */
struct lines {
    int fd;
    size_t have;
    size_t at;
    char buf[8192];
};

static char *next_line(struct lines *l)
{
    for (;;) {
        char *start = l->buf + l->at;
        char *end = memchr(start, '\n', l->have - l->at);
        ssize_t n = 0;

        if (end != NULL) {
            *end = '\0';
            l->at = (size_t)(end - l->buf) + 1;
            return start;
        }
        memmove(l->buf, start, l->have - l->at);
        l->have -= l->at;
        l->at = 0;
        if (l->have == sizeof(l->buf)) {
            l->have = 0; /* a line of 8 KiB: only a name can be that long; drop it */
        }
        n = syscall(SYS_read, l->fd, l->buf + l->have, sizeof(l->buf) - l->have);
        if (n <= 0) {
            return NULL;
        }
        l->have += (size_t)n;
    }
}

/* "start-end rwxp offset major:minor inode name"; false when the line is no mapping's first */
static bool parse_line(const char *line, struct emu_source *s, bool *file)
{
    char *at = NULL;
    char *end = NULL;
    unsigned long long inode = 0;

    s->start = strtoull(line, &at, 16);
    if (at == line || *at != '-') {
        return false;
    }
    s->end = strtoull(at + 1, &end, 16);
    if (*end != ' ' || strlen(end) < 6) {
        return false;
    }
    s->readable = memchr(end + 1, 'r', 3) != NULL || memchr(end + 1, 'w', 3) != NULL ||
                  memchr(end + 1, 'x', 3) != NULL;
    s->anonymous = end[4] == 'p';
    at = end + 6;
    (void)strtoull(at, &end, 16); /* offset */
    at = strchr(end, ':');
    if (at == NULL) {
        return false;
    }
    (void)strtoull(at + 1, &end, 16); /* minor */
    inode = strtoull(end, &at, 10);
    *file = inode != 0;
    s->anonymous = s->anonymous && inode == 0;
    return true;
}

/* VmFlags of the mapping that starts at `start`: has it "me" (may be made executable)? */
static bool may_exec(uint64_t start)
{
    struct lines l = {.fd = -1, .have = 0, .at = 0};
    bool inside = false;
    bool answer = true;
    char *line = NULL;

    l.fd = (int)syscall(SYS_openat, AT_FDCWD, "/proc/self/smaps", O_RDONLY | O_CLOEXEC, 0);
    while (l.fd >= 0 && (line = next_line(&l)) != NULL) {
        struct emu_source s;
        bool file = false;

        if (inside && strncmp(line, "VmFlags:", 8) == 0) {
            answer = strstr(line, " me") != NULL;
            break;
        }
        if (!inside && line[0] != 'V' && parse_line(line, &s, &file)) {
            inside = s.start == start;
        }
    }
    if (l.fd >= 0) {
        (void)syscall(SYS_close, l.fd);
    }
    return answer;
}

bool cm_emu_source_at(uint64_t addr, struct emu_source *out)
{
    struct lines l = {.fd = -1, .have = 0, .at = 0};
    struct emu_source s = {0};
    bool file = false;
    bool found = false;
    char *line = NULL;

    s.epoch = atomic_load(&cm_emu_maps_epoch);
    l.fd = (int)syscall(SYS_openat, AT_FDCWD, "/proc/self/maps", O_RDONLY | O_CLOEXEC, 0);
    if (l.fd < 0) {
        /* no /proc: trust the program, and copy every page */
        *out = (struct emu_source){0, UINT64_MAX, true, true, false, s.epoch};
        return true;
    }
    while (!found && (line = next_line(&l)) != NULL) {
        found = parse_line(line, &s, &file) && s.start <= addr && addr < s.end;
    }
    (void)syscall(SYS_close, l.fd);
    if (found) {
        s.may_exec = !file || may_exec(s.start);
        *out = s;
    }
    return found;
}

bool cm_emu_source_absent(uint64_t addr, size_t n, uint8_t *absent)
{
    uint64_t words[512];
    int fd = (int)syscall(SYS_openat, AT_FDCWD, "/proc/self/pagemap", O_RDONLY | O_CLOEXEC, 0);
    size_t done = 0;

    while (fd >= 0 && done < n) {
        size_t want = n - done < 512 ? n - done : 512;
        ssize_t got = syscall(SYS_pread64, fd, words, want * 8, (addr / EMU_PAGE + done) * 8);

        if (got != (ssize_t)(want * 8)) {
            break;
        }
        for (size_t i = 0; i < want; i++) {
            absent[done + i] = (words[i] & (PM_PRESENT | PM_SWAPPED)) == 0;
        }
        done += want;
    }
    if (fd >= 0) {
        (void)syscall(SYS_close, fd);
    }
    return n != 0 && done == n;
}
