/*
 * The front for programs that know nothing of the emulator: a shared library for LD_PRELOAD whose
 * functions take the place of the C library's. Only calls that concern /dev/sgx_enclave,
 * /dev/sgx_provision or an enclave's addresses are answered here; all others go on unchanged.
 *
 * The signal functions are in emu_interpose.c, since a host that links the emulator needs them too.
 */
#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "arch/sgx_uapi.h"
#include "sgxemu/emu.h"
#include "sgxemu/emu_front.h"
#include "sgxemu/emu_preload.h"

int cm_emu_device_of(const char *path)
{
    if (path == NULL || strncmp(path, "/dev/sgx", 8) != 0) {
        return CM_EMU_DEV_NONE;
    }
    if (strcmp(path, SGX_DEV_ENCLAVE) == 0 || strcmp(path, "/dev/sgx/enclave") == 0) {
        return CM_EMU_DEV_ENCLAVE;
    }
    if (strcmp(path, SGX_DEV_PROVISION) == 0 || strcmp(path, "/dev/sgx/provision") == 0) {
        return CM_EMU_DEV_PROVISION;
    }
    return CM_EMU_DEV_NONE;
}

int cm_emu_device_open(int kind, int flags)
{
    if ((flags & O_DIRECTORY) != 0) {
        errno = ENOTDIR;
        return -1;
    }
    if ((flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL)) {
        errno = EEXIST;
        return -1;
    }
    return kind == CM_EMU_DEV_ENCLAVE ? cm_emu_open(flags) : cm_emu_open_provision(flags);
}

/* ------------------------------------------------------------------ open */

