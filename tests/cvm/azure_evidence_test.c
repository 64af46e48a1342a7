/* Azure's evidence of our own: the binding, the vTPM's quote, both forms; each rule with its attack. */
#include "verdict.h"

#include "azurekit.h"
#include "common/span.h"
#include "snp/snp.h"

static void expect(int line, struct vm *v, struct cm_span evidence, enum cm_status want,
                   const char *check)
{
    struct cm_verify_job job = sk_job(&v->snp);
    struct cm_evidence *ev = NULL;
    enum cm_status st = CM_OK;

    job.evidence = evidence;
    job.dcap = v->td == NULL ? NULL : &v->td->col;
    st = cm_verify(&job, &ev);
    expect_verdict(line, st, ev, want, check);
    cm_evidence_free(ev);
    vm_free(v);
}

#define EXPECT(change, want, check)                                          \
    do {                                                                     \
        static struct vm v;                                                  \
        vm_init(&v);                                                         \
        change;                                                              \
        vm_build(&v);                                                        \
        expect(__LINE__, &v, cm_span_make(v.blob, v.blob_len), want, check); \
    } while (0)

#define EXPECT_BUILT(change, want, check)                                    \
    do {                                                                     \
        static struct vm v;                                                  \
        vm_init(&v);                                                         \
        vm_build(&v);                                                        \
        change;                                                              \
        expect(__LINE__, &v, cm_span_make(v.blob, v.blob_len), want, check); \
    } while (0)

static void put_le(uint8_t *at, uint32_t value)
{
    for (size_t i = 0; i < 4; i++) {
        at[i] = (uint8_t)(value >> (8 * i));
    }
}

#define EXPECT_TDX(change, want, check)                                      \
    do {                                                                     \
        static struct vm v;                                                  \
        vm_init(&v);                                                         \
        v.kind = 4;                                                          \
        vm_build(&v);                                                        \
        change;                                                              \
        expect(__LINE__, &v, cm_span_make(v.blob, v.blob_len), want, check); \
    } while (0)

TEST(every_version_and_hash)
{
    for (uint32_t h = 1; h <= 3; h++) {
        EXPECT(v.hash = h, CM_OK, "");
        EXPECT((v.hash = h, v.version = 2), CM_OK, "");
    }
    EXPECT(v.hash = 0, CM_ERR_UNSUPPORTED, "azure.hcl");
    EXPECT(v.hash = 4, CM_ERR_UNSUPPORTED, "azure.hcl");
    EXPECT(v.version = 0, CM_ERR_UNSUPPORTED, "azure.hcl");
    EXPECT(v.version = 3, CM_ERR_UNSUPPORTED, "azure.hcl");
    EXPECT(v.request = 1, CM_ERR_UNSUPPORTED, "azure.hcl");
    EXPECT(v.status = 1, CM_ERR_UNSUPPORTED, "azure.hcl");
    EXPECT(v.kind = 3, CM_ERR_UNSUPPORTED, "azure.hcl");
    EXPECT_BUILT(v.blob_len = 32 + 1184 + 20 + strlen(v.runtime), CM_OK, ""); /* no padding */
    EXPECT_BUILT(v.blob_len--, CM_OK, "");
    EXPECT_BUILT(v.blob[2599] = 1, CM_ERR_FORMAT, "azure.hcl");
    EXPECT_BUILT(v.blob[20] = 1, CM_ERR_FORMAT, "azure.hcl");
    EXPECT_BUILT(v.blob_len = 0x4D4, CM_ERR_FORMAT, "azure.hcl");
}

TEST(lengths_of_the_runtime_data_stay_inside)
{
    EXPECT(v.var_extra = 1, CM_ERR_FORMAT, "azure.hcl");
    EXPECT(v.var_extra = -1, CM_ERR_FORMAT, "azure.hcl");
    EXPECT_BUILT(v.blob[8] ^= 1, CM_ERR_FORMAT, "azure.hcl");
    EXPECT_BUILT(put_le(v.blob + 0x4D0, 0xffffffff), CM_ERR_FORMAT, "azure.hcl");
    EXPECT_BUILT(put_le(v.blob + 0x4D0, 0), CM_ERR_FORMAT, "azure.hcl");
    EXPECT_BUILT((put_le(v.blob + 0x4D0, 0xffffffec), put_le(v.blob + 0x4C0, 0)), CM_ERR_FORMAT,
                 "azure.hcl"); /* 20 + length wraps to 0 */
}

