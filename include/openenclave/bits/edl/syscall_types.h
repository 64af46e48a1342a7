/*
 * What the ocalls of openenclave/edl/{epoll,fcntl,ioctl,poll,signal,socket,time,unistd,utsname}.edl
 * carry. The layouts are fixed and the same on both sides, whatever C library stands there; on x86-64
 * Linux they are also the kernel's, where it has such a struct. Numbers in them (open flags, address
 * families, events, errno) are Linux's for x86-64.
 */
#ifndef _OE_BITS_EDL_SYSCALL_TYPES_H
#define _OE_BITS_EDL_SYSCALL_TYPES_H

#include <openenclave/bits/defs.h>
#include <openenclave/bits/types.h>
#include <sys/types.h>

OE_EXTERNC_BEGIN

typedef int64_t oe_host_fd_t; /**< a descriptor of the host process; -1: failed */
typedef uint32_t oe_mode_t;
typedef uint64_t oe_dev_t;
typedef uint64_t oe_ino_t;
typedef uint64_t oe_nlink_t;
typedef uint32_t oe_uid_t;
typedef uint32_t oe_gid_t;
typedef long oe_blksize_t;
typedef long oe_blkcnt_t;
typedef uint32_t oe_socklen_t;
typedef uint16_t oe_sa_family_t;
typedef uint64_t oe_nfds_t;

/** A time, or a length of time. 0 <= tv_nsec < 1000000000. */
typedef struct oe_timespec {
    time_t tv_sec;
    long tv_nsec;
} oe_timespec;

/** What is known of a file; the members are those of struct stat. */
typedef struct oe_stat_t {
    oe_dev_t st_dev;
    oe_ino_t st_ino;
    oe_nlink_t st_nlink;
    oe_mode_t st_mode;
    oe_uid_t st_uid;
    oe_gid_t st_gid;
    uint32_t __st_pad0;
    oe_dev_t st_rdev;
    oe_off_t st_size;
    oe_blksize_t st_blksize;
    oe_blkcnt_t st_blocks;
    oe_timespec st_atim;
    oe_timespec st_mtim;
    oe_timespec st_ctim;
} oe_stat_t;

/** One entry of a directory; d_name ends with a zero. */
typedef struct oe_dirent {
    uint64_t d_ino;
    oe_off_t d_off;
    uint16_t d_reclen;
    uint8_t d_type;
    char d_name[256];
} oe_dirent;

/**
 * The head of an iov_buf: one for each part, then the bytes. iov_base is not an address but the
 * part's offset from the head of the iov_buf; NULL for an empty part.
 */
typedef struct oe_iovec {
    void *iov_base;
    size_t iov_len;
} oe_iovec;

/** Any socket address; the calls say how long it is. */
typedef struct oe_sockaddr {
    oe_sa_family_t sa_family;
    char sa_data[14];
} oe_sockaddr;

/** What getaddrinfo is asked for. The pointers are NULL. */
typedef struct oe_addrinfo {
    int ai_flags;
    int ai_family;
    int ai_socktype;
    int ai_protocol;
    oe_socklen_t ai_addrlen;
    oe_sockaddr *ai_addr;
    char *ai_canonname;
    struct oe_addrinfo *ai_next;
} oe_addrinfo;

/** One descriptor of a poll. */
typedef struct oe_host_pollfd {
    oe_host_fd_t fd;
    short int events;
    short int revents;
} oe_host_pollfd;

/** What an event of epoll brings along. */
typedef union oe_epoll_data_t {
    void *ptr;
    int fd;
    uint32_t u32;
    uint64_t u64;
} oe_epoll_data_t;

/** One event of epoll: packed, like the kernel's. */
typedef struct __attribute__((packed)) oe_epoll_event {
    uint32_t events;
    oe_epoll_data_t data;
} oe_epoll_event;

/** What uname tells; each ends with a zero. */
typedef struct oe_utsname {
    char sysname[65];
    char nodename[65];
    char release[65];
    char version[65];
    char machine[65];
    char domainname[65];
} oe_utsname;

OE_EXTERNC_END

#endif
