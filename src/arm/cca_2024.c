/* The claims of 2024; see cca_2024.h. Untrusted: all of them. */
#include "arm/cca_2024.h"

#include <string.h>

#include "common/try.h"

#define PLATFORM_MANUFACTURER 2403
#define PLATFORM_EXTENSION    2404
#define PLATFORM_TBB_ROTPK    2405
#define PLATFORM_PEER_SIGNERS 2406

#define DEVICE_HASH_ALG       1
#define DEVICE_MEASUREMENTS   2
#define DEVICE_CERTIFICATES   3
#define DEVICE_USES_IDE       4
#define DEVICE_PROTOCOL       5
#define DEVICE_VCA            6
#define DEVICE_TYPE           7
#define DEVICE_ENCRYPTION     8

#define ROTPK_NAME            1
#define ROTPK_ACTIVE          2
#define ROTPK_INDEX           3
#define ROTPK_HASH            4

#define REALM_MEC_POLICY      44243
#define REALM_LFA_POLICY      44244
#define REALM_DEVICES         44257

static enum cm_status bad(struct cm_why *why, const char *what)
{
    cm_why_set(why, "%s is missing or malformed", what);
    return CM_ERR_FORMAT;
}

static bool hash_value(struct cm_cbor_value v)
{
    struct cm_span s = {NULL, 0};

    return cm_arm_hash_value(v, &s) == CM_OK;
}

/* A text that is not empty. */
static bool name(struct cm_cbor_value v, char out[CM_ARM_MAX_TEXT + 1])
{
    return cm_arm_text(v, out) == CM_OK && out[0] != '\0';
}

/* SPDM from 1.2 on has a transcript of version, capabilities and algorithms. */
static bool has_vca(const char *protocol)
{
    return strncmp(protocol, "spdm-1.2.", 9) == 0 || strncmp(protocol, "spdm-1.3.", 9) == 0 ||
           strncmp(protocol, "spdm-1.4.", 9) == 0;
}

/* One device behind the platform: an SPDM responder, such as CXL memory. */
static bool device(struct cm_cbor_value d)
{
    struct cm_cbor_value alg = cm_cbor_get(d, DEVICE_HASH_ALG);
    struct cm_cbor_value vca = cm_cbor_get(d, DEVICE_VCA);
    struct cm_cbor_value encryption = cm_cbor_get(d, DEVICE_ENCRYPTION);
    char protocol[CM_ARM_MAX_TEXT + 1] = "";
    char type[CM_ARM_MAX_TEXT + 1] = "";
    char text[CM_ARM_MAX_TEXT + 1] = "";
    uint64_t kind = 0;
    bool ide = false;

    if (!cm_cbor_is(d, CM_CBOR_MAP) || !hash_value(cm_cbor_get(d, DEVICE_MEASUREMENTS)) ||
        !hash_value(cm_cbor_get(d, DEVICE_CERTIFICATES)) ||
        cm_cbor_bool(cm_cbor_get(d, DEVICE_USES_IDE), &ide) != CM_OK ||
        !name(cm_cbor_get(d, DEVICE_PROTOCOL), protocol) ||
        !name(cm_cbor_get(d, DEVICE_TYPE), type) ||
        (alg.doc != NULL && (!name(alg, text) || cm_arm_hash_name(text) == NULL))) {
        return false;
    }
    if (has_vca(protocol) ? !hash_value(vca) : vca.doc != NULL) {
        return false;
    }
    if (strcmp(type, "cxl-type-3") == 0) {
        return cm_cbor_u64(encryption, &kind) == CM_OK && kind <= 2;
    }
    return encryption.doc == NULL;
}

/* One key of the trusted boot: which of an array's is in use, and its hash. */
static bool boot_key(struct cm_cbor_value k)
{
    char text[CM_ARM_MAX_TEXT + 1] = "";
    int64_t n = 0;

    return cm_cbor_is(k, CM_CBOR_MAP) && name(cm_cbor_get(k, ROTPK_NAME), text) &&
           cm_cbor_i64(cm_cbor_get(k, ROTPK_ACTIVE), &n) == CM_OK &&
           cm_cbor_i64(cm_cbor_get(k, ROTPK_INDEX), &n) == CM_OK &&
           hash_value(cm_cbor_get(k, ROTPK_HASH));
}

