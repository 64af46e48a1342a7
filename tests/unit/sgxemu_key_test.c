/*
 * EGETKEY and EREPORT (row G4): a key changes with a field exactly when the SDM's key dependencies
 * say so; what hardware refuses is refused with its error code; a debug enclave never gets a
 * production enclave's key.
 */
#include "harness.h"

#include "crypto/crypto.h"
#include "sgxemu/emu_keys.h"

static struct cm_emu_platform platform(void)
{
    struct cm_emu_platform p;

    memset(&p, 0, sizeof(p));
    memset(p.prov_root, 1, 16);
    memset(p.seal_fuses, 2, 16);
    memset(p.owner_epoch, 3, 16);
    memset(p.cpusvn, 4, 16);
    memset(p.report_keyid, 5, 32);
    return p;
}

/* an enclave with everything set, and every capability */
static struct cm_emu_ident ident(void)
{
    struct cm_emu_ident id;

    memset(&id, 0, sizeof(id));
    id.attributes.flags = SGX_ATTR_INIT | SGX_ATTR_MODE64 | SGX_ATTR_KSS | SGX_ATTR_PROVISIONKEY |
                          SGX_ATTR_EINITTOKEN;
    id.attributes.xfrm = 7;
    id.misc = 1;
    memset(id.mrenclave, 0x11, 32);
    memset(id.mrsigner, 0x22, 32);
    memset(id.configid, 0x33, 64);
    memset(id.family_id, 0x44, 16);
    memset(id.ext_prod_id, 0x55, 16);
    id.isvprodid = 7;
    id.isvsvn = 5;
    id.configsvn = 6;
    return id;
}

static struct sgx_keyrequest request(uint16_t name, uint16_t policy)
{
    struct sgx_keyrequest r;

    memset(&r, 0, sizeof(r));
    r.keyname = name;
    r.keypolicy = policy;
    r.isvsvn = 5;
    r.configsvn = 6;
    memset(r.cpusvn, 4, 16);
    r.attributemask.flags = ~0ull;
    r.attributemask.xfrm = ~0ull;
    r.miscmask = ~0u;
    memset(r.keyid, 0x66, 32);
    return r;
}

/* ------------------------------------------------------------------ the matrix */

/* one change of the platform, the enclave or the request */
enum field {
    P_ROOT,
    P_FUSES,
    P_EPOCH,
    P_CPUSVN, /* the platform's own: only REPORT keys take it */
    I_MRENCLAVE,
    I_MRSIGNER,
    I_PRODID,
    I_SVN, /* upgrade: the old request still stands */
    I_CONFIGID,
    I_CONFIGSVN, /* upgrade */
    I_FAMILY,
    I_EXTPROD,
    I_DEBUG,
    I_KSS_BIT10, /* an attribute that the mask covers */
    I_XFRM,
    I_MISC,
    R_KEYID,
    R_SVN,
    R_CONFIGSVN,
    R_CPUSVN,
    R_MASK,
    R_XMASK,
    R_MISCMASK,
    FIELDS
};

static const char *const field_names[FIELDS] = {"root",
                                                "fuses",
                                                "owner epoch",
                                                "platform CPUSVN",
                                                "MRENCLAVE",
                                                "MRSIGNER",
                                                "ISVPRODID",
                                                "ISVSVN",
                                                "CONFIGID",
                                                "CONFIGSVN",
                                                "family",
                                                "extended product",
                                                "DEBUG",
                                                "other attribute",
                                                "XFRM",
                                                "MISCSELECT",
                                                "KEYID",
                                                "requested ISVSVN",
                                                "requested CONFIGSVN",
                                                "requested CPUSVN",
                                                "ATTRIBUTEMASK",
                                                "XFRM mask",
                                                "MISCMASK"};

struct inputs {
    struct cm_emu_platform p;
    struct cm_emu_ident id;
    struct sgx_keyrequest r;
};