/* the hash is over the exact bytes, and nothing but zeros follows it */
TEST(binding_is_over_the_exact_bytes_and_zeros)
{
    EXPECT(v.hashed = 10, CM_ERR_MISMATCH, "azure.binding");
    EXPECT(v.hashed = 2600 - 0x4D4, CM_ERR_MISMATCH, "azure.binding"); /* with the padding */
    EXPECT(v.tail = 1, CM_ERR_MISMATCH, "azure.binding");
    EXPECT((v.tail = 1, v.hash = 2), CM_ERR_MISMATCH, "azure.binding");
    EXPECT_BUILT(v.blob[0x4D4 + (strstr(v.runtime, "1-2-3") - v.runtime)] ^= 1, CM_ERR_MISMATCH,
                 "azure.binding");
    /* re-serialised: a blank more */
    EXPECT_BUILT((memmove(v.blob + 0x4D6, v.blob + 0x4D5, 1200), v.blob[0x4D5] = ' ',
                  put_le(v.blob + 8, (uint32_t)(32 + 1184 + 21 + strlen(v.runtime))),
                  put_le(v.blob + 0x4C0, (uint32_t)(21 + strlen(v.runtime))),
                  put_le(v.blob + 0x4D0, (uint32_t)(1 + strlen(v.runtime)))),
                 CM_ERR_MISMATCH, "azure.binding");
}

/* an enclave's quote with the same report data */
static void give_sgx_quote(struct vm *v)
{
    struct pki_spec spec;

    pki_defaults(&spec, 4, 1);
    memcpy(spec.body + 320, v->snp.report_data, 64);
    pki_free(v->td);
    v->td = pki_make(&spec);
    v->snp.materials[6].bytes = v->td->quote;
}

TEST(tdx_by_its_quote_and_not_by_its_report)
{
    EXPECT(v.kind = 4, CM_OK, "");
    EXPECT((v.kind = 4, v.hash = 3), CM_OK, "");
    EXPECT((v.kind = 4, v.snp.in.report_data = cm_span_make("challenge", 9)), CM_OK, "");
    EXPECT((v.kind = 4, v.td_other = true), CM_ERR_MISMATCH, "azure.binding");
    EXPECT((v.kind = 4, v.tail = 1), CM_ERR_MISMATCH, "azure.binding");
    EXPECT_TDX(v.blob[0x20 + 128] ^= 1, CM_ERR_MISMATCH, "azure.tdreport");
    EXPECT_TDX(v.blob[0x20] = 0x80, CM_ERR_FORMAT, "azure.tdreport");
    EXPECT_TDX(v.blob[0x20 + 1024] = 1, CM_ERR_FORMAT, "azure.tdreport");
    EXPECT_TDX(v.snp.material_count = 6, CM_ERR_NOTFOUND, "azure.td_quote");
    EXPECT_TDX(v.td_quote[100] ^= 1, CM_ERR_SIGNATURE, "quote.signature");
    EXPECT_TDX(v.td_quote[v.td_quote_len - 1] = 1, CM_ERR_FORMAT, "azure.td_quote");
    EXPECT_TDX(v.td->root.spki_sha256[0] ^= 1, CM_ERR_POLICY, "root.trusted");
    EXPECT_TDX(give_sgx_quote(&v), CM_ERR_MISMATCH, "azure.td_quote");
}

TEST(the_key_is_the_one_that_the_runtime_data_names)
{
    EXPECT(v.key_ops = "encrypt", CM_OK, ""); /* blobs of 2023 */
    EXPECT(v.kid = "HCLEkPub", CM_ERR_NOTFOUND, "azure.runtime_data");
    EXPECT(v.more_keys = ",{\"kid\":\"HCLAkPub\",\"kty\":\"RSA\"}", CM_ERR_NOTFOUND,
           "azure.runtime_data");
    EXPECT(v.more_keys = ",{\"kid\":\"HCLEkPub\",\"kty\":\"RSA\"}", CM_OK, "");
    EXPECT(v.signer = ck_key("rsa2048", 6), CM_ERR_SIGNATURE, "tpm.signature");
}

TEST(hardware_first)
{
    EXPECT(v.snp.vmpl = 1, CM_ERR_POLICY, "snp.vmpl"); /* the guest's, not the paravisor's */
    EXPECT(v.snp.report_key = ck_key("p384", 7), CM_ERR_SIGNATURE, "snp.signature");
    EXPECT(v.snp.policy |= CM_SNP_POLICY_DEBUG, CM_ERR_POLICY, "snp.debug");
    EXPECT(v.snp.in.now = CK_NOW + 9 * CK_DAY, CM_ERR_EXPIRED, "snp.chain_validity");
}

