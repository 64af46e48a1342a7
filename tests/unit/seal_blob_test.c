/* Sealed blobs and key requests as bytes: strict both ways (row G6). */
#include "harness.h"

#include "seal/seal_blob.h"
#include "seal/seal_request.h"

static struct cm_seal_blob sample(size_t text)
{
    static const uint8_t bytes[64];
    struct sgx_report_body self;
    struct cm_seal_blob b;

    memset(&self, 0, sizeof(self));
    memset(&b, 0, sizeof(b));
    self.isvsvn = 3;
    memset(self.cpusvn, 5, sizeof(self.cpusvn));
    CHECK_EQ(cm_seal_request_make(OE_SEAL_POLICY_PRODUCT, &self, &b.request), OE_OK);
    memset(b.request.keyid, 7, sizeof(b.request.keyid));
    memset(b.iv, 9, sizeof(b.iv));
    memset(b.tag, 11, sizeof(b.tag));
    b.ciphertext = cm_span_make(bytes, text);
    return b;
}

TEST(G6_round_trip_and_lengths)
{
    uint8_t blob[CM_SEAL_HEADER_SIZE + 64] = {0};
    struct cm_seal_blob b = sample(20);
    struct cm_seal_blob got;
    size_t size = 0;

    CHECK_EQ(cm_seal_blob_size(20, 5, &size), OE_OK);
    CHECK_EQ(size, CM_SEAL_HEADER_SIZE + 20);
    CHECK_EQ(cm_seal_blob_write(&b, 5, blob), OE_OK);
    CHECK_EQ(cm_seal_blob_parse(cm_span_make(blob, size), 5, &got), OE_OK);
    CHECK_MEM(&got.request, &b.request, sizeof(b.request));
    CHECK_MEM(got.iv, b.iv, sizeof(b.iv));
    CHECK_MEM(got.tag, b.tag, sizeof(b.tag));
    CHECK(got.ciphertext.ptr == blob + CM_SEAL_HEADER_SIZE && got.ciphertext.len == 20);
    for (size_t n = 0; n < sizeof(blob); n++) {
        CHECK_EQ(cm_seal_blob_parse(cm_span_make(blob, n), 5, &got),
                 n == size ? OE_OK : OE_INVALID_PARAMETER);
    }
    for (size_t aad = 0; aad < 64; aad++) {
        CHECK_EQ(cm_seal_blob_parse(cm_span_make(blob, size), aad, &got),
                 aad == 5 ? OE_OK : OE_INVALID_PARAMETER);
    }
    CHECK_EQ(cm_seal_blob_parse(cm_span_make(blob, size), SIZE_MAX, &got), OE_INVALID_PARAMETER);
}

TEST(sizes_that_do_not_fit)
{
    size_t size = 1;

    CHECK_EQ(cm_seal_blob_size(UINT32_MAX - CM_SEAL_HEADER_SIZE, 0, &size), OE_OK);
    CHECK_EQ(size, UINT32_MAX);
    CHECK_EQ(cm_seal_blob_size(UINT32_MAX - CM_SEAL_HEADER_SIZE + 1, 0, &size),
             OE_INTEGER_OVERFLOW);
    CHECK_EQ(cm_seal_blob_size(UINT32_MAX - CM_SEAL_HEADER_SIZE, 1, &size), OE_INTEGER_OVERFLOW);
    CHECK_EQ(cm_seal_blob_size(SIZE_MAX, 1, &size), OE_INTEGER_OVERFLOW);
    CHECK_EQ(cm_seal_blob_size(1, SIZE_MAX, &size), OE_INTEGER_OVERFLOW);
}

TEST(G4_requests)
{
    struct sgx_keyrequest r = sample(0).request;
    struct sgx_report_body self;

    memset(&self, 0, sizeof(self));
    CHECK_EQ(cm_seal_request_check(&r), OE_OK);
    CHECK((r.attributemask.flags & (SGX_ATTR_INIT | SGX_ATTR_DEBUG)) != 0);
    for (uint16_t name = 0; name < 7; name++) {
        r.keyname = name;
        CHECK_EQ(cm_seal_request_check(&r), name == SGX_KEY_SEAL || name == SGX_KEY_PROVISION_SEAL
                                                ? OE_OK
                                                : OE_INVALID_KEYNAME);
    }
    r.keyname = SGX_KEY_SEAL;
    for (uint16_t policy = 0; policy < 64; policy++) {
        r.keypolicy = policy;
        r.configsvn = 0;
        CHECK_EQ(cm_seal_request_check(&r), (policy & 3) == 0 ? OE_INVALID_PARAMETER : OE_OK);
        r.configsvn = 1;
        CHECK_EQ(cm_seal_request_check(&r),
                 (policy & 3) == 0 || (policy & SGX_KEYPOLICY_CONFIGID) == 0 ? OE_INVALID_PARAMETER
                                                                             : OE_OK);
    }
    CHECK_EQ(cm_seal_request_make((oe_seal_policy_t)0, &self, &r), OE_INVALID_PARAMETER);
    CHECK_EQ(cm_seal_request_make((oe_seal_policy_t)3, &self, &r), OE_INVALID_PARAMETER);
}

TEST_MAIN
