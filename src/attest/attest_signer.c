/* Whose enclaves a key signs: openenclave/attestation/sgx/report.h. The PEM text is UNTRUSTED. */
#include <openenclave/attestation/sgx/report.h>
#include <openenclave/bits/report.h>

#include "common/wipe.h"
#include "crypto/crypto.h"
#include "evidence/der.h"
#include "evidence/x509.h"

/* SubjectPublicKeyInfo of an RSA key (RFC 8017 A.1.1) to its modulus, big endian. */
static bool rsa_modulus(struct cm_span der, struct cm_span *modulus, uint64_t *exponent)
{
    static const uint8_t rsa[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01};
    struct cm_rd top = cm_rd_init(der);
    struct cm_rd spki = cm_der_enter(&top, CM_DER_SEQUENCE);
    struct cm_rd alg = cm_der_enter(&spki, CM_DER_SEQUENCE);
    struct cm_span oid = cm_der_oid(&alg);
    struct cm_rd bits = cm_der_enter(&spki, CM_DER_BITS);
    uint8_t unused = cm_rd_u8(&bits);
    struct cm_rd key = cm_der_enter(&bits, CM_DER_SEQUENCE);

    *modulus = cm_der_take(&key, CM_DER_INTEGER);
    *exponent = cm_der_uint(&key, CM_DER_INTEGER, UINT32_MAX);
    if (modulus->len != 0 && modulus->ptr[0] == 0) { /* the sign */
        modulus->ptr++;
        modulus->len--;
    }
    return cm_rd_finish(&top) == CM_OK && cm_rd_finish(&spki) == CM_OK && !alg.bad &&
           cm_rd_finish(&bits) == CM_OK && cm_rd_finish(&key) == CM_OK && unused == 0 &&
           oid.len == sizeof(rsa) && cm_ct_equal(oid.ptr, rsa, sizeof(rsa));
}

oe_result_t oe_sgx_get_signer_id_from_public_key(const char *pem, size_t pem_size,
                                                 uint8_t *signer_id, size_t *signer_id_size)
{
    uint8_t der[2048];
    uint8_t little[CM_RSA3072_SIZE];
    struct cm_span rest = cm_span_make(pem, pem_size);
    struct cm_span modulus = {NULL, 0};
    uint64_t exponent = 0;
    size_t len = 0;

    if (pem == NULL || pem_size == 0 || pem[pem_size - 1] != '\0' || signer_id_size == NULL) {
        return OE_INVALID_PARAMETER;
    }
    if (signer_id == NULL || *signer_id_size < OE_SIGNER_ID_SIZE) {
        *signer_id_size = OE_SIGNER_ID_SIZE;
        return OE_BUFFER_TOO_SMALL;
    }
    rest.len--;
    if (cm_pem_next(&rest, "PUBLIC KEY", der, sizeof(der), &len) != CM_OK || len == 0 ||
        !rsa_modulus(cm_span_make(der, len), &modulus, &exponent) ||
        modulus.len != CM_RSA3072_SIZE || exponent != CM_RSA3072_EXPONENT) {
        return OE_INVALID_PARAMETER;
    }
    for (size_t i = 0; i < sizeof(little); i++) {
        little[i] = modulus.ptr[sizeof(little) - 1 - i];
    }
    if (cm_sha256_of(cm_span_make(little, sizeof(little)), signer_id) != CM_OK) {
        return OE_CRYPTO_ERROR;
    }
    *signer_id_size = OE_SIGNER_ID_SIZE;
    return OE_OK;
}
