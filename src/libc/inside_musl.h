/*
 * Private layouts of musl 1.2.3 that our replacements of its members rely on. The build runs
 * prep_probe.c against the installed musl and stops when one of these is no longer true.
 */
#ifndef CM_LIBC_INSIDE_MUSL_H
#define CM_LIBC_INSIDE_MUSL_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

/* Offsets in struct pthread, which begins where FS points. */
#define CM_MUSL_PTHREAD_SELF       0x00
#define CM_MUSL_PTHREAD_CANARY     0x28
#define CM_MUSL_PTHREAD_TID        0x30
#define CM_MUSL_PTHREAD_ERRNO      0x34
#define CM_MUSL_PTHREAD_TSD        0x80
#define CM_MUSL_PTHREAD_LOCALE     0xa8
#define CM_MUSL_PTHREAD_SIZE_LEAST 0xc8

/* The part of musl's struct __libc in use. */
struct cm_musl_libc {
    char can_do_threads;
    char threaded; /* files opened from now on get a lock */
    char secure;
    volatile signed char need_locks;
    int threads_minus_1;
    size_t *auxv;
    void *tls_head;
    size_t tls_size;
    size_t tls_align;
    size_t tls_cnt;
    size_t page_size;
    const void *global_locale[6];
};

/* musl's struct _IO_FILE. */
struct cm_musl_file {
    unsigned flags;
    unsigned char *rpos;
    unsigned char *rend;
    int (*close)(FILE *);
    unsigned char *wend;
    unsigned char *wpos;
    unsigned char *mustbezero_1;
    unsigned char *wbase;
    size_t (*read)(FILE *, unsigned char *, size_t);
    size_t (*write)(FILE *, const unsigned char *, size_t);
    off_t (*seek)(FILE *, off_t, int);
    unsigned char *buf;
    size_t buf_size;
    FILE *prev;
    FILE *next;
    int fd;
    int pipe_pid;
    long lockcount;
    int mode;
    int lock; /* musl: volatile; ours: atomic accesses only */
    int lbf;  /* the byte that flushes: '\n', or -1 */
    void *cookie;
    off_t off;
    char *getln_buf;
    void *mustbezero_2;
    unsigned char *shend;
    off_t shlim;
    off_t shcnt;
    FILE *prev_locked;
    FILE *next_locked;
    void *locale;
};

#define CM_MUSL_F_PERM 1u /* one of the three streams that are always there */
#define CM_MUSL_F_NORD 4u
#define CM_MUSL_F_NOWR 8u
#define CM_MUSL_F_EOF  16u
#define CM_MUSL_F_ERR  32u
#define CM_MUSL_F_APP  128u

#define CM_MUSL_UNGET  8 /* bytes before the buffer that ungetc may use */

#endif
