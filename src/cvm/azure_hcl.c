/* HCL reports; see azure_hcl.h. Untrusted: every byte. Little endian. */
#include "cvm/azure_hcl.h"

#include <stdlib.h>
#include <string.h>

#include "common/hex.h"
#include "common/reader.h"
#include "common/try.h"
#include "common/wipe.h"
#include "token/base64.h"
#include "token/json.h"

#define REQUEST_ATTESTATION 2u
#define NODES               1024
#define TD_REPORT_TYPE      0x81
#define TD_REPORT_DATA      128

static bool read_hash(uint32_t type, enum cm_hash_alg *out)
{
    static const enum cm_hash_alg algs[] = {CM_HASH_SHA256, CM_HASH_SHA384, CM_HASH_SHA512};

    if (type < 1 || type > 3) {
        return false;
    }
    *out = algs[type - 1];
    return true;
}

enum cm_status cm_hcl_parse(struct cm_span bytes, struct cm_hcl *out, struct cm_why *why)
{
    struct cm_hcl h = {0};
    struct cm_rd rd = cm_rd_init(bytes);
    struct cm_span magic = cm_rd_take(&rd, 4);
    uint32_t size = 0;
    uint32_t request = 0;
    uint32_t status = 0;
    uint32_t data_size = 0;
    uint32_t data_version = 0;
    uint32_t kind = 0;
    uint32_t hash = 0;
    uint32_t len = 0;

    h.version = cm_rd_u32le(&rd);
    size = cm_rd_u32le(&rd);
    request = cm_rd_u32le(&rd);
    status = cm_rd_u32le(&rd);
    cm_rd_zero(&rd, 12);
    h.report = cm_rd_take(&rd, CM_HCL_REPORT_SIZE);
    data_size = cm_rd_u32le(&rd);
    data_version = cm_rd_u32le(&rd);
    kind = cm_rd_u32le(&rd);
    hash = cm_rd_u32le(&rd);
    len = cm_rd_u32le(&rd);
    h.runtime = cm_rd_take(&rd, len);
    cm_rd_zero(&rd, rd.left); /* the NV index is larger */
    if (cm_rd_finish(&rd) != CM_OK || memcmp(magic.ptr, "HCLA", 4) != 0 || len == 0 ||
        len > CM_HCL_MAX_RUNTIME || data_size != 20 + len ||
        size != 32 + CM_HCL_REPORT_SIZE + data_size) {
        cm_why_set(why, "malformed: lengths, reserved bytes or padding");
        return CM_ERR_FORMAT;
    }
    if (h.version < 1 || h.version > 2 || data_version != 1 || request != REQUEST_ATTESTATION ||
        status != 0 || (kind != CM_HCL_SNP && kind != CM_HCL_TDX) || !read_hash(hash, &h.hash)) {
        cm_why_set(why, "version %u, request %u, status %u, kind %u or hash %u is not known",
                   h.version, request, status, kind, hash);
        return CM_ERR_UNSUPPORTED;
    }
    h.kind = (enum cm_hcl_kind)kind;
    *out = h;
    return CM_OK;
}

struct cm_span cm_hcl_td_report_data(const struct cm_hcl *hcl)
{
    struct cm_rd rd = cm_rd_init(hcl->report);
    uint8_t type = cm_rd_u8(&rd);
    struct cm_span data = {NULL, 0};

    (void)cm_rd_take(&rd, TD_REPORT_DATA - 1);
    data = cm_rd_take(&rd, 64);
    (void)cm_rd_take(&rd, CM_HCL_TDREPORT_SIZE - TD_REPORT_DATA - 64);
    cm_rd_zero(&rd, rd.left);
    return hcl->kind == CM_HCL_TDX && type == TD_REPORT_TYPE && cm_rd_finish(&rd) == CM_OK
               ? data
               : cm_span_make(NULL, 0);
}

enum cm_status cm_hcl_bound(const struct cm_hcl *hcl, struct cm_span report_data)
{
    uint8_t want[CM_HASH_MAX_SIZE] = {0}; /* zeros behind the digest */
    enum cm_status st = cm_hash(hcl->hash, hcl->runtime, want);

    if (st == CM_OK &&
        (report_data.len != sizeof(want) || !cm_ct_equal(want, report_data.ptr, sizeof(want)))) {
        st = CM_ERR_MISMATCH;
    }
    return st;
}

