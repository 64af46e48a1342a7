/* Evidence in the JSON of guest-components; see kbs_private.h. Untrusted: every byte; nothing is verified. */
#include <stdlib.h>
#include <string.h>

#include "common/hex.h"
#include "common/try.h"
#include "kbs/kbs_private.h"
#include "token/base64.h"

/* Of what guest-components can send and what is not in kbs_session.c's table. */
const char *cm_kbs_tee_refusal(const char *name)
{
    static const char *const unverified[] = {"csv", "se", "hygondcu", "hygon-dcu", "nvidia-dpu"};

    name = name == NULL ? "" : name;
    if (strncmp(name, "sample", 6) == 0) {
        return "is no evidence: anybody can write it, so it is never taken. To develop without "
               "hardware, casemate serve --dev takes evidence of the emulator, named sgx";
    }
    for (size_t i = 0; i < sizeof(unverified) / sizeof(unverified[0]); i++) {
        if (strcmp(unverified[i], name) == 0) {
            return "is not taken here: this service has no verifier of it";
        }
    }
    return "is not taken here: sgx, tdx, snp, az-snp-vtpm, az-tdx-vtpm, cca and tpm are, nvidia as "
           "additional evidence";
}

uint8_t *cm_kbs_evidence_room(struct cm_kbs_evidence *e, size_t cap)
{
    uint8_t *room = NULL;

    if (e->owned_count < sizeof(e->owned) / sizeof(e->owned[0])) {
        room = malloc(cap + 1);
        if (room != NULL) {
            e->owned[e->owned_count++] = room;
        }
    }
    return room;
}

void cm_kbs_evidence_free(struct cm_kbs_evidence *e)
{
    for (size_t i = 0; i < e->owned_count; i++) {
        free(e->owned[i]);
    }
    memset(e, 0, sizeof(*e));
}

static enum cm_status numbers(struct cm_json_value v, uint8_t *out, size_t *len)
{
    size_t n = 0;

    for (struct cm_json_value at = cm_json_first(v); at.doc != NULL; at = cm_json_next(at)) {
        uint64_t number = 0;

        if (cm_json_u64(at, &number) != CM_OK || number > 255) {
            return CM_ERR_FORMAT;
        }
        out[n++] = (uint8_t)number;
    }
    *len = n;
    return CM_OK;
}

enum cm_status cm_kbs_bytes(struct cm_kbs_evidence *e, struct cm_json_value v, struct cm_span *out)
{
    bool list = cm_json_is(v, CM_JSON_ARRAY);
    size_t cap = list ? cm_json_count(v) : cm_json_bytes(v).len;
    uint8_t *room = NULL;
    size_t len = 0;
    enum cm_status st = CM_OK;

    if (!list && !cm_json_is(v, CM_JSON_STRING)) {
        return CM_ERR_FORMAT;
    }
    room = cm_kbs_evidence_room(e, cap);
    if (room == NULL) {
        return e->owned_count == sizeof(e->owned) / sizeof(e->owned[0]) ? CM_ERR_LIMIT
                                                                        : CM_ERR_NOMEM;
    }
    if (list) {
        st = numbers(v, room, &len);
    } else {
        CM_TRY(cm_json_string(v, (char *)room, cap + 1, &len));
        /* guests differ in alphabet and padding */
        st = cm_base64_any_decode(cm_span_make(room, len), false, room, cap, &len);
    }
    *out = cm_span_make(room, len);
out:
    return st;
}

static enum cm_status add(struct cm_kbs_evidence *e, enum cm_material_kind kind, const char *name,
                          struct cm_span bytes)
{
    if (e->material_count == CM_KBS_MAX_MATERIALS) {
        return CM_ERR_LIMIT;
    }
    e->materials[e->material_count++] =
        (struct cm_material){.kind = kind, .name = name, .bytes = bytes};
    return CM_OK;
}

/* A member that may be absent or null. */
static enum cm_status add_member(struct cm_kbs_evidence *e, enum cm_material_kind kind,
                                 struct cm_json_value v, const char *name)
{
    struct cm_json_value member = cm_json_get(v, name);
    struct cm_span bytes = {NULL, 0};
    enum cm_status st = CM_OK;

    if (member.doc == NULL || cm_json_is(member, CM_JSON_NULL)) {
        return CM_OK;
    }
    CM_TRY(cm_kbs_bytes(e, member, &bytes));
    st = add(e, kind, name, bytes);
out:
    return st;
}

static enum cm_status read_quote(struct cm_json_value v, struct cm_kbs_evidence *e)
{
    enum cm_status st = CM_OK;

    CM_TRY(cm_kbs_bytes(e, cm_json_get(v, "quote"), &e->evidence));
    st = add_member(e, CM_MATERIAL_EVENT_LOG, v, "cc_eventlog");
out:
    return st;
}

