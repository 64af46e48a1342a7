/*
 * Verification of the evidence of each TEE beside the signature operations in it: time with nothing cached and
 * with caches of certificates and collateral, the time that went into verifying signatures in the same calls
 * (cm_pubkey_verify*, hashing of what is signed included), how many they were, and the ratio. A ratio of 1.10
 * means that all else costs a tenth of the signatures. Medians, of each signature by itself and of interleaved
 * rounds: what other programs take from the processor is in few of them.
 *
 * Quotes of a TPM need hashes beside signatures: over the quote, its registers, each event of a boot log and
 * each event's data. "hashed" is what the same hashes (as many, as long) take alone, and "+hash" the ratio to
 * both; "ratio" stays the one to the signatures alone.
 *
 * Evidence of our own making where there is a kit for it; public evidence from ../shared/vectors (or the folder
 * that is the first argument) where that is; of these only those whose name begins with the second argument.
 * What is not there is named and left out.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <casemate/verify.h>

#include "crypto/hash.h"
#include "crypto/pubkey.h"
#include "crypto/sig_digest.h"
#include "nvkit.h"
#include "os/os.h"
#include "pki.h"
#include "tpm/tpm.h"

#define ROUNDS    9
#define MATERIALS 6

/* ---------------------------------------------------------------- what signatures cost */

#define RUNS     1000 /* verifications in a round */
#define MIN_RUNS 9
#define MAX_SIGS 32 /* in a verification */

/*
 * Two clocks: the wall's is exact and counts interruptions, which a long piece of work seldom lacks; that of the
 * thread leaves them out and takes a while to read. Of many runs the smaller median of both is the better.
 */
struct times {
    double wall[RUNS];
    double thread[RUNS];
};

struct stamp {
    double wall;
    double thread;
};

static bool timing; /* of signatures */
static struct times sig_times[MAX_SIGS];
static size_t run_now;
static size_t sig_now; /* the next one's place in this verification */

