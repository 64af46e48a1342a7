/*
 * Quote verification in units of one P-256 verification of the same run: cold (nothing verified
 * before) and with verified collateral cached; parsing and the rest, which is signatures, apart;
 * oe_verify_evidence() of an SGX quote and its claims, with the process's own cache; and
 * what `openssl speed` says of P-256 in the same minute. Without arguments: a TD 1.5 quote of the
 * tests' own hierarchy. With BUNDLE-FOLDER TIME: quote.bin and collateral from there, under Intel's
 * root. Medians of interleaved rounds, so that load hits all alike.
 *
 * --memory COUNT verifies so often, a third each cached, cold and refused, and shows the resident
 * memory after each tenth: exit 1 when the last is above the first by more than 1 MiB.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <casemate/attest.h>
#include <openenclave/attestation/sgx/evidence.h>
#include <openenclave/attestation/verifier.h>

#include "attest/attest_claims.h"
#include "crypto/pubkey.h"
#include "evidence/certs.h"
#include "evidence/collateral.h"
#include "evidence/quote.h"
#include "os/os.h"
#include "pki.h"

#define ROUNDS 15

static double now_us(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;

    return x < y ? -1 : x > y;
}

static double median(double *v)
{
    qsort(v, ROUNDS, sizeof(*v), by_value);
    return v[ROUNDS / 2];
}

static struct cm_span file(const char *dir, const char *name)
{
    char path[1024] = "";
    uint8_t *data = NULL;
    size_t len = 0;

    (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
    if (cm_file_read(path, 1 << 20, &data, &len, NULL) != CM_OK) {
        return cm_span_make(NULL, 0);
    }
    return cm_span_make(data, len); /* lives as long as the program */
}

static double p256_round(void)
{
    static struct cm_privkey *priv;
    static struct cm_pubkey *pub;
    static uint8_t sig[64];
    static size_t len;
    struct cm_span msg = cm_span_make("message", 7);
    double start = 0;
    int bad = 0;

    if (pub == NULL && (cm_privkey_generate(CM_CURVE_P256, 0, &priv) != CM_OK ||
                        cm_privkey_public(priv, &pub) != CM_OK ||
                        cm_privkey_sign(priv, CM_SIG_ES256, &msg, 1, sig, 64, &len) != CM_OK)) {
        exit(1);
    }
    start = now_us();
    for (int i = 0; i < 200; i++) {
        bad += cm_pubkey_verify(pub, CM_SIG_ES256, &msg, 1, cm_span_make(sig, 64)) != CM_OK;
    }
    return bad != 0 ? -1 : (now_us() - start) / 200;
}

struct job {
    struct cm_span quote;
    struct cm_dcap_collateral col;
    struct cm_verify_input in;
};

static double verify_round(const struct job *job, struct cm_dcap_cache *cache, int count)
{
    double start = now_us();

    for (int i = 0; i < count; i++) {
        struct cm_evidence *ev = NULL;
        enum cm_status st = cm_dcap_verify(job->quote, &job->col, &job->in, 0xff, cache, &ev);

        cm_evidence_free(ev);
        if (st != CM_OK) {
            (void)fprintf(stderr, "dcap_bench: %s\n", cm_status_str(st));
            exit(1);
        }
    }
    return (now_us() - start) / count;
}

/* Time, endorsements and evidence of the tests' own SGX platform, whose root is trusted from here. */
struct evidence {
    struct pki_bundle *bundle; /* lives as long as the program */
    oe_datetime_t time;
    uint8_t *endorsements;
    size_t size;
};

static struct evidence own_evidence(void)
{
    struct evidence e = {.bundle = NULL};
    struct pki_spec s;

    pki_defaults(&s, 3, 1);
    e.bundle = pki_make(&s);
    cm_datetime_of(PKI_NOW, &e.time);
    if (oe_verifier_initialize() != OE_OK ||
        cm_attest_trust_root(e.bundle->root.spki_sha256, false) != CM_OK ||
        cm_endorsements_make(&e.bundle->col, e.bundle->quote, PKI_NOW, &e.endorsements, &e.size) !=
            OE_OK) {
        exit(1);
    }
    return e;
}

