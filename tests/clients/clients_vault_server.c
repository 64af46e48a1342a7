/*
 * A service with attestation and vault for clients of other makers: over the emulated platform, by the real
 * clock, under its own CA. Writes one line of JSON that says where it is, and what an enclave and a patched
 * one would send; serves until its input ends.
 */
#include "vault_kit.h"

#include "decide/decide.h"
#include "maa/maa.h"
#include "maa_kit.h"

static const struct cm_module *const all_modules[] = {&cm_identity_module, &cm_rules_module,
                                                      &cm_decide_module,   &cm_maa_module,
                                                      &cm_vault_module,    NULL};

static struct decide_source source;
static struct cm_trust_root root;

static void start(void)
{
    struct kit_options options = vault_options();
    struct cm_decide_config config;

    decide_kit_platform();
    options.modules = all_modules;
    options.accept_emulated = true;
    kit_set_clock((uint64_t)time(NULL));
    config = decide_kit_config(&root, &source);
    (void)kit_start_with(&options);
    if (cm_decide_configure(kit_service(), &config, NULL) != CM_OK) {
        abort();
    }
}

/* A quote over the runtime data, in base64. */
static json_t *quote_of(const char *data, uint8_t mrenclave)
{
    static uint8_t quote[DECIDE_QUOTE_MAX];
    struct decide_enclave e = decide_enclave();
    char *text = NULL;
    json_t *out = NULL;

    memset(e.report_data, 0, sizeof(e.report_data));
    e.mrenclave = mrenclave;
    if (cm_hash(CM_HASH_SHA256, cm_span_make(data, strlen(data)), e.report_data) != CM_OK) {
        abort();
    }
    text = maa_b64_std(cm_span_make(quote, decide_quote(&e, quote)));
    out = json_string(text);
    free(text);
    return out;
}

int main(void)
{
    static char pem[8192];
    json_t *keys = json_pack("{s:[o]}", "keys", tee_jwk(tee_key(2048)));
    char *data = json_dumps(keys, JSON_COMPACT);
    json_t *out = NULL;
    char *text = NULL;

    start();
    if (cm_privkey_pem(tee_key(2048), pem, sizeof(pem)) != CM_OK) {
        abort();
    }
    out =
        json_pack("{s:s, s:s, s:s, s:s, s:o, s:o}", "url", kit_url(), "ca", kit_ca_file(), "data",
                  data, "key", pem, "quote", quote_of(data, 0xe1), "patched", quote_of(data, 0xe3));
    text = json_dumps(out, JSON_COMPACT);
    (void)printf("%s\n", text);
    (void)fflush(stdout);
    while (getchar() != EOF) {
    }
    free(text);
    free(data);
    json_decref(out);
    json_decref(keys);
    end_vault();
    decide_kit_platform_end();
    return 0;
}
