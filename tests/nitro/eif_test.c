/*
 * Enclave image files: round trips, measurements against OpenSSL's hashes over bytes put together here,
 * signatures, and files with each field of header and sections wrong.
 */
#include "harness.h"

#include <openssl/evp.h>

#include "nitro/eif.h"
#include "nitrokit.h"
#include "token/cbor.h"
#include "token/cose.h"

#define HEADER     548
#define OFFSETS_AT 28
#define SIZES_AT   (28 + 256)
#define COUNT_AT   26
#define CRC_AT     544

static const struct cm_span kernel = {(const uint8_t *)"KERNELKERNEL", 12};
static const struct cm_span cmdline = {(const uint8_t *)"console=ttyS0", 13};
static const struct cm_span disk1 = {(const uint8_t *)"bootstrap", 9};
static const struct cm_span disk2 = {(const uint8_t *)"application", 11};
static const struct cm_span meta = {(const uint8_t *)"{\"ImageName\":\"x\"}", 17};

static void add(struct cm_eif *e, enum cm_eif_type type, struct cm_span data)
{
    e->sections[e->section_count].type = type;
    e->sections[e->section_count++].data = data;
}

static struct cm_eif plain(void)
{
    struct cm_eif e = {.flags = CM_EIF_ARM64, .default_memory = 1 << 20, .default_cpus = 3};

    add(&e, CM_EIF_KERNEL, kernel);
    add(&e, CM_EIF_CMDLINE, cmdline);
    add(&e, CM_EIF_METADATA, meta);
    add(&e, CM_EIF_RAMDISK, disk1);
    add(&e, CM_EIF_RAMDISK, disk2);
    return e;
}

static uint8_t image[65536];

/* Write an image into the buffer; its length. */
static size_t build(const struct cm_eif *e)
{
    uint8_t *bytes = NULL;
    size_t len = 0;

    if (cm_eif_write(e, &bytes, &len, NULL) != CM_OK || len > sizeof(image)) {
        abort();
    }
    memcpy(image, bytes, len);
    free(bytes);
    return len;
}

/* CRC-32 bit by bit, as the standard writes it. */
static uint32_t crc_of(const uint8_t *p, size_t n, uint32_t crc)
{
    for (size_t i = 0; i < n; i++) {
        crc ^= p[i];
        for (int k = 0; k < 8; k++) {
            crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0xedb88320u : 0);
        }
    }
    return crc;
}

static void fix_crc(size_t len)
{
    uint32_t crc = ~crc_of(image + HEADER, len - HEADER, crc_of(image, CRC_AT, 0xffffffffu));

    for (int i = 0; i < 4; i++) {
        image[CRC_AT + i] = (uint8_t)(crc >> (24 - 8 * i));
    }
}

static void sha384(const void *p, size_t n, uint8_t out[48])
{
    unsigned len = 0;

    if (EVP_Digest(p, n, out, &len, EVP_sha384(), NULL) != 1 || len != 48) {
        abort();
    }
}

/* A register by its definition. */
static void pcr_of(const char *text, uint8_t out[48])
{
    uint8_t both[96] = {0};

    sha384(text, strlen(text), both + 48);
    sha384(both, sizeof(both), out);
}

TEST(measurements_are_those_of_the_definition)
{
    struct cm_eif e = plain();
    struct cm_eif read;
    struct cm_eif_pcrs pcrs;
    uint8_t want[48] = {0};
    size_t len = build(&e);

    REQUIRE(cm_eif_parse(cm_span_make(image, len), &read, NULL) == CM_OK);
    REQUIRE(cm_eif_measure(&read, &pcrs, NULL) == CM_OK);
    pcr_of("KERNELKERNELconsole=ttyS0bootstrapapplication", want);
    CHECK_MEM(pcrs.pcr0, want, 48);
    pcr_of("KERNELKERNELconsole=ttyS0bootstrap", want);
    CHECK_MEM(pcrs.pcr1, want, 48);
    pcr_of("application", want);
    CHECK_MEM(pcrs.pcr2, want, 48);
    CHECK(!pcrs.is_signed);
    memset(want, 0, sizeof(want));
    CHECK_MEM(pcrs.pcr8, want, 48);
    /* metadata are not measured */
    e.sections[2].data = cm_span_make("{}", 2);
    REQUIRE(cm_eif_measure(&e, &pcrs, NULL) == CM_OK);
    pcr_of("KERNELKERNELconsole=ttyS0bootstrapapplication", want);
    CHECK_MEM(pcrs.pcr0, want, 48);
    /* without an application's ramdisk PCR2 is that of nothing */
    e.section_count = 4;
    REQUIRE(cm_eif_measure(&e, &pcrs, NULL) == CM_OK);
    pcr_of("", want);
    CHECK_MEM(pcrs.pcr2, want, 48);
}

