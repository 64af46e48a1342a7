/* What an OVMF image says of how it is to be loaded (edk2, OvmfPkg/ResetVector). Private to src/snp. */
#ifndef CM_SNP_OVMF_H
#define CM_SNP_OVMF_H

#include "common/reader.h"

#define CM_OVMF_MAX_SECTIONS 64

enum cm_ovmf_kind {
    CM_OVMF_MEMORY = 1, /* zeroed */
    CM_OVMF_SECRETS = 2,
    CM_OVMF_CPUID = 3,
    CM_OVMF_CAA = 4, /* SVSM's calling area: zeroed */
    CM_OVMF_HASHES = 0x10,
};

struct cm_ovmf_section {
    uint32_t gpa;
    uint32_t size;
    enum cm_ovmf_kind kind;
};

struct cm_ovmf {
    struct cm_ovmf_section sections[CM_OVMF_MAX_SECTIONS];
    size_t count;
    uint32_t reset;  /* where application processors begin; 0: nothing says */
    uint32_t hashes; /* where the table of kernel hashes lies; 0: nowhere */
};

/** @retval CM_ERR_FORMAT, CM_ERR_UNSUPPORTED */
CM_MUST_USE enum cm_status cm_ovmf_read(struct cm_span image, struct cm_ovmf *out,
                                        struct cm_why *why);

#endif
