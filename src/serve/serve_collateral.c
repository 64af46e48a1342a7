/* Where the service's collateral comes from. */
#include <casemate/dcap.h>
#include <casemate/emuplat.h>
#include <casemate/verify.h>
#include <stdlib.h>
#include <string.h>

#include "collateral/collateral_http.h"
#include "common/try.h"
#include "decide/decide_config.h"
#include "os/os.h"
#include "serve/serve_private.h"

#define HOUR     3600u
#define ROOT_MAX (1u << 20)

/* "OutOfDate,SWHardeningNeeded" */
static enum cm_status parse_tcb(const char *list, unsigned *out, struct cm_why *why)
{
    for (const char *at = list; at != NULL && *at != '\0';) {
        const size_t len = strcspn(at, ",");
        unsigned tcb = CM_DCAP_SW_HARDENING_NEEDED;

        while (tcb < CM_DCAP_REVOKED &&
               (strlen(cm_dcap_tcb_str((enum cm_dcap_tcb)tcb)) != len ||
                memcmp(cm_dcap_tcb_str((enum cm_dcap_tcb)tcb), at, len) != 0)) {
            tcb++;
        }
        if (tcb == CM_DCAP_REVOKED) {
            cm_why_set(why, "accept-tcb: %.*s is no status that can be accepted",
                       (int)(len < 60 ? len : 60), at);
            return CM_ERR_PARAM;
        }
        *out |= CM_DCAP_ACCEPT(tcb);
        at += len + (at[len] == ',' ? 1 : 0);
    }
    return CM_OK;
}

/* For development: the emulated platform's collateral, as it is when it is asked for. */
static enum cm_status emulated_parts(void *unused, uint64_t now, struct cm_collateral_key *key,
                                     struct cm_collateral_parts **out, struct cm_why *why)
{
    struct cm_emuplat_bundle *bundle = NULL;
    struct cm_collateral_parts *parts = NULL;
    struct cm_dcap_collateral view;
    enum cm_status st = CM_OK;

    (void)unused;
    (void)now;
    (void)key;
    *out = NULL;
    CM_TRY(cm_emuplat_collateral(&bundle, why));
    view = cm_emuplat_bundle_view(bundle);
    CM_TRY(cm_parts_create(&parts));
    CM_TRY(cm_parts_set(parts, CM_PART_TCB_INFO, view.tcb_info));
    CM_TRY(cm_parts_set(parts, CM_PART_TCB_INFO_CHAIN, view.tcb_info_chain));
    CM_TRY(cm_parts_set(parts, CM_PART_QE_IDENTITY, view.qe_identity));
    CM_TRY(cm_parts_set(parts, CM_PART_QE_IDENTITY_CHAIN, view.qe_identity_chain));
    CM_TRY(cm_parts_set(parts, CM_PART_ROOT_CA_CRL, view.root_ca_crl));
    CM_TRY(cm_parts_set(parts, CM_PART_PCK_CRL, view.pck_crl));
    *out = parts;
    parts = NULL;
out:
    cm_parts_free(parts);
    cm_emuplat_bundle_free(bundle);
    return st;
}

static enum cm_status use_intel(const struct cm_serve_config *c, struct cm_collateral_config *intel,
                                struct cm_decide_config *config, struct cm_why *why)
{
    enum cm_status st = CM_OK;

    if (c->pccs_url != NULL) {
        CM_TRY(cm_collateral_config_for(c->pccs_url, intel, why));
        config->intel = intel;
    } else if (config->intel != NULL) {
        *intel = *config->intel;
        config->intel = intel;
    }
    if (c->pccs_ca != NULL && config->intel != NULL) {
        if (strlen(c->pccs_ca) >= sizeof(intel->ca_file)) {
            return CM_ERR_LIMIT;
        }
        (void)snprintf(intel->ca_file, sizeof(intel->ca_file), "%s", c->pccs_ca);
    }
out:
    return st;
}

/* The roots of trust of one configuration; it borrows labels. */
struct roots {
    struct cm_trust_root list[CM_SERVE_MAX_HOSTS + 1]; /* the emulated platform's, too */
    char labels[CM_SERVE_MAX_HOSTS][CM_ROOT_LABEL];
    size_t count;
};

static enum cm_status read_roots(char *const *from, struct roots *out, struct cm_why *why)
{
    struct cm_why wrong = {""};
    uint8_t *bytes = NULL;
    size_t len = 0;
    enum cm_status st = CM_OK;

    for (size_t i = 0; from[i] != NULL; i++) {
        const char *path = strchr(from[i], ':') + 1; /* as the configuration has seen to */
        const char *family = cm_trust_family(from[i], (size_t)(path - 1 - from[i]));

        CM_TRY(cm_file_read(path, ROOT_MAX, &bytes, &len, why));
        st = cm_trust_root_read(cm_span_make(bytes, len), family, out->labels[i], &out->list[i],
                                &wrong);
        free(bytes);
        if (st != CM_OK) {
            cm_why_set(why, "trust-root %s is %s", from[i], wrong.text);
            goto out;
        }
        out->count++;
    }
out:
    return st;
}

enum cm_status cm_serve_check_collateral(const struct cm_serve_config *c, struct cm_why *why)
{
    struct cm_collateral_config intel;
    struct cm_decide_config config = {.intel = NULL};
    struct roots *roots = calloc(1, sizeof(*roots));
    unsigned tcb = 0;
    enum cm_status st = CM_OK;

    if (roots == NULL) {
        return CM_ERR_NOMEM;
    }
    CM_TRY(parse_tcb(c->accept_tcb, &tcb, why));
    CM_TRY(use_intel(c, &intel, &config, why));
    if (c->kds_url != NULL && strcmp(c->kds_url, "none") != 0) {
        CM_TRY(cm_http_check_url(c->kds_url, why));
    }
    CM_TRY(read_roots(c->trust_roots, roots, why));
out:
    free(roots);
    return st;
}

enum cm_status cm_serve_collateral(struct cm_service *s, const struct cm_serve_config *c,
                                   struct cm_why *why)
{
    const bool dev = strcmp(c->dev, "yes") == 0;
    struct cm_collateral_config intel;
    struct cm_decide_config config;
    struct roots *roots = calloc(1, sizeof(*roots));
    enum cm_status st = CM_OK;

    if (roots == NULL) {
        return CM_ERR_NOMEM;
    }
    CM_TRY(cm_decide_defaults(&config, why));
    CM_TRY(use_intel(c, &intel, &config, why));
    if (c->kds_url != NULL) {
        config.kds_url = strcmp(c->kds_url, "none") == 0 ? NULL : c->kds_url;
    }
    config.kds_ca_file = c->kds_ca;
    config.grace = (uint64_t)c->collateral_grace * HOUR;
    CM_TRY(parse_tcb(c->accept_tcb, &config.accept_tcb, why));
    CM_TRY(read_roots(c->trust_roots, roots, why));
    if (dev) {
        CM_TRY(cm_emuplat_trust_root(&roots->list[roots->count++], why));
        config.parts = c->pccs_url == NULL ? emulated_parts : NULL;
    }
    config.roots = roots->list;
    config.root_count = roots->count;
    CM_TRY(cm_decide_configure(s, &config, why));
out:
    free(roots);
    return st;
}
