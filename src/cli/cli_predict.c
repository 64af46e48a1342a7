/* casemate predict snp; see cli_predict.h. Untrusted: firmware, kernel and initrd. */
#include "cli/cli_predict.h"

#include <stdlib.h>
#include <string.h>

#include "common/hex.h"
#include "common/try.h"
#include "os/os.h"
#include <casemate/snp_launch.h>

#define MAX_FILE (1u << 30) /* of a kernel or an initrd */

/* The files that a measurement needs. */
struct files {
    uint8_t *bytes[3];
};

static enum cm_status read_file(struct files *files, size_t slot, const char *path,
                                struct cm_span *out, struct cm_why *why)
{
    size_t len = 0;
    enum cm_status st = CM_OK;

    if (path == NULL) {
        return CM_OK;
    }
    st = cm_file_read(path, slot == 0 ? CM_SNP_MAX_FIRMWARE : MAX_FILE, &files->bytes[slot], &len,
                      why);
    if (st == CM_OK) {
        *out = cm_span_make(files->bytes[slot], len);
    }
    return st;
}

static enum cm_status vcpu(const struct cm_cli_predict_snp *p, uint32_t *out, struct cm_why *why)
{
    char names[200] = "";
    size_t used = 0;

    if (p->vcpu_type == NULL) {
        *out = p->vcpu_signature;
        return CM_OK;
    }
    if (cm_snp_vcpu_signature(p->vcpu_type, out)) {
        return CM_OK;
    }
    for (size_t i = 0; cm_snp_vcpu_type(i) != NULL; i++) {
        const char *name = cm_snp_vcpu_type(i);

        if (strchr(name, 'v') == NULL && used + strlen(name) + 2 < sizeof(names)) {
            used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s",
                                     used == 0 ? "" : ", ", name);
        }
    }
    cm_why_set(why, "no vCPU type %s: %s, each also with -v1 and so on", p->vcpu_type, names);
    return CM_ERR_PARAM;
}

enum cm_status cm_cli_predict_snp(const struct cm_cli_predict_snp *p, FILE *out, struct cm_why *why)
{
    struct cm_snp_launch l = {.vmm = p->ec2 ? CM_SNP_VMM_EC2 : CM_SNP_VMM_QEMU,
                              .vcpus = p->vcpus,
                              .features = p->features,
                              .has_kernel = p->kernel != NULL};
    uint8_t digest[CM_SNP_DIGEST_SIZE] = {0};
    char hex[2 * CM_SNP_DIGEST_SIZE + 1] = "";
    struct files files = {{NULL}};
    enum cm_status st = CM_OK;

    CM_TRY(vcpu(p, &l.vcpu_signature, why));
    CM_TRY(read_file(&files, 0, p->firmware, &l.firmware, why));
    CM_TRY(read_file(&files, 1, p->kernel, &l.kernel, why));
    CM_TRY(read_file(&files, 2, p->initrd, &l.initrd, why));
    if (p->append != NULL) {
        l.cmdline = cm_span_make(p->append, strlen(p->append));
    }
    CM_TRY(cm_snp_launch_digest(&l, digest, why));
    cm_hex_encode(cm_span_make(digest, sizeof(digest)), CM_HEX_LOWER, hex);
    if (fprintf(out, p->json ? "{\"measurement\":\"%s\"}\n" : "%s\n", hex) < 0) {
        st = CM_ERR_IO;
    }
out:
    for (size_t i = 0; i < sizeof(files.bytes) / sizeof(files.bytes[0]); i++) {
        free(files.bytes[i]);
    }
    return st;
}
