/*
 * System calls on descriptors and paths. Linked only into enclaves that load a module or use what
 * needs a table of descriptors: cm_syscall() (src/libc/syscall_dispatch.c) refers to it weakly.
 */
#ifndef CM_SYSCALL_SYS_CORE_H
#define CM_SYSCALL_SYS_CORE_H

#include <stdint.h>

#include "syscall/sys_file_table.h"

/* For the linker: whoever calls it has descriptors. */
void cm_sys_link(void);

/* Linux numbers and conventions; -ENOSYS for what is not served. errno stays as it is. */
long cm_sys_core(long number, const long args[6]);

/* A module that serves further numbers: sockets, epoll. Set once, when it is loaded. */
enum cm_sys_group { CM_SYS_SOCKETS, CM_SYS_EVENTS, CM_SYS_GROUPS };
typedef long (*cm_sys_server)(long number, const long args[6]);
void cm_sys_serve(enum cm_sys_group group, cm_sys_server server);

/* Parts of the core: -ENOSYS for numbers of others. */
long cm_sys_fd_call(long number, const long args[6]);
long cm_sys_path_call(long number, const long args[6]);
long cm_sys_poll_call(long number, const long args[6]);
long cm_sys_meta_call(long number, const long args[6]);

/* What stat means on a descriptor; f is not NULL. */
long cm_sys_fstat(struct cm_file *f, struct stat *out);

/* An argument as an address: the caller inside the enclave gave it. */
static inline void *cm_sys_ptr(long arg)
{
    return (void *)(uintptr_t)arg; /* NOLINT(performance-no-int-to-ptr) */
}
#define CM_SYS_ARG(pointer) ((long)(uintptr_t)(pointer))

#endif
