/* SEV-SNP reports of our own: every rule of docs/evidence-snp.md with its attack. */
#include "verdict.h"

#include "common/span.h"
#include "crypto/hash.h"
#include "ovmfkit.h"
#include "snp/snp.h"
#include "snpkit.h"
#include <casemate/snp_launch.h>

static void expect(int line, struct sk_world *w, enum cm_status want, const char *check)
{
    const struct cm_verify_job job = sk_job(w);
    struct cm_evidence *ev = NULL;
    enum cm_status st = cm_verify(&job, &ev);
    const struct cm_claim *m = NULL;

    expect_verdict(line, st, ev, want, check);
    m = ev == NULL ? NULL : cm_evidence_find(ev, 0, CM_CLAIM_MEASUREMENTS, 0);
    if (st == CM_OK && !w->root.emulated && (m == NULL || m->authority != CM_AUTHORITY_HARDWARE)) {
        TEST_FAIL("line %d: the measurement is not the hardware's", line);
    }
    cm_evidence_free(ev);
}

#define EXPECT_OF(product, change, want, check) \
    do {                                        \
        static struct sk_world w;               \
        sk_init(&w, product);                   \
        change;                                 \
        sk_build(&w);                           \
        expect(__LINE__, &w, want, check);      \
    } while (0)

#define EXPECT(change, want, check) EXPECT_OF("Milan", change, want, check)

/* the same, with a change of what was built */
#define EXPECT_BUILT(product, change, want, check) \
    do {                                           \
        static struct sk_world w;                  \
        sk_init(&w, product);                      \
        sk_build(&w);                              \
        change;                                    \
        expect(__LINE__, &w, want, check);         \
    } while (0)

#define EXPECT_VLEK(change, want, check)   \
    do {                                   \
        static struct sk_world w;          \
        sk_init_vlek(&w, "Milan");         \
        change;                            \
        sk_build(&w);                      \
        expect(__LINE__, &w, want, check); \
    } while (0)

TEST(every_product_and_version)
{
    for (uint32_t v = 2; v <= 5; v++) {
        EXPECT_OF("Milan", w.version = v, CM_OK, "");
        EXPECT_OF("Genoa", w.version = v, CM_OK, "");
    }
    EXPECT_OF("Turin", w.version = 3, CM_OK, "");
    EXPECT_OF("Turin", (void)0, CM_OK, "");
    EXPECT_OF("Venice", (void)0, CM_OK, "");
    EXPECT_VLEK((void)0, CM_OK, "");
}

TEST(every_processor_has_its_line)
{
    static const struct {
        const char *product;
        uint8_t family;
        uint8_t model;
    } rows[] = {
        {"Milan", 0x19, 0x00},  {"Milan", 0x19, 0x0f},  {"Genoa", 0x19, 0x10},
        {"Genoa", 0x19, 0x1f},  {"Genoa", 0x19, 0xa0},  {"Genoa", 0x19, 0xaf},
        {"Turin", 0x1a, 0x00},  {"Turin", 0x1a, 0x11},  {"Venice", 0x1a, 0x50},
        {"Venice", 0x1a, 0x9f}, {"Venice", 0x1a, 0xc7},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        EXPECT_OF(rows[i].product, (w.cpuid[0] = rows[i].family, w.cpuid[1] = rows[i].model), CM_OK,
                  "");
    }
    EXPECT((w.cpuid[0] = 0x17, w.cpuid[1] = 1), CM_ERR_UNSUPPORTED, "snp.report");
    EXPECT((w.cpuid[0] = 0x19, w.cpuid[1] = 0x20), CM_ERR_UNSUPPORTED, "snp.report");
    /* the certificates are another line's */
    EXPECT((w.cpuid[0] = 0x19, w.cpuid[1] = 0x11), CM_ERR_MISMATCH, "snp.product");
    EXPECT((w.cpuid[0] = 0x1a, w.cpuid[1] = 0x02), CM_ERR_MISMATCH, "snp.product");
}

