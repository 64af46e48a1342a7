/*
 * Modules of the enclave's C library that ask the host. An enclave links the module's library
 * (oehostfs, oehostsock, oehostresolver, oehostepoll), imports the EDL file that each names, and loads
 * it before the first call that needs it. None of what comes through them is secret or protected:
 * what is checked, and what the host can still do, is in docs/syscalls.md.
 */
#ifndef _OE_BITS_MODULE_H
#define _OE_BITS_MODULE_H

#include <openenclave/bits/defs.h>
#include <openenclave/bits/result.h>
#include <openenclave/bits/types.h>

OE_EXTERNC_BEGIN

/**
 * Make the file system type OE_HOST_FILE_SYSTEM known (bits/fs.h); files can be opened once it is
 * mounted. Library oehostfs; EDL openenclave/edl/fcntl.edl (and ioctl.edl for ioctl).
 *
 * @retval OE_OK             loaded; also when it was already
 * @retval OE_OUT_OF_MEMORY  too many file systems
 *
 * Thread-safe. Without the EDL import it succeeds, and calls on files fail with ENOSYS.
 */
oe_result_t oe_load_module_host_file_system(void);

/**
 * Make socket() and its like work on the host's sockets. Library oehostsock; EDL
 * openenclave/edl/socket.edl (fcntl.edl and ioctl.edl for fcntl and ioctl on sockets).
 *
 * @retval OE_OK  loaded; also when it was already. Thread-safe.
 */
oe_result_t oe_load_module_host_socket_interface(void);

/**
 * Make getaddrinfo() and getnameinfo() ask the host. Library oehostresolver; EDL
 * openenclave/edl/socket.edl.
 *
 * @retval OE_OK  loaded; also when it was already. Thread-safe.
 */
oe_result_t oe_load_module_host_resolver(void);

/**
 * Make epoll work on descriptors that the host has. Library oehostepoll; EDL
 * openenclave/edl/epoll.edl (poll.edl for poll and select).
 *
 * @retval OE_OK  loaded; also when it was already. Thread-safe.
 */
oe_result_t oe_load_module_host_epoll(void);

OE_EXTERNC_END

#endif
