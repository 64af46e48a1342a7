/* The report's bytes, in the order of AMD 56860; see snp.h. Untrusted: every byte. */
#include <string.h>

#include "common/reader.h"
#include "crypto/hash.h"
#include "snp/snp.h"

#define SIGNATURE_P384 1u
#define POLICY_MBZ     (~UINT64_C(0) << 26)
#define FLAGS_MBZ      (~UINT32_C(0) << 5)

static const struct {
    const char *name;
    const char *model;
} products[] = {
    [CM_SNP_UNKNOWN] = {NULL, "snp"},           [CM_SNP_MILAN] = {"Milan", "snp-milan"},
    [CM_SNP_GENOA] = {"Genoa", "snp-genoa"},    [CM_SNP_TURIN] = {"Turin", "snp-turin"},
    [CM_SNP_VENICE] = {"Venice", "snp-venice"},
};

const char *cm_snp_product_name(enum cm_snp_product product)
{
    return products[product].name;
}

const char *cm_snp_product_model(enum cm_snp_product product)
{
    return products[product].model;
}

enum cm_snp_product cm_snp_product_named(struct cm_span text)
{
    for (size_t i = CM_SNP_MILAN; i <= CM_SNP_VENICE; i++) {
        if (cm_cert_name_is(text, products[i].name)) {
            return (enum cm_snp_product)i;
        }
    }
    return CM_SNP_UNKNOWN;
}

bool cm_snp_product_new_layout(enum cm_snp_product product)
{
    return product == CM_SNP_TURIN || product == CM_SNP_VENICE;
}

/* Family and model, base and extended together. */
static enum cm_snp_product product_of(unsigned family, unsigned model)
{
    static const struct {
        uint8_t family;
        uint8_t first;
        uint8_t last;
        enum cm_snp_product product;
    } table[] = {
        {0x19, 0x00, 0x0F, CM_SNP_MILAN},  {0x19, 0x10, 0x1F, CM_SNP_GENOA},
        {0x19, 0xA0, 0xAF, CM_SNP_GENOA},  {0x1A, 0x00, 0x11, CM_SNP_TURIN},
        {0x1A, 0x50, 0x57, CM_SNP_VENICE}, {0x1A, 0x90, 0x9F, CM_SNP_VENICE},
        {0x1A, 0xA0, 0xAF, CM_SNP_VENICE}, {0x1A, 0xC0, 0xC7, CM_SNP_VENICE},
    };

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (family == table[i].family && model >= table[i].first && model <= table[i].last) {
            return table[i].product;
        }
    }
    return CM_SNP_UNKNOWN;
}

struct cm_snp_tcb cm_snp_tcb_decode(struct cm_span b, bool new_layout)
{
    struct cm_snp_tcb t = {0};

    if (new_layout) {
        t.fmc = b.ptr[0];
        t.bootloader = b.ptr[1];
        t.tee = b.ptr[2];
        t.snp = b.ptr[3];
        memcpy(t.reserved, b.ptr + 4, 3);
    } else {
        t.bootloader = b.ptr[0];
        t.tee = b.ptr[1];
        memcpy(t.reserved, b.ptr + 2, 4);
        t.snp = b.ptr[6];
    }
    t.microcode = b.ptr[7];
    return t;
}

bool cm_snp_tcb_at_most(const struct cm_snp_tcb *a, const struct cm_snp_tcb *b)
{
    bool reserved = true;

    for (size_t i = 0; i < sizeof(a->reserved); i++) {
        reserved = reserved && a->reserved[i] <= b->reserved[i];
    }
    return reserved && a->fmc <= b->fmc && a->bootloader <= b->bootloader && a->tee <= b->tee &&
           a->snp <= b->snp && a->microcode <= b->microcode;
}

static void read_flags(struct cm_rd *rd, struct cm_snp_report *r)
{
    r->flags = cm_rd_u32le(rd);
    r->author_key_en = (r->flags & 1u) != 0;
    r->mask_chip_key = (r->flags & 2u) != 0;
    r->signing_key = (r->flags >> 2) & 7u;
    rd->bad = rd->bad || (r->flags & FLAGS_MBZ) != 0;
    cm_rd_zero(rd, 4);
}

static struct cm_snp_firmware read_firmware(struct cm_rd *rd)
{
    struct cm_snp_firmware f = {0};