TEST(versions_beyond_the_known_ones)
{
    EXPECT(w.version = 1, CM_ERR_UNSUPPORTED, "snp.report");
    EXPECT(w.version = 6, CM_ERR_UNSUPPORTED, "snp.report");
    EXPECT_BUILT("Milan", (w.report[0] = 0, (void)w), CM_ERR_UNSUPPORTED, ""); /* nothing known */
}

/* what must be zero is by the version: the bytes of mitigation vectors are not before version 5 */
TEST(reserved_bytes_are_by_version)
{
    static const size_t always[] = {0x04c, 0x1eb, 0x1ef, 0x208, 0x29f};
    static const size_t before5[] = {0x1f8, 0x200, 0x207};

    for (uint32_t v = 2; v <= 5; v++) {
        for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++) {
            EXPECT((w.version = v, w.poke = always[i] + 1, w.poke_value = 1), CM_ERR_FORMAT,
                   "snp.report");
        }
        for (size_t i = 0; i < sizeof(before5) / sizeof(before5[0]); i++) {
            EXPECT((w.version = v, w.poke = before5[i] + 1, w.poke_value = 1),
                   v == 5 ? CM_OK : CM_ERR_FORMAT, v == 5 ? "" : "snp.report");
        }
        EXPECT((w.version = v, w.poke = 0x18c, w.poke_value = 1), CM_ERR_FORMAT, "snp.report");
        EXPECT((w.version = v, w.policy |= CM_SNP_POLICY_SWAP_DISABLE),
               v == 5 ? CM_OK : CM_ERR_FORMAT, v == 5 ? "" : "snp.report");
    }
    EXPECT((w.version = 2, w.poke = 0x189, w.poke_value = 0x19), CM_ERR_FORMAT, "snp.report");
    EXPECT(w.policy |= UINT64_C(1) << 26, CM_ERR_FORMAT, "snp.report");
    EXPECT(w.policy |= UINT64_C(1) << 63, CM_ERR_FORMAT, "snp.report");
    EXPECT(w.flags |= 0x20, CM_ERR_FORMAT, "snp.report");
    /* new bits of the platform are no defect: firmware adds them within a version */
    EXPECT(w.platform = 0xff, CM_OK, "");
    EXPECT(w.platform = UINT64_C(1) << 20, CM_OK, "");
}

TEST(the_always_one_bit_of_the_policy)
{
    static struct sk_world w;
    struct cm_evidence *ev = NULL;
    struct cm_verify_job job;

    sk_init(&w, "Milan");
    w.policy = 0x10000;
    sk_build(&w);
    job = sk_job(&w);
    CHECK_EQ(cm_verify(&job, &ev), CM_ERR_UNSUPPORTED); /* not even recognised */
    job.format = CM_FORMAT_SNP;
    CHECK_EQ(cm_verify(&job, &ev), CM_ERR_FORMAT);
    cm_evidence_free(ev);
}

TEST(signature_is_over_the_raw_bytes_and_exact)
{
    EXPECT_BUILT("Milan", w.report[0x50] ^= 1, CM_ERR_SIGNATURE, "snp.signature");
    EXPECT_BUILT("Milan", w.report[0x2a0] ^= 1, CM_ERR_SIGNATURE, "snp.signature");
    EXPECT_BUILT("Milan", w.report[0x2a0 + 48] = 1, CM_ERR_FORMAT, "snp.report");
    EXPECT_BUILT("Milan", w.report[0x2a0 + 143] = 1, CM_ERR_FORMAT, "snp.report");
    EXPECT_BUILT("Milan", w.report[0x2a0 + 144] = 1, CM_ERR_FORMAT, "snp.report");
    EXPECT_BUILT("Milan", w.report[1183] = 1, CM_ERR_FORMAT, "snp.report");
    EXPECT_BUILT("Milan", memset(w.report + 0x2a0, 0, 512), CM_ERR_SIGNATURE, "snp.signature");
    EXPECT(w.report_key = ck_key("p384", 7), CM_ERR_SIGNATURE, "snp.signature");
    EXPECT(w.algo = 1, CM_OK, "");
}

