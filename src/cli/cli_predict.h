/* `casemate predict`: what a guest will measure, before there is one. */
#ifndef CM_CLI_PREDICT_H
#define CM_CLI_PREDICT_H

#include <casemate/status.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct cm_cli_predict_snp {
    const char *firmware; /* files */
    const char *kernel;   /* NULL: none is measured */
    const char *initrd;
    const char *append;
    const char *vcpu_type; /* NULL: vcpu_signature */
    uint32_t vcpu_signature;
    uint32_t vcpus;
    uint64_t features; /* 0: SNP only */
    bool ec2;
    bool json;
};

/**
 * Print the launch measurement of an SEV-SNP guest (see casemate/snp_launch.h).
 * @retval CM_ERR_PARAM the type is none of QEMU's EPYC types; why names them
 * @retval others of reading files and of cm_snp_launch_digest()
 */
CM_MUST_USE enum cm_status cm_cli_predict_snp(const struct cm_cli_predict_snp *p, FILE *out,
                                              struct cm_why *why);

#endif
