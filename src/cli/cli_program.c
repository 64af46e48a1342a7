/*
 * Can this program be started, and does a preloaded library reach it? See cli_program.h.
 *
 * LD_PRELOAD is the dynamic linker's: where there is none, or where it ignores the variable, the
 * program would run as if nothing had been asked for and find no device. UNTRUSTED: the file.
 */
#include "cli/cli_program.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "common/reader.h"
#include "common/try.h"

#define PATH_ROOM    4096u
#define HEAD_SIZE    256u   /* what the kernel looks at: BINPRM_BUF_SIZE */
#define PHDRS_MAX    65536u /* bytes; the kernel takes no more */
#define SCRIPT_DEPTH 5      /* interpreters of interpreters, as the kernel counts */

/* ------------------------------------------------------------------ finding */

static enum cm_status refuse(enum cm_status st, int code, int *exit_code)
{
    *exit_code = code;
    return st;
}

/* One candidate. CM_ERR_NOTFOUND: look on; CM_ERR_DENIED: there, but no program. */
static enum cm_status look_at(const char *path)
{
    struct stat sb;

    if (stat(path, &sb) != 0) {
        return errno == EACCES ? CM_ERR_DENIED : CM_ERR_NOTFOUND;
    }
    return S_ISREG(sb.st_mode) && access(path, X_OK) == 0 ? CM_OK : CM_ERR_DENIED;
}

/* As execvp does: a name with a slash is a path, any other is looked for in PATH. */
static enum cm_status find(const char *name, char out[PATH_ROOM])
{
    const char *list = getenv("PATH");
    enum cm_status st = CM_ERR_NOTFOUND;

    if (name[0] == '\0') {
        return CM_ERR_NOTFOUND;
    }
    if (strchr(name, '/') != NULL) {
        list = NULL;
        if (snprintf(out, PATH_ROOM, "%s", name) >= (int)PATH_ROOM) {
            return CM_ERR_NOTFOUND;
        }
        return look_at(out);
    }
    for (const char *p = list != NULL ? list : "/bin:/usr/bin"; st != CM_OK;) {
        size_t len = strcspn(p, ":");
        int n = snprintf(out, PATH_ROOM, "%.*s%s%s", (int)len, p, len == 0 ? "" : "/", name);
        enum cm_status here = n > 0 && (size_t)n < PATH_ROOM ? look_at(out) : CM_ERR_NOTFOUND;

        st = here == CM_ERR_NOTFOUND ? st : here;
        if (p[len] == '\0') {
            break;
        }
        p += len + 1;
    }
    return st;
}

/* ------------------------------------------------------------------ looking inside */

struct program {
    int fd;
    struct stat sb;
    uint8_t head[HEAD_SIZE];
    size_t head_len;
};

static enum cm_status open_program(const char *path, struct program *p)
{
    ssize_t n = 0;

    p->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (p->fd < 0 || fstat(p->fd, &p->sb) != 0) {
        return CM_ERR_IO;
    }
    n = pread(p->fd, p->head, sizeof(p->head), 0);
    if (n < 0) {
        return CM_ERR_IO;
    }
    p->head_len = (size_t)n;
    return CM_OK;
}

/* The path behind "#!". CM_ERR_NOTFOUND: not a script. */
static enum cm_status script_interpreter(const struct program *p, char out[PATH_ROOM])
{
    size_t at = 2;
    size_t len = 0;

    if (p->head_len < 2 || p->head[0] != '#' || p->head[1] != '!') {
        return CM_ERR_NOTFOUND;
    }
    while (at < p->head_len && (p->head[at] == ' ' || p->head[at] == '\t')) {
        at++;
    }
    while (at + len < p->head_len && strchr(" \t\n", p->head[at + len]) == NULL) {
        len++;
    }
    if (len == 0 || memchr(p->head + at, '\0', len) != NULL || at + len == HEAD_SIZE) {
        return CM_ERR_FORMAT; /* none, or cut off where the kernel stops to read */
    }
    memcpy(out, p->head + at, len);
    out[len] = '\0';
    return CM_OK;
}

/* CM_OK: an ELF file for this processor with a dynamic linker. CM_ERR_NOTFOUND: not ELF. */
static enum cm_status elf_takes_preload(const struct program *p)
{
    enum cm_status st = CM_OK;
    struct cm_rd r = cm_rd_init(cm_span_make(p->head, p->head_len));
    uint8_t ident[EI_NIDENT] = {0};
    uint8_t *table = NULL;
    uint64_t offset = 0;
    uint16_t machine = 0;
    uint16_t entry_size = 0;
    uint16_t count = 0;
    size_t bytes = 0;

