/*
 * The scattered buffers of ocalls: an iov_buf holds the parts' lengths and offsets, then the bytes
 * (oe_iovec). For the host's side of readv, writev, recvv, sendv, recvmsg and sendmsg.
 */
#ifndef CM_HOST_SYS_IOV_H
#define CM_HOST_SYS_IOV_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/uio.h>

/**
 * The parts of an iov_buf as addresses in it.
 *
 * @param iov_buf  size bytes, aligned for a pointer; what it says is checked against size
 * @param out      room for count parts, of IOV_MAX at most
 * @return false with errno EINVAL or EMSGSIZE when the parts do not lie in the buffer
 */
bool cm_iov_open(void *iov_buf, size_t count, size_t size, struct iovec *out);

#endif
