/*
 * EGETKEY and EREPORT (SDM Vol. 3D 40.4): which fields enter a key, and which requests are refused.
 *
 * A key is AES-128-CMAC, under the platform's root, over the key dependencies in the fixed order of
 * deps_write(). Hardware's own layout is not public; only that equal dependencies give equal keys
 * and different ones different keys can matter to an enclave.
 */
#include "sgxemu/emu_keys.h"

#include <string.h>

#include "common/wipe.h"
#include "common/writer.h"
#include "sgxemu/emu_cmac.h"

#define KSS_POLICY                                                                    \
    (SGX_KEYPOLICY_NOISVPRODID | SGX_KEYPOLICY_CONFIGID | SGX_KEYPOLICY_ISVFAMILYID | \
     SGX_KEYPOLICY_ISVEXTPRODID)
#define KNOWN_POLICY (SGX_KEYPOLICY_MRENCLAVE | SGX_KEYPOLICY_MRSIGNER | KSS_POLICY)

/* REQUIRED_SEALING_MASK: a debug enclave never gets a production enclave's key, whatever it asks */
#define REQUIRED_ATTRIBUTES (SGX_ATTR_INIT | SGX_ATTR_DEBUG)

/* SDM, "Key Dependencies". All zero = does not depend on it. */
struct deps {
    uint16_t keyname;
    uint16_t keypolicy;
    uint16_t isvprodid;
    uint16_t isvsvn;
    uint16_t configsvn;
    uint32_t misc;
    uint32_t miscmask;
    struct sgx_attributes attributes;
    struct sgx_attributes attributemask;
    uint8_t owner_epoch[16];
    uint8_t seal_fuses[16];
    uint8_t cpusvn[16];
    uint8_t family_id[16];
    uint8_t ext_prod_id[16];
    uint8_t keyid[32];
    uint8_t mrenclave[32];
    uint8_t mrsigner[32];
    uint8_t configid[64];
};

#define DEPS_BYTES 320u

static enum cm_status deps_write(const struct deps *d, uint8_t out[DEPS_BYTES])
{
    struct cm_wr w = cm_wr_init(out, DEPS_BYTES);

    cm_wr_u16le(&w, d->keyname);
    cm_wr_u16le(&w, d->keypolicy);
    cm_wr_u16le(&w, d->isvprodid);
    cm_wr_u16le(&w, d->isvsvn);
    cm_wr_u16le(&w, d->configsvn);
    cm_wr_fill(&w, 0, 6);
    cm_wr_u32le(&w, d->misc);
    cm_wr_u32le(&w, d->miscmask);
    cm_wr_u64le(&w, d->attributes.flags);
    cm_wr_u64le(&w, d->attributes.xfrm);
    cm_wr_u64le(&w, d->attributemask.flags);
    cm_wr_u64le(&w, d->attributemask.xfrm);
    cm_wr_bytes(&w, d->owner_epoch, 16);
    cm_wr_bytes(&w, d->seal_fuses, 16);
    cm_wr_bytes(&w, d->cpusvn, 16);
    cm_wr_bytes(&w, d->family_id, 16);
    cm_wr_bytes(&w, d->ext_prod_id, 16);
    cm_wr_bytes(&w, d->keyid, 32);
    cm_wr_bytes(&w, d->mrenclave, 32);
    cm_wr_bytes(&w, d->mrsigner, 32);
    cm_wr_bytes(&w, d->configid, 64);
    cm_wr_fill(&w, 0, DEPS_BYTES - w.used);
    return cm_wr_finish(&w);
}

static int derive(const struct cm_emu_platform *p, const struct deps *d,
                  uint8_t out[CM_EMU_KEY_SIZE])
{
    uint8_t bytes[DEPS_BYTES] = {0};
    int ret = CM_EMU_LEAF_FAIL;

    if (deps_write(d, bytes) == CM_OK) {
        cm_emu_cmac(p->prov_root, cm_span_make(bytes, sizeof(bytes)), out);
        ret = SGX_SUCCESS;
    }
    cm_wipe(bytes, sizeof(bytes));
    return ret;
}

static bool all_zero(const uint8_t *p, size_t n)
{
    uint8_t any = 0;

    for (size_t i = 0; i < n; i++) {
        any |= p[i];
    }
    return any == 0;
}

/* A request that the processor answers with #GP before it looks at the key's name. */
static bool malformed(const struct cm_emu_ident *id, const struct sgx_keyrequest *req)
{
    bool kss = (id->attributes.flags & SGX_ATTR_KSS) != 0;

    if ((req->keypolicy & ~KNOWN_POLICY) != 0 || req->reserved1 != 0 ||
        !all_zero(req->reserved2, sizeof(req->reserved2))) {
        return true;
    }
    return !kss && ((req->keypolicy & KSS_POLICY) != 0 || req->configsvn != 0);
}