TEST(nonce_is_the_quotes)
{
    const struct cm_span right = cm_span_make("challenge", 9);
    const struct cm_span longer = cm_span_make("challenge2", 10);

    EXPECT(v.snp.in.report_data = right, CM_OK, "");
    EXPECT(v.snp.in.report_data = longer, CM_ERR_MISMATCH, "nonce");
    EXPECT(v.snp.in.report_data = cm_span_make(right.ptr, 8), CM_ERR_MISMATCH, "nonce");
    EXPECT((v.nonce = "", v.snp.in.report_data = right), CM_ERR_MISMATCH, "nonce");
    EXPECT((v.nonce = "", v.snp.in.report_data = cm_span_make(right.ptr, 0)), CM_ERR_MISMATCH,
           "nonce"); /* an empty expectation is none that can be met */
    EXPECT(v.nonce = "", CM_OK, "");
}

TEST(parts_that_are_missing)
{
    EXPECT_BUILT((v.snp.material_count = 3, (void)v), CM_ERR_NOTFOUND, "tpm.attest");
    EXPECT_BUILT((v.snp.material_count = 4, (void)v), CM_ERR_NOTFOUND, "tpm.attest");
    EXPECT_BUILT((v.snp.material_count = 5, (void)v), CM_OK, ""); /* the digest alone is proven */
    EXPECT_BUILT(v.pcrs[0] ^= 1, CM_ERR_MISMATCH, "tpm.pcrs");
    EXPECT_BUILT(v.snp.materials[3].bytes.len = 3, CM_ERR_FORMAT, "azure.evidence");
}

#define EXPECT_JSON(version, count, change, want, check)             \
    do {                                                             \
        static struct vm v;                                          \
        size_t n_ = 0;                                               \
        vm_init(&v);                                                 \
        change;                                                      \
        vm_build(&v);                                                \
        n_ = vm_json(&v, version, count);                            \
        expect(__LINE__, &v, cm_span_make(v.json, n_), want, check); \
    } while (0)

#define ZEROS     "00000000000000000000000000000000"
#define USER_DATA "6368616C6C656E676500000000000000" ZEROS ZEROS ZEROS

TEST(json)
{
    EXPECT_JSON(1, 24, (void)v, CM_OK, "");
    EXPECT_JSON(1, 24, v.snp.in.report_data = cm_span_make("challenge", 9), CM_OK, "");
    EXPECT_JSON(1, 23, (void)v, CM_ERR_MISMATCH, "tpm.pcrs");
    EXPECT_JSON(3, 24, (void)v, CM_ERR_UNSUPPORTED, "azure.evidence");
    /* version 2: the challenge is in the runtime data as well */
    EXPECT_JSON(2, 24, v.user_data = USER_DATA, CM_OK, "");
    EXPECT_JSON(2, 24, (void)v, CM_ERR_MISMATCH, "azure.user_data");
    EXPECT_JSON(2, 24, (v.user_data = USER_DATA, v.nonce = "challengd"), CM_ERR_MISMATCH,
                "azure.user_data");
}

/* selection {0..10,16}, a list of twelve: its last value is no PCR 11, whatever place it has */
TEST(pcr_selection_shift)
{
    static const uint8_t of16[32] = {0xee};

    EXPECT_JSON(1, 12,
                (v.selected = 0x0107ff, memcpy(v.pcrs + 32 * 16, of16, 32),
                 memcpy(v.pcrs + 32 * 11, of16, 32)),
                CM_ERR_MISMATCH, "azure.pcrs");
    /* values that nobody quoted are not taken along */
    EXPECT_JSON(1, 24, v.selected = 0x0007ff, CM_ERR_MISMATCH, "azure.pcrs");
    EXPECT_JSON(1, 11, v.selected = 0x0007ff, CM_OK, "");
}

TEST(json_that_is_broken)
{
    static struct vm v;
    size_t n = 0;

    vm_init(&v);
    vm_build(&v);
    n = vm_json(&v, 1, 24);
    for (size_t i = 1; i < n; i += 97) { /* cut off anywhere */
        struct cm_verify_job job = sk_job(&v.snp);
        struct cm_evidence *ev = NULL;

        job.evidence = cm_span_make(v.json, i);
        job.format = CM_FORMAT_AZURE_CVM;
        CHECK(cm_verify(&job, &ev) != CM_OK);
        cm_evidence_free(ev);
    }
    for (size_t i = 20; i < n; i += 61) { /* any character is another */
        struct cm_verify_job job = sk_job(&v.snp);
        struct cm_evidence *ev = NULL;
        char old = v.json[i];

        v.json[i] = old == 'b' ? 'c' : 'b';
        job.evidence = cm_span_make(v.json, n);
        job.format = CM_FORMAT_AZURE_CVM;
        CHECK(cm_verify(&job, &ev) != CM_OK);
        cm_evidence_free(ev);
        v.json[i] = old;
    }
}

