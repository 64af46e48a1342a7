/*
 * Certificates put together byte by byte, each with one thing that DER or the
 * profile forbids. Nothing here is signed: the parsers must refuse before anybody verifies.
 */
#include "expect.h"

#include <openssl/x509.h>

#include "crypto/pubkey.h"
#include "der_parts.h"
#include "evidence/x509.h"

/* keyUsage, critical: digitalSignature */
#define USAGE "\x30\x0e\x06\x03\x55\x1d\x0f\x01\x01\xff\x04\x04\x03\x02\x07\x80"
/* basicConstraints, critical: empty */
#define BASIC "\x30\x0c\x06\x03\x55\x1d\x13\x01\x01\xff\x04\x02\x30\x00"

/* Each part with tag and length, unless said otherwise. */
struct cert_parts {
    struct cm_span version;
    struct cm_span serial;
    struct cm_span alg_inside;
    struct cm_span issuer;
    struct cm_span times;
    struct cm_span subject;
    struct cm_span spki; /* NULL: a good one */
    struct cm_span exts; /* content of the list */
    struct cm_span behind_exts;
    struct cm_span alg;
    struct cm_span sig; /* content of the bit string */
    struct cm_span behind_sig;
    struct cm_span behind;
};

static const struct cert_parts good_cert = {B("\xa0\x03\x02\x01\x02"),
                                            B("\x02\x01\x05"),
                                            B(ALG),
                                            B(NAME),
                                            B(TIMES),
                                            B(NAME),
                                            {NULL, 0},
                                            B(USAGE BASIC),
                                            {NULL, 0},
                                            B(ALG),
                                            B(SIG),
                                            {NULL, 0},
                                            {NULL, 0}};

static enum cm_status parse_cert(const struct cert_parts *p, struct cm_cert *c)
{
    struct out tbs = {{0}, 0};
    struct out list = {{0}, 0};
    struct out seq = {{0}, 0};
    struct out sig = {{0}, 0};
    struct out all = {{0}, 0};
    struct out cert = {{0}, 0};
    unsigned char *spki = NULL;
    int spki_len = i2d_PUBKEY(pki_evp(PKI_CA), &spki);
    enum cm_status st = CM_OK;

    add(&tbs, p->version);
    add(&tbs, p->serial);
    add(&tbs, p->alg_inside);
    add(&tbs, p->issuer);
    add(&tbs, p->times);
    add(&tbs, p->subject);
    add(&tbs, p->spki.ptr != NULL ? p->spki : cm_span_make(spki, (size_t)spki_len));
    OPENSSL_free(spki);
    add(&list, p->exts);
    wrap(&seq, 0x30, &list);
    if (p->exts.ptr != NULL) {
        wrap(&tbs, 0xa3, &seq);
    }
    add(&tbs, p->behind_exts);
    wrap(&all, 0x30, &tbs);
    add(&all, p->alg);
    add(&sig, p->sig);
    wrap(&all, 0x03, &sig);
    add(&all, p->behind_sig);
    wrap(&cert, 0x30, &all);
    add(&cert, p->behind);
    memset(c, 0, sizeof(*c));
    c->der = malloc(cert.len);
    if (c->der == NULL) {
        return CM_ERR_NOMEM;
    }
    memcpy(c->der, cert.b, cert.len);
    c->der_len = cert.len;
    st = cm_cert_parse(c);
    cm_pubkey_free(c->key);
    free(c->der);
    return st;
}

static void cert_at(int line, const struct cert_parts *p, enum cm_status want)
{
    struct cm_cert c;
    enum cm_status st = parse_cert(p, &c);

    if (st != want) {
        TEST_FAIL("line %d: %s", line, cm_status_str(st));
    }
}

/* one part replaced */
#define CERT(part, text, want)               \
    do {                                     \
        struct cert_parts p = good_cert;     \
        const struct cm_span with = B(text); \
        p.part = with;                       \
        cert_at(__LINE__, &p, want);         \
    } while (0)