TEST(what_is_written_is_read_back)
{
    struct cm_eif e = plain();
    struct cm_eif read;
    size_t len = build(&e);

    REQUIRE(cm_eif_parse(cm_span_make(image, len), &read, NULL) == CM_OK);
    CHECK_EQ(read.version, 4);
    CHECK_EQ(read.flags, CM_EIF_ARM64);
    CHECK_EQ(read.default_memory, 1 << 20);
    CHECK_EQ(read.default_cpus, 3);
    CHECK_EQ(read.section_count, 5);
    for (size_t i = 0; i < 5; i++) {
        CHECK_EQ(read.sections[i].type, e.sections[i].type);
        CHECK_EQ(read.sections[i].data.len, e.sections[i].data.len);
        CHECK_MEM(read.sections[i].data.ptr, e.sections[i].data.ptr, e.sections[i].data.len);
    }
    /* the header's fields where the format has them */
    CHECK_MEM(image, ".eif\x00\x04\x00\x01", 8);
    CHECK_EQ(image[COUNT_AT + 1], 5);
    CHECK_EQ(image[OFFSETS_AT + 6] << 8 | image[OFFSETS_AT + 7], HEADER);
    CHECK_EQ(image[SIZES_AT + 7], 12);
    {
        uint32_t crc = read.crc;

        fix_crc(len);
        CHECK_EQ(crc, (uint32_t)image[CRC_AT] << 24 | (uint32_t)image[CRC_AT + 1] << 16 |
                          (uint32_t)image[CRC_AT + 2] << 8 | image[CRC_AT + 3]);
    }
    /* the check value that the CRC's definition gives */
    CHECK_EQ(cm_crc32(0, cm_span_make("123456789", 9)), 0xcbf43926u);
}

static void expect_parse(int line, size_t len, enum cm_status want)
{
    struct cm_eif read;
    enum cm_status st = CM_OK;

    fix_crc(len);
    st = cm_eif_parse(cm_span_make(image, len), &read, NULL);
    if (st != want) {
        TEST_FAIL("line %d: %s, wanted %s", line, cm_status_str(st), cm_status_str(want));
    }
}

#define MALFORMED(change, want)            \
    do {                                   \
        struct cm_eif e = plain();         \
        size_t len = build(&e);            \
        change;                            \
        expect_parse(__LINE__, len, want); \
    } while (0)

TEST(malformed_headers_and_sections_are_refused)
{
    MALFORMED((void)0, CM_OK);
    MALFORMED(image[0] ^= 1, CM_ERR_FORMAT);
    MALFORMED(image[5] = 5, CM_ERR_UNSUPPORTED);
    MALFORMED(image[5] = 1, CM_ERR_UNSUPPORTED);
    MALFORMED(image[5] = 3, CM_ERR_FORMAT); /* metadata came with version 4 */
    MALFORMED(image[COUNT_AT + 1] = 0, CM_ERR_FORMAT);
    MALFORMED(image[COUNT_AT + 1] = 33, CM_ERR_FORMAT);
    MALFORMED(image[COUNT_AT + 1] = 4, CM_ERR_FORMAT);
    MALFORMED(image[COUNT_AT + 1] = 6, CM_ERR_FORMAT);
    MALFORMED(image[HEADER + 1] = 6, CM_ERR_UNSUPPORTED);
    MALFORMED(image[HEADER + 1] = 0, CM_ERR_UNSUPPORTED);
    MALFORMED(image[HEADER + 1] = 3, CM_ERR_FORMAT);    /* no kernel */
    MALFORMED(image[HEADER + 4] = 0x80, CM_ERR_FORMAT); /* a size that no file has */
    MALFORMED(memset(image + HEADER + 4, 0xff, 8), CM_ERR_FORMAT);
    MALFORMED((image[len] = 0, len++), CM_ERR_FORMAT);
    /* tables with an entry that is not counted */
    MALFORMED(image[OFFSETS_AT + 8 * 31 + 7] = 1, CM_ERR_FORMAT);
    MALFORMED(image[SIZES_AT + 8 * 5 + 7] = 1, CM_ERR_FORMAT);
}

