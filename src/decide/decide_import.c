/* Collateral that comes by hand. Untrusted: all of it; verified like what a source answers. */
#include <stdlib.h>
#include <string.h>

#include "collateral/collateral_files.h"
#include "common/hex.h"
#include "common/try.h"
#include "decide/decide_log.h"
#include "decide/decide_module.h"
#include "evidence/certs.h"
#include "evidence/collateral.h"
#include "token/base64.h"

#define FORM     "casemate_collateral"
#define MAX_KEPT 1024u

struct import {
    struct cm_decide_module_state *m;
    struct cm_engine_settings *settings;
    uint64_t now;
    size_t count;
};

/* Verified, newer than what is there, into memory and the store. */
static enum cm_status take(struct import *im, struct cm_kept *kept, struct cm_why *why)
{
    struct cm_keeper *keeper = cm_engine_keeper(im->m->engine);
    struct cm_kept *have = cm_keeper_peek(keeper, kept->want.name);
    struct cm_kept *ca = NULL;
    struct cm_want above;
    enum cm_status st = CM_OK;

    if (kept->want.kind == CM_KEPT_SNP_KEY) {
        CM_TRY(cm_want_snp_ca(kept->want.kds.line, false, &above));
        ca = cm_keeper_peek(keeper, above.name);
        if (ca == NULL) {
            cm_why_set(why, "%.100s: import AMD's chain of this line first", kept->want.name);
            st = CM_ERR_NOTFOUND;
            goto out;
        }
    }
    if (im->now > kept->facts.not_after) {
        cm_why_set(why, "%.100s has expired", kept->want.name);
        st = CM_ERR_EXPIRED;
        goto out;
    }
    CM_TRY(cm_kept_verify(kept, im->settings->roots, im->settings->root_count, ca,
                          kept->part[CM_PART_PCK_CHAIN], why));
    CM_TRY(have == NULL ? CM_OK : cm_kept_follows(have, kept, why));
    CM_TRY(cm_decide_save(im->m, kept, why));
    CM_TRY(cm_keeper_put(keeper, kept, im->now, why));
    im->count++;
out:
    cm_kept_drop(have);
    cm_kept_drop(ca);
    return st;
}

/* ------------------------------------------------------------------- Intel */

/* Whose list it is: the names of Intel's two CAs differ in one word. */
static bool of_platform_ca(struct cm_span list)
{
    struct cm_crl *crl = NULL;
    struct cm_span issuer = {NULL, 0};
    bool platform = false;

    if (cm_crl_parse(list, &crl) == CM_OK) {
        issuer = cm_crl_issuer(crl);
        platform = memmem(issuer.ptr, issuer.len, "Platform", 8) != NULL;
    }
    cm_crl_free(crl);
    return platform;
}

static enum cm_status key_of(const struct cm_span part[CM_PART_COUNT],
                             struct cm_collateral_key *key, struct cm_why *why)
{
    struct cm_tcb_info *info = calloc(1, sizeof(*info));
    enum cm_status st = CM_OK;

    if (info == NULL) {
        return CM_ERR_NOMEM;
    }
    memset(key, 0, sizeof(*key));
    CM_TRY(cm_tcb_info_parse(part[CM_PART_TCB_INFO], info, why));
    memcpy(key->fmspc, info->fmspc, sizeof(key->fmspc));
    key->tdx = info->tdx;
    key->known = true;
    key->platform_ca = of_platform_ca(part[CM_PART_PCK_CRL]);
out:
    cm_tcb_info_free(info);
    free(info);
    return st;
}

static enum cm_status import_bundle(struct import *im, struct cm_span text, struct cm_why *why)
{
    struct cm_collateral_parts *parts = NULL;
    struct cm_span part[CM_PART_COUNT];
    struct cm_collateral_key key;
    struct cm_kept *kept = NULL;
    struct cm_want want;
    enum cm_status st = CM_OK;

    CM_TRY(cm_parts_read(text, &parts, why));
    for (unsigned i = 0; i < CM_PART_COUNT; i++) {
        part[i] = cm_parts_get(parts, (enum cm_collateral_part)i);
    }
    CM_TRY(key_of(part, &key, why));
    CM_TRY(cm_want_dcap(&key, &want));
    CM_TRY(cm_kept_make(&want, part, im->now, &kept, why));
    CM_TRY(take(im, kept, why));
out:
    cm_kept_drop(kept);
    cm_parts_free(parts);
    return st;
}

/* --------------------------------------------------------------------- AMD */

/* A member in base64 of either alphabet; malloced. */
static enum cm_status take_base64(const json_t *value, uint8_t **out, struct cm_span *span)
{
    const struct cm_span text = cm_span_make(json_string_value(value), json_string_length(value));
    const size_t cap = text.len + 4;
    size_t len = 0;
    enum cm_status st = CM_ERR_FORMAT;

    *out = NULL;
    if (!json_is_string(value) || text.len == 0) {
        return st;
    }
    *out = malloc(cap);
    if (*out == NULL) {
        return CM_ERR_NOMEM;
    }
    st = cm_base64_any_decode(text, false, *out, cap, &len);
    *span = cm_span_make(*out, len);
    return st;
}

static bool take_hex(const json_t *value, uint8_t *out, size_t n)
{
    return json_is_string(value) &&
           cm_hex_decode(cm_span_make(json_string_value(value), json_string_length(value)), out, n);
}

