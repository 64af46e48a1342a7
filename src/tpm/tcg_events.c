/*
 * What a log proves, as the JSON that policies query. A digest proves an event's data and its place in
 * its register, but neither its type nor its place among other registers' events. So types are taken
 * from the data where policies rely on them, and nothing that somebody else than the firmware may have
 * extended stands for the firmware's word.
 */
#include <stdlib.h>
#include <string.h>

#include "common/checked.h"
#include "common/hex.h"
#include "evidence/claims.h"
#include "tpm/tcg_index.h"
#include "tpm/tcg_parts.h"
#include "tpm/wbcl.h"

#define FIRMWARE   8u /* registers 0 to 7 are the firmware's, until their first separator */
#define VARIABLES  1u
#define SECUREBOOT 7u
#define MAX_JSON   ((size_t)4 << 20)

static const struct {
    uint32_t type;
    const char *name;
} types[] = {
    {CM_TCG_PREBOOT_CERT, "EV_PREBOOT_CERT"},
    {CM_TCG_POST_CODE, "EV_POST_CODE"},
    {CM_TCG_NO_ACTION, "EV_NO_ACTION"},
    {CM_TCG_SEPARATOR, "EV_SEPARATOR"},
    {CM_TCG_ACTION, "EV_ACTION"},
    {CM_TCG_EVENT_TAG, "EV_EVENT_TAG"},
    {0x00000007u, "EV_S_CRTM_CONTENTS"},
    {CM_TCG_S_CRTM_VERSION, "EV_S_CRTM_VERSION"},
    {0x00000009u, "EV_CPU_MICROCODE"},
    {0x0000000Au, "EV_PLATFORM_CONFIG_FLAGS"},
    {0x0000000Bu, "EV_TABLE_OF_DEVICES"},
    {0x0000000Cu, "EV_COMPACT_HASH"},
    {CM_TCG_IPL, "EV_IPL"},
    {0x0000000Eu, "EV_IPL_PARTITION_DATA"},
    {0x0000000Fu, "EV_NONHOST_CODE"},
    {0x00000010u, "EV_NONHOST_CONFIG"},
    {CM_TCG_NONHOST_INFO, "EV_NONHOST_INFO"},
    {0x00000012u, "EV_OMIT_BOOT_DEVICE_EVENTS"},
    {CM_TCG_EFI_VARIABLE_CONFIG, "EV_EFI_VARIABLE_DRIVER_CONFIG"},
    {CM_TCG_EFI_VARIABLE_BOOT, "EV_EFI_VARIABLE_BOOT"},
    {CM_TCG_EFI_BOOT_APPLICATION, "EV_EFI_BOOT_SERVICES_APPLICATION"},
    {0x80000004u, "EV_EFI_BOOT_SERVICES_DRIVER"},
    {0x80000005u, "EV_EFI_RUNTIME_SERVICES_DRIVER"},
    {0x80000006u, "EV_EFI_GPT_EVENT"},
    {CM_TCG_EFI_ACTION, "EV_EFI_ACTION"},
    {0x80000008u, "EV_EFI_PLATFORM_FIRMWARE_BLOB"},
    {0x80000009u, "EV_EFI_HANDOFF_TABLES"},
    {0x8000000Au, "EV_EFI_PLATFORM_FIRMWARE_BLOB2"},
    {0x8000000Bu, "EV_EFI_HANDOFF_TABLES2"},
    {0x8000000Cu, "EV_EFI_VARIABLE_BOOT2"},
    {CM_TCG_EFI_HCRTM, "EV_EFI_HCRTM_EVENT"},
    {CM_TCG_EFI_VARIABLE_AUTHORITY, "EV_EFI_VARIABLE_AUTHORITY"},
};

static const char *type_name(uint32_t type)
{
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (types[i].type == type) {
            return types[i].name;
        }
    }
    return "";
}

struct events {
    const struct cm_tcg_index *index;
    const struct cm_tcg_claims *to;
    uint32_t separated; /* registers whose first separator is behind us */
    uint32_t open;      /* registers that hold an event whose data nothing proves */
    struct cm_json_wr w;
};