/* SIGNING_KEY decides what must have signed: the certificate that happens to be there does not */
TEST(signing_key_decides_the_kind_of_certificate)
{
    EXPECT(w.flags = 4, CM_ERR_NOTFOUND, "snp.vek");
    EXPECT_VLEK(w.flags = 0, CM_ERR_NOTFOUND, "snp.vek");
    EXPECT(w.flags = 7 << 2, CM_ERR_SIGNATURE, "snp.signing_key");
    EXPECT(w.flags = 2, CM_ERR_SIGNATURE, "snp.signing_key");
    EXPECT_VLEK(w.flags |= 2, CM_ERR_SIGNATURE, "snp.signing_key");
    for (uint32_t k = 2; k < 7; k++) {
        EXPECT(w.flags = k << 2, CM_ERR_UNSUPPORTED, "snp.signing_key");
    }
    EXPECT(w.flags = 1, CM_OK, ""); /* AUTHOR_KEY_EN is no business of the key's */
    /* a VLEK that calls itself VCEK, under the VLEK's intermediate */
    EXPECT_VLEK((w.flags = 0, memcpy(w.names[2], "SEV-VCEK", 9)), CM_ERR_MISMATCH, "snp.vek");
    /* and the name that other verifiers look for, but no AMD certificate has */
    EXPECT(memcpy(w.names[2], "VCEK", 5), CM_ERR_NOTFOUND, "snp.vek");
}

TEST(a_vcek_has_a_hardware_id_and_a_vlek_a_provider)
{
    EXPECT(sk_ext(&w, "5", "\x16\x01x", 3), CM_ERR_FORMAT, "snp.vek");
    EXPECT(sk_ext_drop(&w, "4"), CM_ERR_FORMAT, "snp.vek");
    EXPECT_VLEK(sk_ext_drop(&w, "5"), CM_ERR_FORMAT, "snp.vek");
    EXPECT_VLEK(sk_ext(&w, "4", w.measurement, 48), CM_ERR_FORMAT, "snp.vek");
    EXPECT_VLEK(sk_ext(&w, "5", "\x16\x00", 2), CM_ERR_FORMAT, "snp.vek");
}

TEST(hardware_id_equals_the_chip_raw_or_wrapped)
{
    uint8_t wrapped[66] = {4, 64};
    uint8_t wrapped_new[10] = {4, 8};

    for (uint8_t i = 0; i < 64; i++) {
        wrapped[2 + i] = (uint8_t)(0x40 + i);
        wrapped_new[2 + i % 8] = (uint8_t)(0x40 + i % 8);
    }
    wrapped[2] = wrapped_new[2] = 4;
    EXPECT(sk_ext(&w, "4", wrapped, 66), CM_OK, "");
    EXPECT_OF("Turin", sk_ext(&w, "4", wrapped_new, 10), CM_OK, "");
    EXPECT(sk_ext(&w, "4", wrapped, 65), CM_ERR_FORMAT, "snp.vek");
    EXPECT(sk_ext(&w, "4", wrapped + 2, 63), CM_ERR_FORMAT, "snp.vek");
    EXPECT(w.chip_id[63] ^= 1, CM_ERR_MISMATCH, "snp.chip_id");
    EXPECT(w.chip_id[0] ^= 1, CM_ERR_MISMATCH, "snp.chip_id");
    /* 8 bytes on Turin: the others are zero */
    EXPECT_OF("Turin", w.chip_id[7] ^= 1, CM_ERR_MISMATCH, "snp.chip_id");
    EXPECT_OF("Turin", w.chip_id[8] = 1, CM_ERR_MISMATCH, "snp.chip_id");
    EXPECT_OF("Turin", sk_ext(&w, "4", w.chip_id, 64), CM_ERR_FORMAT, "snp.vek");
    EXPECT_OF("Milan", sk_ext(&w, "4", w.chip_id, 8), CM_ERR_FORMAT, "snp.vek");
}

