/*
 * A decision of the attestation service about an SGX quote with everything cached, and the making of its
 * record, in units of the two P-256 verifications that it cannot do without (same run, one thread).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench_kit.h"
#include "crypto/pubkey.h"
#include "decide/decide_record.h"
#include "decide_kit.h"

#define BATCHES 21
#define COUNT   100

static const char text[] =
    "version=1.0;\nauthorizationrules\n{\n"
    "    [type==\"x-ms-sgx-mrsigner\", value==\""
    "e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2\"]\n"
    "    && [type==\"x-ms-sgx-is-debuggable\", value==false] => permit();\n};\n"
    "issuancerules\n{\n    c:[type==\"x-ms-sgx-mrenclave\"] => issue(type=\"who\", "
    "value=c.value);\n};\n";

static struct cm_rule_version in_force = {.type = "SgxEnclave", .version = 1, .text = text};

struct work {
    struct cm_engine *engine;
    struct cm_bases *bases;
    struct cm_decide_job job;
    struct cm_engine_ask ask;
    struct cm_decision *d;
    struct cm_pubkey *key;
    struct cm_span message;
    struct cm_span signature;
};

static void fail(const char *what)
{
    (void)fprintf(stderr, "decide_bench: %s\n", what);
    exit(1);
}

static enum cm_status active(void *arg, const char *type, const struct cm_rule_version **out)
{
    (void)arg;
    (void)type;
    *out = &in_force;
    return CM_OK;
}

static void release(const struct cm_rule_version *v)
{
    (void)v;
}

static void decide(void *arg, uint64_t count)
{
    struct work *w = arg;

    for (uint64_t i = 0; i < count; i++) {
        cm_decision_free(w->d);
        if (cm_engine_decide(w->engine, &w->job, &w->ask, &w->d, NULL) != CM_OK ||
            w->d->st != CM_OK) {
            fail("refused");
        }
    }
}

static void record(void *arg, uint64_t count)
{
    struct work *w = arg;

    for (uint64_t i = 0; i < count; i++) {
        struct cm_record r;

        if (cm_record_make(w->bases, w->d, &w->job, (int64_t)i, &r) != CM_OK) {
            fail("no record");
        }
        cm_record_free(&r);
    }
}

static void verify(void *arg, uint64_t count)
{
    const struct work *w = arg;

    for (uint64_t i = 0; i < 2 * count; i++) {
        if (cm_pubkey_verify(w->key, CM_SIG_ES256, &w->message, 1, w->signature) != CM_OK) {
            fail("the signature does not verify");
        }
    }
}

static void make_signature(struct work *w)
{
    static uint8_t signature[CM_SIG_MAX_SIZE];
    struct cm_privkey *key = NULL;
    size_t len = 0;

    w->message = cm_span_make(text, sizeof(text));
    if (cm_privkey_generate(CM_CURVE_P256, 0, &key) != CM_OK ||
        cm_privkey_sign(key, CM_SIG_ES256, &w->message, 1, signature, sizeof(signature), &len) !=
            CM_OK ||
        cm_privkey_public(key, &w->key) != CM_OK) {
        fail("no key");
    }
    w->signature = cm_span_make(signature, len);
    cm_privkey_free(key);
}

int main(void)
{
    static uint8_t quote[DECIDE_QUOTE_MAX];
    const struct cm_engine_ops ops = {{active, release, NULL}, NULL, NULL, NULL, NULL, 0};
    const struct decide_enclave e = decide_enclave();
    struct decide_source source = {0};
    struct cm_trust_root root;
    struct cm_decide_config config;
    struct cm_policy *policy = NULL;
    struct work w = {.job = {.api = "bench", .client = "bench"}};
    double two = 0;

    decide_kit_platform();
    config = decide_kit_config(&root, &source);
    if (cm_policy_parse(cm_span_make(text, strlen(text)), &policy, NULL) != CM_OK ||
        cm_engine_create(&ops, &w.engine) != CM_OK || cm_bases_create(&w.bases) != CM_OK ||
        cm_engine_configure(w.engine, &config, NULL) != CM_OK) {
        fail("no engine");
    }
    in_force.policy = policy;
    w.ask = (struct cm_engine_ask){(uint64_t)time(NULL), true, true};
    w.job.evidence = cm_span_make(quote, decide_quote(&e, quote));
    make_signature(&w);
    two = bench_median(verify, &w, BATCHES, COUNT);
    bench_line("decision, everything cached", bench_median(decide, &w, BATCHES, COUNT) / 1000, "us",
               "two P-256 verifications", two / 1000);
    bench_line("making its record", bench_median(record, &w, BATCHES, COUNT) / 1000, "us",
               "two P-256 verifications", two / 1000);
    cm_decision_free(w.d);
    cm_bases_free(w.bases);
    cm_engine_free(w.engine);
    cm_policy_free(policy);
    cm_pubkey_free(w.key);
    decide_kit_platform_end();
    return 0;
}
