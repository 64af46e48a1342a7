/* A report's fields as claims, raw beside decoded; see snp.h and docs/evidence-snp.md. */
#include <stdio.h>

#include "common/wipe.h"
#include "snp/snp.h"

struct tcb_names {
    const char *raw;
    const char *fmc;
    const char *bootloader;
    const char *tee;
    const char *snp;
    const char *microcode;
};

#define TCB_NAMES(which)                                                                    \
    {                                                                                       \
        "snp.tcb." which, "snp.tcb." which ".fmc", "snp.tcb." which ".bootloader",          \
            "snp.tcb." which ".tee", "snp.tcb." which ".snp", "snp.tcb." which ".microcode" \
    }

struct bit {
    unsigned bit;
    const char *name;
};

static bool is_zero(struct cm_span s)
{
    uint8_t any = 0;

    for (size_t i = 0; i < s.len; i++) {
        any |= s.ptr[i];
    }
    return any == 0;
}

static void claim_tcb(struct cm_evidence *ev, size_t submod, const struct tcb_names *names,
                      struct cm_span raw, enum cm_snp_product product)
{
    bool new_layout = cm_snp_product_new_layout(product);
    struct cm_snp_tcb t = cm_snp_tcb_decode(raw, new_layout);

    cm_claim_bytes(ev, submod, names->raw, raw);
    if (new_layout) {
        cm_claim_uint(ev, submod, names->fmc, t.fmc);
    }
    cm_claim_uint(ev, submod, names->bootloader, t.bootloader);
    cm_claim_uint(ev, submod, names->tee, t.tee);
    cm_claim_uint(ev, submod, names->snp, t.snp);
    cm_claim_uint(ev, submod, names->microcode, t.microcode);
}

static void claim_bits(struct cm_evidence *ev, size_t submod, uint64_t value,
                       const struct bit *bits, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        cm_claim_bool(ev, submod, bits[i].name, ((value >> bits[i].bit) & 1) != 0);
    }
}

static void claim_firmware(struct cm_evidence *ev, size_t submod, const char *name,
                           const struct cm_snp_firmware *f)
{
    char text[16] = "";

    (void)snprintf(text, sizeof(text), "%u.%u.%u", f->major, f->minor, f->build);
    cm_claim_text(ev, submod, name, text);
}

/* A digest that is zero was not given: then it is only there as raw bytes. */
static void claim_digest(struct cm_evidence *ev, size_t submod, const struct cm_digest *d)
{
    if (!is_zero(d->value)) {
        cm_claim_digest(ev, submod, d);
    }
}

static void claim_policy(const struct cm_snp_report *r, struct cm_evidence *ev, size_t submod)
{
    static const struct bit policy[] = {
        {16, "snp.policy.smt"},
        {18, "snp.policy.migrate_ma"},
        {19, "snp.policy.debug"},
        {20, "snp.policy.single_socket"},
        {21, "snp.policy.cxl_allow"},
        {22, "snp.policy.mem_aes_256_xts"},
        {23, "snp.policy.rapl_dis"},
        {24, "snp.policy.ciphertext_hiding"},
        {25, "snp.policy.page_swap_disable"},
    };
    static const struct bit platform[] = {
        {0, "snp.platform.smt_en"},
        {1, "snp.platform.tsme_en"},
        {2, "snp.platform.ecc_en"},
        {3, "snp.platform.rapl_dis"},
        {4, "snp.platform.ciphertext_hiding_en"},
        {5, "snp.platform.alias_check_complete"},
        {6, "snp.platform.iommu_write_safe"},
        {7, "snp.platform.sev_tio"},
    };

    cm_claim_uint(ev, submod, "snp.policy", r->policy);
    cm_claim_uint(ev, submod, "snp.policy.abi_minor", r->policy & 0xff);
    cm_claim_uint(ev, submod, "snp.policy.abi_major", (r->policy >> 8) & 0xff);
    /* the last one came with version 5: absent before */
    claim_bits(ev, submod, r->policy, policy,
               sizeof(policy) / sizeof(policy[0]) - (r->version >= 5 ? 0 : 1));
    cm_claim_uint(ev, submod, "snp.platform_info", r->platform_info);
    claim_bits(ev, submod, r->platform_info, platform, sizeof(platform) / sizeof(platform[0]));
}

