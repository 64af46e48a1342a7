/*
 * TCB info and enclave identities; see collateral.h. Untrusted: the whole text, until the caller has
 * verified the signature over signed_bytes.
 */
#include "evidence/collateral.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/hex.h"
#include "common/try.h"
#include "evidence/timefmt.h"

static enum cm_status bad(struct cm_why *why, const char *what)
{
    cm_why_set(why, "collateral: %s is missing or malformed", what);
    return CM_ERR_FORMAT;
}

/* A string member of exactly 2 * n hexadecimal digits. */
static enum cm_status hex(struct cm_json_value object, const char *name, uint8_t *out, size_t n,
                          struct cm_why *why)
{
    struct cm_span s = {NULL, 0};

    if (cm_json_plain(cm_json_get(object, name), &s) != CM_OK || !cm_hex_decode(s, out, n)) {
        return bad(why, name);
    }
    return CM_OK;
}

static enum cm_status date(struct cm_json_value object, const char *name, uint64_t *out,
                           struct cm_why *why)
{
    struct cm_span s = {NULL, 0};

    if (cm_json_plain(cm_json_get(object, name), &s) != CM_OK || cm_time_parse(s, out) != CM_OK) {
        return bad(why, name);
    }
    return CM_OK;
}

static enum cm_status number(struct cm_json_value object, const char *name, uint64_t max,
                             uint64_t *out, struct cm_why *why)
{
    if (cm_json_u64(cm_json_get(object, name), out) != CM_OK || *out > max) {
        return bad(why, name);
    }
    return CM_OK;
}

/* what a platform's, a quoting enclave's and a TDX module's levels may say */
#define PLATFORM_STATUSES                                        \
    (QE_STATUSES | CM_DCAP_ACCEPT(CM_DCAP_SW_HARDENING_NEEDED) | \
     CM_DCAP_ACCEPT(CM_DCAP_CONFIGURATION_AND_SW_HARDENING_NEEDED))
#define QE_STATUSES                                                   \
    (MODULE_STATUSES | CM_DCAP_ACCEPT(CM_DCAP_CONFIGURATION_NEEDED) | \
     CM_DCAP_ACCEPT(CM_DCAP_OUT_OF_DATE_CONFIGURATION_NEEDED))
#define MODULE_STATUSES                                                         \
    (CM_DCAP_ACCEPT(CM_DCAP_UP_TO_DATE) | CM_DCAP_ACCEPT(CM_DCAP_OUT_OF_DATE) | \
     CM_DCAP_ACCEPT(CM_DCAP_REVOKED))

static enum cm_status parse_status(struct cm_json_value level, unsigned allowed,
                                   enum cm_dcap_tcb *out, struct cm_why *why)
{
    /* a closed list: what is not on it is refused (H2) */
    static const enum cm_dcap_tcb known[] = {
        CM_DCAP_UP_TO_DATE,
        CM_DCAP_SW_HARDENING_NEEDED,
        CM_DCAP_CONFIGURATION_NEEDED,
        CM_DCAP_CONFIGURATION_AND_SW_HARDENING_NEEDED,
        CM_DCAP_OUT_OF_DATE,
        CM_DCAP_OUT_OF_DATE_CONFIGURATION_NEEDED,
        CM_DCAP_REVOKED,
    };

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if ((allowed & CM_DCAP_ACCEPT(known[i])) != 0 &&
            cm_json_equal(cm_json_get(level, "tcbStatus"), cm_dcap_tcb_str(known[i]))) {
            *out = known[i];
            return CM_OK;
        }
    }
    return bad(why, "tcbStatus");
}

/* advisoryIDs is optional; when present it holds strings only */
static enum cm_status parse_advisories(struct cm_json_value level, struct cm_json_value *out,
                                       struct cm_why *why)
{
    *out = cm_json_get(level, "advisoryIDs");
    if (out->doc == NULL) {
        return CM_OK;
    }
    if (!cm_json_is(*out, CM_JSON_ARRAY)) {
        return bad(why, "advisoryIDs");
    }
    for (struct cm_json_value e = cm_json_first(*out); e.doc != NULL; e = cm_json_next(e)) {
        struct cm_span s = {NULL, 0};

        if (cm_json_plain(e, &s) != CM_OK || s.len > 64) {
            return bad(why, "advisoryIDs");
        }
    }
    return CM_OK;
}

