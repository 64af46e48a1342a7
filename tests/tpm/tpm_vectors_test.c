/* The real quotes and event logs of ../shared/vectors/evidence, where they are. */
#include "harness.h"

#include <dirent.h>
#include <sys/stat.h>

#include "common/hex.h"
#include "evidence/claims.h"
#include "evidence/x509.h"
#include "os/os.h"
#include "token/json.h"
#include "tpm/tcg_log.h"
#include "tpm_kit.h"

#define ROOT "../shared/vectors/evidence/"

static bool have_vectors(void)
{
    struct stat sb;

    return stat(ROOT "tpm", &sb) == 0;
}

/* A file's bytes; the tests keep what they read. */
static struct cm_span load(const char *dir, const char *name)
{
    char path[512] = "";
    uint8_t *bytes = NULL;
    size_t len = 0;

    (void)snprintf(path, sizeof(path), ROOT "%s/%s", dir, name);
    return cm_file_read(path, 1u << 21, &bytes, &len, NULL) == CM_OK ? cm_span_make(bytes, len)
                                                                     : cm_span_make(NULL, 0);
}

static void drop(struct cm_span s)
{
    free((void *)(uintptr_t)s.ptr);
}

static struct cm_pubkey *pem_key(const char *dir, const char *name)
{
    struct cm_span text = load(dir, name);
    struct cm_span rest = text;
    struct cm_pubkey *key = NULL;
    uint8_t der[2048];
    size_t len = 0;

    if (cm_pem_next(&rest, "PUBLIC KEY", der, sizeof(der), &len) != CM_OK || len == 0 ||
        cm_pubkey_from_spki(cm_span_make(der, len), &key) != CM_OK) {
        key = NULL;
    }
    drop(text);
    return key;
}

struct vector {
    const char *dir;
    const char *msg;
    const char *sig;
    const char *pcrs; /* or NULL */
    const char *log;  /* or NULL */
    const char *key;
    const char *nonce; /* file with digits, or NULL */
};

static enum cm_status verify(const struct vector *v, struct cm_evidence **ev)
{
    struct cm_span msg = load(v->dir, v->msg);
    struct cm_span sig = load(v->dir, v->sig);
    struct cm_span pcrs = v->pcrs == NULL ? cm_span_make(NULL, 0) : load(v->dir, v->pcrs);
    struct cm_span log = v->log == NULL ? cm_span_make(NULL, 0) : load(v->dir, v->log);
    struct cm_span digits = v->nonce == NULL ? cm_span_make(NULL, 0) : load(v->dir, v->nonce);
    struct cm_pubkey *key = pem_key(v->dir, v->key);
    struct cm_verify_input in = {.now = KIT_NOW};
    uint8_t nonce[64];
    struct cm_tpm_quote q = {.attest = msg,
                             .signature = sig,
                             .pcrs = pcrs,
                             .log = log,
                             .ak = key,
                             .authority = CM_AUTHORITY_HARDWARE};
    enum cm_status st = CM_ERR_NOTFOUND;

    *ev = cm_evidence_new("tpm");
    while (digits.len % 2 != 0) {
        digits.len--; /* the line's end */
    }
    if (digits.len != 0 && cm_hex_decode(digits, nonce, digits.len / 2)) {
        in.report_data = cm_span_make(nonce, digits.len / 2);
    }
    if (key != NULL && msg.ptr != NULL && sig.ptr != NULL && *ev != NULL) {
        st = cm_tpm_quote_verify(&q, &in, *ev, 0);
    }
    cm_pubkey_free(key);
    drop(msg);
    drop(sig);
    drop(pcrs);
    drop(log);
    drop(digits);
    return st;
}

