/*
 * Build-time check of musl's private layouts (inside_musl.h). Linked statically against the
 * installed, unchanged musl and run on the build machine: each check makes the library use the
 * place that we rely on, and looks there. Exit code 1 and one sentence when a layout changed.
 */
#include <errno.h>
#include <locale.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "libc/inside_musl.h"

extern struct cm_musl_libc __libc __attribute__((visibility("hidden")));

extern void *__pthread_tsd_main[] __attribute__((visibility("hidden")));

static char *thread_data(void)
{
    char *td;

    __asm__("mov %%fs:0, %0" : "=r"(td));
    return td;
}

static bool check_thread(void)
{
    static int value;
    char *td = thread_data();
    void *self;
    void *tsd;
    void *first;
    void *locale;
    pthread_key_t key;
    int got;

    memcpy(&self, td + CM_MUSL_PTHREAD_SELF, sizeof(self));
    if (self != td || pthread_self() != self) {
        return false;
    }
    errno = 0x7a7a;
    memcpy(&got, td + CM_MUSL_PTHREAD_ERRNO, sizeof(got));
    if (got != 0x7a7a) {
        return false;
    }
    memcpy(&got, td + CM_MUSL_PTHREAD_TID, sizeof(got));
    if (got != getpid()) {
        return false;
    }
    if (pthread_key_create(&key, NULL) != 0 || pthread_setspecific(key, &value) != 0) {
        return false;
    }
    memcpy(&tsd, td + CM_MUSL_PTHREAD_TSD, sizeof(tsd));
    if (tsd != (void *)__pthread_tsd_main) {
        return false;
    }
    memcpy(&first, (char *)tsd + key * sizeof(void *), sizeof(first));
    memcpy(&locale, td + CM_MUSL_PTHREAD_LOCALE, sizeof(locale));
    return first == &value && locale == (void *)__libc.global_locale &&
           uselocale((locale_t)0) == LC_GLOBAL_LOCALE;
}

static bool check_libc(void)
{
    return __libc.page_size == 4096 && __libc.threaded == 0 && __libc.auxv != NULL;
}

static size_t write_nothing(FILE *f, const unsigned char *buf, size_t len)
{
    (void)f;
    (void)buf;
    return len;
}

static bool check_file(void)
{
    FILE *f = fopen("/dev/null", "r+");
    struct cm_musl_file *m = (struct cm_musl_file *)(void *)f;
    bool ok;

    if (((struct cm_musl_file *)(void *)stdin)->flags != (CM_MUSL_F_PERM | CM_MUSL_F_NOWR)) {
        return false;
    }
    if (f == NULL || m->fd != fileno(f) || m->buf_size != BUFSIZ || m->lock != -1 ||
        m->lbf != EOF || m->buf != (unsigned char *)(m + 1) + CM_MUSL_UNGET) {
        return false;
    }
    (void)fputc('x', f);
    ok = m->wpos == m->wbase + 1 && m->wbase == m->buf && *m->buf == 'x' &&
         m->wend == m->buf + BUFSIZ;
    m->write = write_nothing;
    m->wpos = m->wbase;
    (void)fflush(f);
    (void)fgetc(f);
    ok = ok && (m->flags & CM_MUSL_F_EOF) != 0 && feof(f) != 0;
    m->flags = CM_MUSL_F_ERR;
    ok = ok && ferror(f) != 0;
    m->flags = CM_MUSL_F_NORD;
    ok = ok && fgetc(f) == EOF;
    m->flags = 0;
    m->lock = 0;
    flockfile(f);
    ok = ok && (m->lock & 0x3fffffff) == getpid();
    funlockfile(f);
    ok = ok && m->lock == 0;
    (void)fclose(f);
    f = fopen("/dev/zero", "r");
    m = (struct cm_musl_file *)(void *)f;
    return ok && f != NULL && (m->flags & CM_MUSL_F_NOWR) != 0 && fgetc(f) == 0 &&
           m->rpos == m->buf + 1 && m->rend > m->rpos;
}

static void complain(const char *what)
{
    (void)dprintf(2,
                  "package musl-dev changed: %s is not as src/libc/inside_musl.h says, so the "
                  "inside C library cannot be built against it\n",
                  what);
}

int main(void)
{
    if (!check_libc()) {
        complain("struct __libc");
        return 1;
    }
    if (!check_thread()) {
        complain("struct pthread (fs:0x0, 0x30, 0x34, 0x80, 0xa8)");
        return 1;
    }
    if (!check_file()) {
        complain("FILE");
        return 1;
    }
    return 0;
}