TEST(a_masked_chip_only_when_asked_for)
{
    EXPECT(memset(w.chip_id, 0, 64), CM_ERR_POLICY, "snp.chip_id");
    EXPECT((memset(w.chip_id, 0, 64), w.in.flags = CM_VERIFY_ALLOW_MASKED_ID), CM_OK, "");
    /* the permission is for zeros, not for another chip */
    EXPECT((w.chip_id[5] ^= 1, w.in.flags = CM_VERIFY_ALLOW_MASKED_ID), CM_ERR_MISMATCH,
           "snp.chip_id");
}

TEST(tcb_of_the_certificate_is_the_reported_one_component_by_component)
{
    static const char *const old_names[8] = {"3.1", "3.2", "3.4", "3.5",
                                             "3.6", "3.7", "3.3", "3.8"};
    static const char *const new_names[8] = {"3.9", "3.1", "3.2", "3.3",
                                             "3.5", "3.6", "3.7", "3.8"};

    for (size_t i = 0; i < 8; i++) {
        EXPECT(sk_ext_int(&w, old_names[i], (uint8_t)(w.reported[i] + 1)), CM_ERR_MISMATCH,
               "snp.tcb_cert");
        EXPECT_OF("Turin", sk_ext_int(&w, new_names[i], (uint8_t)(w.reported[i] + 1)),
                  CM_ERR_MISMATCH, "snp.tcb_cert");
    }
    /* current may be ahead of what is reported; the certificate is of the reported one */
    EXPECT((w.current[7]++, w.committed[7]++), CM_OK, "");
    EXPECT((w.current[7]++, w.committed[7]++, sk_ext_int(&w, "3.8", w.current[7])), CM_ERR_MISMATCH,
           "snp.tcb_cert");
    EXPECT(sk_ext_drop(&w, "3.8"), CM_ERR_FORMAT, "snp.vek");
    EXPECT_OF("Turin", sk_ext_drop(&w, "3.9"), CM_ERR_FORMAT, "snp.vek");
    EXPECT_OF("Turin", sk_ext_drop(&w, "3.7"), CM_OK, "");      /* reserved: 0 when absent */
    EXPECT(sk_ext_int(&w, "3.9", 1), CM_ERR_FORMAT, "snp.vek"); /* Turin's, on Milan */
    EXPECT(sk_ext(&w, "3.8", "\x02\x02\x01\x00", 4), CM_ERR_FORMAT, "snp.vek"); /* 256 */
    EXPECT(sk_ext(&w, "3.8", "\x02\x01\xff", 3), CM_ERR_FORMAT, "snp.vek");     /* -1 */
}

TEST(structure_version_and_product_name_fit_the_line)
{
    EXPECT(sk_ext_int(&w, "1", 1), CM_ERR_FORMAT, "snp.vek");
    EXPECT_OF("Turin", sk_ext_int(&w, "1", 0), CM_ERR_FORMAT, "snp.vek");
    EXPECT(sk_ext(&w, "2", "\x16\x08Milan-B0", 10), CM_OK, "");
    EXPECT(sk_ext(&w, "2", "\x16\x05Genoa", 7), CM_ERR_FORMAT, "snp.vek");
    EXPECT(sk_ext(&w, "2", "\x16\x06MilanX", 8), CM_ERR_FORMAT, "snp.vek");
    EXPECT_OF("Genoa", sk_ext(&w, "2", "\x16\x05Siena", 7), CM_OK, "");
    EXPECT_OF("Turin", sk_ext(&w, "2", "\x16\x05Siena", 7), CM_ERR_FORMAT, "snp.vek");
}

