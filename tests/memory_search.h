/*
 * Whether bytes are anywhere in this process's memory: registers apart, all that a core file could hold. The
 * caller has the secret only in masked form, so that the search does not find the question.
 */
#ifndef CM_TESTS_MEMORY_SEARCH_H
#define CM_TESTS_MEMORY_SEARCH_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#define MEMORY_MASK 0xa5

/* A sanitiser has terabytes of its own: no search ends there. */
#if defined(__SANITIZE_ADDRESS__)
#define MEMORY_SEARCHABLE 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define MEMORY_SEARCHABLE 0
#endif
#endif
#ifndef MEMORY_SEARCHABLE
#define MEMORY_SEARCHABLE 1
#endif

/* secret and masked may be the same memory */
static inline void memory_mask(const volatile uint8_t *secret, uint8_t *masked, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        masked[i] = secret[i] ^ MEMORY_MASK;
    }
}

static inline int memory_count_in(const uint8_t *bytes, size_t n, const uint8_t *masked, size_t len)
{
    int found = 0;

    for (size_t at = 0; n >= len && at <= n - len; at++) {
        size_t i = 0;

        while (i < len && (uint8_t)(bytes[at + i] ^ MEMORY_MASK) == masked[i]) {
            i++;
        }
        found += i == len;
    }
    return found;
}

/* How often; *undumped: how many of them lie where a core file does not look (VM_DONTDUMP). */
static inline int memory_count(const uint8_t *masked, size_t len, int *undumped)
{
    static uint8_t buf[1 << 20];
    FILE *maps = fopen("/proc/self/smaps", "r");
    char line[512] = "";
    int found = 0;
    int here = 0;

    *undumped = 0;
    if (maps == NULL) {
        abort();
    }
    while (fgets(line, sizeof(line), maps) != NULL) {
        unsigned long from = 0;
        unsigned long to = 0;
        char mode[8] = "";

        if (strncmp(line, "VmFlags:", 8) == 0) {
            *undumped += strstr(line, " dd") != NULL ? here : 0;
        }
        if (sscanf(line, "%lx-%lx %7s", &from, &to, mode) != 3 || strlen(mode) != 4) {
            continue;
        }
        here = 0;
        for (unsigned long at = from; mode[0] == 'r' && at < to; at += sizeof(buf) - len) {
            size_t n = to - at < sizeof(buf) ? to - at : sizeof(buf);
            struct iovec into = {buf, n};
            struct iovec these = {(void *)at, n}; // NOLINT(performance-no-int-to-ptr)
            ssize_t got = 0;

            if (at >= (unsigned long)buf - sizeof(buf) && at < (unsigned long)buf + sizeof(buf)) {
                continue; /* the search's own */
            }
            got = process_vm_readv(getpid(), &into, 1, &these, 1, 0);
            here += got > 0 ? memory_count_in(buf, (size_t)got, masked, len) : 0;
            memset(buf, 0, sizeof(buf));
        }
        found += here;
    }
    (void)fclose(maps);
    return found;
}

static inline bool memory_holds(const uint8_t *masked, size_t len)
{
    int undumped = 0;

    return memory_count(masked, len, &undumped) != 0;
}

#endif