static bool cpusvn_beyond(const uint8_t asked[16], const uint8_t have[16])
{
    for (size_t i = 0; i < 16; i++) {
        if (asked[i] > have[i]) {
            return true;
        }
    }
    return false;
}

/* Versions: an older key may be asked for, a newer one never. */
static int versions(const struct cm_emu_platform *p, const struct cm_emu_ident *id,
                    const struct sgx_keyrequest *req)
{
    if (cpusvn_beyond(req->cpusvn, p->cpusvn)) {
        return SGX_INVALID_CPUSVN;
    }
    if (req->isvsvn > id->isvsvn || req->configsvn > id->configsvn) {
        return SGX_INVALID_ISVSVN;
    }
    return SGX_SUCCESS;
}

/* What all keys but REPORT take from the request and SECS in the same way. */
static void deps_common(struct deps *d, const struct cm_emu_ident *id,
                        const struct sgx_keyrequest *req)
{
    d->keyname = req->keyname;
    d->isvsvn = req->isvsvn;
    memcpy(d->cpusvn, req->cpusvn, 16);
    d->attributes.flags = (req->attributemask.flags | REQUIRED_ATTRIBUTES) & id->attributes.flags;
    d->attributes.xfrm = req->attributemask.xfrm & id->attributes.xfrm;
    d->misc = req->miscmask & id->misc;
}

static void deps_masks(struct deps *d, const struct sgx_keyrequest *req)
{
    d->attributemask = req->attributemask;
    d->miscmask = ~req->miscmask;
}

/* The policy bits that need ATTRIBUTES.KSS, and ISVPRODID that one of them switches off. */
static void deps_kss(struct deps *d, const struct cm_emu_ident *id,
                     const struct sgx_keyrequest *req)
{
    d->keypolicy = req->keypolicy;
    if ((req->keypolicy & SGX_KEYPOLICY_NOISVPRODID) == 0) {
        d->isvprodid = id->isvprodid;
    }
    if ((req->keypolicy & SGX_KEYPOLICY_CONFIGID) != 0) {
        memcpy(d->configid, id->configid, sizeof(d->configid));
        d->configsvn = req->configsvn;
    }
    if ((req->keypolicy & SGX_KEYPOLICY_ISVFAMILYID) != 0) {
        memcpy(d->family_id, id->family_id, sizeof(d->family_id));
    }
    if ((req->keypolicy & SGX_KEYPOLICY_ISVEXTPRODID) != 0) {
        memcpy(d->ext_prod_id, id->ext_prod_id, sizeof(d->ext_prod_id));
    }
}

static void seal_deps(struct deps *d, const struct cm_emu_platform *p,
                      const struct cm_emu_ident *id, const struct sgx_keyrequest *req)
{
    deps_common(d, id, req);
    deps_masks(d, req);
    deps_kss(d, id, req);
    memcpy(d->owner_epoch, p->owner_epoch, 16);
    memcpy(d->seal_fuses, p->seal_fuses, 16);
    memcpy(d->keyid, req->keyid, 32);
    if ((req->keypolicy & SGX_KEYPOLICY_MRENCLAVE) != 0) {
        memcpy(d->mrenclave, id->mrenclave, 32);
    }
    if ((req->keypolicy & SGX_KEYPOLICY_MRSIGNER) != 0) {
        memcpy(d->mrsigner, id->mrsigner, 32);
    }
}

static void provision_deps(struct deps *d, const struct cm_emu_platform *p,
                           const struct cm_emu_ident *id, const struct sgx_keyrequest *req)
{
    deps_common(d, id, req);
    deps_masks(d, req);
    memcpy(d->mrsigner, id->mrsigner, 32);
    if (req->keyname == SGX_KEY_PROVISION_SEAL) {
        deps_kss(d, id, req);
        memcpy(d->seal_fuses, p->seal_fuses, 16);
    } else {
        d->isvprodid = id->isvprodid;
    }
}

static void einittoken_deps(struct deps *d, const struct cm_emu_platform *p,
                            const struct cm_emu_ident *id, const struct sgx_keyrequest *req)
{
    deps_common(d, id, req);
    d->isvprodid = id->isvprodid;
    memcpy(d->owner_epoch, p->owner_epoch, 16);
    memcpy(d->seal_fuses, p->seal_fuses, 16);
    memcpy(d->keyid, req->keyid, 32);
    memcpy(d->mrsigner, id->mrsigner, 32);
}

/* The identity that a report key belongs to: the caller of EGETKEY or the target of EREPORT. */
struct report_target {
    struct sgx_attributes attributes;
    uint32_t misc;
    uint16_t configsvn;
    const uint8_t *mrenclave;
    const uint8_t *configid;
};