TEST(tcb_order_is_by_component)
{
    EXPECT((w.committed[7]--, (void)0), CM_ERR_MISMATCH, "snp.tcb_order");
    EXPECT((w.current[6]--, w.current[7]++), CM_ERR_MISMATCH,
           "snp.tcb_order"); /* larger as a number */
    EXPECT_OF("Turin", w.current[0]--, CM_ERR_MISMATCH, "snp.tcb_order");
    EXPECT((w.committed_fw[0]++, (void)0), CM_ERR_MISMATCH, "snp.tcb_order");
    /* provisional firmware is told, not refused: Amazon's is */
    EXPECT((w.current_fw[0]++, w.current[7]++), CM_OK, "");
}

TEST(chain_and_root)
{
    EXPECT(w.vek.signer = ck_key("rsa2048", 3), CM_ERR_SIGNATURE, "snp.chain");
    EXPECT(w.vek.pss = false, CM_OK, ""); /* the chain's rules are chain.h's */
    EXPECT(w.vek.salt = 20, CM_ERR_UNSUPPORTED, "snp.certificates");
    EXPECT(w.vek.key = ck_key("p256", 0), CM_ERR_MISMATCH, "snp.signature");
    EXPECT(w.in.now = CK_NOW + 9 * CK_DAY, CM_ERR_EXPIRED, "snp.chain_validity");
    EXPECT_BUILT("Milan", w.root.spki_sha256[0] ^= 1, CM_ERR_POLICY, "snp.root");
    EXPECT_BUILT("Milan", w.root.family = "sgx", CM_ERR_POLICY, "snp.root");
    EXPECT(w.root.emulated = true, CM_ERR_POLICY, "snp.root");
    EXPECT((w.root.emulated = true, w.in.flags = CM_VERIFY_ALLOW_EMULATED), CM_OK, "");
    /* a Milan key under the root of Genoa, both trusted */
    EXPECT((memcpy(w.names[0], "ARK-Genoa", 10), (void)0), CM_ERR_MISMATCH, "snp.root_product");
    EXPECT_BUILT("Milan", (w.materials[1].bytes.len--, (void)0), CM_ERR_FORMAT, "snp.certificates");
    EXPECT_BUILT("Milan", w.material_count = 0, CM_ERR_NOTFOUND, "snp.vek");
    EXPECT((w.vek.no_constraints = false, w.vek.ca = true), CM_ERR_MISMATCH, "snp.chain");
}

TEST(revoked_intermediate)
{
    static uint8_t list[4096];
    struct ck_crl crl = {.issuer = "ARK-Milan",
                         .signer = ck_key("rsa2048", 0),
                         .md = EVP_sha384(),
                         .pss = true,
                         .revokes = true,
                         .serial = 0x10001};
    size_t len = ck_crl(&crl, list, sizeof(list));

    EXPECT_BUILT("Milan",
                 (w.materials[w.material_count++] =
                      (struct cm_material){CM_MATERIAL_CRL, "list", {list, len}}),
                 CM_ERR_REVOKED, "snp.chain_crl");
    crl.serial = 0x10002;
    len = ck_crl(&crl, list, sizeof(list));
    EXPECT_BUILT("Milan",
                 (w.materials[w.material_count++] =
                      (struct cm_material){CM_MATERIAL_CRL, "list", {list, len}}),
                 CM_OK, "");
}

TEST(guest_policy)
{
    EXPECT(w.policy |= CM_SNP_POLICY_DEBUG, CM_ERR_POLICY, "snp.debug");
    EXPECT((w.policy |= CM_SNP_POLICY_DEBUG, w.in.flags = CM_VERIFY_ALLOW_DEBUG), CM_OK, "");
    EXPECT(w.policy |= CM_SNP_POLICY_MIGRATE_MA, CM_ERR_POLICY, "snp.migration");
    EXPECT((w.policy |= CM_SNP_POLICY_MIGRATE_MA, w.in.flags = CM_VERIFY_ALLOW_MIGRATION), CM_OK,
           "");
    for (uint32_t v = 0; v < 4; v++) {
        EXPECT(w.vmpl = v, CM_OK, "");
    }
    EXPECT(w.vmpl = 4, CM_ERR_POLICY, "snp.vmpl");
    EXPECT(w.vmpl = 0xffffffff, CM_ERR_POLICY, "snp.vmpl"); /* the host asked for it */
}

