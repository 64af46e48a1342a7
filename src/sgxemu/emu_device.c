/*
 * The device file: open, close, duplicates, and how long an enclave lives. A descriptor of an
 * enclave is a descriptor of its memory file; it is known by its inode, so duplicates made by any
 * means are recognised. Like the kernel's, an enclave lives until its last descriptor is closed and
 * its last page unmapped.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sgxemu/emu_front.h"
#include "sgxemu/emu_kernel.h"

#define FD_TABLE    4096
#define FD_OWN_FROM 512     /* our own descriptors stay out of the way of the program's */
#define NOEXEC_SEAL 0x0008u /* MFD_NOEXEC_SEAL: what a kernel with vm.memfd_noexec=2 insists on */

static struct emu_encl_kernel *_Atomic all_enclaves;
static struct emu_encl_kernel *_Atomic fd_owner[FD_TABLE];
static atomic_uint live_count;
static _Atomic uint64_t hull_start = UINT64_MAX;
static _Atomic uint64_t hull_end;
static atomic_int owner_pid;

static struct {
    int fd;
    dev_t dev;
    ino_t ino;
    atomic_bool made;
} provision = {.fd = -1};
static struct emu_encl_kernel provision_owner; /* in fd_owner: nobody's enclave */

struct emu_encl_kernel *cm_emu_encl_first(void)
{
    return atomic_load(&all_enclaves);
}

struct emu_encl *cm_emu_encl_find(uint64_t addr)
{
    for (struct emu_encl_kernel *k = atomic_load(&all_enclaves); k != NULL; k = k->next) {
        /* size is 0 unless created and alive */
        uint64_t base = __atomic_load_n(&k->e->base, __ATOMIC_RELAXED);
        uint64_t size = __atomic_load_n(&k->e->size, __ATOMIC_ACQUIRE);

        if (addr - base < size) {
            return k->e;
        }
    }
    return NULL;
}

void cm_emu_hull_add(uint64_t start, uint64_t end)
{
    if (start < atomic_load(&hull_start)) {
        atomic_store(&hull_start, start);
    }
    if (end > atomic_load(&hull_end)) {
        atomic_store(&hull_end, end);
    }
}

bool cm_emu_hull_misses(uint64_t start, uint64_t end)
{
    return end <= atomic_load(&hull_start) || start >= atomic_load(&hull_end);
}

bool cm_emu_any(void)
{
    return atomic_load(&live_count) != 0;
}

static bool identity(int fd, dev_t *dev, ino_t *ino)
{
    struct stat sb;

    if (fd < 0 || syscall(SYS_fstat, fd, &sb) != 0) {
        return false;
    }
    *dev = sb.st_dev;
    *ino = sb.st_ino;
    return true;
}

struct emu_encl_kernel *cm_emu_encl_of_fd(int fd)
{
    dev_t dev = 0;
    ino_t ino = 0;

    if (!identity(fd, &dev, &ino)) {
        return NULL;
    }
    for (struct emu_encl_kernel *k = cm_emu_encl_first(); k != NULL; k = k->next) {
        if (k->live && k->dev == dev && k->ino == ino) {
            return k;
        }
    }
    return NULL;
}

bool cm_emu_memfd_ok(const struct emu_encl_kernel *k)
{
    dev_t dev = 0;
    ino_t ino = 0;

    return identity(k->memfd, &dev, &ino) && dev == k->dev && ino == k->ino;
}

bool cm_emu_is_provision_fd(int fd)
{
    dev_t dev = 0;
    ino_t ino = 0;

    return provision.made && identity(fd, &dev, &ino) && dev == provision.dev &&
           ino == provision.ino;
}

int cm_emu_is_fd(int fd)
{
    struct emu_lock_state lock;
    int kind = 0;

    if (!cm_emu_any() && !provision.made) {
        return 0;
    }
    cm_emu_lock(&lock);
    if (cm_emu_encl_of_fd(fd) != NULL) {
        kind = 1;
    } else if (cm_emu_is_provision_fd(fd)) {
        kind = 2;
    }
    cm_emu_unlock(&lock);
    return kind;
}

/* ------------------------------------------------------------------ opening */

static int memory_file(const char *name)
{
    int fd = (int)syscall(SYS_memfd_create, name, MFD_CLOEXEC);
    int high = 0;

    if (fd < 0 && errno == EACCES) {
        fd = (int)syscall(SYS_memfd_create, name, MFD_CLOEXEC | NOEXEC_SEAL);
    }
    if (fd < 0) {
        return -1;
    }
    high = (int)syscall(SYS_fcntl, fd, F_DUPFD_CLOEXEC, FD_OWN_FROM);
    if (high >= 0) {
        (void)syscall(SYS_close, fd);
        fd = high;
    }
    return fd;
}

