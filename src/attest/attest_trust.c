/* Settings of acceptance: flags and roots that only ever grow; see attest_trust.h. */
#include "attest/attest_trust.h"

#include <stdatomic.h>
#include <string.h>

#include <openenclave/attestation/sgx/evidence.h>

#include "attest/attest_claims.h"
#include "common/wipe.h"

static atomic_bool accept_emulated;
static atomic_bool accept_debug;
static _Atomic uint64_t minimum_date;

/* Roots are written once and then counted: a reader never sees half of one. */
static atomic_flag roots_busy = ATOMIC_FLAG_INIT;
static struct {
    uint8_t spki[32];
    bool emulated;
} roots[CM_ATTEST_MAX_ROOTS];
static _Atomic size_t root_count;

void cm_attest_accept_emulated(void)
{
    atomic_store(&accept_emulated, true);
}

void cm_attest_accept_debug(void)
{
    atomic_store(&accept_debug, true);
}

enum cm_status cm_attest_trust_root(const uint8_t spki_sha256[32], bool emulated)
{
    enum cm_status st = CM_OK;
    size_t count = 0;

    if (spki_sha256 == NULL) {
        return CM_ERR_PARAM;
    }
    while (atomic_flag_test_and_set(&roots_busy)) {
    }
    count = atomic_load(&root_count);
    for (size_t i = 0; i < count; i++) {
        if (cm_ct_equal(roots[i].spki, spki_sha256, 32) && roots[i].emulated == emulated) {
            goto out; /* known */
        }
    }
    if (count == CM_ATTEST_MAX_ROOTS) {
        st = CM_ERR_LIMIT;
        goto out;
    }
    memcpy(roots[count].spki, spki_sha256, 32);
    roots[count].emulated = emulated;
    atomic_store(&root_count, count + 1);
out:
    atomic_flag_clear(&roots_busy);
    return st;
}

void cm_attest_trust_add(struct cm_attest_trust *t, const uint8_t spki_sha256[32], bool emulated)
{
    struct cm_trust_root *root = &t->roots[t->root_count];

    if (t->root_count < sizeof(t->roots) / sizeof(t->roots[0])) {
        root->family = "sgx";
        root->label = emulated ? "EMULATED, accepted by name" : "trusted by the caller";
        memcpy(root->spki_sha256, spki_sha256, sizeof(root->spki_sha256));
        root->emulated = emulated;
        t->root_count++;
    }
}

void cm_attest_trust_get(struct cm_attest_trust *out)
{
    size_t count = atomic_load(&root_count);

    memset(out, 0, sizeof(*out));
    out->roots[0] = *cm_dcap_intel_root();
    out->root_count = 1;
    for (size_t i = 0; i < count; i++) {
        cm_attest_trust_add(out, roots[i].spki, roots[i].emulated);
    }
    out->emulated = atomic_load(&accept_emulated);
    out->debug = atomic_load(&accept_debug);
}

uint64_t cm_attest_minimum_date(void)
{
    return atomic_load(&minimum_date);
}

oe_result_t __oe_sgx_set_minimum_crl_tcb_issue_date(uint32_t year, uint32_t month, uint32_t day,
                                                    uint32_t hours, uint32_t minutes,
                                                    uint32_t seconds)
{
    const oe_datetime_t date = {year, month, day, hours, minutes, seconds};
    uint64_t t = 0;

    if (!cm_datetime_seconds(&date, &t)) {
        return OE_INVALID_UTC_DATE_TIME;
    }
    atomic_store(&minimum_date, t);
    return OE_OK;
}