/* A number of a JWK, big endian without leading zeros. */
static enum cm_status read_number(struct cm_json_value v, uint8_t *out, size_t cap, size_t *len)
{
    struct cm_span text = {NULL, 0};
    enum cm_status st = cm_json_plain(v, &text);

    return st == CM_OK ? cm_base64url_decode(text, out, cap, len) : st;
}

static enum cm_status read_key(struct cm_json_value jwk, struct cm_pubkey **out)
{
    uint8_t n[1024];
    uint8_t e[8];
    size_t n_len = 0;
    size_t e_len = 0;
    enum cm_status st = CM_OK;

    if (!cm_json_equal(cm_json_get(jwk, "kty"), "RSA")) {
        return CM_ERR_UNSUPPORTED;
    }
    CM_TRY(read_number(cm_json_get(jwk, "n"), n, sizeof(n), &n_len));
    CM_TRY(read_number(cm_json_get(jwk, "e"), e, sizeof(e), &e_len));
    CM_TRY(cm_pubkey_from_rsa(cm_span_make(n, n_len), cm_span_make(e, e_len), out));
out:
    return st;
}

/* The one key of that name. Its key_ops are not looked at: blobs of 2023 say "encrypt" of it. */
static enum cm_status find_ak(struct cm_json_value root, struct cm_json_value *out)
{
    struct cm_json_value keys = cm_json_get(root, "keys");
    size_t found = 0;

    if (!cm_json_is(keys, CM_JSON_ARRAY)) {
        return CM_ERR_FORMAT;
    }
    for (struct cm_json_value k = cm_json_first(keys); k.doc != NULL; k = cm_json_next(k)) {
        if (cm_json_equal(cm_json_get(k, "kid"), "HCLAkPub")) {
            *out = k;
            found++;
        }
    }
    return found == 1 ? CM_OK : CM_ERR_NOTFOUND;
}

static void claim_configuration(struct cm_json_value config, struct cm_evidence *ev, size_t submod)
{
    static const struct {
        const char *member;
        const char *claim;
    } rows[] = {
        {"secure-boot", "azure.secure_boot"},
        {"console-enabled", "azure.console_enabled"},
        {"tpm-enabled", "azure.tpm_enabled"},
        {"tpm-persisted", "azure.tpm_persisted"},
        {"vmUniqueId", "azure.vm_unique_id"},
        {"root-cert-thumbprint", "azure.root_cert_thumbprint"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct cm_json_value v = cm_json_get(config, rows[i].member);
        char text[256] = "";
        bool b = false;

        if (cm_json_bool(v, &b) == CM_OK) {
            cm_claim_bool(ev, submod, rows[i].claim, b);
        } else if (cm_json_string(v, text, sizeof(text), NULL) == CM_OK) {
            cm_claim_text(ev, submod, rows[i].claim, text);
        }
    }
}

/* 128 digits; another form is no user data of ours to understand, and the raw text is a claim anyway */
static void read_user_data(struct cm_json_value v, struct cm_evidence *ev, size_t submod,
                           struct cm_hcl_runtime *out)
{
    struct cm_span text = {NULL, 0};

    if (cm_json_plain(v, &text) == CM_OK && cm_hex_decode(text, out->user_data, 64)) {
        out->has_user_data = true;
        cm_claim_bytes(ev, submod, "azure.user_data", cm_span_make(out->user_data, 64));
    }
}

enum cm_status cm_hcl_runtime_read(struct cm_span json, struct cm_evidence *ev, size_t submod,
                                   struct cm_hcl_runtime *out, struct cm_why *why)
{
    struct cm_json_node *nodes = malloc(NODES * sizeof(*nodes));
    struct cm_hcl_runtime r = {0};
    struct cm_json doc;
    struct cm_json_value ak = {NULL, 0};
    enum cm_status st = CM_OK;

    if (nodes == NULL) {
        return CM_ERR_NOMEM;
    }
    cm_claim_bytes(ev, submod, "azure.runtime_data", json);
    CM_TRY(cm_json_parse(json, nodes, NODES, &doc, why));
    claim_configuration(cm_json_get(cm_json_root(&doc), "vm-configuration"), ev, submod);
    read_user_data(cm_json_get(cm_json_root(&doc), "user-data"), ev, submod, &r);
    st = find_ak(cm_json_root(&doc), &ak);
    cm_why_set(why, "the runtime data does not name one HCLAkPub");
    CM_TRY(st);
    CM_TRY(read_key(ak, &r.ak));
    *out = r;
out:
    free(nodes);
    return st;
}
