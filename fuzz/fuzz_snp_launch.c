/* Firmware images: a launch measurement of whatever they say, twice the same. */
#include <stdlib.h>
#include <string.h>

#include "snp/snp_ovmf.h"
#include <casemate/snp_launch.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    struct cm_snp_launch l = {
        .firmware = {data, size - size % 4096}, .vcpus = 2, .has_kernel = size % 2 != 0};
    uint8_t first[CM_SNP_DIGEST_SIZE] = {0};
    uint8_t second[CM_SNP_DIGEST_SIZE] = {0};
    struct cm_ovmf o = {0};
    uint64_t pages = 0;

    if (size > (64u << 10) || cm_ovmf_read(l.firmware, &o, NULL) != CM_OK) {
        return 0;
    }
    for (size_t i = 0; i < o.count; i++) {
        pages += o.sections[i].size / 4096;
    }
    if (pages < 4096 && cm_snp_launch_digest(&l, first, NULL) == CM_OK &&
        (cm_snp_launch_digest(&l, second, NULL) != CM_OK || memcmp(first, second, 48) != 0)) {
        abort();
    }
    return 0;
}
