/* What an application has of it: the installed library alone, with the verifiers of every TEE in it. */
#include <casemate/policy.h>
#include <casemate/snp_launch.h>
#include <casemate/verify.h>
#include <stdio.h>
#include <string.h>

int main(void)
{
    static const uint8_t nothing[64] = {1};
    static const uint8_t hcl[2600] = {'H', 'C', 'L', 'A'};
    struct cm_verify_input in = {.now = 1};
    struct cm_verify_job job = {.evidence = {nothing, sizeof(nothing)}, .in = &in};
    const struct cm_snp_launch launch = {.vcpus = 0};
    uint8_t digest[CM_SNP_DIGEST_SIZE];
    struct cm_evidence *ev = NULL;
    bool ok = cm_verify(&job, &ev) == CM_ERR_UNSUPPORTED && ev == NULL;

    in.roots = cm_verify_roots(&in.root_count);
    job.evidence = (struct cm_span){hcl, sizeof(hcl)};
    ok = ok && cm_verify_recognise(job.evidence) == CM_FORMAT_AZURE_CVM &&
         cm_verify(&job, &ev) == CM_ERR_FORMAT && ev != NULL;
    cm_evidence_free(ev);
    ok = ok && cm_snp_launch_digest(&launch, digest, NULL) == CM_ERR_PARAM;
    (void)puts(ok ? "ok" : "not ok");
    return ok ? 0 : 1;
}
