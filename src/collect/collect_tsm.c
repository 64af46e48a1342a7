/*
 * Reports through Linux's configfs-tsm (Documentation/ABI/testing/configfs-tsm-report); see collect.h.
 * UNTRUSTED: what the files hold.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collect/collect.h"
#include "common/span.h"
#include "common/try.h"

#define REPORT_DATA 64
#define MAX_BLOB    65536 /* the kernel's own limit is 32 KiB */
#define TRIES       8
#define NAP_MS      20

struct run {
    const struct cm_tsm_fs *fs;
    const struct cm_tsm_wish *wish;
    char name[32];
    uint64_t generation; /* that our own writes have led to */
    uint8_t *blob;       /* MAX_BLOB bytes */
    struct cm_collected *out;
    struct cm_why *why;
};

static enum cm_status status_of(int error)
{
    switch (error) {
    case 0:
        return CM_OK;
    case ENOENT:
    case ENXIO:
    case ENODEV:
    case ENOTDIR:
        return CM_ERR_NOTFOUND;
    case EACCES:
    case EPERM:
        return CM_ERR_DENIED;
    case EBUSY:
    case EAGAIN:
    case EINTR:
        return CM_ERR_BUSY;
    case ENOMEM:
        return CM_ERR_NOMEM;
    default:
        return CM_ERR_PLATFORM;
    }
}

static enum cm_status failed(const struct run *r, const char *what, int error)
{
    if (error != 0) {
        cm_why_set(r->why, "configfs-tsm: %s: %s", what, strerror(error));
    }
    return status_of(error);
}

static enum cm_status get(const struct run *r, const char *attr, uint8_t *out, size_t cap,
                          size_t *len)
{
    return failed(r, attr, r->fs->get(r->fs->ctx, r->name, attr, out, cap, len));
}

/* A decimal number in a file. */
static enum cm_status get_number(const struct run *r, const char *attr, uint64_t *out)
{
    char text[24] = "";
    size_t len = 0;
    char *end = NULL;
    enum cm_status st = get(r, attr, (uint8_t *)text, sizeof(text) - 1, &len);

    if (st != CM_OK) {
        return st;
    }
    text[len] = '\0';
    errno = 0;
    *out = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || errno != 0 || (*end != '\n' && *end != '\0')) {
        cm_why_set(r->why, "configfs-tsm: %s is no number", attr);
        return CM_ERR_FORMAT;
    }
    return CM_OK;
}

/* Each write makes the report's generation one more. */
static enum cm_status put(struct run *r, const char *attr, struct cm_span bytes)
{
    enum cm_status st = failed(r, attr, r->fs->put(r->fs->ctx, r->name, attr, bytes));

    r->generation += st == CM_OK ? 1 : 0;
    return st;
}

/* The level to ask for, where the provider has levels. */
static enum cm_status put_level(struct run *r)
{
    struct cm_why ignored = {{0}};
    struct run quiet = *r;
    uint64_t floor = 0;
    char text[24] = "";
    int n = 0;
    enum cm_status st = CM_OK;

    quiet.why = &ignored;
    st = get_number(&quiet, "privlevel_floor", &floor);
    if (st == CM_ERR_NOTFOUND && r->wish->privlevel < 0) {
        return CM_OK;
    }
    if (st != CM_OK && st != CM_ERR_NOTFOUND) {
        cm_why_set(r->why, "%s", ignored.text);
        return st;
    }
    n = snprintf(text, sizeof(text), "%llu",
                 r->wish->privlevel < 0 ? (unsigned long long)floor
                                        : (unsigned long long)r->wish->privlevel);
    return put(r, "privlevel", cm_span_make(text, (size_t)n));
}

static enum cm_status write_wish(struct run *r)
{
    uint8_t data[REPORT_DATA] = {0};
    enum cm_status st = CM_OK;

    memcpy(data, r->wish->nonce.ptr, r->wish->nonce.len);
    CM_TRY(get_number(r, "generation", &r->generation));
    CM_TRY(put(r, "inblob", cm_span_make(data, sizeof(data))));
    CM_TRY(put_level(r));
    if (r->wish->svsm) {
        CM_TRY(put(r, "service_provider", cm_span_make("svsm", 4)));
    }
out:
    return st;
}

static enum cm_status add_blob(struct run *r, const char *attr, enum cm_material_kind kind,
                               const char *suffix)
{
    size_t len = 0;
    enum cm_status st = get(r, attr, r->blob, MAX_BLOB, &len);

    return st != CM_OK || len == 0
               ? st
               : cm_collected_add(r->out, kind, suffix, cm_span_make(r->blob, len));
}

