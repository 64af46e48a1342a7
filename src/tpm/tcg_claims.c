/*
 * What an event log says, as claims. Only registers whose replay equals a signed value are believed, and
 * of their events only what a digest is a hash of. Types and marks of events are hashed by nobody: what
 * stands on them alone is self-asserted.
 */
#include <string.h>

#include "evidence/claims.h"
#include "tpm/tcg_index.h"
#include "tpm/tcg_parts.h"

#define MAX_TEXT   4096
#define MAX_CLAIMS 512 /* of events, of each kind */

enum name {
    SECURE_BOOT,
    UEFI_DEBUG,
    CRTM_VERSION,
    KERNEL_CMDLINE,
    BOOT_STRING,
    BOOT_FILE,
    GCE_TECHNOLOGY,
    NAMES
};

static const char *const names[2][NAMES] = {
    {"tpm.secure_boot", "tpm.uefi_debug", "tpm.crtm_version", "tpm.kernel_cmdline",
     "tpm.boot_string", "tpm.boot_file", "tpm.gce_technology"},
    {"ccel.secure_boot", "ccel.uefi_debug", "ccel.crtm_version", "ccel.kernel_cmdline",
     "ccel.boot_string", "ccel.boot_file", "ccel.gce_technology"},
};

static const uint8_t global_guid[16] = {0x61, 0xdf, 0xe4, 0x8b, 0xca, 0x93, 0xd2, 0x11,
                                        0xaa, 0x0d, 0x00, 0xe0, 0x98, 0x03, 0x2b, 0x8c};
static const uint8_t security_guid[16] = {0xcb, 0xb2, 0x19, 0xd7, 0x3a, 0x3d, 0x96, 0x45,
                                          0xa3, 0xbc, 0xda, 0xd0, 0x0e, 0x67, 0x65, 0x6f};

static bool named(const struct cm_tcg_variable *v, const uint8_t guid[16], const char *name)
{
    size_t len = strlen(name);

    if (memcmp(v->guid, guid, 16) != 0 || v->name.len != 2 * len) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        if (v->name.ptr[2 * i] != (uint8_t)name[i] || v->name.ptr[2 * i + 1] != 0) {
            return false;
        }
    }
    return true;
}

static bool printable(uint8_t c)
{
    return (c >= 0x20 && c <= 0x7e) || c == '\n' || c == '\t';
}

/* Whether eight bytes are all from 0x20 to 0x7e: none less, none more, looked at together. */
static bool eight_printable(const uint8_t *at)
{
    const uint64_t ones = UINT64_MAX / 255;
    uint64_t x = 0;

    memcpy(&x, at, sizeof(x));
    return ((((x - ones * 0x20) & ~x) | (x + ones * (0x7f - 0x7e)) | x) & (ones * 0x80)) == 0;
}

/* Text that a person may be shown: printable ASCII, UTF-16 of that too; false for anything else. */
static bool as_text(struct cm_span in, char out[MAX_TEXT])
{
    const bool wide = in.len >= 2 && in.len % 2 == 0 && in.ptr[1] == 0;
    const size_t step = wide ? 2 : 1;
    const uint8_t *at = in.ptr;
    size_t n = 0;

    while (in.len >= step && in.ptr[in.len - step] == 0 && (!wide || in.ptr[in.len - 1] == 0)) {
        in.len -= step;
    }
    if (in.len == 0 || in.len / step > MAX_TEXT - 1) {
        return false;
    }
    for (; !wide && in.len - n >= 8 && eight_printable(at); n += 8, at += 8) {
        memcpy(out + n, at, 8);
    }
    for (; n < in.len / step; n++, at += step) {
        if (!printable(at[0]) || (wide && at[1] != 0)) {
            return false;
        }
        out[n] = (char)at[0];
    }
    out[n] = '\0';
    return true;
}

/* The registers that hold what, in a TPM and in a TD. */
struct registers {
    uint32_t firmware; /* CRTM version */
    uint32_t secure_boot;
    uint32_t strings; /* boot loader's */
    uint32_t files;
    uint32_t applications;
};

static struct registers registers_of(bool ccel)
{
    static const struct registers tpm = {0, 7, 8, 9, 4};
    static const struct registers td = {1, 1, 3, 3, 2}; /* 1 is RTMR 0 */

    return ccel ? td : tpm;
}

struct walk {
    const struct cm_tcg_index *index;
    const struct cm_tcg_claims *to;
    struct registers reg;
    const char *const *name;
    const char *alg;     /* of the bank */
    char text[MAX_TEXT]; /* of the event at hand */
};

