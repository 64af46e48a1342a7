/* One signing from end to end in memory: texts, refusals, allocation failures. */
#include "harness.h"

#include <stdlib.h>
#include <unistd.h>

#include "crypto/crypto.h"
#include "os/os.h"
#include "sign/elf_fixture.h"
#include "sign/sign.h"

static struct fixture fx;

static struct cm_span fixture(void)
{
    fx_make(&fx);
    return cm_span_make(fx.b, sizeof(fx.b));
}

TEST(an_unsigned_job_is_not_written)
{
    struct cm_sign_job job;
    struct cm_why why = {{0}};
    char folder[] = "/tmp/cm_sign_job_XXXXXX";
    char path[sizeof(folder) + 4] = "";

    REQUIRE(mkdtemp(folder) != NULL);
    (void)snprintf(path, sizeof(path), "%s/out", folder);
    REQUIRE(cm_sign_job_open(fixture(), "image", NULL, CM_SIGSTRUCT_DEFAULT_DATE, &job, NULL) ==
            CM_OK);
    CHECK_EQ(cm_sign_write(&job, path, &why), CM_ERR_STATE);
    CHECK(access(path, F_OK) != 0);
    CHECK_EQ(rmdir(folder), 0);
    cm_sign_job_close(&job);
    cm_sign_job_close(&job);
}

TEST(a_failed_job_is_zeroed)
{
    struct cm_sign_job job;
    struct cm_sign_config c = {0};
    const struct cm_sign_job zero = {0};

    memset(&job, 0xff, sizeof(job));
    CHECK_EQ(cm_sign_job_open(cm_span_make("no", 2), "image", NULL, CM_SIGSTRUCT_DEFAULT_DATE, &job,
                              NULL),
             CM_ERR_FORMAT);
    CHECK(job.image == NULL && job.plan == NULL);
    c.present = 1U << CM_SIGN_NUM_TCS; /* 0 threads */
    memset(&job, 0xff, sizeof(job));
    CHECK_EQ(cm_sign_job_open(fixture(), "image", &c, CM_SIGSTRUCT_DEFAULT_DATE, &job, NULL),
             CM_ERR_FORMAT);
    CHECK_MEM(job.mrenclave, zero.mrenclave, sizeof(zero.mrenclave));
    CHECK(job.image == NULL && job.plan == NULL);
    CHECK_EQ(cm_sign_job_open(fixture(), "image", NULL, 0x20261399, &job, NULL), CM_ERR_PARAM);
    CHECK(job.image == NULL);
}

TEST(out_of_memory_at_every_allocation)
{
    struct cm_sign_job job;
    long k = 1;

    for (;; k++) {
        enum cm_status st = CM_OK;
        bool hit = false;

        (void)fixture();
        fail_alloc_at(k);
        st = cm_sign_job_open(cm_span_make(fx.b, sizeof(fx.b)), "image", NULL,
                              CM_SIGSTRUCT_DEFAULT_DATE, &job, NULL);
        hit = fail_alloc_hit();
        fail_alloc_at(-1);
        cm_sign_job_close(&job);
        if (!hit) {
            CHECK_EQ(st, CM_OK);
            break;
        }
        CHECK_EQ(st, CM_ERR_NOMEM);
    }
    CHECK(k > 4);
}

/* the whole way of the tool: open, check, explain, sign, write, dump what was written */
static enum cm_status sign_all(const struct cm_rsa_key *key, FILE *to, const char *path)
{
    struct cm_sign_job job = {0};
    struct cm_image *image = NULL;
    uint8_t *file = NULL;
    size_t len = 0;
    enum cm_status st = cm_sign_job_open(cm_span_make(fx.b, sizeof(fx.b)), "image", NULL,
                                         CM_SIGSTRUCT_DEFAULT_DATE, &job, NULL);

    if (st == CM_OK) {
        st = cm_sign_scan(to, job.image, false, NULL);
    }
    if (st == CM_OK) {
        st = cm_sign_explain(to, job.plan);
    }
    if (st == CM_OK) {
        st = cm_sigstruct_sign(job.sigstruct, key, NULL);
    }
    if (st == CM_OK) {
        st = cm_sign_write(&job, path, NULL);
    }
    if (st == CM_OK) {
        st = cm_file_read(path, CM_IMAGE_FILE_MAX, &file, &len, NULL);
    }
    if (st == CM_OK) {
        st = cm_image_open(cm_span_make(file, len), &image, NULL);
    }
    if (st == CM_OK) {
        st = cm_sign_dump(to, image, NULL);
    }
    cm_image_free(image);
    free(file);
    cm_sign_job_close(&job);
    return st;
}

