/*
 * One signing: image and configuration in, signed file out. Called by
 * tools/oesign.c. UNTRUSTED: the image, the certificate, the signature.
 */
#include <stdlib.h>
#include <string.h>

#include "common/try.h"
#include "crypto/crypto.h"
#include "os/os.h"
#include "sign/sign.h"

enum { FILE_MODE = 0666 };

enum cm_status cm_sign_module(struct cm_image *image, const char *path, uint8_t **file,
                              struct cm_why *why)
{
    const struct cm_span name = cm_image_needed(image);
    enum cm_status st = CM_OK;
    size_t len = 0;

    *file = NULL;
    if (name.len == 0) {
        return CM_OK;
    }
    CM_TRY(cm_file_read_beside(path, name, CM_IMAGE_FILE_MAX, file, &len, why));
    CM_TRY(cm_image_join(image, cm_span_make(*file, len), why));
out:
    return st;
}

enum cm_status cm_sign_job_open(struct cm_span file, const char *path,
                                const struct cm_sign_config *config, uint32_t date,
                                struct cm_sign_job *job, struct cm_why *why)
{
    enum cm_status st = CM_OK;
    struct cm_sign_job j = {0};

    memset(job, 0, sizeof(*job));
    CM_TRY(cm_image_open(file, &j.image, why));
    CM_TRY(cm_sign_module(j.image, path, &j.module_file, why));
    cm_image_props(j.image, &j.props);
    if (config != NULL) {
        cm_sign_config_apply(config, &j.props);
    }
    CM_TRY(cm_plan_make(j.image, &j.props, &j.plan, why));
    CM_TRY(cm_plan_mrenclave(j.plan, j.mrenclave));
    CM_TRY(cm_sigstruct_build(&j.props, j.mrenclave, date, j.sigstruct));
    *job = j;
    memset(&j, 0, sizeof(j));
out:
    cm_sign_job_close(&j);
    return st;
}

void cm_sign_job_close(struct cm_sign_job *job)
{
    cm_plan_free(job->plan);
    cm_image_free(job->image);
    free(job->module_file);
    memset(job, 0, sizeof(*job));
}

enum cm_status cm_sign_attach(struct cm_sign_job *job, struct cm_span cert_pem,
                              struct cm_span signature, struct cm_why *why)
{
    enum cm_status st = CM_OK;
    struct cm_rsa_pub pub = {{0}};

    if (signature.len != CM_RSA3072_SIZE) {
        cm_why_set(why, "the digest signature has %zu bytes, not %u", signature.len,
                   CM_RSA3072_SIZE);
        return CM_ERR_FORMAT;
    }
    CM_TRY(cm_rsa_pub_from_cert_pem(cert_pem, &pub, why));
    CM_TRY(cm_sigstruct_attach(job->sigstruct, &pub, signature.ptr, why));
out:
    return st;
}

enum cm_status cm_sign_write(const struct cm_sign_job *job, const char *path, struct cm_why *why)
{
    enum cm_status st = CM_OK;
    uint8_t *file = NULL;
    size_t len = 0;

    /* whatever was done to the SIGSTRUCT, only one that verifies leaves this process */
    st = cm_sigstruct_check(cm_span_make(job->sigstruct, sizeof(job->sigstruct)), NULL, why);
    if (st != CM_OK) {
        st = st == CM_ERR_NOMEM ? st : CM_ERR_STATE;
        goto out;
    }
    CM_TRY(cm_image_signed_file(job->image, &job->props, job->plan, job->sigstruct, &file, &len));
    CM_TRY(cm_file_write_atomic(path, cm_span_make(file, len), FILE_MODE, why));
out:
    free(file);
    return st;
}