static double read_us(clockid_t clock)
{
    struct timespec t = {0, 0};

    (void)clock_gettime(clock, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static struct stamp begin(void)
{
    struct stamp s = {0, 0};

    s.thread = read_us(CLOCK_THREAD_CPUTIME_ID);
    s.wall = read_us(CLOCK_MONOTONIC);
    return s;
}

static void end(struct stamp from, struct times *times, size_t run)
{
    times->wall[run] = read_us(CLOCK_MONOTONIC) - from.wall;
    times->thread[run] = read_us(CLOCK_THREAD_CPUTIME_ID) - from.thread;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;

    return x < y ? -1 : x > y;
}

static double median(struct times *times, size_t count)
{
    qsort(times->wall, count, sizeof(times->wall[0]), compare);
    qsort(times->thread, count, sizeof(times->thread[0]), compare);
    const double wall = times->wall[count / 2];
    const double thread = times->thread[count / 2];

    return wall < thread ? wall : thread;
}

static struct stamp signature_begins(void)
{
    const struct stamp none = {0, 0};

    return timing ? begin() : none;
}

static void signature_ends(struct stamp from)
{
    if (timing && sig_now < MAX_SIGS) {
        end(from, &sig_times[sig_now], run_now);
    }
    sig_now++;
}

/* the linker sends every call of these here (--wrap) */
enum cm_status __real_cm_pubkey_verify(const struct cm_pubkey *key, enum cm_sig_alg alg,
                                       const struct cm_span *parts, size_t count,
                                       struct cm_span signature);
enum cm_status __wrap_cm_pubkey_verify(const struct cm_pubkey *key, enum cm_sig_alg alg,
                                       const struct cm_span *parts, size_t count,
                                       struct cm_span signature);
enum cm_status __real_cm_pubkey_verify_x509(const struct cm_pubkey *key, enum cm_x509_scheme scheme,
                                            enum cm_hash_alg hash, struct cm_span data,
                                            struct cm_span signature);
enum cm_status __wrap_cm_pubkey_verify_x509(const struct cm_pubkey *key, enum cm_x509_scheme scheme,
                                            enum cm_hash_alg hash, struct cm_span data,
                                            struct cm_span signature);

enum cm_status __wrap_cm_pubkey_verify(const struct cm_pubkey *key, enum cm_sig_alg alg,
                                       const struct cm_span *parts, size_t count,
                                       struct cm_span signature)
{
    const struct stamp start = signature_begins();
    enum cm_status st = __real_cm_pubkey_verify(key, alg, parts, count, signature);

    signature_ends(start);
    return st;
}

enum cm_status __wrap_cm_pubkey_verify_x509(const struct cm_pubkey *key, enum cm_x509_scheme scheme,
                                            enum cm_hash_alg hash, struct cm_span data,
                                            struct cm_span signature)
{
    const struct stamp start = signature_begins();
    enum cm_status st = __real_cm_pubkey_verify_x509(key, scheme, hash, data, signature);

    signature_ends(start);
    return st;
}

enum cm_status __real_cm_pubkey_verify_digest(const struct cm_pubkey *key,
                                              enum cm_sig_scheme scheme, struct cm_span digest,
                                              struct cm_span signature);
enum cm_status __wrap_cm_pubkey_verify_digest(const struct cm_pubkey *key,
                                              enum cm_sig_scheme scheme, struct cm_span digest,
                                              struct cm_span signature);

enum cm_status __wrap_cm_pubkey_verify_digest(const struct cm_pubkey *key,
                                              enum cm_sig_scheme scheme, struct cm_span digest,
                                              struct cm_span signature)
{
    const struct stamp start = signature_begins();
    enum cm_status st = __real_cm_pubkey_verify_digest(key, scheme, digest, signature);

    signature_ends(start);
    return st;
}

/* ---------------------------------------------------------------- what hashes cost */

#define MAX_HASHES 4096

static struct {
    enum cm_hash_alg alg;
    size_t len;
} hashes[MAX_HASHES];
static size_t hash_count;
static bool recording;

enum cm_status __real_cm_tpm_hash(uint16_t alg, const struct cm_span *parts, size_t count,
                                  uint8_t out[CM_TPM_MAX_DIGEST]);
enum cm_status __wrap_cm_tpm_hash(uint16_t alg, const struct cm_span *parts, size_t count,
                                  uint8_t out[CM_TPM_MAX_DIGEST]);
enum cm_status __real_cm_hasher_parts(struct cm_hasher *h, const struct cm_span *parts,
                                      size_t part_count, uint8_t *out);
enum cm_status __wrap_cm_hasher_parts(struct cm_hasher *h, const struct cm_span *parts,
                                      size_t part_count, uint8_t *out);

static void record(enum cm_hash_alg alg, const struct cm_span *parts, size_t count)
{
    if (!recording || hash_count == MAX_HASHES) {
        return;
    }
    hashes[hash_count].alg = alg;
    hashes[hash_count].len = 0;
    for (size_t i = 0; i < count; i++) {
        hashes[hash_count].len += parts[i].len;
    }
    hash_count++;
}

enum cm_status __wrap_cm_tpm_hash(uint16_t alg, const struct cm_span *parts, size_t count,
                                  uint8_t out[CM_TPM_MAX_DIGEST])
{
    enum cm_hash_alg hash = CM_HASH_SHA256;

    if (cm_tpm_hash_alg(alg, &hash)) {
        record(hash, parts, count);
    }
    return __real_cm_tpm_hash(alg, parts, count, out);
}

enum cm_status __wrap_cm_hasher_parts(struct cm_hasher *h, const struct cm_span *parts,
                                      size_t part_count, uint8_t *out)
{
    record(cm_hasher_alg(h), parts, part_count);
    return __real_cm_hasher_parts(h, parts, part_count, out);
}

/* The recorded hashes alone, each with an object that is there. */
static double time_hashes(void)
{
    static uint8_t data[1 << 20];
    struct cm_hasher *h[CM_HASH_SHA512 + 1] = {NULL};
    uint8_t out[CM_HASH_MAX_SIZE];
    static struct times took;

    for (int alg = CM_HASH_SHA1; alg <= CM_HASH_SHA512; alg++) {
        if (cm_hasher_create((enum cm_hash_alg)alg, &h[alg]) != CM_OK) {
            exit(1);
        }
    }
    for (int run = 0; run < RUNS; run++) {
        const struct stamp start = begin();

        for (size_t k = 0; k < hash_count; k++) {
            const struct cm_span part =
                cm_span_make(data, hashes[k].len < sizeof(data) ? hashes[k].len : sizeof(data));

            if (__real_cm_hasher_parts(h[hashes[k].alg], &part, 1, out) != CM_OK) {
                exit(1);
            }
        }
        end(start, &took, (size_t)run);
    }
    for (int alg = CM_HASH_SHA1; alg <= CM_HASH_SHA512; alg++) {
        cm_hasher_free(h[alg]);
    }
    return median(&took, RUNS);
}

/* ---------------------------------------------------------------- a format's row */

struct row {
    const char *name;
    uint64_t now;
    struct cm_span evidence;
    struct cm_material materials[MATERIALS];
    size_t material_count;
    const struct cm_dcap_collateral *dcap;
    const struct cm_trust_root *root; /* NULL: the makers' */
    unsigned flags;
};

struct cost {
    double total; /* microseconds a verification */
    double sigs;
    unsigned count;
};

struct caches {
    struct cm_cert_cache *certs;
    struct cm_dcap_cache *dcap;
};

static void measure_once(const struct row *row, const struct caches *caches)
{
    size_t root_count = 0;
    struct cm_verify_input in = {.now = row->now, .flags = row->flags};
    struct cm_verify_job job = {.evidence = row->evidence,
                                .materials = row->materials,
                                .material_count = row->material_count,
                                .dcap = row->dcap,
                                .cert_cache = caches->certs,
                                .dcap_cache = caches->dcap,
                                .accept_tcb = ~0u,
                                .in = &in};
    struct cm_evidence *ev = NULL;
    enum cm_status st = CM_OK;

    in.roots = row->root != NULL ? row->root : cm_verify_roots(&root_count);
    in.root_count = row->root != NULL ? 1 : root_count;
    st = cm_verify(&job, &ev);
    cm_evidence_free(ev);
    if (st != CM_OK) {
        (void)fprintf(stderr, "bench_evidence: %s: %s\n", row->name, cm_status_str(st));
        exit(1);
    }
}

/* As many verifications as take about 20 ms. */
static void repeat(const struct row *row, const struct caches *caches, struct times *times)
{
    const double first = read_us(CLOCK_MONOTONIC);

    for (run_now = 0;
         run_now < RUNS && (run_now < MIN_RUNS || read_us(CLOCK_MONOTONIC) - first < 20000);
         run_now++) {
        const struct stamp start = begin();

        sig_now = 0;
        measure_once(row, caches);
        end(start, times, run_now);
    }
    if (sig_now > MAX_SIGS) {
        (void)fprintf(stderr, "bench_evidence: %s: too many signatures\n", row->name);
        exit(1);
    }
}

/* What one verification takes, and, in others, what the signatures in it do. */
static struct cost measure(const struct row *row, const struct caches *caches)
{
    static struct times times;
    struct cost c = {0, 0, 0};

    timing = false;
    repeat(row, caches, &times);
    c.total = median(&times, run_now);
    timing = true;
    repeat(row, caches, &times);
    c.count = (unsigned)sig_now;
    for (size_t i = 0; i < sig_now; i++) {
        c.sigs += median(&sig_times[i], run_now);
    }
    return c;
}

static int by_ratio(const void *a, const void *b)
{
    const struct cost *x = a;
    const struct cost *y = b;
    double p = x->total / x->sigs;
    double q = y->total / y->sigs;

    return p < q ? -1 : p > q;
}

static void run(const struct row *row)
{
    struct cost cold[ROUNDS];
    struct cost warm[ROUNDS];
    const struct caches none = {NULL, NULL};
    struct caches caches = {NULL, NULL};

    if (cm_cert_cache_create(64, &caches.certs) != CM_OK ||
        cm_dcap_cache_create(8, &caches.dcap) != CM_OK) {
        exit(1);
    }
    hash_count = 0;
    recording = true;
    measure_once(row, &caches); /* fills them */
    recording = false;
    for (int i = 0; i < ROUNDS; i++) {
        cold[i] = measure(row, &none);
        warm[i] = measure(row, &caches);
    }
    qsort(cold, ROUNDS, sizeof(cold[0]), by_ratio);
    qsort(warm, ROUNDS, sizeof(warm[0]), by_ratio);
    const struct cost *c = &cold[ROUNDS / 2];
    const struct cost *w = &warm[ROUNDS / 2];

    const double hashed = hash_count == 0 ? 0 : time_hashes();

    (void)printf("%-26s %8.0f %8.0f %3u %6.2f   %8.0f %8.0f %3u %6.2f", row->name, c->total,
                 c->sigs, c->count, c->total / c->sigs, w->total, w->sigs, w->count,
                 w->total / w->sigs);
    if (hash_count != 0) {
        (void)printf("   %6.1f %6.2f %6.2f", hashed, c->total / (c->sigs + hashed),
                     w->total / (w->sigs + hashed));
    }
    (void)printf("\n");
    (void)fflush(stdout);
    cm_cert_cache_free(caches.certs);
    cm_dcap_cache_free(caches.dcap);
}

/* ---------------------------------------------------------------- evidence of our own */

static void own_quote(void)
{
    struct pki_spec s;
    struct pki_bundle *b = NULL;

    pki_defaults(&s, 4, 2);
    b = pki_make(&s);
    struct row row = {.name = "dcap (own, TDX)",
                      .now = PKI_NOW,
                      .evidence = b->quote,
                      .dcap = &b->col,
                      .root = &b->root};

    run(&row);
    pki_free(b);
}

static void own_gpus(size_t count)
{
    static struct nv_device devices[4];
    static char text[4 * 40001];
    struct row row = {.now = CK_NOW, .root = nv_root()};
    struct nv_spec s;

    nv_defaults(&s);
    s.blocks = 64;
    for (size_t i = 0; i < count; i++) {
        s.device = (unsigned)i;
        s.signer = (unsigned)i;
        nv_make(&s, &devices[i]);
    }
    row.name = count == 1 ? "nvidia (own)" : "nvidia (own, 4 devices)";
    row.evidence =
        cm_span_make(text, nv_json(devices, count, "\"arch\":\"HOPPER\"", text, sizeof(text)));
    run(&row);
}

/* ---------------------------------------------------------------- public evidence */

static const struct file {
    const char *name;
    uint64_t now;
    const char *evidence;
    struct {
        enum cm_material_kind kind;
        const char *path;
    } with[MATERIALS];
    unsigned flags;
} files[] = {
    {"snp (Milan, VCEK)",
     1780272000,
     "snp/ms-tav-milan/report.bin",
     {{CM_MATERIAL_CERTS, "snp/ms-tav-milan/vcek.pem"},
      {CM_MATERIAL_CERTS, "snp/_roots/ask_ark_milan.pem"}},
     0},
    {"snp (Turin, VCEK)",
     1780272000,
     "snp/ms-tav-turin/report.bin",
     {{CM_MATERIAL_CERTS, "snp/ms-tav-turin/vcek.pem"},
      {CM_MATERIAL_CERTS, "snp/_roots/ask_ark_turin_vcek.pem"}},
     0},
    {"nitro", 1665651600, "nitro/evervault-2022-prod/doc.cbor", {{0, NULL}}, 0},
    {"tpm (RSA 2048)",
     1790000000,
     "tpm/own-swtpm-quotes/quote_rsa.msg",
     {{CM_MATERIAL_KEY, "tpm/own-swtpm-quotes/ak_rsa.pem"},
      {CM_MATERIAL_SIGNATURE, "tpm/own-swtpm-quotes/quote_rsa.sig"},
      {CM_MATERIAL_PCRS, "tpm/own-swtpm-quotes/quote_rsa.pcrs"}},
     0},
    {"tpm (P-384, no log)",
     1790000000,
     "tpm/own-swtpm-quotes/quote_e384.msg",
     {{CM_MATERIAL_KEY, "tpm/own-swtpm-quotes/ak_e384.pem"},
      {CM_MATERIAL_SIGNATURE, "tpm/own-swtpm-quotes/quote_e384.sig"},
      {CM_MATERIAL_PCRS, "tpm/own-swtpm-quotes/quote_e384.pcrs"}},
     0},
    {"tpm (RSA 2048, boot log)",
     1790000000,
     "tpm/own-qemu-ovmf-nosb/qs.msg",
     {{CM_MATERIAL_KEY, "tpm/own-qemu-ovmf-nosb/ak.pem"},
      {CM_MATERIAL_SIGNATURE, "tpm/own-qemu-ovmf-nosb/qs.sig"},
      {CM_MATERIAL_PCRS, "tpm/own-qemu-ovmf-nosb/qs.pcrs"},
      {CM_MATERIAL_EVENT_LOG, "tpm/own-qemu-ovmf-nosb/binary_bios_measurements"}},
     0},
    {"gce (3 quotes, boot log)",
     1640000000,
     "tpm/gce-cos85-no-nonce/attestation.pb",
     {{CM_MATERIAL_CERTS, "tpm/_gce_roots/tpm_ek_intermediate_2.crt"}},
     0},
    {"azure-cvm (SNP)",
     1767225600,
     "azure-vtpm/trustee-az-snp-evidence-v0/evidence.json",
     {{CM_MATERIAL_CERTS, "snp/_roots/ask_ark_milan.pem"}},
     0},
    {"cca",
     1790000000,
     "cca/rust-ccatoken/cca-token-01.cbor",
     {{CM_MATERIAL_KEY, "cca/rust-ccatoken/ta-tfa.json"}},
     0},
    {"psa",
     1790000000,
     "psa/psatoken-tf-m/psa-2_0_0_sign1.bin",
     {{CM_MATERIAL_KEY, "psa/psatoken-tf-m/public.pem"}},
     0},
    {"nvidia (GH100)", 1790000000, "nvidia/attestation-sdk/hopper_evidence.json", {{0, NULL}}, 0},
    {"nvidia (LS10, 4)",
     1790000000,
     "nvidia/attestation-sdk/multi_switch_ls10.json",
     {{0, NULL}},
     0},
};

static bool load(const char *dir, const char *name, struct cm_span *out)
{
    char path[1024] = "";
    uint8_t *data = NULL;
    size_t len = 0;

    (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
    if (cm_file_read(path, 8u << 20, &data, &len, NULL) != CM_OK) {
        return false;
    }
    *out = cm_span_make(data, len); /* lives as long as the program */
    return true;
}

static void public_evidence(const char *dir, const struct file *f)
{
    struct row row = {.name = f->name, .now = f->now, .flags = f->flags};
    bool there = load(dir, f->evidence, &row.evidence);

    for (size_t i = 0; there && i < MATERIALS && f->with[i].path != NULL; i++) {
        row.materials[i].kind = f->with[i].kind;
        row.materials[i].name = f->with[i].path;
        there = load(dir, f->with[i].path, &row.materials[i].bytes);
        row.material_count++;
    }
    if (there) {
        run(&row);
    } else {
        (void)printf("%-26s not there\n", f->name);
    }
}

int main(int argc, char **argv)
{
    const char *dir = argc > 1 ? argv[1] : "../shared/vectors/evidence";
    const char *only = argc > 2 ? argv[2] : "";

    (void)printf("%-26s %26s      %26s   %20s\n", "", "nothing cached", "with caches",
                 "+hash: cold, cached");
    (void)printf("%-26s %8s %8s %3s %6s   %8s %8s %3s %6s   %6s %6s %6s\n", "microseconds", "all",
                 "signed", "n", "ratio", "all", "signed", "n", "ratio", "hashed", "ratio", "ratio");
    if (only[0] == '\0') {
        own_quote();
        own_gpus(1);
        own_gpus(4);
    }
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        if (strncmp(files[i].name, only, strlen(only)) == 0) {
            public_evidence(dir, &files[i]);
        }
    }
    return 0;
}
