/* TCB levels; see dcap_tcb.h. */
#include "evidence/dcap_tcb.h"

#include <string.h>
#include <strings.h>

static const char *const names[] = {
    [CM_DCAP_UP_TO_DATE] = "UpToDate",
    [CM_DCAP_SW_HARDENING_NEEDED] = "SWHardeningNeeded",
    [CM_DCAP_CONFIGURATION_NEEDED] = "ConfigurationNeeded",
    [CM_DCAP_CONFIGURATION_AND_SW_HARDENING_NEEDED] = "ConfigurationAndSWHardeningNeeded",
    [CM_DCAP_OUT_OF_DATE] = "OutOfDate",
    [CM_DCAP_OUT_OF_DATE_CONFIGURATION_NEEDED] = "OutOfDateConfigurationNeeded",
    [CM_DCAP_TD_RELAUNCH_ADVISED] = "TDRelaunchAdvised",
    [CM_DCAP_TD_RELAUNCH_ADVISED_CONFIGURATION_NEEDED] = "TDRelaunchAdvisedConfigurationNeeded",
    [CM_DCAP_REVOKED] = "Revoked",
    [CM_DCAP_NOT_SUPPORTED] = "NotSupported",
};

const char *cm_dcap_tcb_str(enum cm_dcap_tcb tcb)
{
    return (size_t)tcb < sizeof(names) / sizeof(names[0]) ? names[tcb] : "unknown";
}

enum cm_status cm_tdx_module_find(const struct cm_tcb_info *info, struct cm_span tee_tcb_svn,
                                  const struct cm_tdx_module **out)
{
    static const char digits[] = "0123456789ABCDEF";
    char id[] = "TDX_00";
    uint8_t version = tee_tcb_svn.ptr[1];

    *out = NULL;
    if (version == 0) {
        return info->has_module ? CM_OK : CM_ERR_MISMATCH;
    }
    id[4] = digits[version >> 4];
    id[5] = digits[version & 15];
    for (size_t i = 0; i < info->module_count; i++) {
        if (strcasecmp(info->modules[i].id, id) == 0) { /* its letters come in either case */
            *out = &info->modules[i];
            return CM_OK;
        }
    }
    return CM_ERR_MISMATCH;
}

static bool covers(const uint8_t *have, const uint8_t *want, size_t from)
{
    for (size_t i = from; i < 16; i++) {
        if (have[i] < want[i]) {
            return false;
        }
    }
    return true;
}

/* Whether a stands before b: levels are tried from the highest down, whatever their order is. */
static bool higher(const struct cm_tcb_level *a, const struct cm_tcb_level *b)
{
    int c = memcmp(a->sgx, b->sgx, 16);

    if (c != 0) {
        return c > 0;
    }
    if (a->pcesvn != b->pcesvn) {
        return a->pcesvn > b->pcesvn;
    }
    return memcmp(a->tdx, b->tdx, 16) > 0;
}

static const struct cm_tcb_level *match_platform(const struct cm_tcb_info *info,
                                                 const struct cm_pck_ext *pck,
                                                 struct cm_span tee_tcb_svn)
{
    /* with a versioned module, components 0 and 1 are judged by the module's own levels */
    size_t from = info->tdx && tee_tcb_svn.ptr[1] > 0 ? 2 : 0;
    const struct cm_tcb_level *best = NULL;

    for (size_t i = 0; i < info->level_count; i++) {
        const struct cm_tcb_level *l = &info->levels[i];

        if (covers(pck->comp_svn, l->sgx, 0) && pck->pcesvn >= l->pcesvn &&
            (!info->tdx || covers(tee_tcb_svn.ptr, l->tdx, from)) &&
            (best == NULL || higher(l, best))) {
            best = l;
        }
    }
    return best;
}

static const struct cm_isv_level *match_isv(const struct cm_isv_level *levels, size_t count,
                                            uint16_t isvsvn)
{
    const struct cm_isv_level *best = NULL;

    for (size_t i = 0; i < count; i++) {
        if (isvsvn >= levels[i].isvsvn && (best == NULL || levels[i].isvsvn > best->isvsvn)) {
            best = &levels[i];
        }
    }
    return best;
}

