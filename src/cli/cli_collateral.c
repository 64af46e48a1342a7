/* Fetching collateral into files; see cli_collateral.h. Untrusted: the quote and all answers. */
#include "cli/cli_collateral.h"

#include "cli/cli_quote_file.h"
#include "cli/cli_text.h"
#include "collateral/collateral_client.h"
#include "collateral/collateral_files.h"
#include "common/try.h"

static enum cm_status configure(const struct cm_cli_collateral *c, struct cm_collateral_config *out,
                                struct cm_why *why)
{
    enum cm_status st = CM_OK;

    if (c->url != NULL) {
        CM_TRY(cm_collateral_config_for(c->url, out, why));
        cm_collateral_cache(out->cache, sizeof(out->cache));
    } else {
        CM_TRY(cm_collateral_configure(out, why));
    }
    if (c->tls_ca != NULL) {
        int n = snprintf(out->ca_file, sizeof(out->ca_file), "%s", c->tls_ca);

        if (n < 0 || (size_t)n >= sizeof(out->ca_file)) {
            cm_why_set(why, "the path of --tls-ca is too long");
            return CM_ERR_PARAM;
        }
    }
    if (c->update != NULL) {
        (void)snprintf(out->update, sizeof(out->update), "%s", c->update);
    }
    if (c->no_cache) {
        out->cache[0] = '\0';
    }
out:
    return st;
}

static enum cm_status key_of(const struct cm_cli_collateral *c, struct cm_collateral_key *out,
                             struct cm_why *why)
{
    struct cm_cli_quote_file file = {0};
    enum cm_status st = CM_OK;

    if (c->quote == NULL) {
        *out = c->key;
        return CM_OK;
    }
    CM_TRY(cm_cli_quote_open(c->quote, &file, why));
    CM_TRY(cm_collateral_key_of(file.quote, out, why));
out:
    cm_cli_quote_close(&file);
    return st;
}

enum cm_status cm_cli_collateral(const struct cm_cli_collateral *c, FILE *out, struct cm_why *why)
{
    struct cm_collateral_parts *parts = NULL;
    struct cm_collateral_config config;
    struct cm_collateral_key key;
    char fmspc[2 * sizeof(key.fmspc) + 1] = "";
    enum cm_status st = CM_OK;

    CM_TRY(key_of(c, &key, why));
    CM_TRY(configure(c, &config, why));
    CM_TRY(cm_collateral_fetch(&config, &key, &parts, why));
    CM_TRY(cm_parts_save(parts, c->output, why));
    cm_cli_hex(key.fmspc, sizeof(key.fmspc), fmspc);
    (void)fprintf(out, "%s of FMSPC %s (%s CA), for casemate verify --collateral %s\n",
                  key.tdx ? "TDX" : "SGX", fmspc, key.platform_ca ? "platform" : "processor",
                  c->output);
    (void)fprintf(out, "Nothing of it is verified yet.\n");
out:
    cm_parts_free(parts);
    return st;
}
