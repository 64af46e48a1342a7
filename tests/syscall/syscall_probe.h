/* Calls of the enclave on a host that lies; see syscall_probe.c. */
#ifndef CM_TESTS_SYSCALL_PROBE_H
#define CM_TESTS_SYSCALL_PROBE_H

#include <stdint.h>

enum { PROBE_ROOM = 64 };

/* A buffer that the host may fill, between guards. */
struct probe_room {
    unsigned char before[PROBE_ROOM];
    unsigned char room[PROBE_ROOM];
    unsigned char after[PROBE_ROOM];
};

/* Calls on sockets and names (probe_sockets.c). */
int64_t probe_sockets(const char *name, struct probe_room *room, int64_t arg);

/* Calls on events and identity (probe_events.c); -2 and ENOTSUP for other names. */
int64_t probe_events(const char *name, struct probe_room *room, int64_t arg);

/* What the call gave; errno says why it failed. */
int64_t probe_do(const char *name, int64_t arg);

#endif