/* What kind of report the provider makes. */
static enum cm_status read_provider(struct run *r)
{
    static const struct {
        const char *name;
        enum cm_format format;
    } providers[] = {{"sev_guest", CM_FORMAT_SNP},
                     {"tdx_guest", CM_FORMAT_DCAP},
                     {"arm-cca-guest", CM_FORMAT_CCA},
                     {"arm_cca_guest", CM_FORMAT_CCA}};
    char text[64] = "";
    size_t len = 0;
    enum cm_status st = get(r, "provider", (uint8_t *)text, sizeof(text) - 1, &len);

    text[strcspn(text, "\n")] = '\0';
    for (size_t i = 0; st == CM_OK && i < sizeof(providers) / sizeof(providers[0]); i++) {
        if (strcmp(text, providers[i].name) == 0) {
            r->out->format = providers[i].format;
            return CM_OK;
        }
    }
    cm_why_set(r->why, "configfs-tsm: the provider is \"%.40s\", which is not known", text);
    return st == CM_OK ? CM_ERR_UNSUPPORTED : st;
}

/* Everything once; CM_ERR_BUSY if somebody else's write was in between. */
static enum cm_status read_report(struct run *r)
{
    struct cm_why ignored = {{0}};
    struct run quiet = *r;
    uint64_t now = 0;
    enum cm_status st = CM_OK;

    quiet.why = &ignored;
    cm_collected_free(r->out);
    CM_TRY(read_provider(r));
    CM_TRY(add_blob(r, "outblob", (enum cm_material_kind)0, ""));
    if (r->out->format == CM_FORMAT_SNP) { /* empty, or absent, where the host gave none */
        st = add_blob(&quiet, "auxblob", CM_MATERIAL_CERTS, ".certs");
        st = st == CM_ERR_NOTFOUND ? CM_OK : st;
        CM_TRY(st);
    }
    if (r->wish->svsm) {
        CM_TRY(add_blob(r, "manifestblob", CM_COLLECT_ASIDE, ".manifest"));
    }
    CM_TRY(get_number(r, "generation", &now));
    if (now != r->generation) {
        cm_why_set(r->why, "configfs-tsm: somebody else wrote to the report meanwhile");
        st = CM_ERR_BUSY;
    } else if (r->out->count == 0) {
        cm_why_set(r->why, "configfs-tsm: the report is empty");
        st = CM_ERR_PLATFORM;
    }
out:
    return st;
}

/* A folder of our own. */
static enum cm_status make_folder(struct run *r)
{
    int error = EEXIST;

    for (unsigned i = 0; error == EEXIST && i < 64; i++) {
        (void)snprintf(r->name, sizeof(r->name), "casemate-%u", i);
        error = r->fs->make(r->fs->ctx, r->name);
    }
    return failed(r, "mkdir", error);
}

enum cm_status cm_collect_tsm(const struct cm_tsm_fs *fs, const struct cm_tsm_wish *wish,
                              struct cm_collected *out, struct cm_why *why)
{
    struct run r = {.fs = fs, .wish = wish, .out = out, .why = why};
    enum cm_status st = CM_ERR_BUSY;

    cm_collected_free(out);
    if (wish->nonce.len == 0 || wish->nonce.len > REPORT_DATA) {
        cm_why_set(why, "a challenge has 1 to %d bytes", REPORT_DATA);
        return CM_ERR_PARAM;
    }
    r.blob = malloc(MAX_BLOB);
    if (r.blob == NULL) {
        return CM_ERR_NOMEM;
    }
    st = make_folder(&r);
    if (st != CM_OK) {
        free(r.blob);
        return st;
    }
    st = CM_ERR_BUSY;
    for (unsigned i = 0; i < TRIES && st == CM_ERR_BUSY; i++) {
        struct cm_why once = {{0}};

        if (i != 0) {
            fs->nap(fs->ctx, NAP_MS);
        }
        r.why = &once;
        st = write_wish(&r);
        st = st == CM_OK ? read_report(&r) : st;
        if (st != CM_OK && (st != CM_ERR_BUSY || i + 1 == TRIES)) {
            cm_why_set(why, "%s", once.text);
        }
    }
    (void)fs->drop(fs->ctx, r.name);
    if (st == CM_OK && out->format == CM_FORMAT_SNP && out->count == 1) {
        out->missing =
            "the VCEK's and its issuers' certificates (--with certs:FILE), from AMD's service";
    } else if (st == CM_OK && out->format == CM_FORMAT_DCAP) {
        out->missing = "Intel's collateral (casemate collateral)";
    } else if (st == CM_OK && out->format == CM_FORMAT_CCA) {
        out->missing = "the platform's key (--key FILE), from its maker";
    }
    if (st != CM_OK) {
        cm_collected_free(out);
    }
    free(r.blob);
    return st;
}
