/* `casemate platform`; see cli_platform.h. */
#include "cli/cli_platform.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/cli_text.h"
#include "collateral/collateral_files.h"
#include "common/try.h"
#include "emuplat/emuplat_admin.h"
#include "evidence/timefmt.h"
#include "os/os.h"

#define JSON_CAP 16384u
#define ROOT_PEM "root_ca.pem"

static void json_hex(struct cm_json_wr *w, const char *name, const uint8_t *p, size_t n)
{
    char hex[2 * 32 + 1] = "";

    cm_cli_hex(p, n < 32 ? n : 32, hex);
    cm_cli_json_str(w, name, hex);
}

static void json_time(struct cm_json_wr *w, const char *name, uint64_t when)
{
    char text[24] = "";

    cm_time_text(when, text);
    cm_cli_json_str(w, name, text);
}

static void json_members(struct cm_json_wr *w, const void *subject)
{
    const struct cm_emuplat_info *i = subject;

    cm_cli_json_bool(w, "emulated", true);
    cm_cli_json_str(w, "root", "Casemate EMULATED SGX Root CA");
    json_hex(w, "root_spki_sha256", i->root_spki_sha256, 32);
    json_hex(w, "fmspc", i->fmspc, 6);
    json_hex(w, "ppid", i->ppid, 16);
    json_hex(w, "platform_instance_id", i->instance_id, 16);
    json_hex(w, "qe_id", i->qe_id, 16);
    json_hex(w, "pceid", i->pceid, 2);
    cm_cli_json_u64(w, "pcesvn", i->pcesvn);
    json_hex(w, "cpusvn", i->cpusvn, 16);
    cm_cli_json_str(w, "tcb_status", cm_dcap_tcb_str(i->tcb));
    cm_cli_json_u64(w, "tcb_evaluation", i->evaluation);
    json_hex(w, "pck_serial", i->pck_serial, 16);
    cm_cli_json_bool(w, "pck_revoked", i->pck_revoked);
    cm_cli_json_u64(w, "revoked_certificates", i->revoked_count);
    cm_cli_json_u64(w, "crl_number", i->crl_number);
    json_time(w, "issued", i->issued);
    json_time(w, "next_update", i->next_update);
    json_time(w, "created", i->created);
    json_time(w, "certificates_until", i->not_after);
}

static void print_text(const struct cm_emuplat_info *i, FILE *out)
{
    char from[24] = "";
    char until[24] = "";
    char text[96] = "";

    (void)fputs("The EMULATED SGX platform of this user. It protects nothing: it is for\n"
                "developing and testing, and verifiers refuse its root unless told otherwise.\n\n",
                out);
    cm_cli_field(out, "root", "Casemate EMULATED SGX Root CA");
    cm_cli_field_bytes(out, "root key (SHA-256)", i->root_spki_sha256, 32);
    cm_cli_field_bytes(out, "FMSPC", i->fmspc, 6);
    cm_cli_field_bytes(out, "PPID", i->ppid, 16);
    cm_cli_field_bytes(out, "QE ID", i->qe_id, 16);
    cm_cli_field_bytes(out, "CPUSVN", i->cpusvn, 16);
    (void)snprintf(text, sizeof(text), "%u", i->pcesvn);
    cm_cli_field(out, "PCESVN", text);
    (void)snprintf(text, sizeof(text), "%s (evaluation number %u)", cm_dcap_tcb_str(i->tcb),
                   i->evaluation);
    cm_cli_field(out, "TCB status", text);
    cm_cli_field_bytes(out, "PCK certificate", i->pck_serial, 16);
    cm_cli_field(out, "", i->pck_revoked ? "REVOKED (`rotate` gives another)" : "not revoked");
    cm_time_text(i->issued, from);
    cm_time_text(i->next_update, until);
    (void)snprintf(text, sizeof(text), "%s to %s", from, until);
    cm_cli_field(out, "collateral", text);
    (void)snprintf(text, sizeof(text), "number %u, %u revoked", i->crl_number, i->revoked_count);
    cm_cli_field(out, "revocation lists", text);
    cm_time_text(i->created, from);
    cm_time_text(i->not_after, until);
    (void)snprintf(text, sizeof(text), "%s to %s", from, until);
    cm_cli_field(out, "certificates", text);
}

enum cm_status cm_cli_platform_show(bool json, FILE *out, struct cm_why *why)
{
    struct cm_emuplat_bundle *b = NULL;
    enum cm_status st = CM_OK;

    CM_TRY(cm_emuplat_collateral(&b, why));
    if (json) {
        CM_TRY(cm_cli_json_print(json_members, cm_emuplat_bundle_info(b), JSON_CAP, out));
    } else {
        print_text(cm_emuplat_bundle_info(b), out);
    }
out:
    cm_emuplat_bundle_free(b);
    return st;
}