/* {"line", "signer", "chain", "crl"} or {"line", "chip_id", "tcb", "vcek"} */
static enum cm_status import_amd(struct import *im, const json_t *item, struct cm_why *why)
{
    const char *line = json_string_value(json_object_get(item, "line"));
    const char *signer = json_string_value(json_object_get(item, "signer"));
    const json_t *chain = json_object_get(item, "chain");
    struct cm_span part[CM_PART_COUNT] = {{NULL, 0}};
    uint8_t *owned = NULL;
    uint8_t chip[64] = {0};
    uint8_t tcb[8] = {0};
    struct cm_kept *kept = NULL;
    struct cm_want want;
    enum cm_status st = CM_ERR_FORMAT;

    if (line != NULL && json_is_string(chain)) {
        CM_TRY(cm_want_snp_ca(line, signer != NULL && strcmp(signer, "vlek") == 0, &want));
        part[0] = cm_span_make(json_string_value(chain), json_string_length(chain));
        CM_TRY(take_base64(json_object_get(item, "crl"), &owned, &part[1]));
    } else if (line != NULL && take_hex(json_object_get(item, "chip_id"), chip, sizeof(chip)) &&
               take_hex(json_object_get(item, "tcb"), tcb, sizeof(tcb))) {
        CM_TRY(cm_want_snp_key(line, cm_span_make(chip, sizeof(chip)),
                               cm_span_make(tcb, sizeof(tcb)), &want));
        CM_TRY(take_base64(json_object_get(item, "vcek"), &owned, &part[0]));
    } else {
        goto out;
    }
    CM_TRY(cm_kept_make(&want, part, im->now, &kept, why));
    st = take(im, kept, why);
out:
    if (st == CM_ERR_FORMAT || st == CM_ERR_PARAM) {
        cm_why_set(why, "an entry of AMD's is neither a chain with its list nor a chip's "
                        "certificate");
        st = CM_ERR_FORMAT;
    }
    cm_kept_drop(kept);
    free(owned);
    return st;
}

/* ------------------------------------------------------------------- whole */

static enum cm_status import_kept(struct import *im, const json_t *item, struct cm_why *why)
{
    struct cm_span bytes = {NULL, 0};
    struct cm_kept *kept = NULL;
    uint8_t *owned = NULL;
    enum cm_status st = CM_OK;

    CM_TRY(take_base64(json_object_get(item, "bytes"), &owned, &bytes));
    CM_TRY(cm_kept_read(bytes, &kept, why));
    CM_TRY(take(im, kept, why));
out:
    cm_kept_drop(kept);
    free(owned);
    return st;
}

/* Whether an entry is a chip's certificate, by its name. */
static bool is_chip(const json_t *item)
{
    const char *name = json_string_value(json_object_get(item, "name"));

    return name != NULL && strncmp(name, "snp/", 4) == 0 && strlen(name) > 40;
}

static enum cm_status import_some(struct import *im, const json_t *list, bool chips,
                                  struct cm_why *why)
{
    enum cm_status st = CM_OK;

    for (size_t i = 0; st == CM_OK && i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i);

        st = is_chip(item) == chips ? import_kept(im, item, why) : CM_OK;
    }
    return st;
}

/* What cm_decide_export() gave; chains before what they sign. */
static enum cm_status import_all(struct import *im, const json_t *root, struct cm_why *why)
{
    const json_t *list = json_object_get(root, "kept");
    enum cm_status st = CM_OK;

    if (!json_is_array(list) || json_array_size(list) > MAX_KEPT ||
        json_integer_value(json_object_get(root, FORM)) != 1) {
        cm_why_set(why, "this is no collateral of a service, or of a newer one");
        return CM_ERR_FORMAT;
    }
    CM_TRY(import_some(im, list, false, why));
    CM_TRY(import_some(im, list, true, why));
out:
    return st;
}

static enum cm_status import_json(struct import *im, const json_t *root, struct cm_span text,
                                  struct cm_why *why)
{
    const json_t *amd = json_object_get(root, "snp");
    enum cm_status st = CM_OK;

    if (json_object_get(root, FORM) != NULL) {
        return import_all(im, root, why);
    }
    if (amd == NULL) {
        return import_bundle(im, text, why);
    }
    if (!json_is_array(amd) || json_array_size(amd) > MAX_KEPT) {
        cm_why_set(why, "\"snp\" is a list of AMD's documents");
        return CM_ERR_FORMAT;
    }
    for (size_t i = 0; i < json_array_size(amd); i++) {
        CM_TRY(import_amd(im, json_array_get(amd, i), why));
    }
out:
    return st;
}

enum cm_status cm_decide_import(struct cm_service *s, struct cm_span text, size_t *count,
                                struct cm_why *why)
{
    struct cm_decide_module_state *m = cm_decide_state(s);
    struct import im = {.m = m, .now = cm_service_now(s)};
    json_error_t error;
    json_t *root = json_loadb((const char *)text.ptr, text.len, JSON_REJECT_DUPLICATES, &error);
    enum cm_status st = CM_ERR_FORMAT;

    *count = 0;
    if (!json_is_object(root)) {
        cm_why_set(why, "collateral comes as a JSON object");
    } else {
        im.settings = cm_engine_settings(m->engine);
        st = import_json(&im, root, text, why);
        cm_settings_drop(im.settings);
    }
    json_decref(root);
    *count = im.count;
    return st == CM_ERR_SYNTAX ? CM_ERR_FORMAT : st;
}
