/*
 * TCB info and QE identity of the emulated platform: JSON in the form that Intel's service gives
 * it, signed over the object's exact bytes (PCS API, "Get TCB Info" and "Get Quoting Enclave
 * Identity").
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/hex.h"
#include "common/try.h"
#include "emuplat/emuplat_issue.h"
#include "evidence/timefmt.h"
#include "token/json.h"

#define DOCUMENT_MAX 8192u

#define ADVISORY     "CASEMATE-EMULATED-SA-00001"
#define ADVISORY_OLD "CASEMATE-EMULATED-SA-00000"

/* One TCB level of the platform. */
struct level {
    uint8_t svn[16];
    uint16_t pcesvn;
    enum cm_dcap_tcb status;
    uint64_t date;
    const char *advisory; /* NULL: none */
};

static void member_str(struct cm_json_wr *w, const char *name, const char *value)
{
    cm_json_wr_name(w, name);
    cm_json_wr_str(w, value);
}

static void member_u64(struct cm_json_wr *w, const char *name, uint64_t value)
{
    cm_json_wr_name(w, name);
    cm_json_wr_u64(w, value);
}

static void member_date(struct cm_json_wr *w, const char *name, uint64_t when)
{
    char text[24] = "";

    cm_time_text(when, text);
    member_str(w, name, text);
}

static void member_hex(struct cm_json_wr *w, const char *name, const void *bytes, size_t len)
{
    char text[2 * 32 + 1] = "";

    cm_hex_encode(cm_span_make(bytes, len < 32 ? len : 32), CM_HEX_UPPER, text);
    member_str(w, name, text);
}

static void write_status(struct cm_json_wr *w, enum cm_dcap_tcb status, uint64_t date,
                         const char *advisory)
{
    member_date(w, "tcbDate", date - date % CM_EMUPLAT_DAY);
    member_str(w, "tcbStatus", cm_dcap_tcb_str(status));
    if (advisory != NULL) {
        cm_json_wr_name(w, "advisoryIDs");
        cm_json_wr_array(w);
        cm_json_wr_str(w, advisory);
        cm_json_wr_end(w);
    }
}

static void write_components(struct cm_json_wr *w, unsigned version, const uint8_t svn[16])
{
    if (version == 2) {
        char name[] = "sgxtcbcomp00svn";

        for (unsigned i = 1; i <= 16; i++) {
            name[10] = (char)('0' + i / 10);
            name[11] = (char)('0' + i % 10);
            member_u64(w, name, svn[i - 1]);
        }
        return;
    }
    cm_json_wr_name(w, "sgxtcbcomponents");
    cm_json_wr_array(w);
    for (unsigned i = 0; i < 16; i++) {
        cm_json_wr_object(w);
        member_u64(w, "svn", svn[i]);
        cm_json_wr_end(w);
    }
    cm_json_wr_end(w);
}

/*
 * The levels that give the platform its status, newest first, as a maker would publish them: a
 * platform falls out of date because a newer level exists, everything else is its own level's.
 */
static void make_levels(const struct cm_emuplat_cpu *cpu, const struct cm_emuplat_state *s,
                        struct level out[2])
{
    struct level own = {.pcesvn = CM_EMUPLAT_PCESVN, .status = s->tcb, .date = s->created};
    struct level other = own;
    bool newer = s->tcb == CM_DCAP_OUT_OF_DATE || s->tcb == CM_DCAP_REVOKED ||
                 s->tcb == CM_DCAP_OUT_OF_DATE_CONFIGURATION_NEEDED;

    memcpy(own.svn, cpu->fuses.cpusvn, 16);
    own.advisory = s->tcb == CM_DCAP_UP_TO_DATE ? NULL : ADVISORY;
    for (unsigned i = 0; i < 16; i++) {
        uint8_t v = own.svn[i];

        other.svn[i] = (uint8_t)(newer ? v + (v < UINT8_MAX) : v - (v > 0));
    }
    if (newer) {
        other.pcesvn++;
        other.status = CM_DCAP_UP_TO_DATE;
        other.date = s->tcb_changed;
        out[0] = other;
        out[1] = own;
    } else {
        other.pcesvn--;
        other.status = CM_DCAP_OUT_OF_DATE;
        other.date = s->created > 365 * CM_EMUPLAT_DAY ? s->created - 365 * CM_EMUPLAT_DAY : 0;
        other.advisory = ADVISORY_OLD;
        out[0] = own;
        out[1] = other;
    }
}

static void write_dates(struct cm_json_wr *w, const struct cm_emuplat_state *s)
{
    member_date(w, "issueDate", s->issued);
    member_date(w, "nextUpdate", s->next_update);
}

