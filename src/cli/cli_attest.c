/* casemate attest; see cli_attest.h. */
#include "cli/cli_attest.h"

#include <stdlib.h>
#include <string.h>

#include "common/hex.h"
#include "common/try.h"
#include "os/os.h"
#include "verify/material_kind.h"

#define TPM_DEFAULT "device:/dev/tpmrm0"
#define TPM_LOG     "/sys/kernel/security/tpm0/binary_bios_measurements"
#define CCEL_LOG    "/sys/firmware/acpi/tables/data/CCEL"
#define AZURE_TRIES 50 /* 5 seconds */

static const char *const words[] = {[CM_ATTEST_AUTO] = "auto",
                                    [CM_ATTEST_TSM] = "tsm",
                                    [CM_ATTEST_NSM] = "nsm",
                                    [CM_ATTEST_AZURE] = "azure",
                                    [CM_ATTEST_TPM] = "tpm"};

bool cm_attest_from(const char *word, enum cm_attest_from *out)
{
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(word, words[i]) == 0) {
            *out = (enum cm_attest_from)i;
            return true;
        }
    }
    return false;
}

static enum cm_status collect(const struct cm_cli_attest *a, enum cm_attest_from from,
                              struct cm_collected *c, struct cm_why *why)
{
    const char *tcti = getenv("CASEMATE_TPM_TCTI");
    const bool kernels = tcti == NULL || tcti[0] == '\0';
    const struct cm_tsm_wish wish = {
        .nonce = cm_span_make(a->nonce, a->nonce_len), .privlevel = -1, .svsm = a->svsm};
    const char *log = kernels ? TPM_LOG : NULL;
    enum cm_status st = CM_OK;

    tcti = kernels ? TPM_DEFAULT : tcti;
    switch (from) {
    case CM_ATTEST_TSM:
        CM_TRY(cm_collect_tsm(cm_tsm_kernel(), &wish, c, why));
        if (c->format == CM_FORMAT_DCAP) {
            st = cm_collect_log(CCEL_LOG, c);
        }
        break;
    case CM_ATTEST_NSM:
        return cm_collect_nsm(cm_nsm_kernel(), wish.nonce, c, why);
    case CM_ATTEST_AZURE:
        return cm_collect_azure(tcti, AZURE_TRIES, log, wish.nonce, c, why);
    case CM_ATTEST_TPM:
        return cm_collect_tpm(tcti, a->ak, log, wish.nonce, c, why);
    case CM_ATTEST_AUTO:
        return CM_ERR_PARAM;
    }
out:
    return st;
}

/* The strongest that is here: hardware's own word before that of a TPM. */
static enum cm_status collect_any(const struct cm_cli_attest *a, struct cm_collected *c,
                                  struct cm_why *why)
{
    for (enum cm_attest_from f = CM_ATTEST_TSM; f <= CM_ATTEST_TPM; f++) {
        struct cm_why once = {{0}};
        enum cm_status st = collect(a, f, c, &once);

        if (st != CM_ERR_NOTFOUND) {
            cm_why_set(why, "%s", once.text);
            return st;
        }
    }
    cm_why_set(why, "this machine has none of configfs-tsm, /dev/nsm and a TPM: it cannot attest");
    return CM_ERR_NOTFOUND;
}

static enum cm_status write_part(const struct cm_cli_attest *a, const struct cm_collect_part *p,
                                 FILE *out, struct cm_why *why)
{
    char path[4096] = "";
    int n = snprintf(path, sizeof(path), "%s%s", a->output, p->suffix);
    enum cm_status st = CM_OK;

    if (n < 0 || (size_t)n >= sizeof(path)) {
        return CM_ERR_LIMIT;
    }
    CM_TRY(cm_file_write_atomic(path, cm_span_make(p->bytes, p->len), 0666, why));
    (void)fprintf(out, "wrote ");
    cm_print_escaped(out, path, (size_t)n);
    (void)fprintf(out, " (%zu bytes)\n", p->len);
out:
    return st;
}

/* The command that takes these files, on the verifier's machine. */
static void print_command(const struct cm_cli_attest *a, const struct cm_collected *c, FILE *out)
{
    char nonce[2 * CM_COLLECT_MAX_NONCE + 1] = "";

    cm_hex_encode(cm_span_make(a->nonce, a->nonce_len), CM_HEX_LOWER, nonce);
    (void)fprintf(out, "verify with: casemate verify --format %s --nonce %s",
                  cm_format_name(c->format), nonce);
    for (size_t i = 0; i < c->count; i++) {
        const char *word = cm_material_word(c->part[i].kind);

        if (word != NULL) {
            (void)fprintf(out, " --with %s:", word);
            cm_print_escaped(out, a->output, strlen(a->output));
            (void)fprintf(out, "%s", c->part[i].suffix);
        }
    }
    (void)fputs(" ", out);
    cm_print_escaped(out, a->output, strlen(a->output));
    (void)fputs("\n", out);
    if (c->missing != NULL) {
        cm_print_wrapped(out, "the verifier also needs: ", c->missing);
    }
}

enum cm_status cm_cli_attest(const struct cm_cli_attest *a, FILE *out, struct cm_why *why)
{
    struct cm_collected c = {.count = 0};
    enum cm_status st = CM_OK;

    CM_TRY(a->from == CM_ATTEST_AUTO ? collect_any(a, &c, why) : collect(a, a->from, &c, why));
    for (size_t i = 0; i < c.count; i++) {
        CM_TRY(write_part(a, &c.part[i], out, why));
    }
    print_command(a, &c, out);
out:
    cm_collected_free(&c);
    return st;
}
