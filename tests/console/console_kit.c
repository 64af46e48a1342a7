/* See console_kit.h. */
#include "console_kit.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "access/access.h"
#include "console/console.h"
#include "decide/decide.h"
#include "identity/identity.h"
#include "kbs/kbs.h"
#include "keep/keep.h"
#include "maa/maa.h"
#include "token/base64.h"
#include "vault/vault.h"

static const struct cm_module *const modules[] = {
    &cm_access_module, &cm_identity_module, &cm_rules_module,
    &cm_decide_module, &cm_maa_module,      &cm_vault_module,
    &cm_kbs_module,    &cm_console_module,  NULL,
};
static struct cm_keep *keep;
static char root_file[256];
static struct decide_source source;
static struct cm_trust_root root;

static void need(bool good, const char *what)
{
    if (!good) {
        (void)printf("console kit: %s\n", what);
        abort();
    }
}

static void prepare(struct cm_service_config *config)
{
    struct cm_db *db = NULL;
    struct cm_why why = {""};
    char where[300] = "";

    (void)snprintf(root_file, sizeof(root_file), "/tmp/cm-console-root-%ld.key", (long)getpid());
    (void)unlink(root_file);
    (void)snprintf(where, sizeof(where), "file:%s", root_file);
    need(cm_db_open(config->store, &db, &why) == CM_OK, why.text);
    need(cm_keep_open(where, db, &keep, &why) == CM_OK, why.text);
    cm_db_close(db);
    config->keep = keep;
}

void console_start(void)
{
    static const char *const hosts[] = {"kv.vault.test", NULL};
    const struct kit_options options = {.modules = modules,
                                        .more_hosts = hosts,
                                        .vault_domain = "vault.test",
                                        .prepare = prepare,
                                        .accept_emulated = true};
    struct cm_decide_config config;

    decide_kit_platform();
    memset(&source, 0, sizeof(source));
    kit_set_clock((uint64_t)time(NULL));
    config = decide_kit_config(&root, &source);
    (void)kit_start_with(&options);
    need(cm_decide_configure(kit_service(), &config, NULL) == CM_OK, "decide");
}

void console_stop(void)
{
    kit_stop();
    cm_keep_close(keep);
    keep = NULL;
    (void)unlink(root_file);
    decide_kit_platform_end();
}

static char *encoded(uint8_t mrenclave, bool url)
{
    static uint8_t quote[DECIDE_QUOTE_MAX];
    static const uint8_t none[64];
    struct decide_enclave e = decide_enclave();
    size_t len = 0;
    size_t n = 0;
    char *out = NULL;

    e.mrenclave = mrenclave;
    memcpy(e.report_data, none, sizeof(none));
    len = decide_quote(&e, quote);
    out = calloc(1, CM_BASE64_ENCODED(len) + 1);
    need(out != NULL && (url ? cm_base64url_encode : cm_base64_encode)(
                            cm_span_make(quote, len), out, CM_BASE64_ENCODED(len), &n) == CM_OK,
         "base64");
    return out;
}

char *console_quote(uint8_t mrenclave)
{
    return encoded(mrenclave, false);
}

int console_attest(uint8_t mrenclave)
{
    char *quote = encoded(mrenclave, true);
    const int status = kit_post_json("/attest/SgxEnclave?api-version=2022-08-01", NULL,
                                     json_pack("{ss}", "quote", quote))
                           ->status;

    free(quote);
    return status;
}

int console_ask(const char *caller, const char *method, const char *path, const char *json)
{
    return kit_ask(method, path, caller, json == NULL ? NULL : "application/json",
                   cm_span_make(json, json == NULL ? 0 : strlen(json)), NULL)
        ->status;
}

bool console_take_number(void *arg, const struct cm_db_value *columns, size_t count)
{
    *(int64_t *)arg = count == 1 ? columns[0].number : -1;
    return false;
}