TEST(the_template_is_good)
{
    struct cm_cert c;

    CHECK_EQ(parse_cert(&good_cert, &c), CM_OK);
    CHECK(c.has_constraints && !c.ca && c.has_usage && c.usage == 0x80 && !c.unknown_critical);
    CHECK(c.aki.len == 0 && c.ski.len == 0 && !c.has_pathlen && c.cn.len == 2);
    CHECK_EQ(c.period.not_after - c.period.not_before, 3653u * 86400u);
    CHECK_EQ(c.outer.signature[31], 1);
    CHECK_EQ(c.outer.signature[63], 1);
}

TEST(version_and_serial_number)
{
    CERT(version, "\xa0\x03\x02\x01\x01", CM_ERR_FORMAT);
    CERT(version, "\xa0\x03\x02\x01\x03", CM_ERR_FORMAT);
    CERT(version, "", CM_ERR_FORMAT);
    CERT(version, "\xa0\x04\x02\x01\x02\x00", CM_ERR_FORMAT);
    CERT(serial, "\x02\x00", CM_ERR_FORMAT);
    CERT(serial,
         "\x02\x15"
         "0123456789abcdefghijk",
         CM_OK);
    CERT(serial,
         "\x02\x16"
         "0123456789abcdefghijkl",
         CM_ERR_FORMAT);
    CERT(serial, "\x04\x01\x05", CM_ERR_FORMAT);
    CERT(serial, "\x02\x02\x00\x85", CM_OK);
    CERT(serial, "\x02\x02\x00\x05", CM_ERR_FORMAT); /* a second form of 5 */
}

TEST(algorithms_inside_and_outside)
{
    /* ecdsa-with-SHA384 */
    CERT(alg_inside, "\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x03", CM_ERR_FORMAT);
    CERT(alg, "\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x03", CM_ERR_UNSUPPORTED);
    CERT(alg, "\x30\x0c\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02\x05\x00", CM_ERR_UNSUPPORTED);
    CERT(alg_inside, "\x30\x0c\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02\x05\x00", CM_ERR_FORMAT);
    CERT(alg, "", CM_ERR_FORMAT);
}

TEST(signatures_have_one_form)
{
    CERT(sig, "\x00\x30\x06\x02\x01\x01\x02\x01\x00", CM_ERR_FORMAT); /* zero */
    CERT(sig, "\x00\x30\x06\x02\x01\x00\x02\x01\x01", CM_ERR_FORMAT);
    CERT(sig, "\x00\x30\x06\x02\x01\x81\x02\x01\x01", CM_ERR_FORMAT); /* negative */
    CERT(sig, "\x00\x30\x07\x02\x02\x00\x81\x02\x01\x01", CM_OK);
    CERT(sig, "\x00\x30\x07\x02\x02\x00\x71\x02\x01\x01", CM_ERR_FORMAT); /* not minimal */
    CERT(sig, "\x00\x30\x05\x02\x00\x02\x01\x01", CM_ERR_FORMAT);
    CERT(sig, "\x00\x30\x03\x02\x01\x01", CM_ERR_FORMAT); /* no s */
    CERT(sig, "\x00\x30\x09\x02\x01\x01\x02\x01\x01\x02\x01\x01", CM_ERR_FORMAT);
    CERT(sig, "\x00\x30\x06\x02\x01\x01\x02\x01\x01\x00", CM_ERR_FORMAT);
    CERT(sig, "\x01\x30\x06\x02\x01\x01\x02\x01\x01", CM_ERR_FORMAT); /* an unused bit */
    CERT(sig, "\x00", CM_ERR_FORMAT);
    CERT(sig, "", CM_ERR_FORMAT);
    CERT(sig,
         "\x00\x30\x25\x02\x20"
         "0123456789abcdef0123456789abcdef"
         "\x02\x01\x01",
         CM_OK);
    CERT(sig,
         "\x00\x30\x26\x02\x21"
         "0123456789abcdef0123456789abcdefg"
         "\x02\x01\x01",
         CM_ERR_FORMAT);
    CERT(behind_sig, "\x05\x00", CM_ERR_FORMAT);
    CERT(behind, "\x00", CM_ERR_FORMAT);
}

