/*
 * Launch measurements; see casemate/snp_launch.h. The firmware is untrusted: offsets in it are bounded by snp_ovmf.c,
 * and everything here is whole pages.
 */
#include <casemate/snp_launch.h>

#include <string.h>

#include "common/try.h"
#include "common/wipe.h"
#include "crypto/hash.h"
#include "snp/snp_ovmf.h"

#define PAGE         4096u
#define VMSA_GPA     UINT64_C(0xFFFFFFFFF000)
#define BSP_START    0xFFFFFFF0u
#define MAX_SEARCHED 512u

/* PAGE_TYPE of SNP_LAUNCH_UPDATE */
enum page_type { NORMAL = 1, VMSA = 2, ZERO = 3, SECRETS = 5, CPUID = 6 };

/* The running digest. */
struct chain {
    uint8_t digest[CM_SNP_DIGEST_SIZE];
};

static const struct {
    const char *type;
    uint8_t family;
    uint8_t model;
    uint8_t stepping;
} types[] = {
    {"EPYC", 23, 1, 2},           {"EPYC-v1", 23, 1, 2},        {"EPYC-v2", 23, 1, 2},
    {"EPYC-IBPB", 23, 1, 2},      {"EPYC-v3", 23, 1, 2},        {"EPYC-v4", 23, 1, 2},
    {"EPYC-v5", 23, 1, 2},        {"EPYC-Rome", 23, 49, 0},     {"EPYC-Rome-v1", 23, 49, 0},
    {"EPYC-Rome-v2", 23, 49, 0},  {"EPYC-Rome-v3", 23, 49, 0},  {"EPYC-Rome-v4", 23, 49, 0},
    {"EPYC-Rome-v5", 23, 49, 0},  {"EPYC-Milan", 25, 1, 1},     {"EPYC-Milan-v1", 25, 1, 1},
    {"EPYC-Milan-v2", 25, 1, 1},  {"EPYC-Milan-v3", 25, 1, 1},  {"EPYC-Genoa", 25, 17, 0},
    {"EPYC-Genoa-v1", 25, 17, 0}, {"EPYC-Genoa-v2", 25, 17, 0}, {"EPYC-Turin", 26, 0, 0},
    {"EPYC-Turin-v1", 26, 0, 0},
};

uint32_t cm_snp_signature_of(unsigned family, unsigned model, unsigned stepping)
{
    unsigned base = family > 15 ? 15 : family;
    unsigned extended = family > 15 ? family - 15 : 0;

    return (extended & 0xffu) << 20 | (model >> 4 & 0xfu) << 16 | base << 8 | (model & 0xfu) << 4 |
           (stepping & 0xfu);
}

const char *cm_snp_vcpu_type(size_t nth)
{
    return nth < sizeof(types) / sizeof(types[0]) ? types[nth].type : NULL;
}

bool cm_snp_vcpu_signature(const char *type, uint32_t *out)
{
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (strcmp(type, types[i].type) == 0) {
            *out = cm_snp_signature_of(types[i].family, types[i].model, types[i].stepping);
            return true;
        }
    }
    return false;
}

static void put(uint8_t *at, uint64_t value, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        at[i] = (uint8_t)(value >> (8 * i));
    }
}

/* PAGE_INFO: digest so far, digest of the page, u16 length, type, IMI, three permissions, 0, GPA */
static enum cm_status extend(struct chain *c, enum page_type type, uint64_t gpa,
                             const uint8_t contents[CM_SNP_DIGEST_SIZE])
{
    uint8_t info[0x70] = {0};

    memcpy(info, c->digest, CM_SNP_DIGEST_SIZE);
    memcpy(info + 48, contents, CM_SNP_DIGEST_SIZE);
    put(info + 96, sizeof(info), 2);
    info[98] = (uint8_t)type;
    put(info + 104, gpa, 8);
    return cm_hash(CM_HASH_SHA384, cm_span_make(info, sizeof(info)), c->digest);
}

/* Pages whose contents are not measured count as a digest of zeros. */
static enum cm_status add_empty(struct chain *c, enum page_type type, uint64_t gpa, uint64_t size)
{
    static const uint8_t zeros[CM_SNP_DIGEST_SIZE];
    enum cm_status st = CM_OK;

    for (uint64_t at = 0; at < size; at += PAGE) {
        CM_TRY(extend(c, type, gpa + at, zeros));
    }
out:
    return st;
}

static enum cm_status add_pages(struct chain *c, enum page_type type, uint64_t gpa,
                                struct cm_span data)
{
    uint8_t digest[CM_SNP_DIGEST_SIZE];
    enum cm_status st = CM_OK;

