/*
 * The steps of `casemate doctor --hardware-selftest`, in a process of its own so that a processor or
 * a library that behaves badly ends only this: create an enclave, have a report of it quoted, fetch
 * the collateral, verify. Prints one JSON object; says what failed and goes on where it can.
 *
 * What is printed goes to other people: no quote, no certificate, nothing that names this platform.
 */
#include <casemate/emuplat.h>
#include <openenclave/host.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "arch/sgx.h"
#include "host/devices.h"
#include "quoting/quoting.h"
#include "selftest_u.h"
#include "token/json.h"

#define JSON_CAP  65536u
#define MAX_STEPS 16u

enum outcome { PASSED, FAILED, NOT_REACHED };

struct step {
    const char *name;
    enum outcome outcome;
    double ms;
    char detail[320];
};

static struct {
    struct step steps[MAX_STEPS];
    size_t count;
    bool emulated;
    oe_enclave_t *enclave;
    const struct cm_quoting *quoting;
    uint8_t target[CM_QUOTING_TARGET_INFO_SIZE];
    uint8_t data[64];
    uint8_t report[CM_QUOTING_REPORT_SIZE];
    uint8_t *quote;
    size_t quote_len;
    struct cm_quoting_collateral *collateral;
    char tcb_status[64];
} run;

/* ------------------------------------------------------------------- steps */

static bool create(struct step *s, const char *image)
{
    const uint32_t flags = OE_ENCLAVE_FLAG_DEBUG | (run.emulated ? OE_ENCLAVE_FLAG_SIMULATE : 0);
    struct cm_why why = {""};
    oe_result_t r = OE_OK;

    if (!run.emulated && cm_kernel_device(&why) == NULL) {
        /* not the host library's to say: it would advise the emulator, which is no answer here */
        (void)snprintf(s->detail, sizeof(s->detail), "%s", why.text);
        return false;
    }
    r = oe_create_selftest_enclave(image, OE_ENCLAVE_TYPE_SGX, flags, NULL, 0, &run.enclave);
    (void)snprintf(s->detail, sizeof(s->detail), "%s", oe_result_str(r));
    return r == OE_OK;
}

static bool choose(struct step *s, const char *image)
{
    struct cm_why why = {""};
    enum cm_status st = cm_quoting_choose(run.emulated, &run.quoting, &why);

    (void)image;
    (void)snprintf(s->detail, sizeof(s->detail), "%s",
                   st == CM_OK ? cm_quoting_name(run.quoting) : why.text);
    return st == CM_OK;
}

static bool target(struct step *s, const char *image)
{
    struct cm_why why = {""};
    enum cm_status st = cm_quoting_target_info(run.quoting, run.target, &why);

    (void)image;
    (void)snprintf(s->detail, sizeof(s->detail), "%s", why.text);
    return st == CM_OK;
}

static bool report(struct step *s, const char *image)
{
    int inside = -1;
    oe_result_t r = OE_OK;
    struct timespec now;

    (void)image;
    (void)clock_gettime(CLOCK_REALTIME, &now); /* fresh data, not a secret */
    memcpy(run.data, &now.tv_sec, sizeof(now.tv_sec));
    memcpy(run.data + 8, &now.tv_nsec, sizeof(now.tv_nsec));
    r = selftest_report(run.enclave, &inside, run.target, run.data, run.report);
    (void)snprintf(s->detail, sizeof(s->detail), "call: %s; EREPORT: %s", oe_result_str(r),
                   r == OE_OK ? oe_result_str((oe_result_t)inside) : "not reached");
    return r == OE_OK && inside == OE_OK;
}

static bool make_quote(struct step *s, const char *image)
{
    struct cm_why why = {""};
    enum cm_status st = CM_ERR_NOMEM;

    (void)image;
    run.quote = malloc(CM_QUOTING_MAX_QUOTE);
    if (run.quote != NULL) {
        st = cm_quoting_quote(run.quoting, run.report, run.quote, CM_QUOTING_MAX_QUOTE,
                              &run.quote_len, &why);
    }
    (void)snprintf(s->detail, sizeof(s->detail), "%zu bytes%s%s", run.quote_len,
                   why.text[0] != '\0' ? ": " : "", why.text);
    return st == CM_OK;
}