TEST(names_are_plain)
{
    CERT(subject, "\x30\x00", CM_OK); /* no name at all: no place in a chain has it */
    CERT(subject,
         "\x30\x0d\x32\x0b\x30\x09\x06\x03\x55\x04\x03\x0c\x02"
         "CA",
         CM_ERR_FORMAT);
    CERT(issuer,
         "\x30\x0d\x32\x0b\x30\x09\x06\x03\x55\x04\x03\x0c\x02"
         "CA",
         CM_ERR_FORMAT);
    CERT(subject,
         "\x30\x0d\x31\x0b\x30\x09\x06\x03\x55\x04\x03\x0c\x02"
         "C\x1b",
         CM_ERR_FORMAT);
    CERT(subject,
         "\x30\x0d\x31\x0b\x30\x09\x06\x03\x55\x04\x03\x0c\x02"
         "C\x7f",
         CM_ERR_FORMAT);
    CERT(subject,
         "\x30\x0d\x31\x0b\x30\x09\x06\x03\x55\x04\x03\x0c\x02"
         "C\0",
         CM_ERR_FORMAT);
    CERT(subject,
         "\x30\x0d\x31\x0b\x30\x09\x06\x03\x55\x04\x03\x13\x02"
         "CA",
         CM_OK);
    CERT(subject,
         "\x30\x0d\x31\x0b\x30\x09\x06\x03\x55\x04\x03\x16\x02"
         "CA",
         CM_OK);
    CERT(subject,
         "\x30\x0d\x31\x0b\x30\x09\x06\x03\x55\x04\x03\x1e\x02"
         "CA",
         CM_ERR_FORMAT);
    CERT(subject, "\x30\x0b\x31\x09\x30\x07\x06\x03\x55\x04\x03\x0c\x00", CM_ERR_FORMAT);
    CERT(subject,
         "\x30\x0a\x31\x08\x30\x06\x06\x00\x0c\x02"
         "CA",
         CM_ERR_FORMAT);
    CERT(subject,
         "\x30\x0f\x31\x0d\x30\x0b\x06\x03\x55\x04\x03\x0c\x02"
         "CA\x05\x00",
         CM_ERR_FORMAT);
    /* two names in one place */
    CERT(subject,
         "\x30\x18\x31\x16\x30\x09\x06\x03\x55\x04\x03\x0c\x02"
         "CA"
         "\x30\x09\x06\x03\x55\x04\x03\x0c\x02"
         "CA",
         CM_ERR_FORMAT);
    CERT(subject,
         "\x30\x0e\x31\x0b\x30\x09\x06\x03\x55\x04\x03\x0c\x02"
         "CA"
         "\x00",
         CM_ERR_FORMAT);
}

/* two common names are none: neither may give the certificate its place */
TEST(several_common_names_are_none)
{
    struct cert_parts p = good_cert;
    const struct cm_span two = B("\x30\x1a\x31\x0b\x30\x09\x06\x03\x55\x04\x03\x0c\x02"
                                 "CA"
                                 "\x31\x0b\x30\x09\x06\x03\x55\x04\x03\x0c\x02"
                                 "CA");
    /* 2.5.4.3.1 only begins like a common name */
    const struct cm_span longer = B("\x30\x0e\x31\x0c\x30\x0a\x06\x04\x55\x04\x03\x01\x0c\x02"
                                    "CA");
    struct cm_cert c;

    p.subject = longer;
    CHECK_EQ(parse_cert(&p, &c), CM_OK);
    CHECK_EQ(c.cn.len, 0);
    p.subject = two;
    CHECK_EQ(parse_cert(&p, &c), CM_OK);
    CHECK_EQ(c.cn.len, 0);
}