TEST(nonce)
{
    static const uint8_t right[64] = {0x11, 0x11, 0x11, 0x11};
    static const uint8_t wrong[64] = {0x11, 0x11, 0x12, 0x11};

    EXPECT(w.in.report_data = cm_span_make(right, 4), CM_OK, "");
    EXPECT(w.in.report_data = cm_span_make(right, 64), CM_ERR_MISMATCH, "nonce");
    EXPECT(w.in.report_data = cm_span_make(wrong, 4), CM_ERR_MISMATCH, "nonce");
    EXPECT(w.in.report_data = cm_span_make(right, 0), CM_ERR_MISMATCH, "nonce");
}

TEST(floors_are_by_component)
{
    static const struct {
        const char *name;
        uint64_t value;
        bool below;
    } rows[] = {
        {"snp.tcb.microcode", 219, false}, {"snp.tcb.microcode", 220, true},
        {"snp.tcb.snp", 25, true},         {"snp.tcb.tee", 2, true},
        {"snp.tcb.bootloader", 5, true},   {"snp.guest_svn", 1, true},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct cm_floor f = {"", rows[i].value};

        (void)snprintf(f.name, sizeof(f.name), "%s", rows[i].name);
        EXPECT((w.in.floors = &f, w.in.floor_count = 1), rows[i].below ? CM_ERR_POLICY : CM_OK,
               rows[i].below ? "snp.tcb_floor" : "");
    }
}

TEST(certificates_in_a_table_behind_the_report)
{
    EXPECT_BUILT("Milan", (sk_append_table(&w, "var", false), w.material_count = 0), CM_OK, "");
    EXPECT_BUILT("Milan", (sk_append_table(&w, "rxav", false), w.material_count = 0), CM_OK, "");
    EXPECT_BUILT("Milan", (sk_append_table(&w, "var", true), w.material_count = 0), CM_OK, "");
    EXPECT_BUILT("Milan", (sk_append_table(&w, "vr", false), w.material_count = 0), CM_ERR_NOTFOUND,
                 "snp.chain");
    EXPECT_BUILT("Milan", (sk_append_table(&w, "ar", false), w.material_count = 0), CM_ERR_NOTFOUND,
                 "snp.vek");
    EXPECT_BUILT("Milan", (sk_append_table(&w, "varv", false), w.material_count = 0), CM_ERR_FORMAT,
                 "snp.certificates");
    EXPECT_BUILT("Milan", w.report_len = 4000, CM_OK, ""); /* the ioctl's buffer, zeros behind */
    EXPECT_BUILT("Milan", w.report_len = 1184 + 23, CM_ERR_FORMAT, "snp.certificates");
    /* as a material of its own: configfs-tsm's auxblob */
    EXPECT_BUILT("Milan",
                 (sk_append_table(&w, "var", false), w.material_count = 1,
                  w.materials[0] = (struct cm_material){CM_MATERIAL_CERTS,
                                                        "auxblob",
                                                        {w.report + 1184, w.report_len - 1184}},
                  w.report_len = 1184),
                 CM_OK, "");
}