TEST(quotes_of_swtpm_are_accepted)
{
    static const struct vector good[] = {
#define SWTPM(n, k) {"tpm/own-swtpm-quotes", n ".msg", n ".sig", n ".pcrs", NULL, k, "nonce.hex"}
        SWTPM("quote_rsa", "ak_rsa.pem"),
        SWTPM("quote_ecc", "ak_ecc.pem"),
        SWTPM("quote_pss", "ak_pss.pem"),
        SWTPM("quote_e384", "ak_e384.pem"),
        SWTPM("quote_multi", "ak_rsa.pem"),
        {"tpm/own-swtpm-quotes", "q2.msg", "q2_plain.sig", "q2.pcrs", NULL, "ak_rsa.pem",
         "nonce.hex"},
        {"tpm/own-swtpm-quotes", "q3.msg", "q3_plain.sig", "q3.pcrs", NULL, "ak_ecc.pem",
         "nonce.hex"},
        {"tpm/own-qemu-ovmf-nosb", "q.msg", "q.sig", "q.pcrs", "binary_bios_measurements", "ak.pem",
         "nonce.hex"},
        {"tpm/own-qemu-ovmf-nosb", "qe.msg", "qe.sig", "qe.pcrs", "binary_bios_measurements",
         "ake.pem", "nonce.hex"},
        {"tpm/own-qemu-ovmf-nosb", "qs.msg", "qs.sig", "qs.pcrs", "binary_bios_measurements",
         "ak.pem", "nonce.hex"},
    };

    if (!have_vectors()) {
        SKIP(ROOT "tpm is not here");
    }
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct cm_evidence *ev = NULL;
        enum cm_status st = verify(&good[i], &ev);

        if (st != CM_OK) {
            const struct cm_check *c = NULL;

            TEST_FAIL("%s: %s", good[i].msg, cm_status_str(st));
            for (size_t k = 0; (c = cm_evidence_check(ev, 0, k)) != NULL; k++) {
                if (c->result == CM_CHECK_FAIL) {
                    (void)printf("      %s: %s\n", c->name, c->detail);
                }
            }
        }
        CHECK_EQ(cm_evidence_result(ev, 0, "tpm.pcrs"), CM_CHECK_PASS);
        CHECK_EQ(cm_evidence_result(ev, 0, "nonce"), CM_CHECK_PASS);
        cm_evidence_free(ev);
    }
}

TEST(a_boot_of_ovmf_is_read_from_its_log)
{
    struct vector v = {"tpm/own-qemu-ovmf-nosb",   "q.msg",  "q.sig",    "q.pcrs",
                       "binary_bios_measurements", "ak.pem", "nonce.hex"};
    struct cm_evidence *ev = NULL;
    const struct cm_claim *c = NULL;

    if (!have_vectors()) {
        SKIP(ROOT "tpm is not here");
    }
    CHECK_EQ(verify(&v, &ev), CM_OK);
    CHECK_EQ(cm_evidence_result(ev, 0, "tpm.event_log"), CM_CHECK_PASS);
    c = cm_evidence_find(ev, 0, "tpm.secure_boot", 0);
    REQUIRE(c != NULL);
    CHECK_EQ(c->number, 0);
    CHECK_EQ(c->authority, CM_AUTHORITY_HARDWARE);
    cm_evidence_free(ev);
}

TEST(a_tampered_quote_of_swtpm_is_refused)
{
    struct vector v = {"tpm/own-swtpm-quotes", "bad.msg",  "q2_plain.sig", "q2.pcrs", NULL,
                       "ak_rsa.pem",           "nonce.hex"};
    struct vector rsa = {
        "tpm/own-swtpm-quotes", "bad.msg",  "quote_rsa.sig", "quote_rsa.pcrs", NULL,
        "ak_rsa.pem",           "nonce.hex"};
    struct cm_evidence *ev = NULL;

    if (!have_vectors()) {
        SKIP(ROOT "tpm is not here");
    }
    CHECK_EQ(verify(&v, &ev), CM_ERR_FORMAT);
    CHECK_EQ(cm_evidence_result(ev, 0, "tpm.attest"), CM_CHECK_FAIL);
    cm_evidence_free(ev);
    CHECK_EQ(verify(&rsa, &ev), CM_ERR_FORMAT);
    cm_evidence_free(ev);
}