static void change(struct inputs *in, enum field f)
{
    switch (f) {
    case P_ROOT:
        in->p.prov_root[15] ^= 1;
        break;
    case P_FUSES:
        in->p.seal_fuses[0] ^= 1;
        break;
    case P_EPOCH:
        in->p.owner_epoch[0] ^= 1;
        break;
    case P_CPUSVN:
        in->p.cpusvn[3]++;
        break;
    case I_MRENCLAVE:
        in->id.mrenclave[31] ^= 0x80;
        break;
    case I_MRSIGNER:
        in->id.mrsigner[0] ^= 1;
        break;
    case I_PRODID:
        in->id.isvprodid ^= 0x8000;
        break;
    case I_SVN:
        in->id.isvsvn++;
        break;
    case I_CONFIGID:
        in->id.configid[63] ^= 1;
        break;
    case I_CONFIGSVN:
        in->id.configsvn++;
        break;
    case I_FAMILY:
        in->id.family_id[15] ^= 1;
        break;
    case I_EXTPROD:
        in->id.ext_prod_id[15] ^= 1;
        break;
    case I_DEBUG:
        in->id.attributes.flags ^= SGX_ATTR_DEBUG;
        break;
    case I_KSS_BIT10:
        in->id.attributes.flags ^= SGX_ATTR_AEXNOTIFY;
        break;
    case I_XFRM:
        in->id.attributes.xfrm ^= 4;
        break;
    case I_MISC:
        in->id.misc ^= 1;
        break;
    case R_KEYID:
        in->r.keyid[31] ^= 1;
        break;
    case R_SVN:
        in->r.isvsvn--;
        break;
    case R_CONFIGSVN:
        in->r.configsvn--;
        break;
    case R_CPUSVN:
        in->r.cpusvn[15]--;
        break;
    case R_MASK:
        in->r.attributemask.flags ^= 1ull << 63;
        break;
    case R_XMASK:
        in->r.attributemask.xfrm ^= 1ull << 63;
        break;
    case R_MISCMASK:
        in->r.miscmask ^= 1u << 31;
        break;
    case FIELDS:
    default:
        break;
    }
}

#define F(x) (1u << (x))
#define ALWAYS \
    (F(P_ROOT) | F(I_DEBUG) | F(I_KSS_BIT10) | F(I_XFRM) | F(I_MISC) | F(R_SVN) | F(R_CPUSVN))
#define MASKS (F(R_MASK) | F(R_XMASK) | F(R_MISCMASK))

/* which changes must change the key (SDM, table of key dependencies) */
static uint32_t dependencies(uint16_t name, uint16_t policy)
{
    uint32_t d = ALWAYS;

    switch (name) {
    case SGX_KEY_SEAL:
        d |= MASKS | F(P_FUSES) | F(P_EPOCH) | F(R_KEYID);
        d |= (policy & SGX_KEYPOLICY_MRENCLAVE) != 0 ? F(I_MRENCLAVE) : 0;
        d |= (policy & SGX_KEYPOLICY_MRSIGNER) != 0 ? F(I_MRSIGNER) : 0;
        break;
    case SGX_KEY_PROVISION_SEAL:
        d |= MASKS | F(P_FUSES) | F(I_MRSIGNER);
        break;
    case SGX_KEY_PROVISION:
        return d | MASKS | F(I_MRSIGNER) | F(I_PRODID);
    case SGX_KEY_EINITTOKEN:
        return d | F(P_FUSES) | F(P_EPOCH) | F(R_KEYID) | F(I_MRSIGNER) | F(I_PRODID);
    default: /* REPORT: the enclave as it is now, on the platform as it is now */
        return F(P_ROOT) | F(P_FUSES) | F(P_EPOCH) | F(P_CPUSVN) | F(I_MRENCLAVE) | F(I_CONFIGID) |
               F(I_CONFIGSVN) | F(I_DEBUG) | F(I_KSS_BIT10) | F(I_XFRM) | F(I_MISC) | F(R_KEYID);
    }
    d |= (policy & SGX_KEYPOLICY_NOISVPRODID) == 0 ? F(I_PRODID) : 0;
    d |= (policy & SGX_KEYPOLICY_CONFIGID) != 0 ? F(I_CONFIGID) | F(R_CONFIGSVN) : 0;
    d |= (policy & SGX_KEYPOLICY_ISVFAMILYID) != 0 ? F(I_FAMILY) : 0;
    d |= (policy & SGX_KEYPOLICY_ISVEXTPRODID) != 0 ? F(I_EXTPROD) : 0;
    return d;
}