/* offset + length in 32 bits: the sum wraps to something small */
TEST(certificate_table_offsets_do_not_wrap)
{
    static struct sk_world w;
    struct cm_snp_table table = {0};
    static const struct {
        uint32_t offset;
        uint32_t len;
    } rows[] = {
        {0xfffffff0, 0x20}, {96, 0xffffffff},         {0xffffffff, 1}, {0, 0},
        {95, 10},           {0x80000000, 0x80000000},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        sk_init(&w, "Milan");
        sk_build(&w);
        sk_append_table(&w, "var", false);
        w.material_count = 0;
        for (size_t k = 0; k < 4; k++) {
            w.report[1184 + 16 + k] = (uint8_t)(rows[i].offset >> (8 * k));
            w.report[1184 + 20 + k] = (uint8_t)(rows[i].len >> (8 * k));
        }
        expect(__LINE__, &w, CM_ERR_FORMAT, "snp.certificates");
        CHECK_EQ(cm_snp_table_parse(cm_span_make(w.report + 1184, w.report_len - 1184), &table),
                 CM_ERR_FORMAT);
    }
    sk_init(&w, "Milan");
    sk_build(&w);
    sk_append_table(&w, "var", false);
    w.material_count = 0;
    for (size_t n = w.report_len - 1; n > 1184; n -= 11) { /* every table that is cut off */
        size_t full = w.report_len;

        w.report_len = n;
        expect(__LINE__, &w, CM_ERR_FORMAT, "snp.certificates");
        w.report_len = full;
    }
}

/* several keys are given: the one that the report names is taken, in whatever order */
TEST(the_right_one_of_several_keys)
{
    static struct sk_world w;
    static struct sk_world other;
    struct cm_material m[4];

    sk_init(&w, "Milan");
    sk_build(&w);
    sk_init(&other, "Milan");
    other.reported[7]++;
    other.vek.key = ck_key("p384", 5);
    sk_ext_int(&other, "3.8", other.reported[7]);
    sk_build(&other);
    m[0] = other.materials[2];
    memcpy(m + 1, w.materials, 3 * sizeof(m[0]));
    memcpy(w.materials, m, sizeof(m));
    w.material_count = 4;
    expect(__LINE__, &w, CM_OK, "");
}

static void make_id(struct sk_world *w, uint8_t block[96], uint8_t auth[4096])
{
    EVP_PKEY *id = ck_key("p384", 3);
    EVP_PKEY *author = ck_key("p384", 4);

    memset(block, 0, 96);
    memset(auth, 0, 4096);
    memcpy(block, w->measurement, 48);
    block[80] = 1;
    block[88 + 2] = 3; /* policy 0x30000 */
    auth[0] = auth[4] = 1;
    sk_key(id, auth + 0x240);
    sk_key(author, auth + 0x880);
    sk_raw_signature(id, cm_span_make(block, 96), auth + 0x40);
    sk_raw_signature(author, cm_span_make(auth + 0x240, 0x404), auth + 0x680);
    CHECK(cm_hash(CM_HASH_SHA384, cm_span_make(auth + 0x240, 0x404), w->id_key_digest) == CM_OK);
    CHECK(cm_hash(CM_HASH_SHA384, cm_span_make(auth + 0x880, 0x404), w->author_key_digest) ==
          CM_OK);
    w->flags |= 1;
    w->material_count = 4;
    w->materials[3] = (struct cm_material){CM_MATERIAL_SIGNATURE, "id", {block, 96}};
    w->materials[4] = (struct cm_material){CM_MATERIAL_SIGNATURE, "auth", {auth, 4096}};
}