TEST(another_attestation_than_a_quote_is_refused)
{
    struct vector v = {
        "tpm/own-swtpm-quotes", "certify.attest", "certify.sig", NULL, NULL, "ak_rsa.pem", NULL};
    struct cm_evidence *ev = NULL;

    if (!have_vectors()) {
        SKIP(ROOT "tpm is not here");
    }
    CHECK_EQ(verify(&v, &ev), CM_ERR_UNSUPPORTED);
    CHECK_EQ(cm_evidence_result(ev, 0, "tpm.attest"), CM_CHECK_FAIL);
    cm_evidence_free(ev);
}

/* The measurement of that label and bank; NULL when absent. */
static const struct cm_claim *pcr(const struct cm_evidence *ev, const char *label, const char *alg)
{
    const struct cm_claim *c = NULL;

    for (size_t n = 0; (c = cm_evidence_find(ev, 0, CM_CLAIM_MEASUREMENTS, n)) != NULL; n++) {
        if (strcmp(c->text, label) == 0 && strcmp(c->alg, alg) == 0) {
            return c;
        }
    }
    return NULL;
}

TEST(selection_shift_labels_the_twelfth_value_by_the_selection)
{
    struct vector v = {"tpm/own-neg-selection-shift",
                       "shift.msg",
                       "shift.sig",
                       "shift.pcrs",
                       NULL,
                       "ak3.pem",
                       NULL};
    struct cm_evidence *ev = NULL;

    if (!have_vectors()) {
        SKIP(ROOT "tpm is not here");
    }
    CHECK_EQ(verify(&v, &ev), CM_OK);
    CHECK(pcr(ev, "pcr11", "sha-256") == NULL);
    CHECK(pcr(ev, "pcr16", "sha-256") != NULL);
    CHECK(pcr(ev, "pcr10", "sha-256") != NULL);
    cm_evidence_free(ev);
}

TEST(selection_shift_labelled_otherwise_is_refused)
{
    static const struct kit_bank shifted = {CM_TPM_ALG_SHA256, 0xfff};
    struct cm_span msg = {NULL, 0};
    struct cm_span raw = {NULL, 0};
    struct cm_tpm_attest att;
    struct cm_tpm_pcrs pcrs;
    struct cm_why why = {{0}};
    uint16_t algs[12];
    uint8_t file[2048];
    size_t len = 0;

    if (!have_vectors()) {
        SKIP(ROOT "tpm is not here");
    }
    msg = load("tpm/own-neg-selection-shift", "shift.msg");
    raw = load("tpm/own-neg-selection-shift", "shift.pcrs");
    for (size_t i = 0; i < 12; i++) {
        algs[i] = CM_TPM_ALG_SHA256;
    }
    len = kit_tools(&shifted, 1, raw, algs, file, sizeof(file));
    REQUIRE(cm_tpm_attest_parse(msg, &att, &why) == CM_OK);
    CHECK_EQ(cm_tpm_pcrs_read(cm_span_make(file, len), &att, &pcrs, &why), CM_ERR_MISMATCH);
    drop(msg);
    drop(raw);
}

static uint16_t bank_of(const char *name)
{
    return strcmp(name, "SHA1") == 0 ? CM_TPM_ALG_SHA1 : CM_TPM_ALG_SHA256;
}

/* Every expected value of one bank of one log. */
static void expect_bank(const char *file, const struct cm_tcg_log *log, const char *bank,
                        struct cm_json_value values, unsigned *checked)
{
    struct cm_tpm_bank made;

    if (kit_replay(log, bank_of(bank), &made) != CM_OK) {
        TEST_FAIL("%s does not replay in bank %s", file, bank);
        return;
    }
    for (struct cm_json_value n = cm_json_first(values); n.doc != NULL;) {
        struct cm_json_value value = cm_json_next(n);
        char index[8] = "";
        char digits[160] = "";
        uint8_t want[64];
        size_t len = 0;
        unsigned pcr_index = 0;

        CHECK_EQ(cm_json_string(n, index, sizeof(index), NULL), CM_OK);
        CHECK_EQ(cm_json_string(value, digits, sizeof(digits), &len), CM_OK);
        pcr_index = (unsigned)strtoul(index, NULL, 10);
        CHECK(cm_hex_decode(cm_span_make(digits, len), want, len / 2));
        CHECK_EQ(len / 2, cm_tpm_hash_size(made.alg));
        if ((made.mask >> pcr_index & 1) == 0 ||
            memcmp(made.value[pcr_index], want, len / 2) != 0) {
            TEST_FAIL("%s: %s PCR %u", file, bank, pcr_index);
        }
        (*checked)++;
        n = cm_json_next(value);
    }
}