TEST(G4_key_matrix)
{
    for (uint16_t name = 0; name <= SGX_KEY_SEAL; name++) {
        for (uint16_t policy = 0; policy < 0x40; policy++) {
            struct inputs base = {platform(), ident(), request(name, policy)};
            uint8_t key[16] = {0};
            uint32_t want = dependencies(name, policy);

            CHECK_EQ(cm_emu_key_get(&base.p, &base.id, &base.r, key), SGX_SUCCESS);
            for (int f = 0; f < FIELDS; f++) {
                struct inputs in = base;
                uint8_t other[16] = {0};
                uint32_t should = (want >> f) & 1u;
                uint32_t differs = 0;

                change(&in, (enum field)f);
                CHECK_EQ(cm_emu_key_get(&in.p, &in.id, &in.r, other), SGX_SUCCESS);
                differs = memcmp(key, other, 16) != 0;
                if (differs != should) {
                    TEST_FAIL("key %d policy 0x%x: %s %s the key", name, policy, field_names[f],
                              differs != 0 ? "changes" : "does not change");
                }
            }
        }
    }
}

TEST(G4_every_policy_and_name_gives_its_own_key)
{
    static uint8_t keys[64 * 2][16];
    struct cm_emu_platform p = platform();
    struct cm_emu_ident id = ident();
    size_t n = 0;
    size_t same = 0;

    for (uint16_t policy = 0; policy < 0x40; policy++) {
        struct sgx_keyrequest r = request(SGX_KEY_SEAL, policy);

        CHECK_EQ(cm_emu_key_get(&p, &id, &r, keys[n++]), SGX_SUCCESS);
    }
    for (uint16_t name = 0; name < SGX_KEY_SEAL; name++) {
        struct sgx_keyrequest r = request(name, 0);

        CHECK_EQ(cm_emu_key_get(&p, &id, &r, keys[n++]), SGX_SUCCESS);
    }
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < i; j++) {
            same += memcmp(keys[i], keys[j], 16) == 0;
        }
    }
    CHECK_EQ(same, 0);
}

/* DEBUG and INIT enter every key even when the request masks them out */
TEST(G4_debug_key_is_never_the_production_key)
{
    for (uint16_t name = 0; name <= SGX_KEY_SEAL; name++) {
        struct inputs in = {platform(), ident(), request(name, SGX_KEYPOLICY_MRSIGNER)};
        uint8_t production[16] = {0};
        uint8_t debug[16] = {0};

        in.r.attributemask.flags = 0;
        in.r.attributemask.xfrm = 0;
        in.r.miscmask = 0;
        CHECK_EQ(cm_emu_key_get(&in.p, &in.id, &in.r, production), SGX_SUCCESS);
        in.id.attributes.flags |= SGX_ATTR_DEBUG;
        CHECK_EQ(cm_emu_key_get(&in.p, &in.id, &in.r, debug), SGX_SUCCESS);
        CHECK(memcmp(production, debug, 16) != 0);
    }
}

/* a mask of 0 makes a SEAL key independent of XFRM, MISCSELECT and the other attributes */
TEST(G4_masked_out_fields_do_not_count)
{
    struct inputs in = {platform(), ident(), request(SGX_KEY_SEAL, SGX_KEYPOLICY_MRENCLAVE)};
    uint8_t a[16] = {0};
    uint8_t b[16] = {0};

    in.r.attributemask.flags = 0;
    in.r.attributemask.xfrm = 0;
    in.r.miscmask = 0;
    CHECK_EQ(cm_emu_key_get(&in.p, &in.id, &in.r, a), SGX_SUCCESS);
    in.id.attributes.flags ^= SGX_ATTR_PROVISIONKEY;
    in.id.attributes.xfrm = 0xe7;
    in.id.misc = 0;
    CHECK_EQ(cm_emu_key_get(&in.p, &in.id, &in.r, b), SGX_SUCCESS);
    CHECK_MEM(a, b, 16);
}

/* ------------------------------------------------------------------ refusals */

TEST(G4_future_versions_are_refused_and_old_ones_are_not)
{
    for (uint16_t name = 0; name <= SGX_KEY_SEAL; name++) {
        struct inputs in = {platform(), ident(), request(name, 0)};
        uint8_t key[16];
        int refused = name == SGX_KEY_REPORT ? SGX_SUCCESS : SGX_INVALID_ISVSVN;

        memset(key, 0xee, sizeof(key));
        in.r.isvsvn = 6;
        CHECK_EQ(cm_emu_key_get(&in.p, &in.id, &in.r, key), refused);
        if (refused != SGX_SUCCESS) {
            CHECK_EQ(key[0], 0xee); /* and nothing is given */
        }
        in.r = request(name, 0);
        in.r.configsvn = 7;
        CHECK_EQ(cm_emu_key_get(&in.p, &in.id, &in.r, key), refused);
        in.r = request(name, 0);
        for (size_t i = 0; i < 16; i++) {
            in.r.cpusvn[i] = 5;
            CHECK_EQ(cm_emu_key_get(&in.p, &in.id, &in.r, key),
                     refused == SGX_SUCCESS ? SGX_SUCCESS : SGX_INVALID_CPUSVN);
            in.r.cpusvn[i] = 3; /* an older component does not make up for it */
        }
        CHECK_EQ(cm_emu_key_get(&in.p, &in.id, &in.r, key), SGX_SUCCESS);
    }
}