static enum cm_status write_files(const char *dir, const struct cm_emuplat_info *i,
                                  struct cm_why *why)
{
    const struct {
        enum cm_collateral_part part;
        struct cm_span data;
    } all[] = {
        {CM_PART_TCB_INFO, i->tcb_info},       {CM_PART_TCB_INFO_CHAIN, i->tcb_chain},
        {CM_PART_QE_IDENTITY, i->qe_identity}, {CM_PART_QE_IDENTITY_CHAIN, i->tcb_chain},
        {CM_PART_ROOT_CA_CRL, i->root_crl},    {CM_PART_PCK_CRL, i->pck_crl},
    };
    struct cm_collateral_parts *parts = NULL;
    char path[4096] = "";
    int n = snprintf(path, sizeof(path), "%s/" ROOT_PEM, dir);
    enum cm_status st = CM_OK;

    if (n < 0 || (size_t)n >= sizeof(path)) {
        cm_why_set(why, "the folder's name is too long");
        return CM_ERR_PARAM;
    }
    CM_TRY(cm_parts_create(&parts));
    for (size_t k = 0; k < sizeof(all) / sizeof(all[0]); k++) {
        CM_TRY(cm_parts_set(parts, all[k].part, all[k].data));
    }
    CM_TRY(cm_parts_save(parts, dir, why));
    CM_TRY(cm_file_write_atomic(path, i->root, 0644, why));
out:
    cm_parts_free(parts);
    return st;
}

enum cm_status cm_cli_platform_export(const char *dir, FILE *out, struct cm_why *why)
{
    struct cm_emuplat_bundle *b = NULL;
    struct stat sb;
    enum cm_status st = CM_OK;

    CM_TRY(cm_emuplat_collateral(&b, why));
    if ((mkdir(dir, 0777) != 0 && errno != EEXIST) || stat(dir, &sb) != 0 || !S_ISDIR(sb.st_mode)) {
        cm_why_set(why, "%s: %s", dir, errno == EEXIST ? "not a folder" : strerror(errno));
        st = CM_ERR_IO;
        goto out;
    }
    CM_TRY(write_files(dir, cm_emuplat_bundle_info(b), why));
    (void)fputs("The EMULATED platform's collateral is written. To accept its quotes by it:\n\n"
                "  casemate verify --collateral DIR --root DIR/" ROOT_PEM
                " --allow-emulated QUOTE\n",
                out);
out:
    cm_emuplat_bundle_free(b);
    return st;
}

static const enum cm_dcap_tcb settable[] = {
    CM_DCAP_UP_TO_DATE,
    CM_DCAP_SW_HARDENING_NEEDED,
    CM_DCAP_CONFIGURATION_NEEDED,
    CM_DCAP_CONFIGURATION_AND_SW_HARDENING_NEEDED,
    CM_DCAP_OUT_OF_DATE,
    CM_DCAP_OUT_OF_DATE_CONFIGURATION_NEEDED,
    CM_DCAP_REVOKED,
};

enum cm_status cm_cli_platform_set_tcb(const char *status, FILE *out, struct cm_why *why)
{
    const size_t count = sizeof(settable) / sizeof(settable[0]);
    size_t i = 0;
    enum cm_status st = CM_OK;

    while (i < count && strcmp(status, cm_dcap_tcb_str(settable[i])) != 0) {
        i++;
    }
    if (i == count) {
        cm_why_set(why, "no such status; casemate platform --help lists the seven");
        return CM_ERR_PARAM;
    }
    CM_TRY(cm_emuplat_set_tcb(settable[i], why));
    (void)fprintf(out, "The EMULATED platform's TCB is %s from now on.\n",
                  cm_dcap_tcb_str(settable[i]));
out:
    return st;
}

static enum cm_status say_done(enum cm_status st, const char *text, FILE *out)
{
    if (st == CM_OK) {
        (void)fputs(text, out);
    }
    return st;
}

enum cm_status cm_cli_platform_revoke(FILE *out, struct cm_why *why)
{
    return say_done(cm_emuplat_revoke(why),
                    "The EMULATED platform's PCK certificate is revoked, and its quotes with it.\n"
                    "For another one: casemate platform rotate\n",
                    out);
}

enum cm_status cm_cli_platform_rotate(FILE *out, struct cm_why *why)
{
    return say_done(cm_emuplat_rotate(why),
                    "The EMULATED platform has a new attestation key and a new PCK certificate\n"
                    "under the same root.\n",
                    out);
}

enum cm_status cm_cli_platform_reset(FILE *out, struct cm_why *why)
{
    return say_done(cm_emuplat_reset(why),
                    "There is a new EMULATED platform with a new root. What was sealed on the old\n"
                    "one cannot be opened any more. Restart programs that run with enclaves.\n",
                    out);
}
