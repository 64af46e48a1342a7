/*
 * The launch measurement that an AMD SEV-SNP guest will have, from the firmware and what the host is told
 * to load, before there is a guest. SNP_LAUNCH_UPDATE's chain of SHA-384 over pages (AMD 56860, 8.17),
 * in the order in which QEMU or Amazon EC2 loads an OVMF image, with the state that they give each vCPU
 * (AMD 24593, table B-4).
 *
 * NOT promised: other monitors, SVSM, or a host kernel that sets other features than it is told.
 */
#ifndef CASEMATE_SNP_LAUNCH_H
#define CASEMATE_SNP_LAUNCH_H

#include <casemate/span.h>
#include <casemate/status.h>
#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CM_SNP_DIGEST_SIZE  48u
#define CM_SNP_MAX_FIRMWARE (64u << 20)
#define CM_SNP_MAX_VCPUS    4096u

/* SEV_FEATURES of a vCPU's state */
#define CM_SNP_FEATURE_ACTIVE     UINT64_C(1)
#define CM_SNP_FEATURE_DEBUG_SWAP (UINT64_C(1) << 5)

enum cm_snp_vmm {
    CM_SNP_VMM_QEMU,
    CM_SNP_VMM_EC2,
};

struct cm_snp_launch {
    struct cm_span
        firmware; /* UNTRUSTED: a whole OVMF image, or its end from a page's beginning on */
    enum cm_snp_vmm vmm;
    uint32_t vcpus;
    uint32_t vcpu_signature; /* cm_snp_vcpu_signature() */
    uint64_t features;       /* 0: CM_SNP_FEATURE_ACTIVE */
    bool has_kernel;         /* the hashes of the following are measured; else none is loaded */
    struct cm_span kernel;
    struct cm_span initrd;  /* may be empty */
    struct cm_span cmdline; /* without a NUL; may be empty */
};

/** The CPUID signature of QEMU's EPYC types, by name ("EPYC-Milan", "EPYC-v4"); false: none of them. */
bool cm_snp_vcpu_signature(const char *type, uint32_t *out);
/** The nth (from 0) of these names; NULL beyond the last. */
const char *cm_snp_vcpu_type(size_t nth);
/** The signature of a processor by its whole family, model and stepping. */
uint32_t cm_snp_signature_of(unsigned family, unsigned model, unsigned stepping);

/**
 * @param out  the MEASUREMENT of such a guest's reports. Unchanged on failure.
 * @retval CM_ERR_FORMAT no OVMF image with SEV metadata, or malformed
 * @retval CM_ERR_UNSUPPORTED metadata of another version, a section that is not known; kernel hashes wanted
 *                            of firmware that does not check them; several vCPUs and no reset vector
 * @retval CM_ERR_LIMIT firmware or number of vCPUs   @retval CM_ERR_PARAM no vCPU
 */
CM_MUST_USE enum cm_status cm_snp_launch_digest(const struct cm_snp_launch *launch,
                                                uint8_t out[CM_SNP_DIGEST_SIZE],
                                                struct cm_why *why);

/**
 * Whether a measurement is that of this firmware without a kernel: any number of vCPUs up to 512, any of
 * QEMU's types, both monitors, with DebugSwap or without.
 * @param found  set to what fits.   @retval CM_ERR_MISMATCH nothing fits   @retval others as above
 */
CM_MUST_USE enum cm_status cm_snp_launch_find(struct cm_span firmware,
                                              const uint8_t measurement[CM_SNP_DIGEST_SIZE],
                                              struct cm_snp_launch *found, struct cm_why *why);

#ifdef __cplusplus
}
#endif
#endif