static bool whole(const struct events *x, struct cm_tcg_entry *e)
{
    struct cm_span proven = {NULL, 0};

    return cm_tcg_proven(x->index, e, &proven) && proven.ptr == e->event.data.ptr &&
           proven.len == e->event.data.len;
}

/* Whether an event is measured, in a register that the quote vouches for. */
static bool counts(const struct events *x, const struct cm_tcg_event *e)
{
    return e->type != CM_TCG_NO_ACTION && e->pcr < CM_TPM_PCRS &&
           (x->to->trusted >> e->pcr & 1) != 0;
}

/* Registers with an event that could be made to look like nothing by giving it other data. */
static void find_open(struct events *x)
{
    uint32_t separated = 0;

    for (size_t i = 0; i < x->index->count; i++) {
        struct cm_tcg_entry *e = &x->index->entries[i];
        const uint32_t pcr = e->event.pcr;

        if (!counts(x, &e->event) || (pcr < FIRMWARE && (separated >> pcr & 1) != 0)) {
            continue;
        }
        if (e->separator) {
            separated |= 1u << pcr;
        } else if (!whole(x, e)) {
            x->open |= 1u << pcr;
        }
    }
}

/* "8BE4DF61-93CA-11D2-AA0D-00E098032B8C": the first three numbers are little endian. */
static void write_guid(struct cm_json_wr *w, const uint8_t guid[16])
{
    static const uint8_t order[16] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
    uint8_t bytes[16];
    char hex[33] = "";
    char text[37] = "";
    size_t n = 0;

    for (size_t i = 0; i < 16; i++) {
        bytes[i] = guid[order[i]];
    }
    cm_hex_encode(cm_span_make(bytes, sizeof(bytes)), CM_HEX_UPPER, hex);
    for (size_t i = 0; i < 32; i++) {
        if (i == 8 || i == 12 || i == 16 || i == 20) {
            text[n++] = '-';
        }
        text[n++] = hex[i];
    }
    text[n] = '\0';
    cm_json_wr_str(w, text);
}

static void write_variable(struct cm_json_wr *w, const struct cm_tcg_variable *v)
{
    cm_json_wr_name(w, "ProcessedData");
    cm_json_wr_object(w);
    cm_json_wr_name(w, "VariableGuid");
    write_guid(w, v->guid);
    cm_json_wr_name(w, "UnicodeName");
    cm_wbcl_write_utf16(w, v->name);
    cm_json_wr_name(w, "VariableData");
    cm_wbcl_write_bytes(w, v->data);
    cm_json_wr_end(w);
}

static void write_digest(struct events *x, const struct cm_tcg_entry *e)
{
    static const char *const names[][2] = {
        {"sha-1", "SHA1"}, {"sha-256", "SHA256"}, {"sha-384", "SHA384"}, {"sha-512", "SHA512"}};
    const char *alg = cm_tpm_hash_name(x->index->alg);
    char hex[2 * CM_TPM_MAX_DIGEST + 1] = "";

    cm_hex_encode(e->digest, CM_HEX_LOWER, hex);
    cm_json_wr_name(&x->w, "Digests");
    cm_json_wr_object(&x->w);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(alg, names[i][0]) == 0) {
            cm_json_wr_name(&x->w, names[i][1]);
            cm_json_wr_str(&x->w, hex);
        }
    }
    cm_json_wr_end(&x->w);
}

/* What an event is: the type that it may be called by, and the data that a policy may believe. */
struct meaning {
    uint32_t type;
    bool is_variable;
    struct cm_tcg_variable variable;
    bool is_tagged;
};

/* A variable that the firmware measured. Nothing else stands in register 7 before its separator. */
static bool is_variable(const struct events *x, struct cm_tcg_entry *entry,
                        struct cm_tcg_variable *out)
{
    const struct cm_tcg_event *e = &entry->event;
    const bool named = e->type == CM_TCG_EFI_VARIABLE_CONFIG || e->type == CM_TCG_EFI_VARIABLE_BOOT;

