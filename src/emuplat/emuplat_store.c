/* The state file and its lock; see emuplat_store.h. */
#include "emuplat/emuplat_store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/try.h"
#include "common/wipe.h"
#include "emuplat/emuplat_issue.h"
#include "os/os.h"

#define LOCK_NAME CM_EMUPLAT_FILE ".lock"
#define PATH_CAP  4096u

uint64_t cm_emuplat_clock(void)
{
    time_t now = time(NULL);

    return now > 0 ? (uint64_t)now : 0;
}

static enum cm_status path_of(const char *name, char out[PATH_CAP], struct cm_why *why)
{
    enum cm_status st = cm_state_dir(out, PATH_CAP - 64, why);

    if (st == CM_OK) {
        size_t len = strlen(out);

        (void)snprintf(out + len, PATH_CAP - len, "/%s", name);
    }
    return st;
}

/* One writer at a time, among threads and processes; waits. The descriptor, or -1 and *st. */
static int lock(enum cm_status *st, struct cm_why *why)
{
    char path[PATH_CAP] = "";
    int fd = -1;

    *st = path_of(LOCK_NAME, path, why);
    if (*st == CM_OK) {
        *st = cm_file_lock(path, &fd, why);
    }
    return fd;
}

void cm_emuplat_close(struct cm_emuplat *e)
{
    cm_emuplat_state_free(e->state);
    cm_wipe(e, sizeof(*e));
}

/* What is there, neither made nor renewed; e->state is NULL when there is no state yet. */
static enum cm_status peek(struct cm_emuplat *e, struct cm_why *why)
{
    char path[PATH_CAP] = "";
    struct cm_why system = {{0}};
    uint8_t *file = NULL;
    size_t len = 0;
    enum cm_status st = CM_OK;

    memset(e, 0, sizeof(*e));
    CM_TRY(cm_emuplat_cpu_load(&e->cpu, why));
    CM_TRY(path_of(CM_EMUPLAT_FILE, path, why));
    st = cm_file_read_private(path, CM_EMUPLAT_MAX_FILE, &file, &len, &system);
    if (st == CM_OK) {
        st = cm_emuplat_file_parse(cm_span_make(file, len), &e->cpu, &e->state);
    } else if (st == CM_ERR_NOTFOUND) {
        st = CM_OK;
        goto out;
    } else if (st == CM_ERR_LIMIT) {
        st = CM_ERR_FORMAT; /* longer than any state */
    }
    if (st == CM_ERR_FORMAT) {
        cm_why_set(why,
                   "%s: damaged. Restore it, or make a new platform (and lose what this one "
                   "sealed): casemate platform reset --yes",
                   path);
    } else if (st == CM_ERR_MISMATCH) {
        cm_why_set(why,
                   "%s: belongs to another emulated processor. Restore sgx-platform beside it, "
                   "or: casemate platform reset --yes",
                   path);
    } else if (st != CM_OK) {
        cm_why_set(why, "%s", system.text);
    }
out:
    if (file != NULL) {
        cm_wipe(file, len);
        free(file);
    }
    if (st != CM_OK) {
        cm_emuplat_close(e);
    }
    return st;
}

/* Replace the file; the first one must not replace another's. */
static enum cm_status save(const struct cm_emuplat *e, bool first, struct cm_why *why)
{
    char path[PATH_CAP] = "";
    uint8_t *file = NULL;
    size_t len = 0;
    enum cm_status st = CM_OK;

    CM_TRY(path_of(CM_EMUPLAT_FILE, path, why));
    CM_TRY(cm_emuplat_file_compose(e->state, &e->cpu, &file, &len));
    if (first) {
        CM_TRY(cm_file_create_once(path, cm_span_make(file, len), 0600, why));
    } else {
        CM_TRY(cm_file_write_atomic(path, cm_span_make(file, len), 0600, why));
    }
out:
    if (file != NULL) {
        cm_wipe(file, len);
        free(file);
    }
    return st;
}

static bool due(const struct cm_emuplat_state *s, uint64_t now)
{
    return now >= s->issued + CM_EMUPLAT_RENEW;
}

static enum cm_status alive(const struct cm_emuplat_state *s, uint64_t now, struct cm_why *why)
{
    if (s->next_update > s->not_after || now > s->not_after) {
        cm_why_set(why, "the emulated platform's certificates have expired. A new platform (what "
                        "this one sealed is lost): casemate platform reset --yes");
        return CM_ERR_EXPIRED;
    }
    return CM_OK;
}

/* With the lock held: what is there, made when missing, renewed when due. */
static enum cm_status settle(uint64_t now, struct cm_emuplat *e, struct cm_why *why)
{
    enum cm_status st = peek(e, why);