    f.build = cm_rd_u8(rd);
    f.minor = cm_rd_u8(rd);
    f.major = cm_rd_u8(rd);
    cm_rd_zero(rd, 1);
    return f;
}

void cm_snp_read_number(struct cm_rd *rd, uint8_t out[48])
{
    struct cm_span s = cm_rd_take(rd, 48);

    for (size_t i = 0; i < s.len; i++) {
        out[47 - i] = s.ptr[i];
    }
    cm_rd_zero(rd, 24);
}

static void read_tail(struct cm_rd *rd, struct cm_snp_report *r)
{
    r->chip_id = cm_rd_take(rd, 64);
    r->committed_tcb = cm_rd_take(rd, 8);
    r->current = read_firmware(rd);
    r->committed = read_firmware(rd);
    r->launch_tcb = cm_rd_take(rd, 8);
    if (r->version >= 5) {
        r->launch_mit = cm_rd_u64le(rd);
        r->current_mit = cm_rd_u64le(rd);
        cm_rd_zero(rd, 0x2A0 - 0x208);
    } else {
        cm_rd_zero(rd, 0x2A0 - 0x1F8);
    }
    cm_snp_read_number(rd, r->signature);
    cm_snp_read_number(rd, r->signature + 48);
    cm_rd_zero(rd, 512 - 2 * 72);
}

static void read_all(struct cm_rd *rd, struct cm_snp_report *r)
{
    r->guest_svn = cm_rd_u32le(rd);
    r->policy = cm_rd_u64le(rd);
    r->family_id = cm_rd_take(rd, 16);
    r->image_id = cm_rd_take(rd, 16);
    r->vmpl = cm_rd_u32le(rd);
    r->signature_algo = cm_rd_u32le(rd);
    r->current_tcb = cm_rd_take(rd, 8);
    r->platform_info = cm_rd_u64le(rd); /* firmware adds bits within a version: none must be zero */
    read_flags(rd, r);
    r->report_data = cm_rd_take(rd, 64);
    r->measurement = cm_rd_take(rd, 48);
    r->host_data = cm_rd_take(rd, 32);
    r->id_key_digest = cm_rd_take(rd, 48);
    r->author_key_digest = cm_rd_take(rd, 48);
    r->report_id = cm_rd_take(rd, 32);
    r->report_id_ma = cm_rd_take(rd, 32);
    r->reported_tcb = cm_rd_take(rd, 8);
    if (r->version >= 3) {
        cm_rd_copy(rd, r->cpuid, 3);
        cm_rd_zero(rd, 0x1A0 - 0x18B);
    } else {
        cm_rd_zero(rd, 0x1A0 - 0x188);
    }
    read_tail(rd, r);
}

enum cm_status cm_snp_report_parse(struct cm_span bytes, struct cm_snp_report *out,
                                   struct cm_why *why)
{
    struct cm_snp_report r = {.bytes = bytes};
    struct cm_rd rd = cm_rd_init(bytes);
    uint64_t mbz = POLICY_MBZ;

    r.version = cm_rd_u32le(&rd);
    if (bytes.len != CM_SNP_REPORT_SIZE) {
        cm_why_set(why, "%zu bytes, not %u", bytes.len, CM_SNP_REPORT_SIZE);
        return CM_ERR_FORMAT;
    }
    if (r.version < 2 || r.version > 5) {
        cm_why_set(why, "version %u", r.version);
        return CM_ERR_UNSUPPORTED;
    }
    read_all(&rd, &r);
    if (r.version < 5) {
        mbz |= CM_SNP_POLICY_SWAP_DISABLE;
    }
    if (cm_rd_finish(&rd) != CM_OK || (r.policy & mbz) != 0 ||
        (r.policy & CM_SNP_POLICY_ONE) == 0) {
        cm_why_set(why, "a reserved field of version %u has a wrong value", r.version);
        return CM_ERR_FORMAT;
    }
    if (r.signature_algo != SIGNATURE_P384) {
        cm_why_set(why, "signature algorithm %u", r.signature_algo);
        return CM_ERR_UNSUPPORTED;
    }
    if (r.version >= 3) {
        r.product = product_of(r.cpuid[0], r.cpuid[1]);
        if (r.product == CM_SNP_UNKNOWN) {
            cm_why_set(why, "processor family 0x%x, model 0x%x", r.cpuid[0], r.cpuid[1]);
            return CM_ERR_UNSUPPORTED;
        }
    }
    *out = r;
    return CM_OK;
}