    cm_rd_copy(&r, ident, sizeof(ident));
    (void)cm_rd_u16le(&r); /* type */
    machine = cm_rd_u16le(&r);
    (void)cm_rd_take(&r, 12); /* version, entry */
    offset = cm_rd_u64le(&r);
    (void)cm_rd_take(&r, 14); /* sections, flags, size of the header */
    entry_size = cm_rd_u16le(&r);
    count = cm_rd_u16le(&r);
    if (p->head_len < SELFMAG || memcmp(ident, ELFMAG, SELFMAG) != 0) {
        return CM_ERR_NOTFOUND;
    }
    if (r.bad || entry_size != sizeof(Elf64_Phdr) || offset > INT64_MAX) {
        st = r.bad || ident[EI_CLASS] == ELFCLASS64 ? CM_ERR_FORMAT : CM_ERR_UNSUPPORTED;
        goto out;
    }
    if (ident[EI_CLASS] != ELFCLASS64 || machine != EM_X86_64) {
        st = CM_ERR_UNSUPPORTED;
        goto out;
    }
    bytes = (size_t)count * sizeof(Elf64_Phdr);
    table = bytes != 0 && bytes <= PHDRS_MAX ? malloc(bytes) : NULL;
    if (table == NULL) {
        st = bytes != 0 && bytes <= PHDRS_MAX ? CM_ERR_NOMEM : CM_ERR_FORMAT;
        goto out;
    }
    if (pread(p->fd, table, bytes, (off_t)offset) != (ssize_t)bytes) {
        st = CM_ERR_FORMAT;
        goto out;
    }
    r = cm_rd_init(cm_span_make(table, bytes));
    st = CM_ERR_UNSUPPORTED;
    for (uint16_t i = 0; i < count && st != CM_OK; i++) {
        st = cm_rd_u32le(&r) == PT_INTERP ? CM_OK : st;
        (void)cm_rd_take(&r, sizeof(Elf64_Phdr) - sizeof(uint32_t));
    }
out:
    free(table);
    return st;
}

/* Will the kernel set AT_SECURE, under which the dynamic linker ignores LD_PRELOAD? */
static bool gains_rights(const struct program *p)
{
    bool uid = (p->sb.st_mode & S_ISUID) != 0 && p->sb.st_uid != getuid();
    bool gid =
        (p->sb.st_mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP) && p->sb.st_gid != getgid();
    bool capable = getuid() != 0 && fgetxattr(p->fd, "security.capability", NULL, 0) > 0;

    return uid || gid || capable;
}

static enum cm_status explain(enum cm_status st, const char *name, bool script, struct cm_why *why)
{
    const char *what = script ? "the interpreter of " : "";

    if (st == CM_ERR_UNSUPPORTED) {
        cm_why_set(why, "%s%s is static or not x86-64: only dynamic programs are served", what,
                   name);
    } else if (st == CM_ERR_DENIED) {
        cm_why_set(why, "%s%s runs with the rights of others (setuid): run it as its owner", what,
                   name);
    } else if (st == CM_ERR_FORMAT) {
        cm_why_set(why, "%s%s is damaged: no program that Linux starts", what, name);
    } else if (st == CM_ERR_NOTFOUND) {
        cm_why_set(why, "the interpreter of %s is not there", name);
    } else if (st != CM_OK) {
        cm_why_set(why, "%s%s: cannot see whether it is static: %s", what, name, strerror(errno));
    }
    return st;
}

/* Follow scripts to the program that the kernel loads, and look at that. */
static enum cm_status takes_preload(const char *name, char path[PATH_ROOM], struct cm_why *why)
{
    enum cm_status st = CM_ERR_FORMAT; /* too many scripts */
    bool script = false;

    for (int depth = 0; depth < SCRIPT_DEPTH; depth++) {
        struct program p = {.fd = -1};

        st = look_at(path);
        if (st != CM_OK && script) {
            return explain(CM_ERR_NOTFOUND, name, script, why);
        }
        st = open_program(path, &p);
        if (st == CM_OK) {
            st = script_interpreter(&p, path);
        }
        if (st == CM_ERR_NOTFOUND) {
            st = elf_takes_preload(&p);
            /* neither script nor ELF: a shell will read it, or a handler that root has set up */
            st = st == CM_ERR_NOTFOUND ? CM_OK : st;
            st = st == CM_OK && gains_rights(&p) ? CM_ERR_DENIED : st;
            (void)(p.fd >= 0 && close(p.fd));
            return explain(st, name, script, why);
        }
        (void)(p.fd >= 0 && close(p.fd));
        if (st != CM_OK) {
            break;
        }
        script = true;
        st = CM_ERR_FORMAT;
    }
    return explain(st, name, script, why);
}

enum cm_status cm_cli_program_check(const char *name, bool preload, int *exit_code,
                                    struct cm_why *why)
{
    char path[PATH_ROOM];
    enum cm_status st = find(name, path);

    if (st == CM_ERR_NOTFOUND) {
        cm_why_set(why, "%s: not found%s", name,
                   strchr(name, '/') == NULL ? " in PATH (here? write ./ before it)" : "");
        return refuse(st, CM_EXIT_NOT_FOUND, exit_code);
    }
    if (st != CM_OK) {
        cm_why_set(why, "%s: not executable (chmod +x makes a file a program)", name);
        return refuse(st, CM_EXIT_NO_START, exit_code);
    }
    if (!preload) {
        return CM_OK;
    }
    st = takes_preload(name, path, why);
    if (st != CM_OK) {
        return refuse(st, st == CM_ERR_NOTFOUND ? CM_EXIT_NOT_FOUND : CM_EXIT_NO_START, exit_code);
    }
    return CM_OK;
}
