/* The keeper's source: Intel's collateral by the configured function or service, AMD's documents by KDS. */
#include <string.h>

#include "common/try.h"
#include "decide/decide_engine.h"
#include "decide/decide_kds.h"

static enum cm_status get_parts(const struct cm_engine_settings *s, uint64_t now,
                                struct cm_collateral_key *key, struct cm_collateral_parts **out,
                                struct cm_why *why)
{
    struct cm_collateral_config config;

    if (s->config.parts != NULL) {
        return s->config.parts(s->config.parts_arg, now, key, out, why);
    }
    if (!s->has_intel) {
        cm_why_set(why, "there is no source of Intel's collateral here: import it");
        return CM_ERR_NOTFOUND;
    }
    config = s->intel;
    config.now = now;
    config.max_age = 0;     /* whoever asks has decided that it is time */
    config.cache[0] = '\0'; /* the store is our place */
    return cm_collateral_fetch(&config, key, out, why);
}

static enum cm_status fetch_dcap(const struct cm_engine_settings *s, uint64_t now,
                                 const struct cm_want *want, struct cm_span issuers,
                                 struct cm_kept **out, struct cm_why *why)
{
    struct cm_collateral_key key = want->key;
    struct cm_collateral_parts *parts = NULL;
    struct cm_span part[CM_PART_COUNT];
    enum cm_status st = CM_OK;

    CM_TRY(get_parts(s, now, &key, &parts, why));
    for (unsigned i = 0; i < CM_PART_COUNT; i++) {
        part[i] = cm_parts_get(parts, (enum cm_collateral_part)i);
    }
    if (!want->key.without_chain) { /* what its revocation list is verified by, now and later */
        part[CM_PART_PCK_CHAIN] = issuers;
    }
    CM_TRY(cm_kept_make(want, part, now, out, why));
out:
    cm_parts_free(parts);
    return st;
}

static enum cm_status fetch_amd(const struct cm_engine_settings *s, uint64_t now,
                                const struct cm_want *want, struct cm_kept **out,
                                struct cm_why *why)
{
    if (s->kds_url[0] == '\0') {
        cm_why_set(why, "there is no source of AMD's certificates here: import them");
        return CM_ERR_NOTFOUND;
    }
    return cm_kds_fetch(s->kds_url, s->kds_ca_file[0] != '\0' ? s->kds_ca_file : NULL, now, want,
                        out, why);
}

enum cm_status cm_engine_fetch(void *arg, uint64_t now, const struct cm_want *want,
                               struct cm_span issuers, struct cm_kept **out, struct cm_why *why)
{
    struct cm_engine *e = arg;
    struct cm_engine_settings *s = cm_engine_settings(e);
    struct cm_kept *got = NULL;
    struct cm_kept *ca = NULL;
    struct cm_want above;
    enum cm_status st = CM_OK;

    *out = NULL;
    if (want->kind == CM_KEPT_SNP_KEY) { /* what nothing can verify is not worth asking for */
        CM_TRY(cm_want_snp_ca(want->kds.line, false, &above));
        ca = cm_keeper_peek(cm_engine_keeper(e), above.name);
        if (ca == NULL) {
            cm_why_set(why, "AMD's chain of this line is not there");
            st = CM_ERR_NOTFOUND;
            goto out;
        }
    }
    CM_TRY(want->kind == CM_KEPT_DCAP ? fetch_dcap(s, now, want, issuers, &got, why)
                                      : fetch_amd(s, now, want, &got, why));
    if (now > got->facts.not_after) {
        cm_why_set(why, "%.100s: what the source gave has expired", want->name);
        st = CM_ERR_EXPIRED;
        goto out;
    }
    CM_TRY(cm_kept_verify(got, s->roots, s->root_count, ca, got->part[CM_PART_PCK_CHAIN], why));
    *out = got;
    got = NULL;
out:
    cm_kept_drop(got);
    cm_kept_drop(ca);
    cm_settings_drop(s);
    return st;
}