TEST(times_of_certificates)
{
    CERT(times,
         "\x30\x0f\x17\x0d"
         "230101000000Z",
         CM_ERR_FORMAT);
    CERT(times,
         "\x30\x1e\x17\x0d"
         "230101000000Z"
         "\x17\x0d"
         "331301000000Z",
         CM_ERR_FORMAT);
    CERT(times,
         "\x30\x1e\x17\x0d"
         "231301000000Z"
         "\x17\x0d"
         "330101000000Z",
         CM_ERR_FORMAT);
    CERT(times,
         "\x30\x20\x17\x0d"
         "230101000000Z"
         "\x18\x0f"
         "20530101000000Z",
         CM_OK);
    CERT(times,
         "\x30\x1e\x17\x0d"
         "230101000000Z"
         "\x18\x0d"
         "330101000000Z",
         CM_ERR_FORMAT);
    CERT(times,
         "\x30\x1e\x16\x0d"
         "230101000000Z"
         "\x17\x0d"
         "330101000000Z",
         CM_ERR_FORMAT);
    CERT(times,
         "\x30\x20\x17\x0d"
         "230101000000Z"
         "\x17\x0d"
         "330101000000Z"
         "\x05\x00",
         CM_ERR_FORMAT);
}

TEST(keys_are_on_P256)
{
    unsigned char *spki = NULL;
    int len = i2d_PUBKEY(pki_evp(PKI_CA), &spki);
    struct cert_parts p = good_cert;

    REQUIRE(len == CM_SPKI_P256_SIZE);
    p.spki = cm_span_make(spki, (size_t)len);
    cert_at(__LINE__, &p, CM_OK);
    spki[len - 1] ^= 1; /* not on the curve */
    cert_at(__LINE__, &p, CM_ERR_FORMAT);
    spki[len - 1] ^= 1;
    spki[26] = 2; /* a compressed point's mark */
    cert_at(__LINE__, &p, CM_ERR_UNSUPPORTED);
    spki[26] = 4;
    spki[22] ^= 1; /* another curve */
    cert_at(__LINE__, &p, CM_ERR_UNSUPPORTED);
    spki[22] ^= 1;
    p.spki = cm_span_make("\x30\x00", 2);
    cert_at(__LINE__, &p, CM_ERR_UNSUPPORTED);
    OPENSSL_free(spki);
}

/* the same bits as a negative number are no key: one key has one form */
TEST(negative_numbers_of_an_rsa_key)
{
    static const size_t lengths[] = {3, 22, 27, 31}; /* low bytes, from the outermost to n's */
    uint8_t spki[512] = {0};
    unsigned char *at = spki;
    EVP_PKEY *rsa = EVP_RSA_gen(2048);
    struct cm_pubkey *key = NULL;

    REQUIRE(i2d_PUBKEY(rsa, NULL) == 294);
    REQUIRE(i2d_PUBKEY(rsa, &at) == 294);
    EVP_PKEY_free(rsa);
    CHECK_EQ(cm_x509_key(cm_span_make(spki, 294), &key), CM_OK);
    cm_pubkey_free(key);
    spki[291] = 0x81; /* the exponent's first byte */
    CHECK_EQ(cm_x509_key(cm_span_make(spki, 294), &key), CM_ERR_FORMAT);
    spki[291] = 1;
    memmove(spki + 32, spki + 33, 294 - 33); /* the modulus without its sign byte */
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        spki[lengths[i]]--;
    }
    CHECK_EQ(cm_x509_key(cm_span_make(spki, 293), &key), CM_ERR_FORMAT);
}