    for (size_t at = 0; at < data.len; at += PAGE) {
        CM_TRY(cm_hash(CM_HASH_SHA384, cm_span_make(data.ptr + at, PAGE), digest));
        CM_TRY(extend(c, type, gpa + at, digest));
    }
out:
    return st;
}

/* One entry of the hash table: GUID, u16 size, SHA-256. */
static enum cm_status put_hash(uint8_t *at, const uint8_t guid[16], struct cm_span data,
                               struct cm_span more)
{
    const struct cm_span parts[] = {data, more};

    memcpy(at, guid, 16);
    put(at + 16, 50, 2);
    return cm_hash_parts(CM_HASH_SHA256, parts, 2, at + 18);
}

/* The page with the table of hashes as QEMU fills it (edk2 and QEMU: "sev-hashes"). */
static enum cm_status hash_page(const struct cm_snp_launch *l, uint32_t offset, uint8_t page[PAGE])
{
    static const uint8_t guid_table[16] = {0x06, 0xd6, 0x38, 0x94, 0x22, 0x4f, 0xc9, 0x4c,
                                           0xb4, 0x79, 0xa7, 0x93, 0xd4, 0x11, 0xfd, 0x21};
    static const uint8_t guid_kernel[16] = {0x37, 0x94, 0xe7, 0x4d, 0xd2, 0xab, 0x7f, 0x42,
                                            0xb8, 0x35, 0xd5, 0xb1, 0x72, 0xd2, 0x04, 0x5b};
    static const uint8_t guid_initrd[16] = {0x31, 0xf7, 0xba, 0x44, 0x2f, 0x3a, 0xd7, 0x4b,
                                            0x9a, 0xf1, 0x41, 0xe2, 0x91, 0x69, 0x78, 0x1d};
    static const uint8_t guid_cmdline[16] = {0xd8, 0x2d, 0xd0, 0x97, 0x20, 0xbd, 0x94, 0x4c,
                                             0xaa, 0x78, 0xe7, 0x71, 0x4d, 0x36, 0xab, 0x2a};
    const struct cm_span nul = cm_span_make("", 1);
    const struct cm_span none = {NULL, 0};
    uint8_t *t = page + offset;
    enum cm_status st = CM_OK;

    memset(page, 0, PAGE);
    memcpy(t, guid_table, 16);
    put(t + 16, 168, 2);
    CM_TRY(put_hash(t + 18, guid_cmdline, l->cmdline, nul));
    CM_TRY(put_hash(t + 68, guid_initrd, l->initrd, none));
    CM_TRY(put_hash(t + 118, guid_kernel, l->kernel, none));
out:
    return st;
}

static enum cm_status add_hashes(struct chain *c, const struct cm_snp_launch *l,
                                 const struct cm_ovmf *o, const struct cm_ovmf_section *s)
{
    uint8_t page[PAGE];
    uint32_t offset = o->hashes % PAGE;
    enum cm_status st = CM_OK;

    if (!l->has_kernel) {
        return add_empty(c, ZERO, s->gpa, s->size);
    }
    if (o->hashes - offset != s->gpa || s->size != PAGE || offset > PAGE - 176) {
        return CM_ERR_FORMAT;
    }
    CM_TRY(hash_page(l, offset, page));
    CM_TRY(add_pages(c, NORMAL, s->gpa, cm_span_make(page, PAGE)));
out:
    return st;
}

static enum cm_status add_section(struct chain *c, const struct cm_snp_launch *l,
                                  const struct cm_ovmf *o, const struct cm_ovmf_section *s)
{
    switch (s->kind) {
    case CM_OVMF_MEMORY:
    case CM_OVMF_CAA:
        return add_empty(c, ZERO, s->gpa, s->size);
    case CM_OVMF_SECRETS:
        return add_empty(c, SECRETS, s->gpa, PAGE);
    case CM_OVMF_CPUID: /* EC2 loads it last */
        return l->vmm == CM_SNP_VMM_EC2 ? CM_OK : add_empty(c, CPUID, s->gpa, PAGE);
    case CM_OVMF_HASHES:
        return add_hashes(c, l, o, s);
    }
    return CM_ERR_UNSUPPORTED;
}

/* The CPUID pages, which EC2 loads last. */
static enum cm_status add_late(struct chain *c, const struct cm_ovmf *o)
{
    enum cm_status st = CM_OK;

    for (size_t i = 0; i < o->count; i++) {
        if (o->sections[i].kind != CM_OVMF_CPUID) {
            continue;
        }
        CM_TRY(add_empty(c, CPUID, o->sections[i].gpa, PAGE));
    }
out:
    return st;
}