    if (st == CM_OK && e->state == NULL) {
        CM_TRY(cm_emuplat_make(&e->cpu, now, &e->state));
        CM_TRY(save(e, true, why));
        cm_emuplat_close(e);
        st = peek(e, why); /* whatever got the name is the platform */
    }
    if (st == CM_OK && e->state == NULL) {
        st = CM_ERR_BUSY;
        cm_why_set(why, "the platform's state disappears while it is used; try again");
    }
    if (st != CM_OK) {
        goto out;
    }
    CM_TRY(alive(e->state, now, why));
    if (due(e->state, now)) {
        CM_TRY(cm_emuplat_issue(&e->cpu, now, e->state));
        CM_TRY(alive(e->state, now, why));
        CM_TRY(save(e, false, why));
    }
out:
    if (st != CM_OK) {
        cm_emuplat_close(e);
    }
    return st;
}

enum cm_status cm_emuplat_open(uint64_t now, struct cm_emuplat *out, struct cm_why *why)
{
    struct cm_emuplat e;
    struct cm_why quiet = {{0}};
    enum cm_status st = peek(&e, &quiet);
    int fd = -1;

    if (st == CM_OK && e.state != NULL && !due(e.state, now)) {
        st = alive(e.state, now, why);
        goto out;
    }
    /* to be made or renewed; or it was exchanged between the two reads, which the lock excludes */
    if (st == CM_OK || st == CM_ERR_MISMATCH) {
        cm_emuplat_close(&e);
        fd = lock(&st, why);
        if (fd >= 0) {
            st = settle(now, &e, why);
        }
        cm_file_unlock(fd);
    } else {
        cm_why_set(why, "%s", quiet.text);
    }
out:
    if (st == CM_OK) {
        *out = e;
    } else {
        cm_emuplat_close(&e);
    }
    return st;
}

static bool settable(enum cm_dcap_tcb tcb)
{
    return tcb == CM_DCAP_REVOKED ||
           ((int)tcb >= 0 && tcb <= CM_DCAP_OUT_OF_DATE_CONFIGURATION_NEEDED);
}

static enum cm_status set_tcb(uint64_t now, enum cm_dcap_tcb tcb, struct cm_emuplat_state *s)
{
    if (s->evaluation == UINT32_MAX) {
        return CM_ERR_LIMIT;
    }
    s->tcb = tcb;
    s->evaluation++;
    s->tcb_changed = now > s->tcb_changed ? now : s->tcb_changed;
    return CM_OK;
}

static enum cm_status revoke_pck(struct cm_emuplat_state *s, struct cm_why *why)
{
    if (cm_emuplat_is_revoked(s)) {
        return CM_OK;
    }
    if (s->revoked_count == CM_EMUPLAT_MAX_REVOKED) {
        cm_why_set(why,
                   "%u PCK certificates are revoked, which is the limit: casemate platform "
                   "reset --yes makes a new platform",
                   s->revoked_count);
        return CM_ERR_LIMIT;
    }
    memcpy(s->revoked[s->revoked_count], s->pck_serial, sizeof(s->pck_serial));
    s->revoked_count++;
    return CM_OK;
}

enum cm_status cm_emuplat_apply(uint64_t now, enum cm_emuplat_change change, enum cm_dcap_tcb tcb,
                                struct cm_why *why)
{
    struct cm_emuplat e;
    enum cm_status st = CM_OK;
    int fd = -1;

    memset(&e, 0, sizeof(e));
    if (change == CM_EMUPLAT_SET_TCB && !settable(tcb)) {
        cm_why_set(why, "not a status that a platform can have");
        return CM_ERR_PARAM;
    }
    fd = lock(&st, why);
    if (fd < 0) {
        goto out;
    }
    CM_TRY(settle(now, &e, why));
    switch (change) {
    case CM_EMUPLAT_SET_TCB:
        CM_TRY(set_tcb(now, tcb, e.state));
        break;
    case CM_EMUPLAT_REVOKE:
        CM_TRY(revoke_pck(e.state, why));
        break;
    case CM_EMUPLAT_ROTATE:
        CM_TRY(cm_emuplat_rekey(&e.cpu, now, e.state));
        break;
    }
    CM_TRY(cm_emuplat_issue(&e.cpu, now, e.state));
    CM_TRY(save(&e, false, why));
out:
    cm_file_unlock(fd);
    cm_emuplat_close(&e);
    return st;
}

static enum cm_status drop(const char *name, struct cm_why *why)
{
    char path[PATH_CAP] = "";
    enum cm_status st = path_of(name, path, why);

    if (st == CM_OK && unlink(path) != 0 && errno != ENOENT) {
        st = CM_ERR_IO;
        cm_why_set(why, "%s: %s", path, strerror(errno));
    }
    return st;
}

enum cm_status cm_emuplat_discard(struct cm_why *why)
{
    enum cm_status st = CM_OK;
    int fd = lock(&st, why);

    if (fd < 0) {
        return st;
    }
    CM_TRY(drop(CM_EMUPLAT_FILE, why)); /* first: a state without its processor is refused */
    CM_TRY(drop(CM_EMU_PLATFORM_FILE, why));
out:
    cm_file_unlock(fd);
    return st;
}
