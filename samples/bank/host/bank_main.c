/*
 * The bank sample: the host program. It plays all parts on one machine: the banks (bank_party.c,
 * bank_verify.c), the untrusted host that carries evidence and sealed bytes (bank_run.c,
 * bank_attack.c, bank_link_oe.c), and whoever reads the report. The trusted part is ../enclave and
 * ../common.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bank_kept.h"
#include "bank_options.h"
#include "bank_report.h"
#include "bank_run.h"
#include "bank_service.h"

#include "../common/bank_text.h"

#define PATH_SIZE 4096U

/* what the user named, else a file in the folder of this program */
static enum bank_status find(const char *named, const char *file, char out[PATH_SIZE],
                             struct bank_why *why)
{
    ssize_t n = 0;
    const char *slash = NULL;
    size_t folder = 0;

    if (named != NULL) {
        return snprintf(out, PATH_SIZE, "%s", named) < (int)PATH_SIZE
                   ? BANK_OK
                   : bank_fail(why, BANK_IO, "a path is too long");
    }
    n = readlink("/proc/self/exe", out, PATH_SIZE - 1);
    out[n > 0 ? n : 0] = '\0';
    slash = strrchr(out, '/');
    folder = slash != NULL ? (size_t)(slash + 1 - out) : PATH_SIZE;
    if (folder + strlen(file) >= PATH_SIZE) {
        return bank_fail(why, BANK_IO, "say where %s is; see bank --help", file);
    }
    memcpy(out + folder, file, strlen(file) + 1);
    return BANK_OK;
}

static enum bank_status read_policy(const struct bank_options *o, struct bank_policy *policy,
                                    struct bank_why *why)
{
    char path[PATH_SIZE];
    enum bank_status st = find(o->policy, "bank.policy", path, why);

    if (st == BANK_OK) {
        st = bank_policy_read(path, policy, why);
    }
    policy->emulated = o->accept_emulated;
    return st;
}

static enum bank_status start_enclave(const struct bank_options *o, char image[PATH_SIZE],
                                      struct bank_link **link, struct bank_why *why)
{
    enum bank_status st = find(o->enclave, "bank_enclave.signed", image, why);

    return st == BANK_OK
               ? bank_link_start(image, o->simulate, o->attack == BANK_DEBUG_ENCLAVE, link, why)
               : st;
}

/* the service verifies the enclave for all banks, and releases their keys to it */
static enum bank_status serve(const struct bank_options *o, const struct bank_policy *policy,
                              struct bank_progress *progress, struct bank_parties *parties,
                              struct bank_link *link, struct bank_why *why)
{
    struct bank_service service;
    enum bank_status st =
        bank_service_new(o->service, o->ca, o->bank_token, o->host_token, &service, why);

    if (st == BANK_OK) {
        st = bank_service_policy(&service, policy, why);
    }
    if (st == BANK_OK) {
        st = bank_service_deposit(&service, parties, policy, progress, why);
    }
    if (st == BANK_OK) {
        st = bank_service_release(&service, parties, link, progress, why);
    }
    bank_wipe(&service, sizeof(service));
    return st;
}

/* the enclave of this agreement, verified by every bank or by the service */
static enum bank_status start(const struct bank_options *o, const struct bank_agreement *agreement,
                              struct bank_progress *progress, struct bank_parties *parties,
                              struct bank_link **link, struct bank_why *why)
{
    struct bank_policy policy = {.by_enclave = false};
    char image[PATH_SIZE];
    enum bank_status st = read_policy(o, &policy, why);

    if (st == BANK_OK) {
        st = start_enclave(o, image, link, why);
    }
    if (st == BANK_OK) {
        st = bank_link_open(*link, agreement, why);
    }
    if (st == BANK_OK) {
        st = bank_report_head(image, o->attack, agreement, &policy);
        (void)fflush(stdout);
    }
    if (st == BANK_OK && o->service != NULL) {
        return serve(o, &policy, progress, parties, *link, why);
    }
    if (st == BANK_OK) {
        st = bank_verify_all(*link, parties, &policy, o->attack, progress, why);
    }
    if (st == BANK_OK) {
        bank_report_verdict(&parties->list[0].verdict);
    }
    return st;
}

static enum bank_status work(const struct bank_options *o, struct bank_progress *progress,
                             struct bank_parties *parties, struct bank_why *why)
{
    struct bank_link *link = NULL;
    struct bank_agreement agreement;
    struct bank_summary sum;
    enum bank_status st = bank_agree(parties, &o->rules, &agreement, why);