/* A descriptor for the program: opened anew, so that it has the access mode that was asked for. */
static int program_fd(int own, int flags)
{
    char path[64] = "";
    int fd = -1;

    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", own);
    fd = (int)syscall(SYS_openat, AT_FDCWD, path, flags & (O_ACCMODE | O_CLOEXEC | O_NONBLOCK), 0);
    if (fd < 0 && (errno == ENOENT || errno == EACCES)) { /* no /proc here */
        fd = (int)syscall(SYS_fcntl, own, (flags & O_CLOEXEC) != 0 ? F_DUPFD_CLOEXEC : F_DUPFD, 0);
    }
    return fd;
}

/* An unused entry, or a new one; entries are never freed (cm_emu_encl_find reads without lock). */
static struct emu_encl_kernel *entry(void)
{
    struct emu_encl_kernel *k = cm_emu_encl_first();
    struct emu_encl *e = NULL;

    while (k != NULL && k->live) {
        k = k->next;
    }
    if (k != NULL) {
        return k;
    }
    k = calloc(1, sizeof(*k));
    e = calloc(1, sizeof(*e));
    if (k == NULL || e == NULL) {
        free(k);
        free(e);
        return NULL;
    }
    k->e = e;
    e->k = k;
    k->memfd = -1;
    k->next = cm_emu_encl_first();
    atomic_store(&all_enclaves, k);
    return k;
}

static void after_fork(void)
{
    atomic_store(&owner_pid, (int)syscall(SYS_getpid));
}

static void know_process(void)
{
    after_fork();
    (void)pthread_atfork(NULL, NULL, after_fork);
}

static pthread_once_t process_known = PTHREAD_ONCE_INIT;

static void first_open(void)
{
    const char *quiet = getenv("CASEMATE_EMU_QUIET");

    if (quiet == NULL || strcmp(quiet, "1") != 0) {
        (void)fprintf(
            stderr,
            "casemate: EMULATED SGX device: its enclaves are NOT protected from this machine\n");
    }
}

/* Does the vfork child that shares our memory, but not our descriptors, run this? */
static bool foreign_process(void)
{
    return atomic_load(&owner_pid) != (int)syscall(SYS_getpid);
}

static void own_fd(int fd, struct emu_encl_kernel *k)
{
    k->fds++;
    if (fd < FD_TABLE) {
        atomic_store(&fd_owner[fd], k);
    }
}

static int open_locked(int flags)
{
    struct emu_encl_kernel *k = NULL;
    int own = -1;
    int fd = -1;
    int err = 0;

    cm_emu_release_unused();
    k = entry();
    if (k == NULL) {
        errno = ENOMEM;
        return -1;
    }
    own = memory_file("sgx_enclave");
    if (own < 0) {
        return -1;
    }
    fd = program_fd(own, flags);
    if (fd < 0 || !identity(own, &k->dev, &k->ino)) {
        err = errno;
        (void)syscall(SYS_close, own);
        errno = err;
        return -1;
    }
    k->memfd = own;
    k->live = true;
    k->created = false;
    k->fds = 0;
    k->attr_allowed = SGX_ATTR_DEBUG | SGX_ATTR_MODE64 | SGX_ATTR_KSS;
    memset(&k->id, 0, sizeof(k->id));
    memset(&k->source, 0, sizeof(k->source));
    memset(&k->source_before, 0, sizeof(k->source_before));
    own_fd(fd, k);
    atomic_fetch_add(&live_count, 1);
    return fd;
}

int cm_emu_open(int flags)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    const struct cm_emu_platform *platform = NULL;
    struct emu_lock_state lock;
    struct cm_why why = {{0}};
    enum cm_status st = cm_emu_start(&why);
    int fd = -1;
    int err = 0;

    if (st == CM_OK) {
        st = cm_emu_platform_get(&platform, &why);
    }
    (void)pthread_once(&process_known, know_process);
    (void)pthread_once(&once, first_open);
    if (st != CM_OK) {
        (void)fprintf(stderr, "casemate: EMULATED SGX device cannot be opened: %s\n", why.text);
        errno = st == CM_ERR_NOMEM ? ENOMEM : st == CM_ERR_PLATFORM ? ENODEV : EIO;
        return -1;
    }
    cm_emu_lock(&lock);
    fd = open_locked(flags);
    err = errno;
    cm_emu_unlock(&lock);
    errno = err;
    return fd;
}

int cm_emu_open_provision(int flags)
{
    struct emu_lock_state lock;
    int fd = -1;
    int err = 0;

    (void)pthread_once(&process_known, know_process);
    cm_emu_lock(&lock);
    if (!provision.made) {
        provision.fd = memory_file("sgx_provision");
        provision.made =
            provision.fd >= 0 && identity(provision.fd, &provision.dev, &provision.ino);
    }
    if (provision.made) {
        fd = program_fd(provision.fd, flags);
    }
    if (fd >= 0) {
        own_fd(fd, &provision_owner);
    }
    err = errno;
    cm_emu_unlock(&lock);
    errno = err;
    return fd;
}

