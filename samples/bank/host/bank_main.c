/*
 * The bank sample: the host program. It plays all parts on one machine: the banks (bank_party.c),
 * the untrusted host that carries sealed bytes (bank_run.c, bank_link_oe.c), and whoever reads the
 * report. The trusted part is ../enclave and ../common.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bank_options.h"
#include "bank_report.h"
#include "bank_run.h"

#include "../common/bank_text.h"

/* bank_enclave.signed in the folder of this program */
static bool beside_program(char *out, size_t cap)
{
    ssize_t n = readlink("/proc/self/exe", out, cap - 1);
    char *slash = NULL;

    if (n <= 0) {
        return false;
    }
    out[n] = '\0';
    slash = strrchr(out, '/');
    if (slash == NULL || (size_t)(slash - out) + sizeof("/bank_enclave.signed") > cap) {
        return false;
    }
    memcpy(slash, "/bank_enclave.signed", sizeof("/bank_enclave.signed"));
    return true;
}

static enum bank_status work(const struct bank_options *o, const char *image,
                             struct bank_progress *progress, const struct bank_parties *parties,
                             struct bank_why *why)
{
    const char *variable = getenv("OE_SIMULATION");
    bool emulated = o->simulate || (variable != NULL && strcmp(variable, "1") == 0);
    struct bank_link *link = NULL;
    struct bank_agreement agreement;
    struct bank_summary sum;
    uint8_t key[BANK_KEY_SIZE] = {0};
    enum bank_status st = bank_agree(parties, &o->rules, &agreement, why);

    memset(&sum, 0, sizeof(sum));
    if (st == BANK_OK) {
        st = bank_link_start(image, o->simulate, &link, why);
    }
    if (st == BANK_OK) {
        st = bank_link_open(link, &agreement, key, why);
    }
    if (st == BANK_OK) {
        st = bank_report_head(image, emulated, &agreement, key);
        (void)fflush(stdout);
    }
    if (st == BANK_OK) {
        st = bank_send_all(link, parties, &agreement, key, progress, why);
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
    bank_link_stop(link);
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
    char image[4096];
    struct bank_progress progress;
    struct bank_parties parties = {.count = 0};
    enum bank_status st = BANK_OK;

    bank_progress_init(&progress, stdout);
    if (o->enclave == NULL && !beside_program(image, sizeof(image))) {
        return bank_fail(why, BANK_IO, "say where the enclave is: --enclave FILE");
    }
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
        st = work(o, o->enclave != NULL ? o->enclave : image, &progress, &parties, why);
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
    st = o.generate != NULL ? only_generate(&o, &why) : run(&o, &why);
    if (st != BANK_OK) {
        (void)fprintf(stderr, "bank: %s\n", why.text[0] != '\0' ? why.text : bank_status_text(st));
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