TEST(logs_replay_to_their_published_values)
{
    struct cm_span text = load("tpm/eventlogs-go-tpm-tools", "expected_pcrs.json");
    static struct cm_json_node nodes[2048];
    struct cm_json json;
    unsigned checked = 0;

    if (!have_vectors()) {
        SKIP(ROOT "tpm is not here");
    }
    REQUIRE(cm_json_parse(text, nodes, 2048, &json, NULL) == CM_OK);
    for (struct cm_json_value n = cm_json_first(cm_json_root(&json)); n.doc != NULL;) {
        struct cm_json_value banks = cm_json_next(n);
        struct cm_tcg_log log;
        struct cm_why why = {{0}};
        struct cm_span bytes = {NULL, 0};
        char file[128] = "";

        CHECK_EQ(cm_json_string(n, file, sizeof(file), NULL), CM_OK);
        bytes = load("tpm/eventlogs-go-tpm-tools", file);
        if (cm_tcg_log_parse(bytes, &log, &why) != CM_OK) {
            TEST_FAIL("%s: %s", file, why.text);
        } else {
            for (struct cm_json_value b = cm_json_first(banks); b.doc != NULL;) {
                struct cm_json_value values = cm_json_next(b);
                char bank[16] = "";

                CHECK_EQ(cm_json_string(b, bank, sizeof(bank), NULL), CM_OK);
                expect_bank(file, &log, bank, values, &checked);
                b = cm_json_next(values);
            }
        }
        drop(bytes);
        n = cm_json_next(banks);
    }
    CHECK(checked > 200);
    drop(text);
}

/* Whether every truncation of a log is refused or is a log of fewer whole events. */
static void truncations(const char *file, struct cm_span whole, size_t step)
{
    struct cm_tcg_log log;
    size_t events = 0;

    if (cm_tcg_log_parse(whole, &log, NULL) != CM_OK) {
        return;
    }
    events = log.event_count;
    for (size_t n = 0; n < whole.len; n += step) {
        uint8_t *exact = malloc(n == 0 ? 1 : n);
        struct cm_tcg_log part;

        REQUIRE(exact != NULL);
        memcpy(exact, whole.ptr, n);
        if (cm_tcg_log_parse(cm_span_make(exact, n), &part, NULL) == CM_OK &&
            part.event_count > events) {
            TEST_FAIL("%s: %zu of %zu bytes have more events", file, n, whole.len);
        }
        free(exact);
    }
}

TEST(parser_corpora_are_read)
{
    static const struct {
        const char *dir;
        const char *refused; /* not logs */
    } corpora[] = {{"tpm/eventlogs-go-tpm-tools", ".json"},
                   {"tpm/eventlogs-go-eventlog-legacy", ".json"},
                   {"ccel/trustee", ".json"},
                   {"ccel/go-eventlog", "CCEL.bin table.bin"},
                   {"ccel/cai", "quote"}};

    if (!have_vectors()) {
        SKIP(ROOT "tpm is not here");
    }
    for (size_t i = 0; i < sizeof(corpora) / sizeof(corpora[0]); i++) {
        char path[256] = "";
        DIR *d = NULL;
        struct dirent *e = NULL;

        (void)snprintf(path, sizeof(path), ROOT "%s", corpora[i].dir);
        d = opendir(path);
        REQUIRE(d != NULL);
        while ((e = readdir(d)) != NULL) {
            struct cm_span bytes = {NULL, 0};
            struct cm_tcg_log log;
            struct cm_why why = {{0}};
            enum cm_status st = CM_OK;
            bool is_log = true;

            if (e->d_name[0] == '.') {
                continue;
            }
            is_log = strstr(e->d_name, ".json") == NULL && strstr(e->d_name, "table.bin") == NULL &&
                     strcmp(e->d_name, "CCEL.bin") != 0 && strstr(e->d_name, "quote") == NULL;
            bytes = load(corpora[i].dir, e->d_name);
            st = cm_tcg_log_parse(bytes, &log, &why);
            if ((st == CM_OK) != is_log) {
                TEST_FAIL("%s/%s: %s", corpora[i].dir, e->d_name, why.text);
            }
            truncations(e->d_name, bytes, bytes.len > 16384 ? 97 : 7);
            drop(bytes);
        }
        (void)closedir(d);
    }
}