static int report_key(const struct cm_emu_platform *p, const struct report_target *t,
                      const uint8_t keyid[32], uint8_t out[CM_EMU_KEY_SIZE])
{
    struct deps d;
    int ret = 0;

    memset(&d, 0, sizeof(d));
    d.keyname = SGX_KEY_REPORT;
    d.attributes = t->attributes;
    d.misc = t->misc;
    d.configsvn = t->configsvn;
    memcpy(d.owner_epoch, p->owner_epoch, 16);
    memcpy(d.seal_fuses, p->seal_fuses, 16);
    memcpy(d.cpusvn, p->cpusvn, 16);
    memcpy(d.keyid, keyid, 32);
    memcpy(d.mrenclave, t->mrenclave, 32);
    memcpy(d.configid, t->configid, 64);
    ret = derive(p, &d, out);
    cm_wipe(&d, sizeof(d));
    return ret;
}

/* Capabilities come before versions (SDM: the attribute check opens each case). */
static int allowed(const struct cm_emu_platform *p, const struct cm_emu_ident *id,
                   const struct sgx_keyrequest *req)
{
    uint64_t need = 0;

    if (req->keyname == SGX_KEY_EINITTOKEN) {
        need = SGX_ATTR_EINITTOKEN;
    } else if (req->keyname == SGX_KEY_PROVISION || req->keyname == SGX_KEY_PROVISION_SEAL) {
        need = SGX_ATTR_PROVISIONKEY;
    }
    if ((id->attributes.flags & need) != need) {
        return SGX_INVALID_ATTRIBUTE;
    }
    return versions(p, id, req);
}

int cm_emu_key_get(const struct cm_emu_platform *p, const struct cm_emu_ident *id,
                   const struct sgx_keyrequest *req, uint8_t out[CM_EMU_KEY_SIZE])
{
    struct deps d;
    int ret = 0;

    if (malformed(id, req)) {
        return CM_EMU_LEAF_GP;
    }
    if (req->keyname == SGX_KEY_REPORT) {
        struct report_target self = {id->attributes, id->misc, id->configsvn, id->mrenclave,
                                     id->configid};

        return report_key(p, &self, req->keyid, out);
    }
    if (req->keyname > SGX_KEY_SEAL) {
        return SGX_INVALID_KEYNAME;
    }
    ret = allowed(p, id, req);
    if (ret != SGX_SUCCESS) {
        return ret;
    }
    memset(&d, 0, sizeof(d));
    if (req->keyname == SGX_KEY_SEAL) {
        seal_deps(&d, p, id, req);
    } else if (req->keyname == SGX_KEY_EINITTOKEN) {
        einittoken_deps(&d, p, id, req);
    } else {
        provision_deps(&d, p, id, req);
    }
    ret = derive(p, &d, out);
    cm_wipe(&d, sizeof(d));
    return ret;
}

int cm_emu_report_make(const struct cm_emu_platform *p, const struct cm_emu_ident *id,
                       const struct sgx_targetinfo *target, const uint8_t data[64],
                       struct sgx_report *out)
{
    struct report_target t = {target->attributes, target->miscselect, target->configsvn,
                              target->mrenclave, target->configid};
    struct sgx_report r;
    uint8_t key[CM_EMU_KEY_SIZE] = {0};
    int ret = 0;

    if (!all_zero(target->reserved1, sizeof(target->reserved1)) ||
        !all_zero(target->reserved2, sizeof(target->reserved2)) ||
        !all_zero(target->reserved3, sizeof(target->reserved3))) {
        return CM_EMU_LEAF_GP;
    }
    memset(&r, 0, sizeof(r));
    memcpy(r.body.cpusvn, p->cpusvn, 16);
    r.body.miscselect = id->misc;
    r.body.attributes = id->attributes;
    memcpy(r.body.mrenclave, id->mrenclave, 32);
    memcpy(r.body.mrsigner, id->mrsigner, 32);
    r.body.isvprodid = id->isvprodid;
    r.body.isvsvn = id->isvsvn;
    memcpy(r.body.isvextprodid, id->ext_prod_id, 16);
    memcpy(r.body.isvfamilyid, id->family_id, 16);
    memcpy(r.body.configid, id->configid, 64);
    r.body.configsvn = id->configsvn;
    memcpy(r.body.reportdata, data, 64);
    memcpy(r.keyid, p->report_keyid, 32);
    ret = report_key(p, &t, r.keyid, key);
    if (ret == SGX_SUCCESS) {
        cm_emu_cmac(key, cm_span_make(&r.body, sizeof(r.body)), r.mac);
        *out = r;
    }
    cm_wipe(key, sizeof(key));
    return ret;
}