static enum cm_status add_sections(struct chain *c, const struct cm_snp_launch *l,
                                   const struct cm_ovmf *o)
{
    enum cm_status st = CM_OK;

    for (size_t i = 0; i < o->count; i++) {
        CM_TRY(add_section(c, l, o, &o->sections[i]));
    }
    if (l->vmm == CM_SNP_VMM_EC2) {
        CM_TRY(add_late(c, o));
    }
out:
    return st;
}

/* Whether the firmware has a place for hashes, and looks there. */
static bool checks_hashes(const struct cm_ovmf *o)
{
    for (size_t i = 0; i < o->count; i++) {
        if (o->sections[i].kind == CM_OVMF_HASHES) {
            return o->hashes != 0;
        }
    }
    return false;
}

/* Everything but the vCPUs. */
static enum cm_status add_image(struct chain *c, const struct cm_snp_launch *l,
                                const struct cm_ovmf *o, struct cm_why *why)
{
    enum cm_status st = CM_OK;

    if (l->has_kernel && !checks_hashes(o)) {
        cm_why_set(why, "the firmware does not check hashes of a kernel: they are not measured");
        return CM_ERR_UNSUPPORTED;
    }
    CM_TRY(add_pages(c, NORMAL, (UINT64_C(1) << 32) - l->firmware.len, l->firmware));
    CM_TRY(add_sections(c, l, o));
out:
    return st;
}

static void put_segment(uint8_t *at, uint16_t selector, uint16_t attributes, uint64_t base)
{
    put(at, selector, 2);
    put(at + 2, attributes, 2);
    put(at + 4, 0xffff, 4);
    put(at + 8, base, 8);
}

/* A vCPU's state at its start (offsets: AMD 24593, table B-4). */
static void vcpu_state(const struct cm_snp_launch *l, uint32_t start, uint8_t page[PAGE])
{
    bool ec2 = l->vmm == CM_SNP_VMM_EC2;
    uint16_t code = ec2 && start == BSP_START ? 0x9a : 0x9b;

    memset(page, 0, PAGE);
    put_segment(page + 0x00, 0, 0x93, 0);                        /* ES */
    put_segment(page + 0x10, 0xf000, code, start & 0xffff0000u); /* CS */
    put_segment(page + 0x20, 0, ec2 ? 0x92 : 0x93, 0);           /* SS */
    put_segment(page + 0x30, 0, 0x93, 0);                        /* DS */
    put_segment(page + 0x40, 0, 0x93, 0);                        /* FS */
    put_segment(page + 0x50, 0, 0x93, 0);                        /* GS */
    put_segment(page + 0x60, 0, 0, 0);                           /* GDTR */
    put_segment(page + 0x70, 0, 0x82, 0);                        /* LDTR */
    put_segment(page + 0x80, 0, 0, 0);                           /* IDTR */
    put_segment(page + 0x90, 0, ec2 ? 0x83 : 0x8b, 0);           /* TR */
    put(page + 0xD0, 0x1000, 8);                                 /* EFER.SVME */
    put(page + 0x148, 0x40, 8);                                  /* CR4.MCE */
    put(page + 0x158, 0x10, 8);                                  /* CR0.ET */
    put(page + 0x160, 0x400, 8);                                 /* DR7 */
    put(page + 0x168, 0xffff0ff0u, 8);                           /* DR6 */
    put(page + 0x170, 0x2, 8);                                   /* RFLAGS */
    put(page + 0x178, start & 0xffffu, 8);                       /* RIP */
    put(page + 0x268, UINT64_C(0x7040600070406), 8);             /* PAT */
    put(page + 0x310, ec2 ? 0 : l->vcpu_signature, 8);           /* RDX */
    put(page + 0x3B0, l->features == 0 ? CM_SNP_FEATURE_ACTIVE : l->features, 8);
    put(page + 0x3E8, 1, 8); /* XCR0 */
    if (!ec2) {
        put(page + 0x408, 0x1f80, 4); /* MXCSR */
        put(page + 0x410, 0x37f, 2);  /* FCW */
    }
}

/* The digests of the two kinds of vCPU: the one that boots and the others. */
static enum cm_status vcpu_digests(const struct cm_snp_launch *l, const struct cm_ovmf *o,
                                   uint8_t out[2][CM_SNP_DIGEST_SIZE])
{
    uint8_t page[PAGE];
    enum cm_status st = CM_OK;

    vcpu_state(l, BSP_START, page);
    CM_TRY(cm_hash(CM_HASH_SHA384, cm_span_make(page, PAGE), out[0]));
    vcpu_state(l, o->reset, page);
    CM_TRY(cm_hash(CM_HASH_SHA384, cm_span_make(page, PAGE), out[1]));
out:
    return st;
}

