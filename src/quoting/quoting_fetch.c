/*
 * Collateral on a machine without emulation: a file that the user named, the provider library of
 * this machine, or our own client.
 */
#include <stdlib.h>

#include "collateral/collateral_client.h"
#include "collateral/collateral_files.h"
#include "common/try.h"
#include "quoting/quoting_backend.h"

static bool is_set(const char *variable)
{
    const char *value = getenv(variable);

    return value != NULL && value[0] != '\0';
}

bool cm_quoting_asks_elsewhere(void)
{
    return is_set("CASEMATE_COLLATERAL") || is_set("CASEMATE_PCCS_URL");
}

static enum cm_status from_client(struct cm_collateral_key *key, struct cm_collateral_parts **out,
                                  struct cm_why *why)
{
    struct cm_collateral_config config;
    enum cm_status st = CM_OK;

    CM_TRY(cm_collateral_configure(&config, why));
    CM_TRY(cm_collateral_fetch(&config, key, out, why));
out:
    return st;
}

enum cm_status cm_quoting_fetch(struct cm_span quote, struct cm_span baseline,
                                struct cm_collateral_parts **out, struct cm_why *why)
{
    struct cm_collateral_key key;
    enum cm_status st = CM_OK;

    bool library = false;

    *out = NULL;
    CM_TRY(cm_collateral_key_of(quote, &key, why));
    library = !cm_quoting_asks_elsewhere() && !key.without_chain &&
              cm_quoting_provider_load(NULL) != CM_ERR_NOTFOUND;
    if (library) {
        st = cm_quoting_provider(&key, baseline, out, why);
    } else if (baseline.ptr != NULL) {
        cm_why_set(why, "only a provider library can choose collateral by a baseline");
        st = CM_ERR_UNSUPPORTED;
    } else if (is_set("CASEMATE_COLLATERAL")) {
        st = cm_parts_load(getenv("CASEMATE_COLLATERAL"), out, why);
    } else {
        st = from_client(&key, out, why);
    }
out:
    return st;
}