static double evidence_round(struct evidence *e, int count)
{
    static const oe_uuid_t format = {OE_FORMAT_UUID_RAW_SGX_QUOTE_ECDSA};
    const oe_policy_t policy = {OE_POLICY_ENDORSEMENTS_TIME, &e->time, sizeof(e->time)};
    double start = now_us();

    for (int i = 0; i < count; i++) {
        oe_claim_t *claims = NULL;
        size_t n = 0;
        oe_result_t result = oe_verify_evidence(&format, e->bundle->quote.ptr, e->bundle->quote.len,
                                                e->endorsements, e->size, &policy, 1, &claims, &n);

        (void)oe_free_claims(claims, n);
        if (result != OE_OK) {
            (void)fprintf(stderr, "dcap_bench: %s\n", oe_result_str(result));
            exit(1);
        }
    }
    return (now_us() - start) / count;
}

/* Everything that is parsed for one cold verification, and nothing verified. */
static double parse_round(const struct job *job)
{
    double start = now_us();
    int bad = 0;

    for (int i = 0; i < 50; i++) {
        const struct cm_cert *chain[CM_CERTS_MAX_CHAIN] = {NULL};
        struct cm_tcb_info tcb;
        struct cm_qe_identity qe;
        struct cm_certs *set = NULL;
        struct cm_crl *crl = NULL;
        struct cm_quote q;
        size_t count = 0;

        bad += cm_quote_parse(job->quote, &q, NULL) != CM_OK;
        bad += cm_tcb_info_parse(job->col.tcb_info, &tcb, NULL) != CM_OK;
        bad += cm_qe_identity_parse(job->col.qe_identity, &qe, NULL) != CM_OK;
        bad += cm_certs_create(&set) != CM_OK;
        while (q.cert_data.len != 0 && q.cert_data.ptr[q.cert_data.len - 1] == 0) {
            q.cert_data.len--;
        }
        bad += cm_certs_pem(set, q.cert_data, chain, &count) != CM_OK;
        bad += cm_certs_pem(set, job->col.tcb_info_chain, chain, &count) != CM_OK;
        bad += cm_certs_pem(set, job->col.qe_identity_chain, chain, &count) != CM_OK;
        bad += cm_crl_parse(job->col.root_ca_crl, &crl) != CM_OK;
        cm_crl_free(crl);
        bad += cm_crl_parse(job->col.pck_crl, &crl) != CM_OK;
        cm_crl_free(crl);
        cm_tcb_info_free(&tcb);
        cm_qe_identity_free(&qe);
        cm_certs_free(set);
    }
    return bad != 0 ? -1 : (now_us() - start) / 50;
}

/* What the installed openssl measures in a second, verifications a second; 0: not known. */
static double openssl_speed(void)
{
    FILE *f = popen("openssl speed -seconds 1 -mr ecdsap256 2>/dev/null", "re");
    char line[256] = "";
    double rate = 0;

    while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
        char *last = strrchr(line, ':');

        if (strncmp(line, "+F4:", 4) == 0 && last != NULL) {
            rate = strtod(last + 1, NULL);
        }
    }
    if (f != NULL) {
        (void)pclose(f);
    }
    return rate;
}