TEST(extensions_are_well_formed)
{
    CERT(exts, "", CM_ERR_FORMAT); /* a list of none */
    CERT(exts, USAGE, CM_OK);
    CERT(exts, USAGE USAGE, CM_ERR_FORMAT);
    CERT(exts, USAGE BASIC USAGE, CM_ERR_FORMAT);
    CERT(exts, "\x30\x0e\x06\x03\x55\x1d\x0f\x01\x01\x00\x04\x04\x03\x02\x07\x80", CM_ERR_FORMAT);
    CERT(exts, "\x30\x0e\x06\x03\x55\x1d\x0f\x01\x01\x01\x04\x04\x03\x02\x07\x80", CM_ERR_FORMAT);
    CERT(exts, "\x30\x0b\x06\x03\x55\x1d\x0f\x04\x04\x03\x02\x07\x80", CM_OK);
    CERT(exts, "\x30\x0b\x06\x03\x55\x1d\x0f\x03\x04\x03\x02\x07\x80", CM_ERR_FORMAT);
    CERT(exts, "\x30\x0d\x06\x03\x55\x1d\x0f\x04\x04\x03\x02\x07\x80\x05\x00", CM_ERR_FORMAT);
    CERT(exts, "\x30\x04\x06\x00\x04\x00", CM_ERR_FORMAT); /* no OID */
    CERT(exts, "\x30\x05\x06\x03\x55\x1d\x0f", CM_ERR_FORMAT);
    CERT(exts, USAGE "\x00", CM_ERR_FORMAT);
    CERT(behind_exts, "\x05\x00", CM_ERR_FORMAT);
}

/* at most 32; these are 2.5.29.64 and up, which nobody knows */
TEST(extensions_are_limited)
{
    for (size_t n = 31; n <= 34; n++) {
        struct cert_parts p = good_cert;
        struct out o = {{0}, 0};

        for (size_t i = 0; i < n; i++) {
            uint8_t e[] = {0x30, 0x07, 0x06, 0x03, 0x55, 0x1d, (uint8_t)(0x40 + i), 0x04, 0x00};

            add(&o, cm_span_make(e, sizeof(e)));
        }
        p.exts = cm_span_make(o.b, o.len);
        cert_at(__LINE__, &p, n <= 32 ? CM_OK : CM_ERR_FORMAT);
    }
}

TEST(key_usage_forms)
{
    CERT(exts, "\x30\x0b\x06\x03\x55\x1d\x0f\x04\x04\x03\x02\x08\x80", CM_ERR_FORMAT);
    CERT(exts, "\x30\x0b\x06\x03\x55\x1d\x0f\x04\x04\x03\x02\x07\x81",
         CM_ERR_FORMAT); /* unused, set */
    CERT(exts, "\x30\x0c\x06\x03\x55\x1d\x0f\x04\x05\x03\x03\x07\x80\x80",
         CM_OK); /* decipherOnly */
    CERT(exts, "\x30\x0d\x06\x03\x55\x1d\x0f\x04\x06\x03\x04\x07\x80\x80\x80", CM_ERR_FORMAT);
    CERT(exts, "\x30\x0a\x06\x03\x55\x1d\x0f\x04\x03\x03\x01\x00", CM_ERR_FORMAT);
    CERT(exts, "\x30\x09\x06\x03\x55\x1d\x0f\x04\x02\x03\x00", CM_ERR_FORMAT);
    CERT(exts, "\x30\x0d\x06\x03\x55\x1d\x0f\x04\x06\x03\x02\x07\x80\x05\x00", CM_ERR_FORMAT);
    CERT(exts, "\x30\x0b\x06\x03\x55\x1d\x0f\x04\x04\x03\x02\x08\x00", CM_ERR_FORMAT);
}