TEST(out_of_memory_on_the_whole_way)
{
    struct cm_rsa_key *key = NULL;
    FILE *to = fopen("/dev/null", "w");
    char dir[] = "/tmp/cm_sign_job_XXXXXX";
    char path[64] = "";
    long k = 1;

    REQUIRE(to != NULL && cm_rsa_key_generate(&key) == CM_OK && mkdtemp(dir) != NULL);
    (void)snprintf(path, sizeof(path), "%s/e.signed", dir);
    (void)fixture();
    for (;; k++) {
        enum cm_status st = CM_OK;
        bool hit = false;

        (void)unlink(path);
        fail_alloc_at(k);
        st = sign_all(key, to, path);
        hit = fail_alloc_hit();
        fail_alloc_at(-1);
        if (!hit) {
            CHECK_EQ(st, CM_OK);
            break;
        }
        /* a file system without nameless files, or the lack of one's folder name, is gone around */
        CHECK(st == CM_ERR_NOMEM || (st == CM_OK && access(path, F_OK) == 0));
    }
    CHECK(k > 8);
    CHECK_EQ(unlink(path), 0);
    CHECK_EQ(rmdir(dir), 0); /* nothing else is in it */
    (void)fclose(to);
    cm_rsa_key_free(key);
}

static enum cm_status dump(struct cm_span file, char *text, size_t cap)
{
    struct cm_image *image = NULL;
    enum cm_status st = cm_image_open(file, &image, NULL);
    FILE *to = fmemopen(text, cap, "w");

    if (st == CM_OK && to != NULL) {
        st = cm_sign_dump(to, image, NULL);
    }
    if (to != NULL) {
        (void)fclose(to);
    }
    cm_image_free(image);
    return st;
}

/* The lines that scripts of Open Enclave users read. */
TEST(dump_has_the_known_lines)
{
    static const char *const lines[] = {"=== Entry point: \nname=enclave_entry\n",
                                        "address=0000000000001010\n",
                                        "=== SGX Enclave Properties:\nproduct_id=7\n",
                                        "security_version=3\n",
                                        "debug=1\n",
                                        "xfrm=3\n",
                                        "num_heap_pages=16\n",
                                        "num_stack_pages=4\n",
                                        "num_tcs=2\n",
                                        "mrenclave=00000000",
                                        "mrsigner=00000000",
                                        "signature=00000000",
                                        "=== Not signed"};
    static char text[4096];

    CHECK_EQ(dump(fixture(), text, sizeof(text)), CM_OK);
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        if (strstr(text, lines[i]) == NULL) {
            TEST_FAIL("no \"%s\"", lines[i]);
        }
    }
}

TEST(names_from_the_file_cannot_drive_a_terminal)
{
    static char text[4096];

    (void)fixture();
    memcpy(fx.b + FX_STRTAB + 1, "\033[2Jx\n\177\200", 8);
    CHECK_EQ(dump(cm_span_make(fx.b, sizeof(fx.b)), text, sizeof(text)), CM_OK);
    CHECK(strchr(text, 033) == NULL);
    CHECK(strstr(text, "name=\\x1b[2Jx\\x0a\\x7f\\x80") != NULL);
}

TEST(dump_refuses_a_foreign_or_damaged_signature)
{
    static char text[4096];
    struct cm_sign_job job;
    struct cm_rsa_key *key = NULL;
    uint8_t *file = NULL;
    size_t len = 0;

    REQUIRE(cm_rsa_key_generate(&key) == CM_OK);
    REQUIRE(cm_sign_job_open(fixture(), "image", NULL, CM_SIGSTRUCT_DEFAULT_DATE, &job, NULL) ==
            CM_OK);
    CHECK_EQ(cm_sigstruct_sign(job.sigstruct, key, NULL), CM_OK);
    CHECK_EQ(cm_image_signed_file(job.image, &job.props, job.plan, job.sigstruct, &file, &len),
             CM_OK);
    REQUIRE(file != NULL);
    CHECK_EQ(dump(cm_span_make(file, len), text, sizeof(text)), CM_OK);
    file[FX_HELPER] ^= 1;
    CHECK_EQ(dump(cm_span_make(file, len), text, sizeof(text)), CM_ERR_MISMATCH);
    file[FX_HELPER] ^= 1;
    file[FX_OEINFO + 144 + 600] ^= 1;
    CHECK_EQ(dump(cm_span_make(file, len), text, sizeof(text)), CM_ERR_SIGNATURE);
    free(file);
    cm_sign_job_close(&job);
    cm_rsa_key_free(key);
}

TEST_MAIN