    if ((x->separated >> e->pcr & 1) != 0 || !whole(x, entry)) {
        return false;
    }
    return (e->pcr == SECUREBOOT ? (x->open >> SECUREBOOT & 1) == 0
                                 : e->pcr == VARIABLES && named) &&
           cm_tcg_variable_read(e->data, out);
}

static void understand(const struct events *x, struct cm_tcg_entry *entry, struct meaning *m)
{
    const struct cm_tcg_event *e = &entry->event;

    *m = (struct meaning){.type = e->type};
    if (entry->separator) {
        m->type = CM_TCG_SEPARATOR;
        return;
    }
    if (e->type == CM_TCG_SEPARATOR) { /* the name is worth something: only what is one has it */
        m->type = CM_TCG_NO_ACTION;
    }
    if (e->pcr < FIRMWARE) {
        m->is_variable = is_variable(x, entry, &m->variable);
        m->type = m->is_variable && e->pcr == SECUREBOOT ? CM_TCG_EFI_VARIABLE_CONFIG : m->type;
    } else {
        m->is_tagged = (x->open >> e->pcr & 1) == 0 && whole(x, entry) && cm_wbcl_valid(e->data);
        m->type = m->is_tagged ? CM_TCG_EVENT_TAG : m->type;
    }
}

static void write_event(struct events *x, struct cm_tcg_entry *entry, uint64_t seq)
{
    const struct cm_tcg_event *e = &entry->event;
    struct meaning m;

    understand(x, entry, &m);
    cm_json_wr_object(&x->w);
    cm_json_wr_name(&x->w, "EventSeq");
    cm_json_wr_u64(&x->w, seq);
    cm_json_wr_name(&x->w, "PcrIndex");
    cm_json_wr_u64(&x->w, e->pcr);
    cm_json_wr_name(&x->w, "EventType");
    cm_json_wr_u64(&x->w, m.type);
    cm_json_wr_name(&x->w, "EventTypeString");
    cm_json_wr_str(&x->w, type_name(m.type));
    write_digest(x, entry);
    if (m.is_variable) {
        write_variable(&x->w, &m.variable);
    } else if (m.is_tagged) {
        cm_json_wr_name(&x->w, "ProcessedData");
        cm_wbcl_write(&x->w, e->data);
    }
    cm_json_wr_end(&x->w);
    if (m.type == CM_TCG_SEPARATOR) {
        x->separated |= 1u << e->pcr;
    }
}

static void write_all(struct events *x)
{
    cm_json_wr_object(&x->w);
    cm_json_wr_name(&x->w, "Events");
    cm_json_wr_array(&x->w);
    for (size_t i = 0; i < x->index->count; i++) {
        if (counts(x, &x->index->entries[i].event)) {
            write_event(x, &x->index->entries[i], i);
        }
    }
    cm_json_wr_end(&x->w);
    cm_json_wr_end(&x->w);
}

void cm_tcg_claim_events(const struct cm_tcg_index *index, const struct cm_tcg_claims *to)
{
    const struct cm_tcg_log *log = index->log;
    struct events x = {.index = index, .to = to};
    const size_t from = cm_evidence_mark(to->ev, to->submod);
    size_t cap = 0;
    size_t len = 0;
    char *text = NULL;

    if (cm_mul_ovf(log->events.len + 512 * log->event_count, (size_t)4, &cap) || cap > MAX_JSON) {
        cap = MAX_JSON;
    }
    text = malloc(cap + 1);
    if (text == NULL) {
        cm_check_note(to->ev, to->submod, "tpm.events", CM_CHECK_NOT_CHECKED, "no memory");
        free(text);
        return;
    }
    find_open(&x);
    x.w = cm_json_wr_init(text, cap);
    write_all(&x);
    if (cm_json_wr_finish(&x.w, &len) == CM_OK) {
        text[len] = '\0';
        cm_claim_text(to->ev, to->submod, "tpm.events", text);
        cm_evidence_raise(to->ev, to->submod, from, to->authority);
    } else {
        cm_check_note(to->ev, to->submod, "tpm.events", CM_CHECK_NOT_CHECKED,
                      "the log's events are too many to be given to a policy");
    }
    free(text);
}
