/* See bank_result.h. */
#include "bank_result.h"

#include <openenclave/corelibc/stdlib.h>
#include <openenclave/enclave.h>
#include <openenclave/seal.h>
#include <string.h>

#include "../common/bank_text.h"

static const char label[] = "casemate bank 1 result";

enum bank_status bank_result_seal(const struct bank_result *result, uint8_t *out, size_t capacity,
                                  size_t *size, struct bank_why *why)
{
    const oe_seal_setting_t settings[] = {OE_SEAL_SET_POLICY(OE_SEAL_POLICY_UNIQUE)};
    uint8_t *blob = NULL;
    size_t n = 0;
    oe_result_t r = oe_seal(NULL, settings, 1, (const uint8_t *)result, sizeof(*result),
                            (const uint8_t *)label, sizeof(label), &blob, &n);

    if (r != OE_OK) {
        return bank_fail(why, BANK_CRYPTO, "the result cannot be sealed: %s", oe_result_str(r));
    }
    if (n <= capacity) {
        memcpy(out, blob, n);
        *size = n;
    }
    oe_free(blob);
    return n <= capacity ? BANK_OK : bank_fail(why, BANK_LIMIT, "a sealed result of %zu bytes", n);
}

enum bank_status bank_result_open(const uint8_t *sealed, size_t size, struct bank_result *out,
                                  struct bank_why *why)
{
    uint8_t *plain = NULL;
    size_t n = 0;
    oe_result_t r = oe_unseal(sealed, size, (const uint8_t *)label, sizeof(label), &plain, &n);

    if (r != OE_OK || n != sizeof(*out)) {
        oe_free(plain);
        return bank_fail(why, BANK_REFUSED,
                         "this enclave did not seal that on this machine, or it was changed");
    }
    memcpy(out, plain, sizeof(*out));
    bank_wipe(plain, n);
    oe_free(plain);
    return BANK_OK;
}
