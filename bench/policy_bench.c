/*
 * Policy evaluation in units of one P-256 verification of the same run. Every published policy of
 * ../shared/vectors/service/maa-policies that parses, where they are, over the claims of a measured boot
 * with 4 and with 64 events: the largest by text, and the slowest. Without them our own policies.
 * Argument: a folder of policies instead.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <casemate/policy.h>

#include "bench_kit.h"
#include "crypto/pubkey.h"
#include "os/os.h"

#define GOAL_US 50.0
#define BATCHES 21

struct work {
    const struct cm_policy *policy;
    const struct cm_policy_claims *claims;
    const struct cm_pubkey *key;
    struct cm_span message;
    struct cm_span signature;
    char text[CM_POLICY_MAX_TEXT];
    size_t len;
};

static void fail(const char *what)
{
    (void)fprintf(stderr, "policy_bench: %s\n", what);
    exit(1);
}

static void evaluate(void *arg, uint64_t count)
{
    const struct work *w = arg;

    for (uint64_t i = 0; i < count; i++) {
        struct cm_policy_outcome *o = NULL;
        enum cm_status st = cm_policy_evaluate(w->policy, w->claims, 0, &o);

        if (o == NULL || (st != CM_OK && st != CM_ERR_POLICY && st != CM_ERR_MISMATCH)) {
            fail("evaluation failed");
        }
        cm_policy_outcome_free(o);
    }
}

static void parse(void *arg, uint64_t count)
{
    const struct work *w = arg;

    for (uint64_t i = 0; i < count; i++) {
        struct cm_policy *p = NULL;

        if (cm_policy_parse((struct cm_span){(const uint8_t *)w->text, w->len}, &p, NULL) !=
            CM_OK) {
            fail("parsing failed");
        }
        cm_policy_free(p);
    }
}

static void verify(void *arg, uint64_t count)
{
    const struct work *w = arg;

    for (uint64_t i = 0; i < count; i++) {
        if (cm_pubkey_verify(w->key, CM_SIG_ES256, &w->message, 1, w->signature) != CM_OK) {
            fail("the signature does not verify");
        }
    }
}

/* The claims of a measured boot with so many events, and those of an enclave beside them. */
static struct cm_policy_claims *make_claims(int events)
{
    static const char *const kinds[] = {
        "\"EV_EFI_VARIABLE_DRIVER_CONFIG\",\"PcrIndex\":7,\"ProcessedData\":{\"UnicodeName\":"
        "\"SecureBoot\",\"VariableGuid\":\"8BE4DF61-93CA-11D2-AA0D-00E098032B8C\","
        "\"VariableData\":\"AQ\"}",
        "\"EV_EFI_VARIABLE_BOOT\",\"PcrIndex\":1,\"ProcessedData\":{\"UnicodeName\":\"BootOrder\","
        "\"VariableData\":\"AAAB\"}",
        "\"EV_EVENT_TAG\",\"PcrIndex\":12,\"ProcessedData\":{\"EVENT_TRUSTBOUNDARY\":{"
        "\"EVENT_CODEINTEGRITY\":true,\"EVENT_BOOTDEBUGGING\":false,\"EVENT_SAFEMODE\":false}}",
        "\"IMA_MEASUREMENT_EVENT\",\"PcrIndex\":10,\"ProcessedData\":{\"KernelVersion\":\"6.1\","
        "\"Keyring\":\".builtin_trusted_keys\",\"CertificateSubject\":\"CN=Debian\"}",
    };
    static char json[65536];
    struct cm_policy_claims *c = NULL;
    size_t n = (size_t)snprintf(json, sizeof(json), "{\"Events\":[");
    char name[32] = "";

    for (int i = 0; i < events; i++) {
        n += (size_t)snprintf(json + n, sizeof(json) - n,
                              "%s{\"EventSeq\":%d,\"EventTypeString\":%s}", i == 0 ? "" : ",", i,
                              kinds[i % 4]);
    }
    n += (size_t)snprintf(json + n, sizeof(json) - n, "]}");
    if (cm_policy_claims_create(&c) != CM_OK ||
        cm_policy_claims_json(c, "events", (struct cm_span){(const uint8_t *)json, n},
                              CM_POLICY_SERVICE) != CM_OK ||
        cm_policy_claims_bool(c, "aikValidated", true, CM_POLICY_SERVICE) != CM_OK) {
        fail("claims");
    }
    for (int i = 0; i < 64; i++) {
        (void)snprintf(name, sizeof(name), "x-ms-other-%d", i);
        if (cm_policy_claims_int(c, name, i, CM_POLICY_SERVICE) != CM_OK) {
            fail("claims");
        }
    }
    return c;
}

