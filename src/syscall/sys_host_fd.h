/* What descriptors of the host have in common, be they files or sockets. */
#ifndef CM_SYSCALL_SYS_HOST_FD_H
#define CM_SYSCALL_SYS_HOST_FD_H

#include <stdint.h>

/* fcntl's F_SETFL, F_GETLK, F_SETLK and F_SETLKW on it; -EINVAL for other commands. */
long cm_host_control(int64_t host, int cmd, long arg);

/* ioctl's FIONREAD and FIONBIO; -ENOTTY for other requests, which are not told to the host. */
long cm_host_ioctl(int64_t host, unsigned long request, long arg);

#endif
