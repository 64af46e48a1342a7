/* The enclave's standard output and error, as the host shows them. */
#ifndef CM_LIBC_INSIDE_CONSOLE_H
#define CM_LIBC_INSIDE_CONSOLE_H

#include <stddef.h>
#include <sys/uio.h>

/*
 * Writes the parts, one after another, to the host's stdout (fd 1) or stderr (fd 2). Returns the
 * number of bytes, or -errno. Not secret, and the host may drop, change or forge it.
 */
long cm_console_write(int fd, const struct iovec *parts, size_t count);

#endif