/* An optional list: not empty, every element good; kept as it stands. */
static enum cm_status list(struct cm_cbor_value v, bool (*good)(struct cm_cbor_value),
                           const char *claim, struct cm_evidence *ev, size_t submod,
                           struct cm_why *why)
{
    if (v.doc == NULL) {
        return CM_OK;
    }
    if (!cm_cbor_is(v, CM_CBOR_ARRAY) || cm_cbor_count(v) == 0) {
        return bad(why, claim);
    }
    for (struct cm_cbor_value e = cm_cbor_first(v); e.doc != NULL; e = cm_cbor_next(e)) {
        if (!good(e)) {
            return bad(why, claim);
        }
    }
    cm_claim_bytes(ev, submod, claim, cm_cbor_encoding(v));
    return CM_OK;
}

/* An optional byte string that is not empty. */
static enum cm_status bytes(struct cm_cbor_value v, const char *claim, struct cm_evidence *ev,
                            size_t submod, struct cm_why *why)
{
    struct cm_span s = {NULL, 0};

    if (v.doc == NULL) {
        return CM_OK;
    }
    if (cm_cbor_bytes(v, &s) != CM_OK || s.len == 0) {
        return bad(why, claim);
    }
    cm_claim_bytes(ev, submod, claim, s);
    return CM_OK;
}

enum cm_status cm_cca_2024_platform(struct cm_cbor_value claims, struct cm_evidence *ev,
                                    size_t submod, struct cm_why *why)
{
    uint64_t client = 0;
    enum cm_status st = CM_OK;

    /* 1: the RMM asked; nobody else may have a token of a realm's kind made */
    if (cm_cbor_u64(cm_cbor_get(claims, CM_ARM_CLIENT_ID), &client) != CM_OK || client != 1) {
        return bad(why, "the client id");
    }
    cm_claim_uint(ev, submod, "cca.client_id", client);
    CM_TRY(bytes(cm_cbor_get(claims, PLATFORM_MANUFACTURER), "cca.manufacturing_config", ev, submod,
                 why));
    CM_TRY(bytes(cm_cbor_get(claims, PLATFORM_PEER_SIGNERS), "cca.peer_signers", ev, submod, why));
    CM_TRY(list(cm_cbor_get(claims, PLATFORM_EXTENSION), device, "cca.extension_devices", ev,
                submod, why));
    st = list(cm_cbor_get(claims, PLATFORM_TBB_ROTPK), boot_key, "cca.tbb_rotpk", ev, submod, why);
out:
    return st;
}

/* A choice of two, as a number (RMM 2.0) or as a word (earlier tools). */
static enum cm_status choice(struct cm_cbor_value v, const char *const words[2], const char *claim,
                             struct cm_evidence *ev, size_t submod, struct cm_why *why)
{
    uint64_t n = 0;

    if (cm_cbor_u64(v, &n) != CM_OK) {
        n = cm_cbor_equal(v, words[0]) ? 0 : (cm_cbor_equal(v, words[1]) ? 1 : 2);
    }
    if (n > 1) {
        return bad(why, claim);
    }
    cm_claim_text(ev, submod, claim, words[n]);
    return CM_OK;
}

enum cm_status cm_cca_2024_realm(struct cm_cbor_value claims, struct cm_evidence *ev, size_t submod,
                                 struct cm_why *why)
{
    static const char *const mec[2] = {"shared", "private"};
    static const char *const lfa[2] = {"disallow", "allow"};
    struct cm_cbor_value id_item = cm_cbor_get(claims, CM_ARM_UEID);
    struct cm_cbor_value devices = cm_cbor_get(claims, REALM_DEVICES);
    struct cm_cbor_value activation = cm_cbor_get(claims, REALM_LFA_POLICY);
    struct cm_span s = {NULL, 0};
    enum cm_status st = CM_OK;

    CM_TRY(choice(cm_cbor_get(claims, REALM_MEC_POLICY), mec, "cca.mec_policy", ev, submod, why));
    if (activation.doc != NULL) {
        CM_TRY(choice(activation, lfa, "cca.lfa_policy", ev, submod, why));
    }
    /* mandatory in RMM 2.0, and absent in tokens that were made before */
    if (id_item.doc != NULL) {
        if (cm_arm_bytes(id_item, CM_ARM_UEID_SIZE, &s) != CM_OK || s.ptr[0] != CM_ARM_UEID_RAND) {
            return bad(why, "the realm's instance id");
        }
        cm_claim_bytes(ev, submod, CM_CLAIM_UEID, s);
    }
    if (devices.doc != NULL) {
        if (cm_arm_hash_value(devices, &s) != CM_OK) {
            return bad(why, "the hash of the devices' token");
        }
        cm_claim_bytes(ev, submod, "cca.devices_token_hash", s);
    }
out:
    return st;
}