/* The events one after the other, from *at == 0 on; NULL at the end. What extends nothing is left out. */
static struct cm_tcg_entry *next_event(const struct walk *w, size_t *at)
{
    while (*at < w->index->count) {
        struct cm_tcg_entry *x = &w->index->entries[(*at)++];

        if (x->event.type != CM_TCG_NO_ACTION) {
            return x;
        }
    }
    return NULL;
}

static bool trusted(const struct walk *w, uint32_t pcr)
{
    return pcr < CM_TPM_PCRS && (w->to->trusted >> pcr & 1) != 0;
}

/* A variable that the firmware measured before it handed over: proven there, or not at all. */
static void claim_variable(const struct walk *w, const struct cm_tcg_entry *x,
                           const struct cm_tcg_variable *v)
{
    static const struct {
        const char *name;
        const char *label;
        const uint8_t *guid;
    } keys[] = {{"PK", "uefi-pk", global_guid},
                {"KEK", "uefi-kek", global_guid},
                {"db", "uefi-db", security_guid},
                {"dbx", "uefi-dbx", security_guid}};

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        if (named(v, keys[i].guid, keys[i].name)) {
            struct cm_digest d = {keys[i].label, w->alg, CM_ROLE_CONFIG, x->digest};

            cm_claim_digest(w->to->ev, w->to->submod, &d);
        }
    }
}

/*
 * Secure boot's state, as the firmware measured it before the register's first separator. Whatever is
 * behind that may have been extended by anybody. In a TPM's register 7 every digest before it must be
 * explained by its data; a TD's register holds other things as well.
 */
static void claim_secure_boot(const struct walk *w)
{
    const size_t from = cm_evidence_mark(w->to->ev, w->to->submod);
    struct cm_tcg_entry *x = NULL;
    size_t at = 0;
    bool separated = false;
    bool clean = true;
    unsigned states = 0;
    bool on = false;
    bool debug = false;

    while (!separated && (x = next_event(w, &at)) != NULL) {
        struct cm_span proven = {NULL, 0};
        struct cm_tcg_variable v;

        if (x->event.pcr != w->reg.secure_boot) {
            continue;
        }
        separated = x->separator;
        if (separated) {
            break;
        }
        if (!cm_tcg_proven(w->index, x, &proven)) {
            clean = clean && w->to->ccel;
        } else if (x->event.type == CM_TCG_EFI_VARIABLE_CONFIG &&
                   cm_tcg_variable_read(proven, &v)) {
            if (named(&v, global_guid, "SecureBoot")) {
                states++;
                on = v.data.len == 1 && v.data.ptr[0] == 1;
            }
            claim_variable(w, x, &v);
        } else if (proven.len == 15 && memcmp(proven.ptr, "UEFI Debug Mode", 15) == 0) {
            debug = true;
        }
    }
    if (states != 0) {
        cm_claim_bool(w->to->ev, w->to->submod, w->name[SECURE_BOOT], on);
    }
    if (debug) {
        cm_claim_bool(w->to->ev, w->to->submod, w->name[UEFI_DEBUG], true);
    }
    if (trusted(w, w->reg.secure_boot) && separated && clean && states == 1) {
        cm_evidence_raise(w->to->ev, w->to->submod, from, w->to->authority);
    }
}

/* A statement of the firmware about itself: its version, or what Google's says of the machine. */
static void claim_firmware(struct walk *w, const struct cm_tcg_event *e, struct cm_span proven)
{
    static const char google[16] = "GCE NonHostInfo";

    if (e->type == CM_TCG_S_CRTM_VERSION) {
        if (as_text(proven, w->text)) {
            cm_claim_text(w->to->ev, w->to->submod, w->name[CRTM_VERSION], w->text);
        } else {
            cm_claim_bytes(w->to->ev, w->to->submod, w->name[CRTM_VERSION], proven);
        }
    } else if (e->type == CM_TCG_NONHOST_INFO && proven.len > 16 &&
               memcmp(proven.ptr, google, 16) == 0) {
        cm_claim_uint(w->to->ev, w->to->submod, w->name[GCE_TECHNOLOGY], proven.ptr[16]);
    }
}

/* Version and kind of machine stand in the firmware's register before its separator. */
static void claim_version(struct walk *w)
{
    struct cm_tcg_entry *x = NULL;
    size_t at = 0;

    while ((x = next_event(w, &at)) != NULL) {
        const size_t from = cm_evidence_mark(w->to->ev, w->to->submod);
        struct cm_span proven = {NULL, 0};

        if (x->event.pcr != w->reg.firmware) {
            continue;
        }
        if (x->separator) {
            return;
        }
        if (cm_tcg_proven(w->index, x, &proven)) {
            claim_firmware(w, &x->event, proven);
            if (trusted(w, x->event.pcr)) {
                cm_evidence_raise(w->to->ev, w->to->submod, from, w->to->authority);
            }
        }
    }
}