static bool fetch(struct step *s, const char *image)
{
    struct cm_why why = {""};
    enum cm_status st = cm_quoting_collateral(run.quoting, cm_span_make(run.quote, run.quote_len),
                                              cm_span_make(NULL, 0), &run.collateral, &why);

    (void)image;
    (void)snprintf(s->detail, sizeof(s->detail), "%s", why.text);
    return st == CM_OK;
}

/* The evidence says of this enclave what the report said. */
static bool same_enclave(const struct cm_evidence *ev)
{
    const struct cm_claim *measured = cm_evidence_find(ev, 0, "sgx.mrenclave", 0);
    const struct cm_claim *data = cm_evidence_find(ev, 0, CM_CLAIM_REPORT_DATA, 0);

    struct sgx_report r;

    memcpy(&r, run.report, sizeof(r));
    return measured != NULL && measured->len == sizeof(r.body.mrenclave) &&
           memcmp(measured->bytes, r.body.mrenclave, measured->len) == 0 && data != NULL &&
           data->len == sizeof(run.data) && memcmp(data->bytes, run.data, data->len) == 0;
}

static bool verify(struct step *s, const char *image)
{
    struct cm_dcap_collateral view = cm_quoting_collateral_view(run.collateral);
    struct cm_trust_root root = *cm_dcap_intel_root();
    struct cm_verify_input in = {
        .roots = &root, .root_count = 1, .flags = CM_VERIFY_ALLOW_DEBUG}; /* it holds no secret */
    const time_t now = time(NULL);
    const struct cm_claim *tcb = NULL;
    const struct cm_check *check = NULL;
    struct cm_evidence *ev = NULL;
    enum cm_status st = CM_OK;
    bool good = false;

    (void)image;
    in.now = now > 0 ? (uint64_t)now : 0;
    if (run.emulated) {
        in.flags |= CM_VERIFY_ALLOW_EMULATED;
        if (cm_emuplat_trust_root(&root, NULL) != CM_OK) {
            return false;
        }
    }
    /* any status: the machine may be out of date and the software right */
    st = cm_dcap_verify(cm_span_make(run.quote, run.quote_len), &view, &in, 0xff, NULL, &ev);
    good = st == CM_OK && same_enclave(ev);
    (void)snprintf(s->detail, sizeof(s->detail), "%s",
                   st != CM_OK ? cm_status_str(st)
                   : good      ? ""
                               : "genuine, but of another enclave");
    for (size_t i = 0; ev != NULL && (check = cm_evidence_check(ev, 0, i)) != NULL; i++) {
        if (check->result == CM_CHECK_FAIL) {
            (void)snprintf(s->detail, sizeof(s->detail), "%s: %s", check->name, check->detail);
            break;
        }
    }
    tcb = ev != NULL ? cm_evidence_find(ev, 0, CM_CLAIM_TCB_STATUS, 0) : NULL;
    if (tcb != NULL) {
        (void)snprintf(run.tcb_status, sizeof(run.tcb_status), "%s", tcb->text);
    }
    cm_evidence_free(ev);
    return good;
}

/* len bytes at at become text; false when there is no room. */
static bool replace(char *at, size_t len, const char *text)
{
    const size_t n = strlen(text);

    if (n > len) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        at[i] = text[i];
    }
    memmove(at + n, at + len, strlen(at + len) + 1);
    return true;
}

/* Addresses and paths in messages may name people and companies. */
static void hide_names(char *text)
{
    static const char *const folders[] = {"CASEMATE_COLLATERAL", "CASEMATE_STATE_DIR", "HOME"};
    char *at = text;

    while ((at = strstr(at, "://")) != NULL) {
        at += 3;
        (void)replace(at, strcspn(at, "/ :\""), "HOST");
    }
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
        const char *folder = getenv(folders[i]);

        for (at = text;
             folder != NULL && strlen(folder) > 1 && (at = strstr(at, folder)) != NULL;) {
            at += replace(at, strlen(folder), "~") ? 1 : strlen(folder);
        }
    }
}