/* What every kind of level carries. */
struct level_common {
    uint64_t date;
    enum cm_dcap_tcb status;
    struct cm_json_value advisories;
};

static enum cm_status parse_level_common(struct cm_json_value level, unsigned statuses,
                                         struct level_common *out, struct cm_why *why)
{
    enum cm_status st = CM_OK;

    CM_TRY(date(level, "tcbDate", &out->date, why));
    CM_TRY(parse_status(level, statuses, &out->status, why));
    CM_TRY(parse_advisories(level, &out->advisories, why));
out:
    return st;
}

/* Where the levels of an enclave or of a TDX module go. */
struct isv_list {
    struct cm_isv_level *levels;
    size_t max;
    size_t *count;
    unsigned statuses;
};

/* Levels of an enclave or of a TDX module: told apart by isvsvn, each once. */
static enum cm_status parse_isv_levels(struct cm_json_value array, const struct isv_list *out,
                                       struct cm_why *why)
{
    size_t n = 0;
    enum cm_status st = CM_OK;

    if (!cm_json_is(array, CM_JSON_ARRAY) || cm_json_count(array) == 0 ||
        cm_json_count(array) > out->max) {
        return bad(why, "tcbLevels");
    }
    for (struct cm_json_value e = cm_json_first(array); e.doc != NULL; e = cm_json_next(e)) {
        struct cm_isv_level *l = &out->levels[n];
        struct level_common common = {0};
        uint64_t isvsvn = 0;

        CM_TRY(number(cm_json_get(e, "tcb"), "isvsvn", UINT16_MAX, &isvsvn, why));
        CM_TRY(parse_level_common(e, out->statuses, &common, why));
        l->isvsvn = (uint16_t)isvsvn;
        l->tcb_date = common.date;
        l->status = common.status;
        l->advisories = common.advisories;
        for (size_t i = 0; i < n; i++) {
            if (out->levels[i].isvsvn == l->isvsvn) {
                return bad(why, "tcbLevels (a level given twice)");
            }
        }
        n++;
    }
    *out->count = n;
out:
    return st;
}

static enum cm_status parse_dates(struct cm_json_value body, struct cm_collateral_dates *d,
                                  struct cm_why *why)
{
    uint64_t n = 0;
    enum cm_status st = CM_OK;

    CM_TRY(date(body, "issueDate", &d->issue_date, why));
    CM_TRY(date(body, "nextUpdate", &d->next_update, why));
    if (d->next_update <= d->issue_date) {
        return bad(why, "nextUpdate");
    }
    CM_TRY(number(body, "tcbEvaluationDataNumber", UINT32_MAX, &n, why));
    d->evaluation_number = (uint32_t)n;
out:
    return st;
}

static enum cm_status parse_signed(struct cm_span text, const char *name,
                                   struct cm_signed_json *out, struct cm_why *why)
{
    size_t max = text.len / 2 + 2;
    struct cm_json_value root = {NULL, 0};
    enum cm_status st = CM_OK;

    if (text.len > (1u << 20)) {
        return bad(why, "the document (too long)");
    }
    out->nodes = malloc(max * sizeof(*out->nodes));
    if (out->nodes == NULL) {
        return CM_ERR_NOMEM;
    }
    if (cm_json_parse(text, out->nodes, max, &out->doc, why) != CM_OK) {
        return CM_ERR_FORMAT;
    }
    root = cm_json_root(&out->doc);
    out->body = cm_json_get(root, name);
    if (!cm_json_is(out->body, CM_JSON_OBJECT) || cm_json_count(root) != 2) {
        return bad(why, name);
    }
    out->signed_bytes = cm_json_bytes(out->body);
    CM_TRY(hex(root, "signature", out->signature, sizeof(out->signature), why));
out:
    return st;
}

static enum cm_status parse_components(struct cm_json_value array, uint8_t out[16],
                                       struct cm_why *why)
{
    size_t i = 0;

    if (!cm_json_is(array, CM_JSON_ARRAY) || cm_json_count(array) != 16) {
        return bad(why, "the 16 TCB components"); /* H3: never fewer */
    }
    for (struct cm_json_value e = cm_json_first(array); e.doc != NULL; e = cm_json_next(e)) {
        uint64_t svn = 0;

        if (number(e, "svn", UINT8_MAX, &svn, why) != CM_OK) {
            return CM_ERR_FORMAT;
        }
        out[i++] = (uint8_t)svn;
    }
    return CM_OK;
}