static void claim_identity(const struct cm_snp_report *r, struct cm_evidence *ev, size_t submod)
{
    const struct cm_digest digests[] = {
        {"measurement", "sha-384", CM_ROLE_LAUNCH, r->measurement},
        {"host_data", "sha-256", CM_ROLE_CONFIG, r->host_data},
        {"id_key_digest", "sha-384", CM_ROLE_SIGNER, r->id_key_digest},
        {"author_key_digest", "sha-384", CM_ROLE_SIGNER, r->author_key_digest},
    };

    for (size_t i = 0; i < sizeof(digests) / sizeof(digests[0]); i++) {
        claim_digest(ev, submod, &digests[i]);
    }
    cm_claim_bytes(ev, submod, "snp.measurement", r->measurement);
    cm_claim_bytes(ev, submod, "snp.host_data", r->host_data);
    cm_claim_bytes(ev, submod, "snp.id_key_digest", r->id_key_digest);
    cm_claim_bytes(ev, submod, "snp.author_key_digest", r->author_key_digest);
    cm_claim_bytes(ev, submod, "snp.family_id", r->family_id);
    cm_claim_bytes(ev, submod, "snp.image_id", r->image_id);
    cm_claim_bytes(ev, submod, "snp.report_id", r->report_id);
    cm_claim_bytes(ev, submod, "snp.report_id_ma", r->report_id_ma);
    cm_claim_bytes(ev, submod, "snp.chip_id", r->chip_id);
    cm_claim_bool(ev, submod, "snp.chip_id_masked", is_zero(r->chip_id));
    if (!is_zero(r->chip_id)) {
        cm_claim_bytes(ev, submod, CM_CLAIM_UEID, r->chip_id);
    }
}

static void claim_versions(const struct cm_snp_report *r, struct cm_evidence *ev, size_t submod)
{
    static const struct tcb_names names[] = {TCB_NAMES("current"), TCB_NAMES("reported"),
                                             TCB_NAMES("committed"), TCB_NAMES("launch")};
    const struct cm_span raw[] = {r->current_tcb, r->reported_tcb, r->committed_tcb, r->launch_tcb};

    for (size_t i = 0; i < 4; i++) {
        claim_tcb(ev, submod, &names[i], raw[i], r->product);
    }
    claim_firmware(ev, submod, "snp.firmware.current", &r->current);
    claim_firmware(ev, submod, "snp.firmware.committed", &r->committed);
    cm_claim_bool(ev, submod, "snp.firmware.provisional",
                  r->current.major != r->committed.major ||
                      r->current.minor != r->committed.minor ||
                      r->current.build != r->committed.build ||
                      !cm_ct_equal(r->current_tcb.ptr, r->committed_tcb.ptr, 8));
    if (r->version >= 3) {
        cm_claim_uint(ev, submod, "snp.cpuid.family", r->cpuid[0]);
        cm_claim_uint(ev, submod, "snp.cpuid.model", r->cpuid[1]);
        cm_claim_uint(ev, submod, "snp.cpuid.stepping", r->cpuid[2]);
    }
    if (r->version >= 5) {
        cm_claim_uint(ev, submod, "snp.mit.launch", r->launch_mit);
        cm_claim_uint(ev, submod, "snp.mit.current", r->current_mit);
    }
}

void cm_snp_claim(const struct cm_snp_report *r, struct cm_evidence *ev, size_t submod)
{
    cm_claim_text(ev, submod, CM_CLAIM_TEE, "snp");
    cm_claim_text(ev, submod, CM_CLAIM_OEMID, "AMD");
    cm_claim_text(ev, submod, CM_CLAIM_HWMODEL, cm_snp_product_model(r->product));
    cm_claim_text(ev, submod, CM_CLAIM_DBGSTAT,
                  (r->policy & CM_SNP_POLICY_DEBUG) != 0 ? "enabled" : "disabled");
    cm_claim_bytes(ev, submod, CM_CLAIM_REPORT_DATA, r->report_data);
    cm_claim_uint(ev, submod, "snp.version", r->version);
    cm_claim_uint(ev, submod, "snp.guest_svn", r->guest_svn);
    cm_claim_uint(ev, submod, "snp.vmpl", r->vmpl);
    cm_claim_uint(ev, submod, "snp.signature_algo", r->signature_algo);
    cm_claim_uint(ev, submod, "snp.flags", r->flags);
    cm_claim_bool(ev, submod, "snp.author_key_en", r->author_key_en);
    cm_claim_bool(ev, submod, "snp.mask_chip_key", r->mask_chip_key);
    cm_claim_uint(ev, submod, "snp.signing_key", r->signing_key);
    claim_policy(r, ev, submod);
    claim_identity(r, ev, submod);
    claim_versions(r, ev, submod);
}