/* The certificates that the host's firmware has: a list of {cert_type, data}, or an object of texts. */
static enum cm_status read_certs(struct cm_json_value chain, struct cm_kbs_evidence *e)
{
    bool object = cm_json_is(chain, CM_JSON_OBJECT);
    enum cm_status st = CM_OK;

    if (!object && !cm_json_is(chain, CM_JSON_ARRAY)) {
        return chain.doc == NULL || cm_json_is(chain, CM_JSON_NULL) ? CM_OK : CM_ERR_FORMAT;
    }
    for (struct cm_json_value at = cm_json_first(chain); at.doc != NULL; at = cm_json_next(at)) {
        struct cm_span bytes = {NULL, 0};

        if (object) {
            at = cm_json_next(at); /* from the name to its value */
        }
        CM_TRY(cm_kbs_bytes(e, object ? at : cm_json_get(at, "data"), &bytes));
        CM_TRY(add(e, CM_MATERIAL_CERTS, "cert_chain", bytes));
    }
out:
    return st;
}

static enum cm_status read_snp(struct cm_json_value v, struct cm_kbs_evidence *e)
{
    struct cm_json_value report = cm_json_get(v, "attestation_report");
    uint8_t *room = NULL;
    enum cm_status st = CM_OK;

    if (cm_json_is(report, CM_JSON_OBJECT)) {
        room = cm_kbs_evidence_room(e, CM_KBS_SNP_REPORT);
        if (room == NULL) {
            return CM_ERR_NOMEM;
        }
        CM_TRY(cm_kbs_snp_report(report, room));
        e->evidence = cm_span_make(room, CM_KBS_SNP_REPORT);
    } else {
        CM_TRY(cm_kbs_bytes(e, report, &e->evidence));
    }
    st = read_certs(cm_json_get(v, "cert_chain"), e);
out:
    return st;
}

/* Values in the order of the registers, each in hexadecimal. */
static enum cm_status read_pcrs(struct cm_json_value list, struct cm_kbs_evidence *e)
{
    size_t count = cm_json_count(list);
    uint8_t *room = cm_kbs_evidence_room(e, count * 64);
    size_t used = 0;

    if (room == NULL || count > 24) {
        return room == NULL ? CM_ERR_NOMEM : CM_ERR_LIMIT;
    }
    for (struct cm_json_value at = cm_json_first(list); at.doc != NULL; at = cm_json_next(at)) {
        struct cm_span text = {NULL, 0};

        if (cm_json_plain(at, &text) != CM_OK || text.len > 128 ||
            !cm_hex_decode(text, room + used, text.len / 2)) {
            return CM_ERR_FORMAT;
        }
        used += text.len / 2;
    }
    return add(e, CM_MATERIAL_PCRS, "pcrs", cm_span_make(room, used));
}

static enum cm_status read_tpm(struct cm_json_value v, struct cm_kbs_evidence *e)
{
    struct cm_json_value quote = cm_json_get(v, "tpm_quote");
    enum cm_status st = CM_OK;

    CM_TRY(cm_kbs_bytes(e, cm_json_get(quote, "message"), &e->evidence));
    CM_TRY(add_member(e, CM_MATERIAL_SIGNATURE, quote, "signature"));
    CM_TRY(add_member(e, CM_MATERIAL_TPM_PUBLIC, v, "ak_public"));
    st = read_pcrs(cm_json_get(quote, "pcrs"), e);
out:
    return st;
}

enum cm_status cm_kbs_evidence_read(const struct cm_kbs_tee *tee, struct cm_json_value v,
                                    struct cm_kbs_evidence *out, struct cm_why *why)
{
    enum cm_status st = CM_ERR_FORMAT;

    memset(out, 0, sizeof(*out));
    if (cm_json_is(v, CM_JSON_OBJECT)) {
        switch ((int)tee->format) {
        case CM_FORMAT_DCAP:
            st = read_quote(v, out);
            break;
        case CM_FORMAT_SNP:
            st = read_snp(v, out);
            break;
        case CM_FORMAT_CCA:
            st = cm_kbs_bytes(out, cm_json_get(v, "token"), &out->evidence);
            break;
        case CM_FORMAT_TPM:
            st = read_tpm(v, out);
            break;
        default: /* the verifiers of Azure's and NVIDIA's evidence read this JSON themselves */
            out->evidence = cm_json_bytes(v);
            st = CM_OK;
            break;
        }
    }
    if (st != CM_OK) {
        cm_why_set(why, "the evidence is not as guests with %s send it: %s", tee->name,
                   cm_status_str(st));
    }
    return st;
}
