/*
 * The verifier's side of credential activation for tpm_live_test.sh:
 *   tpm_credential_tool make EK.pub AK.pub SECRET BLOB     refuses an AK that is not restricted
 *   tpm_credential_tool check SECRET ANSWER
 *   tpm_credential_tool ek EK.pub EK.cert ROOT.der [INTERMEDIATE.der]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/try.h"
#include "evidence/certs.h"
#include "evidence/claims.h"
#include "os/os.h"
#include "tpm/tpm_credential.h"

static struct cm_span load(const char *path)
{
    uint8_t *bytes = NULL;
    size_t len = 0;

    if (cm_file_read(path, 1u << 16, &bytes, &len, NULL) != CM_OK) {
        (void)fprintf(stderr, "cannot read %s\n", path);
        exit(2);
    }
    return cm_span_make(bytes, len);
}

static enum cm_status make(char **argv, struct cm_why *why)
{
    struct cm_tpm_public ek;
    struct cm_tpm_public ak;
    uint8_t blob[CM_TPM_CREDENTIAL_MAX];
    uint8_t name[2 + CM_TPM_MAX_DIGEST];
    size_t name_len = 0;
    size_t len = 0;
    enum cm_status st = CM_OK;

    CM_TRY(cm_tpm_public_parse(load(argv[0]), &ek, why));
    CM_TRY(cm_tpm_public_parse(load(argv[1]), &ak, why));
    CM_TRY(cm_tpm_public_is_ak(&ak, why));
    CM_TRY(cm_tpm_public_name(&ak, name, &name_len));
    CM_TRY(cm_tpm_make_credential(&ek, cm_span_make(name, name_len), load(argv[2]), blob, &len));
    st = cm_file_write_atomic(argv[3], cm_span_make(blob, len), 0600, why);
out:
    return st;
}

static enum cm_status check_ek(int argc, char **argv, struct cm_why *why)
{
    struct cm_trust_root root = {.family = "tpm"};
    struct cm_material with[2] = {{CM_MATERIAL_CERTS, "root", load(argv[2])},
                                  {CM_MATERIAL_CERTS, "intermediate", {NULL, 0}}};
    struct cm_verify_input in = {.now = UINT64_C(1800000000), .roots = &root, .root_count = 1};
    struct cm_verify_job job = {.materials = with, .material_count = 1, .in = &in};
    struct cm_evidence *ev = cm_evidence_new("tpm");
    struct cm_certs *pool = NULL;
    const struct cm_cert *cert = NULL;
    struct cm_tpm_public ek;
    enum cm_status st = CM_OK;

    if (argc == 4) {
        with[1].bytes = load(argv[3]);
        job.material_count = 2;
    }
    CM_TRY(cm_certs_create_general(NULL, &pool));
    CM_TRY(cm_certs_add(pool, with[0].bytes, &cert, 1, NULL));
    memcpy(root.spki_sha256, cm_cert_spki_sha256(cert), 32);
    CM_TRY(cm_tpm_public_parse(load(argv[0]), &ek, why));
    st = cm_tpm_ek_verify(&job, load(argv[1]), &ek, ev, 0);
    for (size_t i = 0; cm_evidence_check(ev, 0, i) != NULL; i++) {
        const struct cm_check *c = cm_evidence_check(ev, 0, i);

        (void)printf("%s %d %s\n", c->name, (int)c->result, c->detail);
    }
out:
    cm_certs_free(pool);
    cm_evidence_free(ev);
    return st;
}

int main(int argc, char **argv)
{
    struct cm_why why = {{0}};
    enum cm_status st = CM_ERR_PARAM;

    if (argc == 6 && strcmp(argv[1], "make") == 0) {
        st = make(argv + 2, &why);
    } else if (argc == 4 && strcmp(argv[1], "check") == 0) {
        st = cm_tpm_credential_check(load(argv[2]), load(argv[3]));
    } else if ((argc == 5 || argc == 6) && strcmp(argv[1], "ek") == 0) {
        st = check_ek(argc - 2, argv + 2, &why);
    }
    if (st != CM_OK) {
        (void)fprintf(stderr, "%s %s\n", cm_status_str(st), why.text);
    }
    return st == CM_OK ? 0 : 1;
}