static enum cm_status parse_components_v2(struct cm_json_value tcb, uint8_t out[16],
                                          struct cm_why *why)
{
    char name[] = "sgxtcbcomp00svn";

    for (unsigned i = 1; i <= 16; i++) {
        uint64_t svn = 0;

        name[10] = (char)('0' + i / 10);
        name[11] = (char)('0' + i % 10);
        if (number(tcb, name, UINT8_MAX, &svn, why) != CM_OK) {
            return CM_ERR_FORMAT;
        }
        out[i - 1] = (uint8_t)svn;
    }
    return CM_OK;
}

static enum cm_status parse_tcb_level(struct cm_json_value e, uint64_t version, bool tdx,
                                      struct cm_tcb_level *l, struct cm_why *why)
{
    struct cm_json_value tcb = cm_json_get(e, "tcb");
    struct level_common common = {0};
    uint64_t pcesvn = 0;
    enum cm_status st = CM_OK;

    if (version == 2) {
        CM_TRY(parse_components_v2(tcb, l->sgx, why));
    } else {
        CM_TRY(parse_components(cm_json_get(tcb, "sgxtcbcomponents"), l->sgx, why));
    }
    if (tdx) {
        CM_TRY(parse_components(cm_json_get(tcb, "tdxtcbcomponents"), l->tdx, why));
    }
    CM_TRY(number(tcb, "pcesvn", UINT16_MAX, &pcesvn, why));
    l->pcesvn = (uint16_t)pcesvn;
    CM_TRY(parse_level_common(e, PLATFORM_STATUSES, &common, why));
    l->tcb_date = common.date;
    l->status = common.status;
    l->advisories = common.advisories;
out:
    return st;
}

static enum cm_status parse_tcb_levels(uint64_t version, struct cm_tcb_info *info,
                                       struct cm_why *why)
{
    struct cm_json_value array = cm_json_get(info->json.body, "tcbLevels");
    enum cm_status st = CM_OK;

    if (!cm_json_is(array, CM_JSON_ARRAY) || cm_json_count(array) == 0 ||
        cm_json_count(array) > CM_TCB_MAX_LEVELS) {
        return bad(why, "tcbLevels");
    }
    for (struct cm_json_value e = cm_json_first(array); e.doc != NULL; e = cm_json_next(e)) {
        struct cm_tcb_level *l = &info->levels[info->level_count];

        CM_TRY(parse_tcb_level(e, version, info->tdx, l, why));
        for (size_t i = 0; i < info->level_count; i++) {
            const struct cm_tcb_level *o = &info->levels[i];

            if (memcmp(o->sgx, l->sgx, 16) == 0 && memcmp(o->tdx, l->tdx, 16) == 0 &&
                o->pcesvn == l->pcesvn) {
                return bad(why, "tcbLevels (a level given twice)");
            }
        }
        info->level_count++;
    }
out:
    return st;
}

static enum cm_status parse_module(struct cm_json_value e, bool identified, struct cm_tdx_module *m,
                                   struct cm_why *why)
{
    const struct isv_list list = {m->levels, sizeof(m->levels) / sizeof(m->levels[0]),
                                  &m->level_count, MODULE_STATUSES};
    uint8_t mask[8] = {0};
    enum cm_status st = CM_OK;

    CM_TRY(hex(e, "mrsigner", m->mrsigner, sizeof(m->mrsigner), why));
    CM_TRY(hex(e, "attributes", m->attributes, sizeof(m->attributes), why));
    CM_TRY(hex(e, "attributesMask", mask, sizeof(mask), why));
    if (identified) {
        if (cm_json_string(cm_json_get(e, "id"), m->id, sizeof(m->id), NULL) != CM_OK) {
            return bad(why, "tdxModuleIdentities id");
        }
        CM_TRY(parse_isv_levels(cm_json_get(e, "tcbLevels"), &list, why));
    }
out:
    return st;
}

static enum cm_status parse_modules(struct cm_tcb_info *info, struct cm_why *why)
{
    struct cm_json_value module = cm_json_get(info->json.body, "tdxModule");
    struct cm_json_value array = cm_json_get(info->json.body, "tdxModuleIdentities");
    size_t count = cm_json_count(array);
    enum cm_status st = CM_OK;