/* The evidence with PCR 0 as an array of numbers, of which the first is this text. */
static struct cm_span with_array(const struct vm *v, const char *first)
{
    static char text[sizeof(v->json) + 256];
    const char *pcrs = strstr(v->json, "\"pcrs\":[");
    size_t n = (size_t)(pcrs + 8 - v->json);

    memcpy(text, v->json, n);
    n += (size_t)snprintf(text + n, sizeof(text) - n, "[%s", first);
    for (size_t i = 1; i < 32; i++) {
        n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%u", i % 2 == 0 ? " , " : ",",
                              v->pcrs[i]);
    }
    n += (size_t)snprintf(text + n, sizeof(text) - n, "]%s", pcrs + 8 + 66);
    return cm_span_make(text, n);
}

TEST(bytes_in_arrays_are_bytes)
{
    static const char *const no_bytes[] = {"256",   "1000", "-1",   "1.0",  "1e0",
                                           "\"1\"", "[1]",  "null", "[1,2]"};
    static struct vm v;
    char right[8] = "";

    vm_init(&v);
    vm_build(&v);
    v.json[vm_json(&v, 1, 24)] = '\0';
    (void)snprintf(right, sizeof(right), "%u", v.pcrs[0]);
    for (size_t i = 0; i <= sizeof(no_bytes) / sizeof(no_bytes[0]); i++) {
        const char *first = i == 0 ? right : no_bytes[i - 1];
        struct cm_verify_job job = sk_job(&v.snp);
        struct cm_evidence *ev = NULL;

        job.evidence = with_array(&v, first);
        job.format = CM_FORMAT_AZURE_CVM;
        CHECK_EQ(cm_verify(&job, &ev), i == 0 ? CM_OK : CM_ERR_FORMAT);
        cm_evidence_free(ev);
    }
}

TEST(claims_have_the_authority_of_the_binding)
{
    static struct vm v;
    struct cm_verify_job job;
    struct cm_evidence *ev = NULL;

    vm_init(&v);
    vm_build(&v);
    job = sk_job(&v.snp);
    job.evidence = cm_span_make(v.blob, v.blob_len);
    REQUIRE(cm_verify(&job, &ev) == CM_OK);
    CHECK_STR(cm_evidence_name(ev, 0), "cpu");
    CHECK_STR(cm_evidence_name(ev, 1), "vtpm");
    CHECK_EQ(cm_evidence_find(ev, 0, "snp.measurement", 0)->authority, CM_AUTHORITY_HARDWARE);
    CHECK_EQ(cm_evidence_find(ev, 1, "azure.secure_boot", 0)->authority, CM_AUTHORITY_KEY);
    CHECK_EQ(cm_evidence_find(ev, 1, CM_CLAIM_MEASUREMENTS, 0)->authority, CM_AUTHORITY_KEY);
    CHECK_EQ(cm_evidence_binding(ev, 0)->result, CM_CHECK_PASS);
    cm_evidence_free(ev);
    vm_init(&v);
    v.tail = 1;
    vm_build(&v);
    job = sk_job(&v.snp);
    job.evidence = cm_span_make(v.blob, v.blob_len);
    REQUIRE(cm_verify(&job, &ev) == CM_ERR_MISMATCH);
    CHECK_EQ(cm_evidence_find(ev, 1, "azure.secure_boot", 0)->authority, CM_AUTHORITY_SELF);
    CHECK_EQ(cm_evidence_find(ev, 1, CM_CLAIM_MEASUREMENTS, 0)->authority, CM_AUTHORITY_SELF);
    cm_evidence_free(ev);
    /* an emulator vouches for nothing, however well it is bound */
    vm_init(&v);
    v.snp.root.emulated = true;
    v.snp.in.flags = CM_VERIFY_ALLOW_EMULATED;
    vm_build(&v);
    job = sk_job(&v.snp);
    job.evidence = cm_span_make(v.blob, v.blob_len);
    REQUIRE(cm_verify(&job, &ev) == CM_OK);
    CHECK_EQ(cm_evidence_binding(ev, 0)->result, CM_CHECK_PASS);
    CHECK_EQ(cm_evidence_find(ev, 1, "azure.secure_boot", 0)->authority, CM_AUTHORITY_SELF);
    CHECK_EQ(cm_evidence_find(ev, 1, CM_CLAIM_MEASUREMENTS, 0)->authority, CM_AUTHORITY_SELF);
    cm_evidence_free(ev);
}

TEST(running_out_of_memory)
{
    static struct vm v;
    struct cm_verify_job job;
    size_t n = 0;

    vm_init(&v);
    vm_build(&v);
    n = vm_json(&v, 1, 24);
    job = sk_job(&v.snp);
    job.evidence = cm_span_make(v.json, n);
    expect_out_of_memory(&job);
}

TEST_MAIN
