/* See sys_core.h. */
#include "syscall/sys_core.h"

#include <errno.h>

#include "syscall/sys_identity.h"

static cm_sys_server servers[CM_SYS_GROUPS];

void cm_sys_link(void)
{
}

void cm_sys_serve(enum cm_sys_group group, cm_sys_server server)
{
    __atomic_store_n(&servers[group], server, __ATOMIC_RELEASE);
}

static long ask_module(enum cm_sys_group group, long number, const long args[6])
{
    cm_sys_server server = __atomic_load_n(&servers[group], __ATOMIC_ACQUIRE);

    return server == NULL ? -ENOSYS : server(number, args);
}

long cm_sys_core(long number, const long args[6])
{
    const int before = errno; /* ocalls bring the host's, which is not the caller's */
    long r = cm_sys_fd_call(number, args);

    if (r == -ENOSYS) {
        r = cm_sys_path_call(number, args);
    }
    if (r == -ENOSYS) {
        r = cm_sys_meta_call(number, args);
    }
    if (r == -ENOSYS) {
        r = cm_sys_poll_call(number, args);
    }
    if (r == -ENOSYS) {
        r = ask_module(CM_SYS_SOCKETS, number, args);
    }
    if (r == -ENOSYS) {
        r = ask_module(CM_SYS_EVENTS, number, args);
    }
    if (r == -ENOSYS) {
        r = cm_sys_identity_call(number, args);
    }
    errno = before;
    return r;
}