    info->has_module = module.doc != NULL;
    if (info->has_module) {
        CM_TRY(parse_module(module, false, &info->module, why));
    }
    if (array.doc == NULL) {
        goto out;
    }
    if (!cm_json_is(array, CM_JSON_ARRAY) || count > CM_TCB_MAX_MODULES) {
        return bad(why, "tdxModuleIdentities");
    }
    info->modules = calloc(count == 0 ? 1 : count, sizeof(*info->modules));
    if (info->modules == NULL) {
        return CM_ERR_NOMEM;
    }
    for (struct cm_json_value e = cm_json_first(array); e.doc != NULL; e = cm_json_next(e)) {
        struct cm_tdx_module *m = &info->modules[info->module_count];

        CM_TRY(parse_module(e, true, m, why));
        for (size_t i = 0; i < info->module_count; i++) {
            if (strcasecmp(info->modules[i].id, m->id) == 0) {
                return bad(why, "tdxModuleIdentities (a module given twice)");
            }
        }
        info->module_count++;
    }
out:
    return st;
}

enum cm_status cm_tcb_info_parse(struct cm_span text, struct cm_tcb_info *out, struct cm_why *why)
{
    struct cm_json_value body = {NULL, 0};
    uint64_t version = 0;
    uint64_t type = 0;
    enum cm_status st = CM_OK;

    memset(out, 0, sizeof(*out));
    CM_TRY(parse_signed(text, "tcbInfo", &out->json, why));
    body = out->json.body;
    CM_TRY(number(body, "version", 3, &version, why));
    if (version < 2) {
        return bad(why, "version");
    }
    if (version == 3) {
        out->tdx = cm_json_equal(cm_json_get(body, "id"), "TDX");
        if (!out->tdx && !cm_json_equal(cm_json_get(body, "id"), "SGX")) {
            return bad(why, "id");
        }
    }
    CM_TRY(parse_dates(body, &out->dates, why));
    CM_TRY(hex(body, "fmspc", out->fmspc, sizeof(out->fmspc), why));
    CM_TRY(hex(body, "pceId", out->pceid, sizeof(out->pceid), why));
    CM_TRY(number(body, "tcbType", 0, &type, why));
    CM_TRY(parse_tcb_levels(version, out, why));
    if (out->tdx) {
        CM_TRY(parse_modules(out, why));
    }
out:
    return st;
}

void cm_tcb_info_free(struct cm_tcb_info *info)
{
    free(info->json.nodes);
    free(info->modules);
}

static uint32_t le32(const uint8_t b[4])
{
    return (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

enum cm_status cm_qe_identity_parse(struct cm_span text, struct cm_qe_identity *out,
                                    struct cm_why *why)
{
    struct cm_json_value body = {NULL, 0};
    uint8_t misc[4] = {0};
    uint8_t mask[4] = {0};
    uint64_t n = 0;
    const struct isv_list list = {out->levels, sizeof(out->levels) / sizeof(out->levels[0]),
                                  &out->level_count, QE_STATUSES};
    enum cm_status st = CM_OK;

    memset(out, 0, sizeof(*out));
    CM_TRY(parse_signed(text, "enclaveIdentity", &out->json, why));
    body = out->json.body;
    CM_TRY(number(body, "version", 2, &n, why));
    out->tdx = cm_json_equal(cm_json_get(body, "id"), "TD_QE");
    if (n != 2 || (!out->tdx && !cm_json_equal(cm_json_get(body, "id"), "QE"))) {
        return bad(why, "version or id");
    }
    CM_TRY(parse_dates(body, &out->dates, why));
    CM_TRY(hex(body, "miscselect", misc, 4, why));
    CM_TRY(hex(body, "miscselectMask", mask, 4, why));
    CM_TRY(hex(body, "attributes", out->attributes, 16, why));
    CM_TRY(hex(body, "attributesMask", out->attributes_mask, 16, why));
    CM_TRY(hex(body, "mrsigner", out->mrsigner, 32, why));
    CM_TRY(number(body, "isvprodid", UINT16_MAX, &n, why));
    out->isvprodid = (uint16_t)n;
    out->miscselect = le32(misc); /* the text is the little-endian bytes */
    out->miscselect_mask = le32(mask);
    CM_TRY(parse_isv_levels(cm_json_get(body, "tcbLevels"), &list, why));
out:
    return st;
}

void cm_qe_identity_free(struct cm_qe_identity *id)
{
    free(id->json.nodes);
}