TEST(G4_capabilities)
{
    static const struct {
        uint16_t name;
        uint64_t need;
    } cases[] = {{SGX_KEY_EINITTOKEN, SGX_ATTR_EINITTOKEN},
                 {SGX_KEY_PROVISION, SGX_ATTR_PROVISIONKEY},
                 {SGX_KEY_PROVISION_SEAL, SGX_ATTR_PROVISIONKEY}};

    for (size_t i = 0; i < 3; i++) {
        struct inputs in = {platform(), ident(), request(cases[i].name, 0)};
        uint8_t key[16] = {0};

        in.id.attributes.flags &= ~cases[i].need;
        CHECK_EQ(cm_emu_key_get(&in.p, &in.id, &in.r, key), SGX_INVALID_ATTRIBUTE);
        in.r.isvsvn = 100; /* the missing capability is reported first */
        CHECK_EQ(cm_emu_key_get(&in.p, &in.id, &in.r, key), SGX_INVALID_ATTRIBUTE);
    }
}

TEST(G4_unknown_names)
{
    for (uint32_t name = 5; name < 0x10000; name += 1 + name / 16) {
        struct inputs in = {platform(), ident(), request((uint16_t)name, 0)};
        uint8_t key[16] = {0};

        CHECK_EQ(cm_emu_key_get(&in.p, &in.id, &in.r, key), SGX_INVALID_KEYNAME);
    }
}

TEST(G4_reserved_bits_are_a_fault)
{
    struct inputs in = {platform(), ident(), request(SGX_KEY_SEAL, 1)};
    uint8_t key[16] = {0};

    for (int bit = 6; bit < 16; bit++) {
        in.r = request(SGX_KEY_SEAL, (uint16_t)(1u << bit));
        CHECK_EQ(cm_emu_key_get(&in.p, &in.id, &in.r, key), CM_EMU_LEAF_GP);
    }
    in.r = request(SGX_KEY_SEAL, 1);
    in.r.reserved1 = 1;
    CHECK_EQ(cm_emu_key_get(&in.p, &in.id, &in.r, key), CM_EMU_LEAF_GP);
    for (size_t i = 0; i < sizeof(in.r.reserved2); i++) {
        in.r = request(SGX_KEY_REPORT, 1);
        in.r.reserved2[i] = 0x40;
        CHECK_EQ(cm_emu_key_get(&in.p, &in.id, &in.r, key), CM_EMU_LEAF_GP);
    }
}

TEST(G4_kss_policies_need_kss)
{
    static const uint16_t kss[] = {SGX_KEYPOLICY_NOISVPRODID, SGX_KEYPOLICY_CONFIGID,
                                   SGX_KEYPOLICY_ISVFAMILYID, SGX_KEYPOLICY_ISVEXTPRODID};
    struct inputs in = {platform(), ident(), request(SGX_KEY_SEAL, 1)};
    uint8_t key[16] = {0};

    in.id.attributes.flags &= ~SGX_ATTR_KSS;
    for (size_t i = 0; i < 4; i++) {
        in.r = request(SGX_KEY_SEAL, kss[i]);
        in.r.configsvn = 0;
        CHECK_EQ(cm_emu_key_get(&in.p, &in.id, &in.r, key), CM_EMU_LEAF_GP);
    }
    in.r = request(SGX_KEY_SEAL, 1);
    CHECK_EQ(cm_emu_key_get(&in.p, &in.id, &in.r, key), CM_EMU_LEAF_GP); /* configsvn 6 */
    in.r.configsvn = 0;
    CHECK_EQ(cm_emu_key_get(&in.p, &in.id, &in.r, key), SGX_SUCCESS);
}

/* ------------------------------------------------------------------ EREPORT */

static struct sgx_targetinfo target_of(const struct cm_emu_ident *id)
{
    struct sgx_targetinfo t;

    memset(&t, 0, sizeof(t));
    memcpy(t.mrenclave, id->mrenclave, 32);
    t.attributes = id->attributes;
    t.miscselect = id->misc;
    memcpy(t.configid, id->configid, 64);
    t.configsvn = id->configsvn;
    return t;
}