static void write_tcb_info(struct cm_json_wr *w, unsigned version, const struct cm_emuplat_cpu *cpu,
                           const struct cm_emuplat_state *s)
{
    struct level levels[2];

    make_levels(cpu, s, levels);
    cm_json_wr_object(w);
    if (version == 3) {
        member_str(w, "id", "SGX");
    }
    member_u64(w, "version", version);
    write_dates(w, s);
    member_hex(w, "fmspc", cm_emuplat_fmspc, 6);
    member_str(w, "pceId", "0000");
    member_u64(w, "tcbType", 0);
    member_u64(w, "tcbEvaluationDataNumber", s->evaluation);
    cm_json_wr_name(w, "tcbLevels");
    cm_json_wr_array(w);
    for (size_t i = 0; i < 2; i++) {
        cm_json_wr_object(w);
        cm_json_wr_name(w, "tcb");
        cm_json_wr_object(w);
        write_components(w, version, levels[i].svn);
        member_u64(w, "pcesvn", levels[i].pcesvn);
        cm_json_wr_end(w);
        write_status(w, levels[i].status, levels[i].date, levels[i].advisory);
        cm_json_wr_end(w);
    }
    cm_json_wr_end(w);
    cm_json_wr_end(w);
}

static void write_qe_identity(struct cm_json_wr *w, const struct cm_emuplat_state *s)
{
    static const uint8_t zero[16];
    static const uint8_t ones[4] = {0xff, 0xff, 0xff, 0xff};
    static const uint8_t attributes[16] = {SGX_ATTR_INIT | SGX_ATTR_PROVISIONKEY};
    /* any machine's features, and 32 or 64 bits; the rest must be as above: no DEBUG */
    static const uint8_t mask[16] = {
        (uint8_t)~SGX_ATTR_MODE64, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    struct cm_emu_ident qe;
    const struct {
        uint16_t isvsvn;
        enum cm_dcap_tcb status;
        const char *advisory;
    } levels[] = {{CM_EMUPLAT_QE_ISVSVN, CM_DCAP_UP_TO_DATE, NULL},
                  {CM_EMUPLAT_QE_ISVSVN - 2, CM_DCAP_OUT_OF_DATE, ADVISORY_OLD}};

    cm_emuplat_qe_ident(&qe);
    cm_json_wr_object(w);
    member_str(w, "id", "QE");
    member_u64(w, "version", 2);
    write_dates(w, s);
    member_u64(w, "tcbEvaluationDataNumber", s->evaluation);
    member_hex(w, "miscselect", zero, 4);
    member_hex(w, "miscselectMask", ones, 4);
    member_hex(w, "attributes", attributes, 16);
    member_hex(w, "attributesMask", mask, 16);
    member_hex(w, "mrsigner", qe.mrsigner, 32);
    member_u64(w, "isvprodid", qe.isvprodid);
    cm_json_wr_name(w, "tcbLevels");
    cm_json_wr_array(w);
    for (size_t i = 0; i < 2; i++) {
        cm_json_wr_object(w);
        cm_json_wr_name(w, "tcb");
        cm_json_wr_object(w);
        member_u64(w, "isvsvn", levels[i].isvsvn);
        cm_json_wr_end(w);
        write_status(w, levels[i].status, s->created, levels[i].advisory);
        cm_json_wr_end(w);
    }
    cm_json_wr_end(w);
    cm_json_wr_end(w);
}

/* {"<name>":<body>,"signature":"<128 digits>"} */
static enum cm_status store(const char *name, struct cm_span body, const struct cm_privkey *signer,
                            struct cm_emuplat_state *s, enum cm_emuplat_part part)
{
    char whole[DOCUMENT_MAX + 256];
    struct cm_json_wr w = cm_json_wr_init(whole, sizeof(whole));
    uint8_t signature[64] = {0};
    char hex[2 * sizeof(signature) + 1] = "";
    size_t len = 0;
    enum cm_status st = CM_OK;

    CM_TRY(cm_privkey_sign(signer, CM_SIG_ES256, &body, 1, signature, sizeof(signature), &len));
    cm_hex_encode(cm_span_make(signature, sizeof(signature)), CM_HEX_LOWER, hex);
    cm_json_wr_object(&w);
    cm_json_wr_name(&w, name);
    cm_json_wr_raw(&w, body);
    member_str(&w, "signature", hex);
    cm_json_wr_end(&w);
    CM_TRY(cm_json_wr_finish(&w, &len));
    CM_TRY(cm_emuplat_part_set(s, part, cm_span_make(whole, len)));
out:
    return st;
}

enum cm_status cm_emuplat_documents(const struct cm_emuplat_cpu *cpu,
                                    const struct cm_privkey *signer, struct cm_emuplat_state *s)
{
    char body[DOCUMENT_MAX];
    struct cm_json_wr w = cm_json_wr_init(body, sizeof(body));
    size_t len = 0;
    enum cm_status st = CM_OK;

    write_tcb_info(&w, 3, cpu, s);
    CM_TRY(cm_json_wr_finish(&w, &len));
    CM_TRY(store("tcbInfo", cm_span_make(body, len), signer, s, CM_EMUPLAT_TCB_INFO));
    w = cm_json_wr_init(body, sizeof(body));
    write_tcb_info(&w, 2, cpu, s);
    CM_TRY(cm_json_wr_finish(&w, &len));
    CM_TRY(store("tcbInfo", cm_span_make(body, len), signer, s, CM_EMUPLAT_TCB_INFO_V2));
    w = cm_json_wr_init(body, sizeof(body));
    write_qe_identity(&w, s);
    CM_TRY(cm_json_wr_finish(&w, &len));
    CM_TRY(store("enclaveIdentity", cm_span_make(body, len), signer, s, CM_EMUPLAT_QE_IDENTITY));
out:
    return st;
}