static enum cm_status check(const struct cm_snp_launch *l, struct cm_why *why)
{
    if (l->vcpus == 0) {
        return CM_ERR_PARAM;
    }
    if (l->firmware.len > CM_SNP_MAX_FIRMWARE || l->vcpus > CM_SNP_MAX_VCPUS) {
        cm_why_set(why, "more than %u bytes of firmware or %u vCPUs", CM_SNP_MAX_FIRMWARE,
                   CM_SNP_MAX_VCPUS);
        return CM_ERR_LIMIT;
    }
    if (l->firmware.len == 0 || l->firmware.len % PAGE != 0) {
        cm_why_set(why, "the firmware is not a number of whole pages");
        return CM_ERR_FORMAT;
    }
    return CM_OK;
}

enum cm_status cm_snp_launch_digest(const struct cm_snp_launch *launch,
                                    uint8_t out[CM_SNP_DIGEST_SIZE], struct cm_why *why)
{
    struct chain c = {{0}};
    struct cm_ovmf o = {0};
    uint8_t vcpus[2][CM_SNP_DIGEST_SIZE];
    enum cm_status st = CM_OK;

    CM_TRY(check(launch, why));
    CM_TRY(cm_ovmf_read(launch->firmware, &o, why));
    if (launch->vcpus > 1 && o.reset == 0) {
        cm_why_set(why, "the firmware does not say where further vCPUs begin");
        return CM_ERR_UNSUPPORTED;
    }
    CM_TRY(add_image(&c, launch, &o, why));
    CM_TRY(vcpu_digests(launch, &o, vcpus));
    for (uint32_t i = 0; i < launch->vcpus; i++) {
        CM_TRY(extend(&c, VMSA, VMSA_GPA, vcpus[i == 0 ? 0 : 1]));
    }
    memcpy(out, c.digest, CM_SNP_DIGEST_SIZE);
out:
    return st;
}

/* Numbers of vCPUs, for one kind of them. */
static enum cm_status search_vcpus(struct cm_snp_launch *l, const struct cm_ovmf *o, struct chain c,
                                   const uint8_t want[CM_SNP_DIGEST_SIZE])
{
    uint8_t vcpus[2][CM_SNP_DIGEST_SIZE];
    enum cm_status st = CM_OK;

    CM_TRY(vcpu_digests(l, o, vcpus));
    for (l->vcpus = 1; l->vcpus <= (o->reset == 0 ? 1 : MAX_SEARCHED); l->vcpus++) {
        CM_TRY(extend(&c, VMSA, VMSA_GPA, vcpus[l->vcpus == 1 ? 0 : 1]));
        if (cm_ct_equal(c.digest, want, CM_SNP_DIGEST_SIZE)) {
            return CM_OK;
        }
    }
    st = CM_ERR_MISMATCH;
out:
    return st;
}

/* Types that differ in their signature, and both sets of features, for one monitor. */
static enum cm_status search_types(struct cm_snp_launch *l, const struct cm_ovmf *o,
                                   const struct chain *c, const uint8_t want[CM_SNP_DIGEST_SIZE])
{
    uint32_t last = 0;
    enum cm_status st = CM_ERR_MISMATCH;

    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        l->vcpu_signature = cm_snp_signature_of(types[i].family, types[i].model, types[i].stepping);
        if (l->vcpu_signature == last) {
            continue;
        }
        last = l->vcpu_signature;
        for (int swap = 0; swap < 2; swap++) {
            l->features = CM_SNP_FEATURE_ACTIVE | (swap != 0 ? CM_SNP_FEATURE_DEBUG_SWAP : 0);
            st = search_vcpus(l, o, *c, want);
            if (st != CM_ERR_MISMATCH) {
                return st;
            }
        }
        if (l->vmm == CM_SNP_VMM_EC2) { /* which does not say the type */
            break;
        }
    }
    return st;
}

enum cm_status cm_snp_launch_find(struct cm_span firmware,
                                  const uint8_t measurement[CM_SNP_DIGEST_SIZE],
                                  struct cm_snp_launch *found, struct cm_why *why)
{
    struct cm_ovmf o = {0};
    enum cm_status st = CM_OK;

    *found = (struct cm_snp_launch){.firmware = firmware, .vcpus = 1};
    CM_TRY(check(found, why));
    CM_TRY(cm_ovmf_read(firmware, &o, why));
    st = CM_ERR_MISMATCH;
    for (int vmm = CM_SNP_VMM_QEMU; st == CM_ERR_MISMATCH && vmm <= CM_SNP_VMM_EC2; vmm++) {
        struct chain c = {{0}};

        found->vmm = (enum cm_snp_vmm)vmm;
        CM_TRY(add_image(&c, found, &o, why));
        st = search_types(found, &o, &c, measurement);
    }
out:
    return st;
}
