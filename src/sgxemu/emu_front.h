/*
 * The system calls on the emulated device, for the two fronts: cm_sgxemu_device() and the
 * preloaded library. All of them return -1 (or MAP_FAILED) and set errno, as the C library does.
 * Thread-safe. Not in signals, but a host's signal handler may call them.
 */
#ifndef CM_SGXEMU_FRONT_H
#define CM_SGXEMU_FRONT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* open("/dev/sgx_enclave", flags): O_CLOEXEC and the access mode count. */
int cm_emu_open(int flags);
/* open("/dev/sgx_provision", flags) */
int cm_emu_open_provision(int flags);
/* Whether any enclave is open at all: cheap, for the fast way past everything below. */
bool cm_emu_any(void);
/* Whether fd is an enclave's; 2: the provision device's. */
int cm_emu_is_fd(int fd);

int cm_emu_close(int fd); /* closes any fd */
/* Whether a close of fd concerns us; lock-free. */
bool cm_emu_fd_noted(int fd);
/* Whether fd is a device's; cheap for what is not. Misses duplicates made behind our back. */
bool cm_emu_fd_is_device(int fd);
/* fd is about to be closed or replaced by someone else (dup2, close_range). */
void cm_emu_fd_gone(int fd);
/* the same for a range, which has been closed */
void cm_emu_fds_gone(unsigned int first, unsigned int last);
/* to is now a duplicate of from; both may be any fd. */
void cm_emu_fd_dup(int from, int to);

int cm_emu_ioctl(int fd, unsigned long request, void *arg); /* fd must be an enclave's */
void *cm_emu_mmap(void *addr, size_t len, int prot, int flags, int fd, off_t offset);
/* These two take any range and do the real thing for what is not an enclave's. */
int cm_emu_mprotect(void *addr, size_t len, int prot);
int cm_emu_munmap(void *addr, size_t len);
/* Whether a page of the range is mapped from an enclave. */
bool cm_emu_is_mapped(const void *addr, size_t len);
/* A mapping of something else has been placed over [addr, addr + len) (MAP_FIXED, mremap). */
void cm_emu_overmapped(void *addr, size_t len);

#endif