/* ------------------------------------------------------------------ closing */

static bool release(struct emu_encl_kernel *k)
{
    struct emu_encl *e = k->e;

    if (k->created && !cm_emu_tcs_remove_all(e)) {
        return false; /* a thread is inside: its memory stays until the next open or close */
    }
    __atomic_store_n(&e->size, 0, __ATOMIC_RELEASE);
    cm_emu_pages_changed();
    if (k->created) {
        cm_emu_pages_free(k);
    }
    cm_emu_measure_free(k);
    if (cm_emu_memfd_ok(k)) {
        (void)syscall(SYS_close, k->memfd);
    }
    k->memfd = -1;
    k->created = false;
    k->live = false;
    e->initialised = false;
    e->attributes = 0;
    atomic_fetch_sub(&live_count, 1);
    return true;
}

/*
 * Has the program another descriptor of this enclave, made behind our back (a dup of its own, a
 * descriptor that came over a socket)? Looked for only when the last that we know of is closed.
 */
static bool find_more_fds(struct emu_encl_kernel *k)
{
    int dir =
        (int)syscall(SYS_openat, AT_FDCWD, "/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    _Alignas(struct dirent64) char buf[4096];
    long n = 0;

    while (dir >= 0 && (n = syscall(SYS_getdents64, dir, buf, sizeof(buf))) > 0) {
        for (long at = 0; at < n;) {
            const struct dirent64 *d = (const struct dirent64 *)(const void *)(buf + at);
            int fd = (int)strtol(d->d_name, NULL, 10);

            if (d->d_name[0] != '.' && fd != k->memfd && cm_emu_encl_of_fd(fd) == k) {
                own_fd(fd, k);
            }
            at += d->d_reclen;
        }
    }
    if (dir >= 0) {
        (void)syscall(SYS_close, dir);
    }
    return k->fds != 0;
}

void cm_emu_release_unused(void)
{
    for (struct emu_encl_kernel *k = cm_emu_encl_first(); k != NULL; k = k->next) {
        if (k->live && k->fds == 0 && k->vma_count == 0 && k->ioctls == 0 && !find_more_fds(k)) {
            (void)release(k);
        }
    }
}

static void disown_fd(int fd)
{
    struct emu_encl_kernel *k = NULL;

    if (fd < 0) {
        return;
    }
    k = fd < FD_TABLE ? atomic_exchange(&fd_owner[fd], NULL) : cm_emu_encl_of_fd(fd);
    if (k != NULL && k->fds > 0) {
        k->fds--;
    }
}

/* Cheap: most descriptors are nobody's. */
bool cm_emu_fd_noted(int fd)
{
    if (fd < 0 || (!cm_emu_any() && !provision.made)) {
        return false;
    }
    return fd >= FD_TABLE || atomic_load(&fd_owner[fd]) != NULL;
}

bool cm_emu_fd_is_device(int fd)
{
    return cm_emu_fd_noted(fd) && cm_emu_is_fd(fd) != 0;
}

int cm_emu_close(int fd)
{
    struct emu_lock_state lock;
    int ret = 0;
    int err = 0;

    if (!cm_emu_fd_noted(fd) || foreign_process()) {
        return (int)syscall(SYS_close, fd);
    }
    cm_emu_lock(&lock);
    disown_fd(fd);
    ret = (int)syscall(SYS_close, fd);
    err = errno;
    cm_emu_release_unused();
    cm_emu_unlock(&lock);
    errno = err;
    return ret;
}

void cm_emu_fd_gone(int fd)
{
    struct emu_lock_state lock;

    if (!cm_emu_fd_noted(fd) || foreign_process()) {
        return;
    }
    cm_emu_lock(&lock);
    disown_fd(fd);
    cm_emu_unlock(&lock);
}

void cm_emu_fds_gone(unsigned int first, unsigned int last)
{
    struct emu_lock_state lock;

    if ((!cm_emu_any() && !provision.made) || foreign_process()) {
        return;
    }
    cm_emu_lock(&lock);
    for (unsigned int fd = first; fd <= last && fd < FD_TABLE; fd++) {
        disown_fd((int)fd);
    }
    cm_emu_release_unused();
    cm_emu_unlock(&lock);
}

void cm_emu_fd_dup(int from, int to)
{
    struct emu_lock_state lock;
    struct emu_encl_kernel *k = NULL;

    if (from == to || to < 0 || (!cm_emu_any() && !provision.made) || foreign_process()) {
        return;
    }
    cm_emu_lock(&lock);
    k = cm_emu_is_provision_fd(to) ? &provision_owner : cm_emu_encl_of_fd(to);
    if (k != NULL) {
        own_fd(to, k);
    }
    cm_emu_release_unused(); /* what `to` was before may have been the last of its enclave */
    cm_emu_unlock(&lock);
}