    memset(&sum, 0, sizeof(sum));
    if (st == BANK_OK) {
        st = start(o, &agreement, progress, parties, &link, why);
    }
    if (st == BANK_OK) {
        st = bank_send_all(link, parties, &agreement, progress, why);
    }
    if (st == BANK_OK) {
        st = bank_find_circles(link, progress, &sum, why);
    }
    if (st == BANK_OK) {
        st = bank_report_result(link, &agreement, &sum, o->circles, why);
    }
    if (st == BANK_OK && o->input == NULL) {
        (void)printf("The generator had planted %u circles.\n", o->plan.planted);
    }
    if (st == BANK_OK && o->result != NULL) {
        st = bank_kept_write(link, o->result, why);
        if (st == BANK_OK) {
            (void)printf("The enclave sealed the totals into %s: bank --open reads them.\n",
                         o->result);
        }
    }
    bank_link_stop(link);
    return st;
}

/* a sealed result, read by the enclave that sealed it */
static enum bank_status only_open(const struct bank_options *o, struct bank_why *why)
{
    struct bank_result *result = calloc(1, sizeof(*result));
    struct bank_link *link = NULL;
    char image[PATH_SIZE];
    enum bank_status st = BANK_NO_MEMORY;

    if (result != NULL) {
        st = start_enclave(o, image, &link, why);
    }
    if (st == BANK_OK) {
        st = bank_kept_read(link, o->open, result, why);
    }
    if (st == BANK_OK) {
        bank_report_totals(&result->agreement, &result->summary);
    }
    bank_link_stop(link);
    free(result);
    return st;
}

static enum bank_status make_files(struct bank_options *o, const char *dir,
                                   struct bank_progress *progress, struct bank_why *why)
{
    char what[64];
    char n[32];
    enum bank_status st = BANK_OK;

    bank_progress_begin(progress, "generate");
    st = bank_generate(dir, &o->plan, progress, why);
    if (st != BANK_OK) {
        bank_progress_drop(progress);
        return st;
    }
    (void)snprintf(what, sizeof(what), "%s made-up transfers, seed %llu",
                   bank_number(o->plan.rows, n), (unsigned long long)o->plan.seed);
    bank_progress_end(progress, what);
    return BANK_OK;
}

/* the files that make_files wrote, and the folder */
static void remove_files(const char *dir)
{
    struct bank_parties parties;

    if (bank_parties_find(dir, &parties, NULL) == BANK_OK) {
        for (uint32_t i = 0; i < parties.count; i++) {
            (void)unlink(parties.list[i].path);
        }
        bank_parties_free(&parties);
    }
    (void)rmdir(dir);
}

static enum bank_status run(struct bank_options *o, struct bank_why *why)
{
    char dir[] = "/tmp/casemate-bank-XXXXXX";
    struct bank_progress progress;
    struct bank_parties parties = {.count = 0};
    enum bank_status st = BANK_OK;

    bank_progress_init(&progress, stdout);
    if (o->input == NULL) {
        if (mkdtemp(dir) == NULL) {
            return bank_fail(why, BANK_IO, "%s: %s", dir, strerror(errno));
        }
        st = make_files(o, dir, &progress, why);
    }
    if (st == BANK_OK) {
        st = bank_parties_find(o->input != NULL ? o->input : dir, &parties, why);
    }
    if (st == BANK_OK) {
        st = work(o, &progress, &parties, why);
    }
    bank_parties_free(&parties);
    if (o->input == NULL) {
        remove_files(dir);
    }
    return st;
}

static enum bank_status only_generate(struct bank_options *o, struct bank_why *why)
{
    struct bank_progress progress;
    enum bank_status st = BANK_OK;

    if (mkdir(o->generate, 0700) != 0 && errno != EEXIST) {
        return bank_fail(why, BANK_IO, "%s: %s", o->generate, strerror(errno));
    }
    bank_progress_init(&progress, stdout);
    st = make_files(o, o->generate, &progress, why);
    if (st == BANK_OK) {
        (void)printf("planted %u circles; next: bank --input %s\n", o->plan.planted, o->generate);
    }
    return st;
}

static int dispatch(int argc, char **argv)
{
    struct bank_options o;
    struct bank_why why = {{0}};
    enum bank_status st = BANK_OK;

    if (!bank_options_parse(argc, argv, &o)) {
        return 2;
    }
    if (o.help) {
        (void)fputs(bank_usage, stdout);
        return 0;
    }
    if (o.open != NULL) {
        st = only_open(&o, &why);
    } else {
        st = o.generate != NULL ? only_generate(&o, &why) : run(&o, &why);
    }
    if (st != BANK_OK) {
        (void)fflush(stdout); /* what was done comes before what was not */
        bank_report_failure(why.text[0] != '\0' ? why.text : bank_status_text(st));
        return 1;
    }
    return 0;
}

/* a report that did not arrive is a failure: printing is buffered, so a full disk shows only here */
int main(int argc, char **argv)
{
    const int code = dispatch(argc, argv);
    const bool before = ferror(stdout) != 0;

    if (fflush(stdout) == 0 && !before) {
        return code;
    }
    (void)fputs("bank: standard output is incomplete\n", stderr);
    return code != 0 ? code : 1;
}