TEST(basic_constraints_forms)
{
    CERT(exts, "\x30\x0c\x06\x03\x55\x1d\x13\x04\x05\x30\x03\x01\x01\xff", CM_OK);
    CERT(exts, "\x30\x0c\x06\x03\x55\x1d\x13\x04\x05\x30\x03\x01\x01\x00",
         CM_ERR_FORMAT); /* default */
    CERT(exts, "\x30\x0f\x06\x03\x55\x1d\x13\x04\x08\x30\x06\x01\x01\xff\x02\x01\x00", CM_OK);
    CERT(exts, "\x30\x0c\x06\x03\x55\x1d\x13\x04\x05\x30\x03\x02\x01\x00",
         CM_ERR_FORMAT); /* no CA */
    CERT(exts, "\x30\x10\x06\x03\x55\x1d\x13\x04\x09\x30\x07\x01\x01\xff\x02\x02\x01\x00",
         CM_ERR_FORMAT); /* 256 */
    CERT(exts, "\x30\x0e\x06\x03\x55\x1d\x13\x04\x07\x30\x05\x01\x01\xff\x05\x00", CM_ERR_FORMAT);
    CERT(exts, "\x30\x0b\x06\x03\x55\x1d\x13\x04\x04\x30\x00\x05\x00", CM_ERR_FORMAT);
    CERT(exts, "\x30\x07\x06\x03\x55\x1d\x13\x04\x00", CM_ERR_FORMAT);
}

TEST(key_identifier_forms)
{
    CERT(exts, "\x30\x0a\x06\x03\x55\x1d\x0e\x04\x03\x04\x01\x07", CM_OK);
    CERT(exts, "\x30\x09\x06\x03\x55\x1d\x0e\x04\x02\x04\x00", CM_ERR_FORMAT); /* empty (H4) */
    CERT(exts, "\x30\x0c\x06\x03\x55\x1d\x0e\x04\x05\x04\x01\x07\x05\x00", CM_ERR_FORMAT);
    CERT(exts, "\x30\x0a\x06\x03\x55\x1d\x0e\x04\x03\x03\x01\x07", CM_ERR_FORMAT);
    CERT(exts, "\x30\x0c\x06\x03\x55\x1d\x23\x04\x05\x30\x03\x80\x01\x07", CM_OK);
    CERT(exts, "\x30\x0b\x06\x03\x55\x1d\x23\x04\x04\x30\x02\x80\x00", CM_ERR_FORMAT);
    CERT(exts, "\x30\x0c\x06\x03\x55\x1d\x23\x04\x05\x30\x03\x82\x01\x07", CM_ERR_FORMAT);
    CERT(exts, "\x30\x0f\x06\x03\x55\x1d\x23\x04\x08\x30\x06\x80\x01\x07\x82\x01\x07",
         CM_ERR_FORMAT);
    CERT(exts, "\x30\x09\x06\x03\x55\x1d\x23\x04\x02\x30\x00", CM_OK); /* names none */
    CERT(exts, "\x30\x0e\x06\x03\x55\x1d\x23\x04\x07\x30\x03\x80\x01\x07\x05\x00", CM_ERR_FORMAT);
    CERT(exts, "\x30\x0c\x06\x03\x55\x1d\x23\x04\x05\x30\x03\x80\x05\x07", CM_ERR_FORMAT);
}

TEST(only_constraints_and_usage_may_be_critical)
{
    struct cert_parts p = good_cert;
    const struct cm_span ski = B("\x30\x0d\x06\x03\x55\x1d\x0e\x01\x01\xff\x04\x03\x04\x01\x07");
    const struct cm_span longer = B("\x30\x0b\x06\x04\x55\x1d\x13\x01\x01\x01\xff\x04\x00");
    struct cm_cert c;

    CHECK(parse_cert(&p, &c) == CM_OK && !c.unknown_critical);
    p.exts = ski;
    CHECK(parse_cert(&p, &c) == CM_OK && c.unknown_critical);
    p.exts = longer; /* begins like basicConstraints */
    CHECK(parse_cert(&p, &c) == CM_OK && c.unknown_critical);
}

TEST_MAIN