/* who measures walks over the sections, who loads reads the tables: two images in one file */
TEST(tables_that_differ_from_the_sections_are_refused)
{
    for (int i = 0; i < 5; i++) {
        MALFORMED(image[OFFSETS_AT + 8 * i + 7] ^= 1, CM_ERR_FORMAT);
        MALFORMED(image[SIZES_AT + 8 * i + 7] ^= 1, CM_ERR_FORMAT);
        MALFORMED(image[SIZES_AT + 8 * i] ^= 0x80, CM_ERR_FORMAT);
    }
}

TEST(sections_must_be_complete_and_single)
{
    static const enum cm_eif_type twice[] = {CM_EIF_KERNEL, CM_EIF_CMDLINE, CM_EIF_METADATA};
    uint8_t *out = NULL;
    size_t len = 0;

    for (size_t i = 0; i < sizeof(twice) / sizeof(twice[0]); i++) {
        struct cm_eif e = plain();

        add(&e, twice[i], kernel);
        CHECK_EQ(cm_eif_write(&e, &out, &len, NULL), CM_ERR_FORMAT);
    }
    for (size_t missing = 0; missing < 2; missing++) {
        struct cm_eif e = plain();

        e.sections[missing].type = CM_EIF_RAMDISK;
        CHECK_EQ(cm_eif_write(&e, &out, &len, NULL), CM_ERR_FORMAT);
    }
    {
        struct cm_eif e = plain();

        e.section_count = 3;
        CHECK_EQ(cm_eif_write(&e, &out, &len, NULL), CM_ERR_FORMAT);
        e.section_count = 33;
        CHECK_EQ(cm_eif_write(&e, &out, &len, NULL), CM_ERR_LIMIT);
    }
    CHECK(out == NULL);
}

