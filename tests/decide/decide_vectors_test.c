/* The public evidence of ../shared/vectors of other TEEs, where it exists: each with its verdict and policy. */
#include "harness.h"

#include <unistd.h>

#include "decide/decide_engine.h"
#include "decide_kit.h"
#include "os/os.h"

#define DIR "../shared/vectors/evidence/"

static const char permit_all[] = "version=1.0; authorizationrules { => permit(); };";
static struct cm_policy *policy;
static struct cm_rule_version in_force = {.version = 1, .text = permit_all};

static enum cm_status active(void *arg, const char *type, const struct cm_rule_version **out)
{
    (void)arg;
    (void)snprintf(in_force.type, sizeof(in_force.type), "%s", type);
    in_force.policy = policy;
    *out = &in_force;
    return CM_OK;
}

static void release(const struct cm_rule_version *v)
{
    (void)v;
}

struct vector {
    uint64_t now;
    const char *evidence;
    const char *with[2]; /* certificates */
    enum cm_status want;
    const char *stage;
    const char *type;
};

#define T2022 UINT64_C(1665651600) /* 2022-10-13 09:00 */
#define T2026 UINT64_C(1780272000) /* 2026-06-01 */

static const struct vector vectors[] = {
    {T2026,
     "snp/oak-genoa_oc/report.bin",
     {"snp/oak-genoa_oc/vcek.der", "snp/_roots/ask_ark_genoa.pem"},
     CM_OK,
     "",
     "SevSnpVm"},
    {T2026,
     "snp/ms-tav-turin/report.bin",
     {"snp/ms-tav-turin/vcek.pem", "snp/_roots/ask_ark_turin_vcek.pem"},
     CM_OK,
     "",
     "SevSnpVm"},
    {T2026, "snp/oak-genoa_oc/report.bin", {NULL, NULL}, CM_ERR_NOTFOUND, "evidence", ""},
    {T2022, "nitro/evervault-2022-prod/doc.cbor", {NULL, NULL}, CM_OK, "", "Nitro"},
    {T2026, "nitro/evervault-2022-prod/doc.cbor", {NULL, NULL}, CM_ERR_EXPIRED, "evidence", ""},
    {T2022, "nitro/evervault-2022-debug/doc.cbor", {NULL, NULL}, CM_ERR_EXPIRED, "evidence", ""},
    {T2026,
     "azure-vtpm/trustee-az-snp-evidence-v2/evidence.json",
     {"snp/_roots/ask_ark_milan.pem", NULL},
     CM_OK,
     "",
     "AzureGuest"},
    {T2026, "tpm/own-swtpm-quotes/quote_rsa.msg", {NULL, NULL}, CM_ERR_NOTFOUND, "evidence", ""},
};

static struct cm_span load(const char *name, uint8_t **owned)
{
    char path[512] = "";
    size_t len = 0;

    (void)snprintf(path, sizeof(path), DIR "%s", name);
    *owned = NULL;
    if (cm_file_read(path, 1 << 20, owned, &len, NULL) != CM_OK) {
        return cm_span_make(NULL, 0);
    }
    return cm_span_make(*owned, len);
}

TEST(every_vector_has_its_verdict)
{
    static const struct cm_engine_ops ops = {{active, release, NULL}, NULL, NULL, NULL, NULL, 0};
    static const struct cm_decide_config config = {.crl_optional = true}; /* no network here */
    struct cm_engine *engine = NULL;

    if (access(DIR, R_OK) != 0) {
        SKIP("no vectors here");
    }
    REQUIRE(cm_engine_create(&ops, &engine) == CM_OK);
    REQUIRE(cm_engine_configure(engine, &config, NULL) == CM_OK);
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        const struct vector *v = &vectors[i];
        const struct cm_engine_ask ask = {v->now, false, true};
        struct cm_material with[2];
        struct cm_decide_job job = {.api = "test", .materials = with};
        struct cm_decision *d = NULL;
        uint8_t *owned[3] = {NULL, NULL, NULL};

        job.evidence = load(v->evidence, &owned[2]);
        for (size_t k = 0; k < 2 && v->with[k] != NULL; k++) {
            with[job.material_count++] =
                (struct cm_material){CM_MATERIAL_CERTS, v->with[k], load(v->with[k], &owned[k])};
        }
        CHECK_EQ(cm_engine_decide(engine, &job, &ask, &d, NULL), CM_OK);
        if (d == NULL || d->st != v->want || strcmp(d->stage, v->stage) != 0) {
            TEST_FAIL("%s: %s, %s (%s)", v->evidence, d == NULL ? "none" : cm_status_str(d->st),
                      d == NULL ? "" : d->stage, d == NULL ? "" : d->why.text);
        } else if (d->st == CM_OK) {
            CHECK_STR(d->policy_type, v->type);
        }
        cm_decision_free(d);
        for (size_t k = 0; k < 3; k++) {
            free(owned[k]);
        }
    }
    cm_engine_free(engine);
}

int main(int argc, char **argv)
{
    int result = 0;

    if (cm_policy_parse(cm_span_make(permit_all, strlen(permit_all)), &policy, NULL) != CM_OK) {
        return 1;
    }
    result = test_main(argc, argv);
    cm_policy_free(policy);
    return result;
}