TEST(a_td_quote_leads_to_its_log)
{
    static const struct {
        const char *log;
        enum cm_check_result os; /* what user space extended later is not in the log */
    } logs[] = {{"tdx_ccel_live.bin", CM_CHECK_FAIL}, {"tdx_ccel_live2.dat", CM_CHECK_PASS}};
    struct cm_span quote = {NULL, 0};
    uint8_t rtmr[4][48];

    if (!have_vectors()) {
        SKIP(ROOT "tpm is not here");
    }
    quote = load("ccel/cai", "tdx_quote_live.dat");
    REQUIRE(quote.len > 48 + 584);
    memcpy(rtmr, quote.ptr + 48 + 328, sizeof(rtmr)); /* TD report 1.0 in a quote of version 4 */
    for (size_t i = 0; i < 2; i++) {
        struct cm_span log = load("ccel/cai", logs[i].log);
        struct cm_evidence *ev = cm_evidence_new("cpu");
        const struct cm_claim *c = NULL;

        REQUIRE(ev != NULL);
        CHECK_EQ(cm_ccel_check(log, (const uint8_t(*)[48])rtmr, CM_AUTHORITY_HARDWARE, ev, 0),
                 CM_OK);
        CHECK_EQ(cm_evidence_result(ev, 0, "ccel.event_log"), CM_CHECK_PASS);
        CHECK_EQ(cm_evidence_result(ev, 0, "ccel.event_log_os"), logs[i].os);
        c = cm_evidence_find(ev, 0, "ccel.secure_boot", 0);
        CHECK(c == NULL || c->authority == CM_AUTHORITY_HARDWARE);
        cm_evidence_free(ev);
        drop(log);
    }
    drop(quote);
}

TEST(a_quote_by_a_key_that_signs_anything_is_refused_by_what_says_so)
{
    static const char dir[] = "tpm/own-neg-unrestricted-key";
    struct cm_verify_input in = {.now = KIT_NOW};
    struct cm_material with[3];
    struct cm_verify_job job = {.materials = with, .in = &in};
    struct cm_evidence *ev = NULL;

    if (!have_vectors()) {
        SKIP(ROOT "tpm is not here");
    }
    job.evidence = load(dir, "q2.msg");
    with[0] = (struct cm_material){CM_MATERIAL_SIGNATURE, "signature",
                                   load(dir, "q2_forged_by_unrestricted.sig")};
    with[1] = (struct cm_material){CM_MATERIAL_KEY, "key", load(dir, "u3.pem")};
    with[2] = (struct cm_material){CM_MATERIAL_TPM_PUBLIC, "area", load(dir, "u3.pub")};
    job.material_count = 3;
    CHECK_EQ(cm_verify(&job, &ev), CM_ERR_POLICY);
    CHECK_EQ(cm_evidence_result(ev, 0, "tpm.ak_attributes"), CM_CHECK_FAIL);
    cm_evidence_free(ev);
    drop(with[1].bytes);
    with[1] = with[2]; /* the area itself enrolled */
    with[1].kind = CM_MATERIAL_KEY;
    job.material_count = 2;
    CHECK_EQ(cm_verify(&job, &ev), CM_ERR_POLICY);
    cm_evidence_free(ev);
    drop(with[0].bytes);
    drop(with[1].bytes);
    drop(job.evidence);
}

TEST_MAIN