static long resident_kib(void)
{
    FILE *f = fopen("/proc/self/statm", "re");
    long pages = 0;

    if (f == NULL || fscanf(f, "%*d %ld", &pages) != 1) {
        exit(1);
    }
    (void)fclose(f);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static int memory(const struct job *job, struct cm_dcap_cache *cache, long count)
{
    struct cm_dcap_collateral stale = job->col;
    long first = 0;

    stale.pck_crl = stale.root_ca_crl; /* of another issuer: refused late */
    for (int tenth = 1; tenth <= 10; tenth++) {
        for (long i = 0; i < count / 10; i++) {
            struct cm_evidence *ev = NULL;
            enum cm_status st = cm_dcap_verify(job->quote, i % 3 == 2 ? &stale : &job->col,
                                               &job->in, 0xff, i % 3 == 0 ? cache : NULL, &ev);

            cm_evidence_free(ev);
            if ((st == CM_OK) != (i % 3 != 2)) {
                (void)fprintf(stderr, "dcap_bench: %s\n", cm_status_str(st));
                return 1;
            }
        }
        first = tenth == 1 ? resident_kib() : first;
        (void)printf("%10ld verifications   %8ld KiB\n", count / 10 * tenth, resident_kib());
        (void)fflush(stdout);
    }
    return resident_kib() - first > 1024 ? 1 : 0;
}

static void own_job(struct job *job)
{
    struct pki_spec s;
    struct pki_bundle *b = NULL; /* lives as long as the program */

    pki_defaults(&s, 5, 3);
    b = pki_make(&s);
    job->quote = b->quote;
    job->col = b->col;
    job->in.now = PKI_NOW;
    job->in.roots = &b->root;
    job->in.root_count = 1;
}

static void file_job(struct job *job, const char *dir, const char *time)
{
    job->quote = file(dir, "quote.bin");
    job->col.tcb_info = file(dir, "tcb_info.json");
    job->col.tcb_info_chain = file(dir, "tcb_info_issuer_chain.pem");
    job->col.qe_identity = file(dir, "qe_identity.json");
    job->col.qe_identity_chain = file(dir, "qe_identity_issuer_chain.pem");
    job->col.root_ca_crl = file(dir, "root_ca_crl.der");
    job->col.pck_crl = file(dir, "pck_crl.der");
    job->in.now = strtoull(time, NULL, 10);
    job->in.roots = cm_dcap_intel_root();
    job->in.root_count = 1;
    job->in.flags = CM_VERIFY_ALLOW_DEBUG;
}

int main(int argc, char **argv)
{
    double p256[ROUNDS];
    double parse[ROUNDS];
    double cold[ROUNDS];
    double cached[ROUNDS];
    double whole[ROUNDS];
    struct evidence evidence = {.bundle = NULL};
    struct cm_dcap_cache *cache = NULL;
    struct job job = {0};
    double unit = 0;
    bool soak = argc == 3 && strcmp(argv[1], "--memory") == 0;

    if (argc != 1 && argc != 3) {
        (void)fprintf(stderr, "usage: dcap_bench [BUNDLE-FOLDER TIME | --memory COUNT]\n");
        return 2;
    }
    if (argc == 3 && !soak) {
        file_job(&job, argv[1], argv[2]);
    } else {
        own_job(&job);
    }
    if (cm_dcap_cache_create(4, &cache) != CM_OK) {
        return 1;
    }
    if (soak) {
        int code = memory(&job, cache, strtol(argv[2], NULL, 10));

        cm_dcap_cache_free(cache);
        return code;
    }
    evidence = own_evidence();
    for (int i = 0; i < ROUNDS; i++) {
        p256[i] = p256_round();
        parse[i] = parse_round(&job);
        cold[i] = verify_round(&job, NULL, 20);
        cached[i] = verify_round(&job, cache, 100);
        whole[i] = evidence_round(&evidence, 100);
    }
    unit = median(p256);
    (void)printf("P-256 verification          %8.1f us   %9.0f/s   (openssl speed: %.0f/s)\n", unit,
                 1e6 / unit, openssl_speed());
    (void)printf("quote, nothing cached       %8.1f us   %9.0f/s   %5.1f P-256 (target 25)\n",
                 median(cold), 1e6 / median(cold), median(cold) / unit);
    (void)printf("  of it parsing             %8.1f us   %9.0f/s   %5.1f P-256\n", median(parse),
                 1e6 / median(parse), median(parse) / unit);
    (void)printf("  and signatures            %8.1f us   %9.0f/s   %5.1f P-256\n",
                 median(cold) - median(parse), 1e6 / (median(cold) - median(parse)),
                 (median(cold) - median(parse)) / unit);
    (void)printf("quote, collateral cached    %8.1f us   %9.0f/s   %5.1f P-256 (target 3)\n",
                 median(cached), 1e6 / median(cached), median(cached) / unit);
    (void)printf("oe_verify_evidence, cached  %8.1f us   %9.0f/s   %5.1f P-256 (target 3)\n",
                 median(whole), 1e6 / median(whole), median(whole) / unit);
    free(evidence.endorsements);
    cm_dcap_cache_free(cache);
    return 0;
}
