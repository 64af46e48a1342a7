/*
 * What the common code of attestation needs of a host (attest_side.h). Also part of oehostverify,
 * which has no enclaves.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "attest/attest_quote.h"
#include "attest/attest_side.h"
#include "host/hostlog.h"
#include "host/sys_attest.h"
#include "quoting/quoting.h"

uint64_t cm_attest_now(void)
{
    time_t now = time(NULL);

    return now < 0 ? 0 : (uint64_t)now;
}

void cm_attest_show(const char *line)
{
    cm_host_log(CM_LOG_ERROR, "%s", line);
}

static bool asked(const char *name)
{
    const char *value = secure_getenv(name);

    return value != NULL && strcmp(value, "1") == 0;
}

/* at the level that everybody sees: whoever set the variable once must not forget it */
static void say_emulated(void)
{
    cm_host_log(CM_LOG_ERROR, "CASEMATE_ACCEPT_EMULATED=1: EMULATED evidence is accepted");
}

static void say_debug(void)
{
    cm_host_log(CM_LOG_ERROR, "CASEMATE_ACCEPT_DEBUG=1: debug enclaves are accepted");
}

bool cm_host_accepts_emulated(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    bool yes = asked("CASEMATE_ACCEPT_EMULATED");

    if (yes) {
        (void)pthread_once(&once, say_emulated);
    }
    return yes;
}

bool cm_host_accepts_debug(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    bool yes = asked("CASEMATE_ACCEPT_DEBUG");

    if (yes) {
        (void)pthread_once(&once, say_debug);
    }
    return yes;
}

void cm_attest_ask(struct cm_attest_wish *out)
{
    memset(out, 0, sizeof(*out));
    out->emulated = cm_host_accepts_emulated();
    out->debug = cm_host_accepts_debug();
}

oe_result_t cm_attest_fetch(struct cm_span quote, struct cm_span baseline, uint8_t **out,
                            size_t *size)
{
    struct cm_quoting_collateral *collateral = NULL;
    const struct cm_quoting *q = NULL;
    struct cm_dcap_collateral parts;
    struct cm_why why = {{0}};
    oe_result_t result = OE_QUOTE_PROVIDER_CALL_ERROR;
    enum cm_status st = CM_OK;

    if (cm_pck_chain_elsewhere(quote, &why)) {
        cm_host_log(CM_LOG_ERROR, "no endorsements for the quote: %s", why.text);
        return OE_UNSUPPORTED;
    }
    if (cm_attest_names_emulated(quote)) { /* else a verifier's machine, which may make no quotes */
        st = cm_quoting_choose(true, &q, &why);
    }
    if (st == CM_OK) {
        st = cm_quoting_collateral(q, quote, baseline, &collateral, &why);
    }
    if (st == CM_OK) {
        parts = cm_quoting_collateral_view(collateral);
        result = cm_endorsements_make(&parts, quote, cm_attest_now(), out, size);
    } else {
        cm_host_log(CM_LOG_ERROR, "no endorsements for the quote: %s",
                    why.text[0] != '\0' ? why.text : cm_status_str(st));
        result = st == CM_ERR_NOMEM                                 ? OE_OUT_OF_MEMORY
                 : st == CM_ERR_UNSUPPORTED && baseline.ptr != NULL ? OE_UNSUPPORTED
                                                                    : result;
    }
    cm_quoting_collateral_free(collateral);
    return result;
}

bool cm_attest_has_local(void)
{
    return false;
}

oe_result_t cm_attest_target_info(uint8_t out[CM_SGX_TARGET_INFO_SIZE])
{
    memset(out, 0, CM_SGX_TARGET_INFO_SIZE);
    return OE_UNSUPPORTED;
}

oe_result_t cm_attest_local_verify(const uint8_t report[CM_SGX_REPORT_SIZE])
{
    (void)report;
    return OE_UNSUPPORTED;
}