/* One part's verdict drags the platform's down, never up. */
static enum cm_dcap_tcb merge(enum cm_dcap_tcb platform, enum cm_dcap_tcb part)
{
    if (part == CM_DCAP_REVOKED || platform == CM_DCAP_REVOKED) {
        return CM_DCAP_REVOKED;
    }
    if (part == CM_DCAP_NOT_SUPPORTED || platform == CM_DCAP_NOT_SUPPORTED) {
        return CM_DCAP_NOT_SUPPORTED;
    }
    if (part != CM_DCAP_OUT_OF_DATE && part != CM_DCAP_OUT_OF_DATE_CONFIGURATION_NEEDED) {
        return platform;
    }
    if (platform == CM_DCAP_UP_TO_DATE || platform == CM_DCAP_SW_HARDENING_NEEDED) {
        return CM_DCAP_OUT_OF_DATE;
    }
    if (platform == CM_DCAP_CONFIGURATION_NEEDED ||
        platform == CM_DCAP_CONFIGURATION_AND_SW_HARDENING_NEEDED) {
        return CM_DCAP_OUT_OF_DATE_CONFIGURATION_NEEDED;
    }
    return platform;
}

static uint64_t older(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

void cm_tcb_evaluate(const struct cm_tcb_info *info, const struct cm_qe_identity *qe,
                     const struct cm_pck_ext *pck, uint16_t qe_isvsvn, struct cm_span tee_tcb_svn,
                     struct cm_tcb_verdict *out)
{
    const struct cm_tdx_module *module = NULL;
    bool module_ok = !info->tdx || cm_tdx_module_find(info, tee_tcb_svn, &module) == CM_OK;

    memset(out, 0, sizeof(*out));
    out->level = match_platform(info, pck, tee_tcb_svn);
    out->qe_level = match_isv(qe->levels, qe->level_count, qe_isvsvn);
    out->platform = out->level == NULL ? CM_DCAP_NOT_SUPPORTED : out->level->status;
    out->qe = out->qe_level == NULL ? CM_DCAP_NOT_SUPPORTED : out->qe_level->status;
    out->module = module_ok ? CM_DCAP_UP_TO_DATE : CM_DCAP_NOT_SUPPORTED;
    if (module != NULL) {
        out->module_level = match_isv(module->levels, module->level_count, tee_tcb_svn.ptr[0]);
        out->module = out->module_level == NULL ? CM_DCAP_NOT_SUPPORTED : out->module_level->status;
    }
    out->merged = merge(merge(out->platform, out->qe), out->module);
    out->tcb_date = out->level == NULL ? 0 : out->level->tcb_date;
    if (out->level != NULL && out->qe_level != NULL) {
        out->tcb_date = older(out->tcb_date, out->qe_level->tcb_date);
    }
    if (out->level != NULL && out->module_level != NULL) {
        out->tcb_date = older(out->tcb_date, out->module_level->tcb_date);
    }
}

enum cm_dcap_tcb cm_tcb_relaunch(enum cm_dcap_tcb launch, enum cm_dcap_tcb now)
{
    bool stale =
        launch == CM_DCAP_OUT_OF_DATE || launch == CM_DCAP_OUT_OF_DATE_CONFIGURATION_NEEDED;
    bool configure = launch == CM_DCAP_OUT_OF_DATE_CONFIGURATION_NEEDED ||
                     now == CM_DCAP_CONFIGURATION_NEEDED ||
                     now == CM_DCAP_CONFIGURATION_AND_SW_HARDENING_NEEDED;

    if (now == CM_DCAP_NOT_SUPPORTED || now == CM_DCAP_REVOKED) {
        return now; /* the second evaluation failed */
    }
    if (!stale || now == CM_DCAP_OUT_OF_DATE || now == CM_DCAP_OUT_OF_DATE_CONFIGURATION_NEEDED) {
        return launch;
    }
    return configure ? CM_DCAP_TD_RELAUNCH_ADVISED_CONFIGURATION_NEEDED
                     : CM_DCAP_TD_RELAUNCH_ADVISED;
}