TEST(id_block_and_its_keys)
{
    static uint8_t block[96];
    static uint8_t auth[4096];

    EXPECT((make_id(&w, block, auth), w.material_count = 5), CM_OK, "");
    EXPECT(make_id(&w, block, auth), CM_OK, ""); /* the block alone */
    EXPECT((make_id(&w, block, auth), w.material_count = 5, block[0] ^= 1), CM_ERR_MISMATCH,
           "snp.id_block");
    EXPECT((make_id(&w, block, auth), w.guest_svn = 1), CM_ERR_MISMATCH, "snp.id_block");
    EXPECT((make_id(&w, block, auth), w.family_id[3] = 1), CM_ERR_MISMATCH, "snp.id_block");
    EXPECT((make_id(&w, block, auth), w.image_id[3] = 1), CM_ERR_MISMATCH, "snp.id_block");
    EXPECT((make_id(&w, block, auth), w.policy |= CM_SNP_POLICY_SINGLE_SOCKET), CM_ERR_MISMATCH,
           "snp.id_block");
    EXPECT((make_id(&w, block, auth), block[80] = 2), CM_ERR_UNSUPPORTED, "snp.id_block");
    EXPECT((make_id(&w, block, auth), w.material_count = 5, auth[0x40] ^= 1), CM_ERR_SIGNATURE,
           "snp.id_key");
    EXPECT((make_id(&w, block, auth), w.material_count = 5, w.id_key_digest[47] ^= 1),
           CM_ERR_MISMATCH, "snp.id_key");
    EXPECT((make_id(&w, block, auth), w.material_count = 5, auth[0x680] ^= 1), CM_ERR_SIGNATURE,
           "snp.author_key");
    EXPECT((make_id(&w, block, auth), w.material_count = 5, w.author_key_digest[0] ^= 1),
           CM_ERR_MISMATCH, "snp.author_key");
    EXPECT((make_id(&w, block, auth), w.material_count = 5, auth[4] = 0), CM_ERR_NOTFOUND,
           "snp.author_key");
    EXPECT((make_id(&w, block, auth), w.material_count = 5, w.flags = 0, auth[0x680] ^= 1), CM_OK,
           ""); /* no author: not looked at */
    EXPECT((make_id(&w, block, auth), w.material_count = 5, auth[0] = 2), CM_ERR_UNSUPPORTED,
           "snp.id_key");
    EXPECT((make_id(&w, block, auth), w.material_count = 5, auth[0x20] = 1), CM_ERR_FORMAT,
           "snp.id_key");
    /* the authentication without the block that it is for */
    EXPECT((make_id(&w, block, auth), w.materials[3] = w.materials[4]), CM_ERR_NOTFOUND,
           "snp.id_key");
}

/* what is given as a signature is compared, or refused: one that is cut off must not look compared */
TEST(what_is_neither_id_block_nor_authentication_is_refused)
{
    static const size_t lengths[] = {0, 95, 97, 1024, 4000, 4095, 4097, 96 + 4095, 96 + 4097};
    static uint8_t block[96];
    static uint8_t auth[96 + 4097];

    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        EXPECT(
            (make_id(&w, block, auth), w.material_count = 5, w.materials[4].bytes.len = lengths[i]),
            CM_ERR_FORMAT, "snp.id_block");
    }
}

static void add_firmware(struct sk_world *w, uint8_t fill, uint8_t fill_given)
{
    static uint8_t image[2][2 * 4096];
    struct ok_image ok;
    struct cm_snp_launch l = {.vcpus = 3, .features = 0x21};

    ok_init(&ok);
    ok.fill = fill;
    l.firmware = cm_span_make(image[0], ok_build(&ok, image[0], sizeof(image[0])));
    CHECK(cm_snp_vcpu_signature("EPYC-Genoa", &l.vcpu_signature));
    CHECK(cm_snp_launch_digest(&l, w->measurement, NULL) == CM_OK);
    ok.fill = fill_given;
    w->materials[3] = (struct cm_material){
        CM_MATERIAL_FIRMWARE, "firmware", {image[1], ok_build(&ok, image[1], sizeof(image[1]))}};
    w->material_count = 4;
}

/* firmware that is expected is never ignored */
TEST(expected_firmware)
{
    EXPECT(add_firmware(&w, 1, 1), CM_OK, "");
    EXPECT(add_firmware(&w, 1, 2), CM_ERR_MISMATCH, "snp.firmware");
    EXPECT((add_firmware(&w, 1, 1), w.measurement[0] ^= 1), CM_ERR_MISMATCH, "snp.firmware");
    EXPECT((add_firmware(&w, 1, 1), w.materials[3].bytes.len = 4096), CM_ERR_FORMAT,
           "snp.firmware");
}

TEST(running_out_of_memory)
{
    static struct sk_world w;
    struct cm_verify_job job;

    sk_init(&w, "Milan");
    sk_build(&w);
    sk_append_table(&w, "var", false);
    job = sk_job(&w);
    expect_out_of_memory(&job);
}

TEST_MAIN