/* what a target does with a report: EGETKEY(REPORT) with the report's KEYID, then compare the MAC */
static bool verifies(const struct cm_emu_platform *p, const struct cm_emu_ident *target,
                     const struct sgx_report *report)
{
    struct sgx_keyrequest r;
    uint8_t key[16] = {0};
    uint8_t mac[16] = {0};

    memset(&r, 0, sizeof(r));
    r.keyname = SGX_KEY_REPORT;
    memcpy(r.keyid, report->keyid, 32);
    return cm_emu_key_get(p, target, &r, key) == SGX_SUCCESS &&
           cm_cmac_aes128(key, cm_span_make(&report->body, sizeof(report->body)), mac) == CM_OK &&
           memcmp(mac, report->mac, 16) == 0;
}

TEST(report_verifies_for_its_target_only)
{
    struct cm_emu_platform p = platform();
    struct cm_emu_ident maker = ident();
    struct cm_emu_ident target = ident();
    struct sgx_targetinfo info;
    struct sgx_report report;
    uint8_t data[64];

    memset(data, 0x99, sizeof(data));
    memset(target.mrenclave, 0x77, 32);
    info = target_of(&target);
    REQUIRE(cm_emu_report_make(&p, &maker, &info, data, &report) == SGX_SUCCESS);
    CHECK_MEM(report.body.mrenclave, maker.mrenclave, 32);
    CHECK_MEM(report.body.mrsigner, maker.mrsigner, 32);
    CHECK_MEM(report.body.reportdata, data, 64);
    CHECK_MEM(report.body.cpusvn, p.cpusvn, 16);
    CHECK_MEM(report.body.configid, maker.configid, 64);
    CHECK_MEM(report.body.isvfamilyid, maker.family_id, 16);
    CHECK_MEM(report.body.isvextprodid, maker.ext_prod_id, 16);
    CHECK_EQ(report.body.isvprodid, 7);
    CHECK_EQ(report.body.isvsvn, 5);
    CHECK_EQ(report.body.configsvn, 6);
    CHECK_EQ(report.body.attributes.flags, maker.attributes.flags);
    CHECK(verifies(&p, &target, &report));
    CHECK(!verifies(&p, &maker, &report));
    {
        struct cm_emu_ident twin = target;
        struct cm_emu_platform elsewhere = p;

        twin.attributes.flags |= SGX_ATTR_DEBUG;
        CHECK(!verifies(&p, &twin, &report));
        twin = target;
        twin.configid[0] ^= 1;
        CHECK(!verifies(&p, &twin, &report));
        twin = target;
        twin.configsvn++;
        CHECK(!verifies(&p, &twin, &report));
        elsewhere.seal_fuses[0] ^= 1;
        CHECK(!verifies(&elsewhere, &target, &report));
    }
}

TEST(report_with_any_bit_changed_does_not_verify)
{
    struct cm_emu_platform p = platform();
    struct cm_emu_ident id = ident();
    struct sgx_targetinfo info = target_of(&id);
    struct sgx_report report;
    uint8_t data[64] = {0};
    size_t taken = 0;

    REQUIRE(cm_emu_report_make(&p, &id, &info, data, &report) == SGX_SUCCESS);
    for (size_t i = 0; i < sizeof(report); i++) {
        ((uint8_t *)&report)[i] ^= 0x10;
        taken += verifies(&p, &id, &report);
        ((uint8_t *)&report)[i] ^= 0x10;
    }
    CHECK_EQ(taken, 0);
    CHECK(verifies(&p, &id, &report));
}

TEST(targetinfo_reserved_bytes_are_a_fault)
{
    struct cm_emu_platform p = platform();
    struct cm_emu_ident id = ident();
    struct sgx_report report;
    uint8_t data[64] = {0};
    size_t used = 0;

    for (size_t i = 0; i < sizeof(struct sgx_targetinfo); i++) {
        struct sgx_targetinfo info = target_of(&id);
        bool reserved = (i >= 48 && i < 50) || (i >= 56 && i < 64) || i >= 128;

        ((uint8_t *)&info)[i] ^= 0x80;
        CHECK_EQ(cm_emu_report_make(&p, &id, &info, data, &report),
                 reserved ? CM_EMU_LEAF_GP : SGX_SUCCESS);
        used += !reserved;
    }
    CHECK_EQ(used, 118);
}

TEST_MAIN