/* The policy of a file into w; false when it is none. */
static bool load(const char *folder, const char *name, struct work *w, struct cm_policy **policy)
{
    char path[1024] = "";
    uint8_t *text = NULL;
    size_t len = 0;
    bool good = false;

    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    if (cm_file_read(path, CM_POLICY_MAX_TEXT, &text, &len, NULL) == CM_OK) {
        good = cm_policy_parse((struct cm_span){text, len}, policy, NULL) == CM_OK;
        if (good) {
            memcpy(w->text, text, len);
            w->len = len;
        }
    }
    free(text);
    return good;
}

/* Every policy of the folder: the largest and the slowest. */
static void run_folder(const char *folder, struct work *w, double base)
{
    DIR *dir = opendir(folder);
    const struct dirent *e = NULL;
    char largest[256] = "";
    char slowest[256] = "";
    size_t size = 0;
    double worst = 0;
    double largest_us = 0;
    double parse_us = 0;

    if (dir == NULL) {
        fail("no folder of policies");
    }
    while ((e = readdir(dir)) != NULL) {
        struct cm_policy *policy = NULL;
        double us = 0;

        if (!load(folder, e->d_name, w, &policy)) {
            continue;
        }
        w->policy = policy;
        us = bench_median(evaluate, w, BATCHES, 50) / 1000;
        if (us > worst) {
            worst = us;
            (void)snprintf(slowest, sizeof(slowest), "%s", e->d_name);
        }
        if (w->len > size) {
            size = w->len;
            largest_us = us;
            parse_us = bench_median(parse, w, BATCHES, 20) / 1000;
            (void)snprintf(largest, sizeof(largest), "%s", e->d_name);
        }
        cm_policy_free(policy);
    }
    (void)closedir(dir);
    (void)printf("  largest: %s, %zu bytes; slowest: %s\n", largest, size, slowest);
    bench_line("  evaluate the largest", largest_us, "us", "one P-256 verification", base);
    bench_line("  evaluate the slowest", worst, "us", "one P-256 verification", base);
    bench_line("  parse the largest", parse_us, "us", "one P-256 verification", base);
    (void)printf("  goal: %.0f us an evaluation: %s\n", GOAL_US,
                 worst < GOAL_US ? "met" : "MISSED");
}

int main(int argc, char **argv)
{
    static const char vectors[] = "../shared/vectors/service/maa-policies";
    static const int events[] = {4, 64};
    static struct work w;
    const char *folder = argc > 1 ? argv[1] : vectors;
    uint8_t signature[CM_SIG_MAX_SIZE];
    struct cm_privkey *key = NULL;
    struct cm_pubkey *pub = NULL;
    size_t len = 0;
    DIR *there = opendir(folder);
    double base = 0;

    if (there == NULL && argc == 1) {
        folder = POLICIES;
    } else if (there != NULL) {
        (void)closedir(there);
    }
    w.message = (struct cm_span){(const uint8_t *)vectors, sizeof(vectors)};
    if (cm_privkey_generate(CM_CURVE_P256, 0, &key) != CM_OK ||
        cm_privkey_public(key, &pub) != CM_OK ||
        cm_privkey_sign(key, CM_SIG_ES256, &w.message, 1, signature, sizeof(signature), &len) !=
            CM_OK) {
        fail("a key");
    }
    w.key = pub;
    w.signature = (struct cm_span){signature, len};
    base = bench_median(verify, &w, BATCHES, 20) / 1000;
    for (size_t i = 0; i < 2; i++) {
        struct cm_policy_claims *claims = make_claims(events[i]);

        (void)printf("policies of %s over a boot of %d events\n", folder, events[i]);
        w.claims = claims;
        run_folder(folder, &w, base);
        cm_policy_claims_free(claims);
    }
    cm_pubkey_free(pub);
    cm_privkey_free(key);
    return 0;
}