TEST(every_truncation_and_every_flipped_bit_of_an_image_is_refused)
{
    struct cm_eif e = plain();
    struct cm_eif read;
    size_t len = build(&e);

    for (size_t n = 0; n < len; n++) {
        uint8_t *exact = malloc(n == 0 ? 1 : n);

        REQUIRE(exact != NULL);
        memcpy(exact, image, n);
        CHECK(cm_eif_parse(cm_span_make(exact, n), &read, NULL) != CM_OK);
        free(exact);
    }
    for (size_t bit = 0; bit < 8 * len; bit++) {
        image[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (cm_eif_parse(cm_span_make(image, len), &read, NULL) == CM_OK) {
            TEST_FAIL("bit %zu is not noticed", bit);
        }
        image[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

/* ---- signatures */

static char pem[2][2048];

static struct cm_span certificate(int which, int key)
{
    struct ck_cert c = {.subject = "image signer", .issuer = "image signer", .md = EVP_sha384()};
    uint8_t der[2048] = {0};

    c.key = cm_privkey_evp(nk_key(key));
    c.signer = c.key;
    c.serial = 1;
    c.from = CK_NOW - CK_DAY;
    c.to = CK_NOW + CK_DAY;
    return cm_span_make(pem[which], ck_pem(cm_span_make(der, ck_cert(&c, der, sizeof(der))),
                                           pem[which], sizeof(pem[which])));
}

static enum cm_status verify(const struct cm_eif *e, uint64_t now)
{
    struct cm_cert_facts signer;
    enum cm_status st = cm_eif_verify(e, now, &signer, NULL);

    cm_cert_facts_free(&signer);
    return st;
}

TEST(signed_images_verify_and_measure_their_signer)
{
    for (int key = 4; key <= 5; key++) { /* P-384 and P-256 */
        struct cm_eif e = plain();
        struct cm_eif read;
        struct cm_eif_pcrs pcrs;
        struct cm_cert_facts signer;
        struct cm_span cert = certificate(0, key);
        uint8_t *section = NULL;
        uint8_t both[96] = {0};
        uint8_t want[48] = {0};
        size_t len = 0;

        REQUIRE(cm_eif_sign(&e, cert, nk_key(key), &section, &len, NULL) == CM_OK);
        add(&e, CM_EIF_SIGNATURE, cm_span_make(section, len));
        len = build(&e);
        REQUIRE(cm_eif_parse(cm_span_make(image, len), &read, NULL) == CM_OK);
        REQUIRE(cm_eif_verify(&read, CK_NOW, &signer, NULL) == CM_OK);
        CHECK_STR(signer.subject, "CN=image signer");
        CHECK_EQ(signer.not_after, CK_NOW + CK_DAY);
        sha384(signer.der, signer.der_len, both + 48);
        sha384(both, sizeof(both), want);
        cm_cert_facts_free(&signer);
        REQUIRE(cm_eif_measure(&read, &pcrs, NULL) == CM_OK);
        CHECK(pcrs.is_signed);
        CHECK_MEM(pcrs.pcr8, want, 48);
        /* the signature is no part of what it signs */
        pcr_of("KERNELKERNELconsole=ttyS0bootstrapapplication", want);
        CHECK_MEM(pcrs.pcr0, want, 48);
        CHECK_EQ(verify(&read, CK_NOW + CK_DAY + 1), CM_ERR_EXPIRED);
        CHECK_EQ(verify(&read, CK_NOW - CK_DAY - 1), CM_ERR_EXPIRED);
        CHECK_EQ(verify(&read, 0), CM_OK);
        /* another image under the same signature */
        read.sections[0].data = disk2;
        CHECK_EQ(verify(&read, CK_NOW), CM_ERR_MISMATCH);
        free(section);
    }
}

TEST(who_signs_must_have_the_certificates_key)
{
    struct cm_eif e = plain();
    uint8_t *section = NULL;
    size_t len = 0;

    CHECK_EQ(cm_eif_sign(&e, certificate(0, 4), nk_key(3), &section, &len, NULL), CM_ERR_MISMATCH);
    CHECK_EQ(cm_eif_sign(&e, cm_span_make("x", 1), nk_key(3), &section, &len, NULL), CM_ERR_FORMAT);
    CHECK(section == NULL);
    CHECK_EQ(verify(&e, 0), CM_ERR_NOTFOUND);
}

/* An entry as any tool could write it. */
struct entry {
    struct cm_span pem;
    const struct cm_privkey *key;
    enum cm_sig_alg alg;
    uint64_t index;
    const uint8_t *value; /* 48 bytes */
    bool byte_strings;
};

static void put(struct cm_wr *w, struct cm_span bytes, bool byte_strings)
{
    if (byte_strings) {
        cm_cbor_wr_bytes(w, bytes);
        return;
    }
    cm_cbor_wr_array(w, bytes.len);
    for (size_t i = 0; i < bytes.len; i++) {
        cm_cbor_wr_u64(w, bytes.ptr[i]);
    }
}

static void put_entry(struct cm_wr *w, const struct entry *e)
{
    uint8_t payload[256] = {0};
    uint8_t cose[1024] = {0};
    struct cm_wr p = cm_wr_init(payload, sizeof(payload));
    struct cm_wr c = cm_wr_init(cose, sizeof(cose));

    cm_cbor_wr_map(&p, 2);
    cm_cbor_wr_text(&p, "register_index");
    cm_cbor_wr_u64(&p, e->index);
    cm_cbor_wr_text(&p, "register_value");
    put(&p, cm_span_make(e->value, 48), e->byte_strings);
    if (cm_cose_sign1_write(e->key, e->alg, cm_span_make(payload, p.used), &c) != CM_OK) {
        abort();
    }
    cm_cbor_wr_map(w, 2);
    cm_cbor_wr_text(w, "signing_certificate");
    put(w, e->pem, e->byte_strings);
    cm_cbor_wr_text(w, "signature");
    put(w, cm_span_make(cose, c.used), e->byte_strings);
}

static void expect_entries(int line, const struct entry *entries, size_t count, enum cm_status want)
{
    static uint8_t section[32768];
    struct cm_wr w = cm_wr_init(section, sizeof(section));
    struct cm_eif e = plain();
    enum cm_status st = CM_OK;

    cm_cbor_wr_array(&w, count);
    for (size_t i = 0; i < count; i++) {
        put_entry(&w, &entries[i]);
    }
    add(&e, CM_EIF_SIGNATURE, cm_span_make(section, w.used));
    st = verify(&e, CK_NOW);
    if (st != want) {
        TEST_FAIL("line %d: %s, wanted %s", line, cm_status_str(st), cm_status_str(want));
    }
}

TEST(signature_sections_of_all_kinds)
{
    uint8_t pcr0[48] = {0};
    uint8_t pcr1[48] = {0};
    struct entry good = {{NULL, 0}, nk_key(4), CM_SIG_ES384, 0, pcr0, false};
    struct entry e[2];

    pcr_of("KERNELKERNELconsole=ttyS0bootstrapapplication", pcr0);
    pcr_of("KERNELKERNELconsole=ttyS0bootstrap", pcr1);
    good.pem = certificate(0, 4);
    expect_entries(__LINE__, &good, 1, CM_OK);
    e[0] = good;
    e[0].byte_strings = true;
    expect_entries(__LINE__, e, 1, CM_OK);
    /* a good signature about another register alone says nothing about the image */
    e[0] = good;
    e[0].index = 1;
    e[0].value = pcr1;
    expect_entries(__LINE__, e, 1, CM_ERR_MISMATCH);
    e[1] = good;
    expect_entries(__LINE__, e, 2, CM_OK);
    e[0].value = pcr0; /* the value of another register */
    expect_entries(__LINE__, e, 2, CM_ERR_MISMATCH);
    /* signed by a key that is not the certificate's */
    e[0] = good;
    e[0].key = nk_key(3);
    expect_entries(__LINE__, e, 1, CM_ERR_SIGNATURE);
    e[0].key = nk_key(5);
    e[0].alg = CM_SIG_ES256;
    expect_entries(__LINE__, e, 1, CM_ERR_MISMATCH);
    /* two signers: PCR8 would be the first one's */
    e[0] = good;
    e[1] = good;
    e[1].pem = certificate(1, 3);
    e[1].key = nk_key(3);
    expect_entries(__LINE__, e, 2, CM_ERR_MISMATCH);
    expect_entries(__LINE__, e, 0, CM_ERR_FORMAT);
}

TEST(every_shorter_signature_section_is_refused)
{
    struct cm_eif e = plain();
    uint8_t *section = NULL;
    size_t len = 0;

    REQUIRE(cm_eif_sign(&e, certificate(0, 4), nk_key(4), &section, &len, NULL) == CM_OK);
    add(&e, CM_EIF_SIGNATURE, cm_span_make(section, 0));
    for (size_t n = 0; n < len; n += 3) {
        e.sections[5].data.len = n;
        CHECK(verify(&e, CK_NOW) != CM_OK);
    }
    for (size_t bit = 5; bit < 8 * len; bit += 61) {
        e.sections[5].data.len = len;
        section[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (verify(&e, CK_NOW) == CM_OK) {
            /* PEM has room that nobody reads (dashes, line ends): but then PCR8 is the same */
            struct cm_eif_pcrs a;

            CHECK_EQ(cm_eif_measure(&e, &a, NULL), CM_OK);
        }
        section[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    free(section);
}

TEST(every_failing_allocation_of_an_image_is_an_error)
{
    struct cm_span cert = certificate(0, 4);
    bool hit = true;

    for (long k = 1; hit; k++) {
        struct cm_eif e = plain();
        uint8_t *section = NULL;
        uint8_t *bytes = NULL;
        size_t len = 0;
        enum cm_status st = CM_OK;

        fail_alloc_at(k);
        st = cm_eif_sign(&e, cert, nk_key(4), &section, &len, NULL);
        if (st == CM_OK) {
            add(&e, CM_EIF_SIGNATURE, cm_span_make(section, len));
            st = verify(&e, CK_NOW);
        }
        if (st == CM_OK) {
            st = cm_eif_write(&e, &bytes, &len, NULL);
        }
        hit = fail_alloc_hit();
        fail_alloc_at(-1);
        CHECK_EQ(st == CM_OK, !hit);
        free(section);
        free(bytes);
    }
}

TEST_MAIN
