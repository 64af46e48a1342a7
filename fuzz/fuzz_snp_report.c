/*
 * SEV-SNP reports with their certificate tables, certificates' extensions and ID blocks. The first byte
 * says which: 'r' a report (with a table behind it), 't' a table, 'i' ID authentication, 'v' a certificate,
 * '{' JSON.
 * What is taken is then verified with the bytes as its own materials: nothing of it can be genuine.
 */
#include <stdlib.h>

#include "crypto/crypto.h"
#include "inside.h"
#include "snp/snp.h"
#include "snp/snp_idblock.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void report(struct cm_span bytes)
{
    static const struct cm_trust_root root = {.family = "snp", .label = "nobody's"};
    const struct cm_verify_input in = {
        .now = UINT64_C(1700000000), .roots = &root, .root_count = 1};
    const struct cm_material m = {CM_MATERIAL_SIGNATURE, "id", bytes};
    const struct cm_verify_job job = {
        .evidence = bytes, .materials = &m, .material_count = 1, .in = &in};
    struct cm_evidence *ev = cm_evidence_new("cpu");

    if (ev != NULL && cm_snp_verify(&job, ev, 0) == CM_OK) {
        abort();
    }
    cm_evidence_free(ev);
}

static void certificate(struct cm_span der)
{
    struct cm_certs *set = NULL;
    const struct cm_cert *cert = NULL;
    struct cm_snp_vek vek = {0};

    if (cm_certs_create_general(NULL, &set) == CM_OK &&
        cm_certs_add(set, der, &cert, 1, NULL) == CM_OK &&
        cm_snp_vek_read(cert, &vek, NULL) == CM_OK &&
        (vek.hwid.ptr == NULL) == (vek.csp_id.ptr == NULL)) {
        abort();
    }
    cm_certs_free(set);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    struct cm_snp_table table = {0};
    struct cm_snp_id_auth auth = {0};

    if (size < 2) {
        return 0;
    }
    if (data[0] == '{') {
        report(cm_span_make(data, size));
    } else if (data[0] == 'r') {
        report(cm_span_make(data + 1, size - 1));
    } else if (data[0] == 't') {
        struct cm_span all = cm_span_make(data + 1, size - 1);

        if (cm_snp_table_parse(all, &table) == CM_OK) {
            inside(all, table.vcek);
        }
    } else if (data[0] == 'i') {
        (void)!cm_snp_id_auth_parse(cm_span_make(data + 1, size - 1), &auth);
    } else {
        certificate(cm_span_make(data + 1, size - 1));
    }
    return 0;
}
