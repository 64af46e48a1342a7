/* Custom claims: no input may crash, and what parses is written again byte for byte. */
#include <openenclave/attestation/custom_claims.h>

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    oe_claim_t *claims = NULL;
    uint8_t *again = NULL;
    size_t count = 0;
    size_t again_size = 0;

    if (oe_deserialize_custom_claims(data, size, &claims, &count) != OE_OK) {
        return 0;
    }
    if (oe_serialize_custom_claims(claims, count, &again, &again_size) != OE_OK ||
        again_size != size || memcmp(again, data, size) != 0) {
        abort();
    }
    (void)oe_free_serialized_custom_claims(again);
    (void)oe_free_custom_claims(claims, count);
    return 0;
}