/* A step is reached when all that it needs has passed. */
static const struct {
    const char *name;
    bool (*go)(struct step *s, const char *image);
    unsigned needs; /* bits of steps before */
} plan[] = {
    {"enclave.create", create, 0},      /* 0 */
    {"quoting.choose", choose, 0},      /* 1 */
    {"quoting.target_info", target, 2}, /* 2 */
    {"enclave.report", report, 1 | 4},  /* 3 */
    {"quote.make", make_quote, 8},      /* 4 */
    {"collateral.get", fetch, 16},      /* 5 */
    {"quote.verify", verify, 32},       /* 6 */
};

static double elapsed_ms(const struct timespec *since)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - since->tv_sec) * 1e3 +
           (double)(now.tv_nsec - since->tv_nsec) / 1e6;
}

/* Whether all steps passed. */
static bool run_steps(const char *image)
{
    unsigned passed = 0;

    for (size_t i = 0; i < sizeof(plan) / sizeof(plan[0]); i++) {
        struct step *s = &run.steps[run.count++];
        struct timespec start;

        s->name = plan[i].name;
        s->outcome = NOT_REACHED;
        if ((passed & plan[i].needs) != plan[i].needs) {
            continue;
        }
        (void)clock_gettime(CLOCK_MONOTONIC, &start);
        s->outcome = plan[i].go(s, image) ? PASSED : FAILED;
        s->ms = elapsed_ms(&start);
        hide_names(s->detail);
        passed |= s->outcome == PASSED ? 1u << i : 0;
    }
    return passed + 1 == 1u << (sizeof(plan) / sizeof(plan[0]));
}

static bool print(bool good)
{
    static const char *const outcomes[] = {"pass", "fail", "not reached"};
    static char text[JSON_CAP];
    struct cm_json_wr w = cm_json_wr_init(text, sizeof(text));
    size_t len = 0;

    cm_json_wr_object(&w);
    cm_json_wr_name(&w, "passed");
    cm_json_wr_bool(&w, good);
    cm_json_wr_name(&w, "emulated");
    cm_json_wr_bool(&w, run.emulated);
    cm_json_wr_name(&w, "tcb_status");
    cm_json_wr_str(&w, run.tcb_status);
    cm_json_wr_name(&w, "steps");
    cm_json_wr_array(&w);
    for (size_t i = 0; i < run.count; i++) {
        cm_json_wr_object(&w);
        cm_json_wr_name(&w, "name");
        cm_json_wr_str(&w, run.steps[i].name);
        cm_json_wr_name(&w, "result");
        cm_json_wr_str(&w, outcomes[run.steps[i].outcome]);
        cm_json_wr_name(&w, "microseconds");
        cm_json_wr_u64(&w, (uint64_t)(run.steps[i].ms * 1e3));
        cm_json_wr_name(&w, "detail");
        cm_json_wr_str(&w, run.steps[i].detail);
        cm_json_wr_end(&w);
    }
    cm_json_wr_end(&w);
    cm_json_wr_end(&w);
    return cm_json_wr_finish(&w, &len) == CM_OK && fwrite(text, 1, len, stdout) == len &&
           fputc('\n', stdout) != EOF && fflush(stdout) == 0;
}

int main(int argc, char **argv)
{
    bool good = false;

    run.emulated = argc == 3 && strcmp(argv[1], "--emulated") == 0;
    if (argc != 2 && !run.emulated) {
        (void)fputs("usage: selftest_host [--emulated] ENCLAVE\n"
                    "(part of casemate doctor --hardware-selftest)\n",
                    stderr);
        return 2;
    }
    if (!run.emulated) {
        (void)unsetenv("OE_SIMULATION"); /* hardware or nothing */
    }
    good = run_steps(argv[argc - 1]);
    if (run.enclave != NULL && oe_terminate_enclave(run.enclave) != OE_OK) {
        good = false;
    }
    cm_quoting_collateral_free(run.collateral);
    free(run.quote);
    return print(good) ? (good ? 0 : 1) : 3;
}
