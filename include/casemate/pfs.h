/*
 * Protected files: files that an enclave keeps in the host's file system, encrypted and checked. A
 * folder of the host is mounted, and what is below the mount point is read and written with open, fopen,
 * std::fstream and so on. An extension of Casemate's; enclave side.
 *
 *     cm_load_module_protected_file_system();
 *     mount("/var/lib/app", "/data", CM_PROTECTED_FILE_SYSTEM, 0, NULL);
 *     FILE *f = fopen("/data/notes", "r+");
 *
 * Library cmpfs (with oehostfs, and a crypto library: openssl_3), EDL openenclave/edl/fcntl.edl.
 *
 * What is promised: contents are read as they were written, all of one commit, or not at all: bytes
 * that anybody changed, cut off, added, swapped within a file or between files, or put back from an
 * earlier time, fail with EBADMSG. A crash at any point leaves the last commit or the one that was
 * under way. A commit is an fsync, a close, a shortening or a move.
 *
 * What is NOT promised: that a file is the latest. An enclave has no memory between runs, so the host
 * can put back an old copy of a WHOLE file, or delete it: keep cm_pfs_root elsewhere and open with
 * cm_pfs_open_at_root where that matters. Names, folders, lengths, times, modes, and when which block is
 * touched, the host sees and can change. Emulated enclaves protect nothing.
 *
 * docs/protected-files.md has the format, the errors and what differs from other file systems.
 */
#ifndef CASEMATE_PFS_H
#define CASEMATE_PFS_H

#include <openenclave/bits/defs.h>
#include <openenclave/bits/result.h>
#include <stddef.h>
#include <stdint.h>

OE_EXTERNC_BEGIN

/** The file system type, for mount(). The source is a folder of the host. MS_RDONLY is the one flag. */
#define CM_PROTECTED_FILE_SYSTEM "cm_protected_file_system"

/** Whose files they are: which key wraps each file's own, which is random. */
enum cm_pfs_key {
    CM_PFS_KEY_PRODUCT =
        0,                 /**< the seal key of signer and product: also later versions read them */
    CM_PFS_KEY_UNIQUE = 1, /**< the seal key of this measurement: no other build reads them */
    CM_PFS_KEY_GIVEN = 2,  /**< a key that the application brings, from wherever */
};

enum cm_pfs_flags {
    /** Files that were not closed properly are opened as of their last commit: EUCLEAN without. */
    CM_PFS_RECOVER = 1,
};

/** For mount(): the address of one is its last argument; NULL is the same as one of zeros. */
struct cm_pfs_options {
    uint32_t size;        /**< sizeof(struct cm_pfs_options), or 0 */
    uint32_t key;         /**< enum cm_pfs_key */
    uint32_t flags;       /**< enum cm_pfs_flags, or 0 */
    uint32_t given_len;   /**< with CM_PFS_KEY_GIVEN: 16 to 64 bytes; else 0 */
    const uint8_t *given; /**< copied; at least 128 bits of it are secret and random */
    /**
     * Which of several mounts of the same key it is, so that the host cannot put files of one into
     * another; NULL is the same as "". Below 256 bytes. The same when the files are mounted again.
     */
    const char *label;
};

/**
 * Makes CM_PROTECTED_FILE_SYSTEM known to mount().
 *
 * mount() then fails with EINVAL for options that are none, ENOENT for an empty source, ENOMEM, and
 * ENOTSUP when the processor gives no seal key. It touches no file.
 *
 * @retval OE_OK             loaded; also when it was already
 * @retval OE_OUT_OF_MEMORY  too many file systems
 *
 * Thread-safe. Without the EDL import it succeeds, and calls on files fail with ENOSYS.
 */
oe_result_t cm_load_module_protected_file_system(void);

/** What a file is at a commit. Whoever has written it elsewhere can tell a copy of another time. */
struct cm_pfs_root {
    uint64_t revision;  /**< how many commits changed the contents: grows */
    uint8_t digest[32]; /**< of the file, all its contents and their history */
};

/**
 * Commits an open protected file, as fsync() does, and says what it is then.
 *
 * It is no secret. Closing and opening do not change it. It protects the caller only where the host
 * cannot turn it back: with a service, a quorum of enclaves, a client.
 *
 * @param fd   A descriptor of a protected file.
 * @param out  Set on success only.
 *
 * @return 0, or -1 with errno: EBADF, EINVAL (no protected file), EFAULT, or that of fsync(). Thread-safe.
 */
int cm_pfs_root(int fd, struct cm_pfs_root *out);

/**
 * open(), when the file is the one that cm_pfs_root() told.
 *
 * @param flags  As of open(), without O_CREAT and O_TRUNC.
 * @param root   What the file must be, in revision and digest.
 *
 * @return a descriptor, or -1 with errno: ESTALE when the file is genuine and of another time, EINVAL for
 *         other flags and for what is no protected file, EFAULT, or that of open(). Thread-safe.
 */
int cm_pfs_open_at_root(const char *path, int flags, const struct cm_pfs_root *root);

OE_EXTERNC_END

#endif