static mode_t mode_arg(int flags, va_list args)
{
    return (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(args, mode_t) : 0;
}

#define DEFINE_OPEN(name)                                 \
    EMU_PUBLIC int name(const char *path, int flags, ...) \
    {                                                     \
        static int (*next)(const char *, int, ...);       \
        int kind = cm_emu_device_of(path);                \
        va_list args;                                     \
        mode_t mode = 0;                                  \
                                                          \
        va_start(args, flags);                            \
        mode = mode_arg(flags, args);                     \
        va_end(args);                                     \
        if (kind != CM_EMU_DEV_NONE) {                    \
            return cm_emu_device_open(kind, flags);       \
        }                                                 \
        EMU_NEXT(next, #name);                            \
        return next(path, flags, mode);                   \
    }

#define DEFINE_OPENAT(name)                                        \
    EMU_PUBLIC int name(int dir, const char *path, int flags, ...) \
    {                                                              \
        static int (*next)(int, const char *, int, ...);           \
        int kind = cm_emu_device_of(path);                         \
        va_list args;                                              \
        mode_t mode = 0;                                           \
                                                                   \
        va_start(args, flags);                                     \
        mode = mode_arg(flags, args);                              \
        va_end(args);                                              \
        if (kind != CM_EMU_DEV_NONE) {                             \
            return cm_emu_device_open(kind, flags);                \
        }                                                          \
        EMU_NEXT(next, #name);                                     \
        return next(dir, path, flags, mode);                       \
    }

/* the C library exports these as well */
int __open(const char *path, int flags, ...);
int __open64(const char *path, int flags, ...);

DEFINE_OPEN(open)
DEFINE_OPEN(open64)
DEFINE_OPEN(__open)
DEFINE_OPEN(__open64)
DEFINE_OPENAT(openat)
DEFINE_OPENAT(openat64)

EMU_PUBLIC int creat(const char *path, mode_t mode)
{
    return open(path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

EMU_PUBLIC int creat64(const char *path, mode_t mode)
{
    return open64(path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

/* what _FORTIFY_SOURCE makes of the same calls */
int __open_2(const char *path, int flags);
int __open64_2(const char *path, int flags);
int __openat_2(int dir, const char *path, int flags);
int __openat64_2(int dir, const char *path, int flags);

EMU_PUBLIC int __open_2(const char *path, int flags)
{
    return open(path, flags, 0);
}

EMU_PUBLIC int __open64_2(const char *path, int flags)
{
    return open64(path, flags, 0);
}

EMU_PUBLIC int __openat_2(int dir, const char *path, int flags)
{
    return openat(dir, path, flags, 0);
}

EMU_PUBLIC int __openat64_2(int dir, const char *path, int flags)
{
    return openat64(dir, path, flags, 0);
}

/* ------------------------------------------------------------------ descriptors */

EMU_PUBLIC int close(int fd)
{
    static int (*next)(int);

    if (cm_emu_fd_noted(fd)) {
        return cm_emu_close(fd);
    }
    EMU_NEXT(next, "close");
    return next(fd);
}

EMU_PUBLIC int dup(int fd)
{
    static int (*next)(int);
    int to = -1;

    EMU_NEXT(next, "dup");
    to = next(fd);
    cm_emu_fd_dup(fd, to);
    return to;
}

static int replaced(int from, int to, int ret)
{
    if (ret >= 0 && from != to) {
        cm_emu_fd_gone(to);
        cm_emu_fd_dup(from, to);
    }
    return ret;
}

EMU_PUBLIC int dup2(int from, int to)
{
    static int (*next)(int, int);

    EMU_NEXT(next, "dup2");
    return replaced(from, to, next(from, to));
}

EMU_PUBLIC int dup3(int from, int to, int flags)
{
    static int (*next)(int, int, int);

    EMU_NEXT(next, "dup3");
    return replaced(from, to, next(from, to, flags));
}

#define DEFINE_FCNTL(name)                                      \
    EMU_PUBLIC int name(int fd, int command, ...)               \
    {                                                           \
        static int (*next)(int, int, ...);                      \
        va_list args;                                           \
        void *arg = NULL;                                       \
        int ret = 0;                                            \
                                                                \
        va_start(args, command);                                \
        arg = va_arg(args, void *);                             \
        va_end(args);                                           \
        EMU_NEXT(next, #name);                                  \
        ret = next(fd, command, arg);                           \
        if (command == F_DUPFD || command == F_DUPFD_CLOEXEC) { \
            cm_emu_fd_dup(fd, ret);                             \
        }                                                       \
        return ret;                                             \
    }

DEFINE_FCNTL(fcntl)
DEFINE_FCNTL(fcntl64)

EMU_PUBLIC int close_range(unsigned int first, unsigned int last, int flags)
{
    static int (*next)(unsigned int, unsigned int, int);
    int ret = 0;

    EMU_NEXT(next, "close_range");
    ret = next(first, last, flags);
    if (ret == 0 && (flags & (int)CLOSE_RANGE_CLOEXEC) == 0) {
        cm_emu_fds_gone(first, last);
    }
    return ret;
}

EMU_PUBLIC void closefrom(int first)
{
    static void (*next)(int);

    EMU_NEXT(next, "closefrom");
    next(first);
    cm_emu_fds_gone(first < 0 ? 0 : (unsigned int)first, ~0u);
}

/* What the kernel does for every descriptor, before it asks the driver. */
static bool is_general(unsigned long request)
{
    return request == FIOCLEX || request == FIONCLEX || request == FIONBIO || request == FIOASYNC;
}

EMU_PUBLIC int ioctl(int fd, unsigned long request, ...)
{
    static int (*next)(int, unsigned long, ...);
    va_list args;
    void *arg = NULL;

    va_start(args, request);
    arg = va_arg(args, void *);
    va_end(args);
    if (_IOC_TYPE(request) == SGX_IOC_MAGIC && cm_emu_is_fd(fd) == 1) {
        return cm_emu_ioctl(fd, request, arg);
    }
    if (!is_general(request) && cm_emu_fd_is_device(fd)) {
        errno = ENOTTY; /* not what a memory file answers (FIONREAD) */
        return -1;
    }
    EMU_NEXT(next, "ioctl");
    return next(fd, request, arg);
}

/* ------------------------------------------------------------------ memory */

#define DEFINE_MMAP(name)                                                                    \
    EMU_PUBLIC void *name(void *addr, size_t len, int prot, int flags, int fd, off_t offset) \
    {                                                                                        \
        static void *(*next)(void *, size_t, int, int, int, off_t);                          \
        int kind = (flags & MAP_ANONYMOUS) != 0 ? 0 : cm_emu_is_fd(fd);                      \
        void *at = NULL;                                                                     \
                                                                                             \
        if (kind == 1) {                                                                     \
            return cm_emu_mmap(addr, len, prot, flags, fd, offset);                          \
        }                                                                                    \
        if (kind == 2) {                                                                     \
            errno = ENODEV;                                                                  \
            return MAP_FAILED;                                                               \
        }                                                                                    \
        EMU_NEXT(next, #name);                                                               \
        at = next(addr, len, prot, flags, fd, offset);                                       \
        if (at != MAP_FAILED && (flags & MAP_FIXED) != 0) {                                  \
            cm_emu_overmapped(at, len);                                                      \
        }                                                                                    \
        return at;                                                                           \
    }

DEFINE_MMAP(mmap)
DEFINE_MMAP(mmap64)

EMU_PUBLIC int mprotect(void *addr, size_t len, int prot)
{
    return cm_emu_mprotect(addr, len, prot);
}

EMU_PUBLIC int pkey_mprotect(void *addr, size_t len, int prot, int pkey)
{
    static int (*next)(void *, size_t, int, int);

    if (pkey == -1) {
        return cm_emu_mprotect(addr, len, prot);
    }
    EMU_NEXT(next, "pkey_mprotect");
    return next(addr, len, prot, pkey);
}

EMU_PUBLIC int munmap(void *addr, size_t len)
{
    return cm_emu_munmap(addr, len);
}

EMU_PUBLIC void *mremap(void *addr, size_t old_len, size_t new_len, int flags, ...)
{
    static void *(*next)(void *, size_t, size_t, int, ...);
    va_list args;
    void *to = NULL;
    void *at = NULL;

    va_start(args, flags);
    to = (flags & MREMAP_FIXED) != 0 ? va_arg(args, void *) : NULL;
    va_end(args);
    if (cm_emu_is_mapped(addr, old_len)) {
        errno = EFAULT; /* as for any mapping that cannot be expanded */
        return MAP_FAILED;
    }
    EMU_NEXT(next, "mremap");
    at = next(addr, old_len, new_len, flags, to);
    if (at != MAP_FAILED) {
        cm_emu_overmapped(at, new_len);
    }
    return at;
}

/* ------------------------------------------------------------------ the rest */

EMU_PUBLIC unsigned long getauxval(unsigned long type)
{
    static unsigned long (*next)(unsigned long);

    if (type == AT_SYSINFO_EHDR && cm_emu_vdso_image() != NULL) {
        return (unsigned long)(uintptr_t)cm_emu_vdso_image();
    }
    EMU_NEXT(next, "getauxval");
    return next(type);
}

/* The functions of this file by name, for programs that ask the C library's handle for them. */
static const struct {
    const char *name;
    void *ours;
} ours[] = {
#define OURS(f)                       \
    {                                 \
#f, (void *)(uintptr_t) & (f) \
    }
    OURS(open),   OURS(open64),   OURS(openat), OURS(openat64), OURS(close),     OURS(dup),
    OURS(dup2),   OURS(dup3),     OURS(fcntl),  OURS(fcntl64),  OURS(ioctl),     OURS(mmap),
    OURS(mmap64), OURS(mprotect), OURS(munmap), OURS(mremap),   OURS(getauxval), OURS(close_range),
    OURS(creat),  OURS(creat64),  OURS(fopen),  OURS(fopen64),  OURS(freopen),   OURS(freopen64),
    OURS(fclose), OURS(read),     OURS(write),  OURS(pread64),  OURS(pwrite64),  OURS(lseek64),
    OURS(pread),  OURS(pwrite),   OURS(lseek),  OURS(readv),    OURS(writev),    OURS(ftruncate),
#undef OURS
};

void *cm_emu_dlsym_fix(const char *name, void *found)
{
    if (name == NULL) {
        return found;
    }
    if (found == NULL && strcmp(name, "__vdso_sgx_enter_enclave") == 0) {
        return (void *)(uintptr_t)&cm_emu_enter;
    }
    for (size_t i = 0; found != NULL && i < sizeof(ours) / sizeof(ours[0]); i++) {
        if (strcmp(ours[i].name, name) == 0) {
            Dl_info info;

            /* only the C library's own: somebody's function of that name stays theirs */
            if (dladdr(found, &info) != 0 && info.dli_fname != NULL &&
                strstr(info.dli_fname, "/libc.so") != NULL) {
                return ours[i].ours;
            }
        }
    }
    return found;
}

__attribute__((constructor)) static void start(void)
{
    struct cm_why why = {{0}};

    if (cm_emu_options()->cpuid && cm_emu_start(&why) == CM_OK) {
        cm_emu_patch_cpuid();
    }
}