/* A boot loader's string of which the digest was extended. */
static void claim_string(struct walk *w, const struct cm_tcg_event *e, struct cm_span proven,
                         bool *cmdline)
{
    static const char mark[] = "kernel_cmdline: ";
    const size_t mark_len = sizeof(mark) - 1;

    if (!as_text(proven, w->text)) {
        return;
    }
    cm_claim_text(w->to->ev, w->to->submod, w->name[BOOT_STRING], w->text);
    *cmdline = e->data.len > mark_len && memcmp(e->data.ptr, mark, mark_len) == 0;
}

/*
 * Boot loader's strings. All that are proven are claims; the kernel's command line is raised only if the
 * mark stands once and every digest of the register is explained, since marks are hashed by nobody.
 */
static void claim_strings(struct walk *w)
{
    struct cm_tcg_entry *x = NULL;
    size_t at = 0;
    struct cm_span line = {NULL, 0};
    unsigned lines = 0;
    unsigned unexplained = 0;
    unsigned files = 0;
    unsigned count = 0;

    while ((x = next_event(w, &at)) != NULL) {
        const struct cm_tcg_event *e = &x->event;
        const size_t from = cm_evidence_mark(w->to->ev, w->to->submod);
        struct cm_span proven = {NULL, 0};
        bool cmdline = false;

        if (e->type != CM_TCG_IPL || (e->pcr != w->reg.strings && e->pcr != w->reg.files)) {
            unexplained += e->pcr == w->reg.strings && !x->separator;
            continue;
        }
        if (!cm_tcg_proven(w->index, x, &proven)) {
            unexplained += e->pcr == w->reg.strings && !w->to->ccel;
            if (as_text(e->data, w->text) && files++ < MAX_CLAIMS) {
                cm_claim_text(w->to->ev, w->to->submod, w->name[BOOT_FILE], w->text);
            }
            continue;
        }
        if (count++ < MAX_CLAIMS) {
            claim_string(w, e, proven, &cmdline);
            if (trusted(w, e->pcr)) {
                cm_evidence_raise(w->to->ev, w->to->submod, from, w->to->authority);
            }
        }
        if (cmdline) {
            line = proven;
            lines++;
        }
    }
    if (lines != 0 && as_text(line, w->text)) {
        const size_t from = cm_evidence_mark(w->to->ev, w->to->submod);

        cm_claim_text(w->to->ev, w->to->submod, w->name[KERNEL_CMDLINE], w->text);
        if (trusted(w, w->reg.strings) && lines == 1 && unexplained == 0) {
            cm_evidence_raise(w->to->ev, w->to->submod, from, w->to->authority);
        }
    }
}

/* The digests of what was started and read: all of the register, since types prove nothing. */
static void claim_digests(const struct walk *w, uint32_t pcr, const char *label)
{
    const size_t from = cm_evidence_mark(w->to->ev, w->to->submod);
    const struct cm_tcg_entry *x = NULL;
    size_t at = 0;
    unsigned count = 0;

    while ((x = next_event(w, &at)) != NULL && count < MAX_CLAIMS) {
        const struct cm_digest d = {label, w->alg, CM_ROLE_LAUNCH, x->digest};

        if (x->event.pcr == pcr && d.value.ptr != NULL && !x->separator) {
            cm_claim_digest(w->to->ev, w->to->submod, &d);
            count++;
        }
    }
    if (trusted(w, pcr)) {
        cm_evidence_raise(w->to->ev, w->to->submod, from, w->to->authority);
    }
}

void cm_tcg_claim(const struct cm_tcg_index *index, const struct cm_tcg_claims *to)
{
    struct walk w; /* without a value: most of it is room for text */

    w.index = index;
    w.to = to;
    w.reg = registers_of(to->ccel);
    w.name = names[to->ccel ? 1 : 0];
    w.alg = cm_tpm_hash_name(index->alg);
    claim_version(&w);
    claim_secure_boot(&w);
    claim_strings(&w);
    claim_digests(&w, w.reg.applications, to->ccel ? "rtmr1-event" : "pcr4-event");
    claim_digests(&w, w.reg.files, to->ccel ? "rtmr2-event" : "pcr9-event");
    if (!to->ccel) {
        cm_tcg_claim_windows(index, to);
    }
    if (to->events) {
        cm_tcg_claim_events(index, to);
    }
}
