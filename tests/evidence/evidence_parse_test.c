/* The small parsers by themselves: DER, times, PEM and revocation lists. */
#include "expect.h"

#include "evidence/certs.h"
#include "evidence/der.h"
#include "evidence/timefmt.h"
#include "token/base64.h"

static struct cm_rd over(const char *bytes, size_t len)
{
    return cm_rd_init(cm_span_make(bytes, len));
}

TEST(DER_lengths_are_minimal_and_definite)
{
    static const struct {
        const char *bytes;
        size_t len;
        bool good;
    } cases[] = {
        {"\x04\x00", 2, true},
        {"\x04\x01x", 3, true},
        {"\x04\x01", 2, false},          /* too short */
        {"\x05\x01x", 3, false},         /* another tag */
        {"\x04\x81\x01x", 4, false},     /* the short form was due */
        {"\x04\x82\x00\x01x", 5, false}, /* idem */
        {"\x04\x83\x00\x00\x01x", 6, false},
        {"\x04\x84\x00\x00\x00\x01x", 7, false},
        {"\x04\x80x\x00\x00", 5, false}, /* indefinite */
        {"\x04\xffx", 3, false},
        {"\x04", 1, false},
        {"", 0, false},
    };
    static const struct {
        const char *head;
        size_t head_len;
        size_t len; /* of the content */
        bool good;
    } longer[] = {
        {"\x04\x81\x80", 3, 128, true},
        {"\x04\x81\x7f", 3, 127, false},
        {"\x04\x82\x01\x00", 4, 256, true},
        {"\x04\x82\x00\xff", 4, 255, false},
        {"\x04\x83\x01\x00\x00", 5, 65536, true},
        {"\x04\x83\x00\xff\xff", 5, 65535, false},
        {"\x05\x81\x80", 3, 128, false}, /* another tag, whatever the length's form is */
        {"\x05\x82\x01\x00", 4, 256, false},
        {"\x05\x83\x01\x00\x00", 5, 65536, false},
        {"\x04\x80", 2, 128, false}, /* no length that any number could be read from */
        {"\x04\x84", 2, 132, false},
        {"\x04\xff", 2, 255, false},
    };
    static char big[70000];
    struct cm_rd rd = {0};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        rd = over(cases[i].bytes, cases[i].len);
        (void)cm_der_take(&rd, 0x04);
        CHECK_EQ(rd.bad, !cases[i].good);
    }
    for (size_t i = 0; i < sizeof(longer) / sizeof(longer[0]); i++) {
        memset(big, 0, sizeof(big));
        memcpy(big, longer[i].head, longer[i].head_len);
        rd = over(big, longer[i].head_len + longer[i].len);
        CHECK_EQ(cm_der_take(&rd, 0x04).len, longer[i].good ? longer[i].len : 0);
        CHECK_EQ(rd.bad, !longer[i].good);
    }
}

TEST(DER_numbers_and_booleans)
{
    static const struct {
        const char *bytes;
        size_t len;
        long long value; /* -1: refused */
    } cases[] = {
        {"\x02\x01\x00", 3, 0},
        {"\x02\x01\x7f", 3, 127},
        {"\x02\x02\x00\x80", 4, 128},
        {"\x02\x02\x03\xe8", 4, 1000},
        {"\x02\x02\x03\xe9", 4, -1}, /* beyond the limit asked for */
        {"\x02\x02\x01\x00", 4, 256},
        {"\x02\x09\x01\x00\x00\x00\x00\x00\x00\x00\x00", 11, -1}, /* 2 to the 64th */
        {"\x02\x01\x80", 3, -1},                                  /* negative */
        {"\x02\x02\x00\x7f", 4, -1},                              /* not minimal */
        {"\x02\x00", 2, -1},
        {"\x02\x09\x00\xff\xff\xff\xff\xff\xff\xff\xff", 11, -1},
        {"\x0a\x01\x00", 3, -1},
    };
    struct cm_rd rd = {0};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint64_t v = 0;

        rd = over(cases[i].bytes, cases[i].len);
        v = cm_der_uint(&rd, CM_DER_INTEGER, 1000);
        CHECK_EQ(rd.bad, cases[i].value < 0);
        CHECK_EQ(v, cases[i].value < 0 ? 0 : cases[i].value);
    }
    rd = over("\x01\x01\xff\x01\x01\x00\x01\x01\x01", 9);
    CHECK(cm_der_bool(&rd));
    CHECK(!cm_der_bool(&rd) && !rd.bad);
    CHECK(!cm_der_bool(&rd) && rd.bad); /* TRUE is FF */
    rd = over("\x01\x02\xff\xff", 4);
    CHECK(!cm_der_bool(&rd) && rd.bad);
}

/* a revoked serial number in a second form would not be found in the list */
TEST(H8_integers_have_one_form)
{
    static const struct {
        const char *bytes;
        size_t len;
        size_t good; /* bytes of content, 0: refused */
    } cases[] = {
        {"\x02\x01\x00", 3, 1},     {"\x02\x02\x00\x80", 4, 2}, {"\x02\x01\xff", 3, 1},
        {"\x02\x02\xff\x7f", 4, 2}, {"\x02\x02\x00\x01", 4, 0}, {"\x02\x02\xff\x80", 4, 0},
        {"\x02\x00", 2, 0},         {"\x03\x01\x00", 3, 0},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct cm_rd rd = over(cases[i].bytes, cases[i].len);

        CHECK_EQ(cm_der_integer(&rd).len, cases[i].good);
        CHECK_EQ(rd.bad, cases[i].good == 0);
    }
}

TEST(times)
{
    static const struct {
        const char *text;
        long long value;
    } cases[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"2000-02-29T23:59:59Z", 951868799},
        {"2023-11-14T22:13:20Z", 1700000000},
        {"2049-12-31T23:59:59Z", 2524607999},
        {"9999-12-31T23:59:59Z", 253402300799},
        {"1969-12-31T23:59:59Z", -1},
        {"2001-02-29T00:00:00Z", -1},
        {"2100-02-29T00:00:00Z", -1},
        {"2000-13-01T00:00:00Z", -1},
        {"2000-00-01T00:00:00Z", -1},
        {"2000-01-00T00:00:00Z", -1},
        {"2000-04-31T00:00:00Z", -1},
        {"2000-01-01T24:00:00Z", -1},
        {"2000-01-01T00:60:00Z", -1},
        {"2000-01-01T00:00:60Z", -1},
        {"2000-01-01t00:00:00Z", -1},
        {"2000-01-01T00:00:00z", -1},
        {"2000-01-01T00:00:00", -1},
        {"2000/01-01T00:00:00Z", -1},
        {"2000-01/01T00:00:00Z", -1},
        {"2000-01-01T00.00:00Z", -1},
        {"2000-01-01T00:00.00Z", -1},
        {"2000-01-01T00:00:00ZZ", -1},
        {"+200-01-01T00:00:00Z", -1},
        {"2000-1 -01T00:00:00Z", -1},
        {"2000-01-1 T00:00:00Z", -1},
        {"2000-01-01T1 :00:00Z", -1},
        {"2000-01-01T00:1 :00Z", -1},
        {"2000-01-01T00:00:1 Z", -1},
    };
    char text[24] = "";
    uint64_t t = 0;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        enum cm_status st = cm_time_parse(cm_span_make(cases[i].text, strlen(cases[i].text)), &t);

        CHECK_EQ(st, cases[i].value < 0 ? CM_ERR_FORMAT : CM_OK);
        if (cases[i].value >= 0) {
            CHECK_EQ(t, cases[i].value);
            cm_time_text(t, text);
            CHECK_STR(text, cases[i].text);
        }
    }
    cm_time_text(UINT64_MAX, text);
    CHECK_STR(text, "beyond the year 9999");
    CHECK(cm_time_parse_der(cm_span_make("491231235959Z", 13), true, &t) == CM_OK &&
          t == 2524607999u);
    CHECK(cm_time_parse_der(cm_span_make("500101000000Z", 13), true, &t) != CM_OK); /* 1950 */
    CHECK(cm_time_parse_der(cm_span_make("700101000000Z", 13), true, &t) == CM_OK && t == 0);
    CHECK(cm_time_parse_der(cm_span_make("20500101000000Z", 15), false, &t) == CM_OK &&
          t == 2524608000u);
    CHECK(cm_time_parse_der(cm_span_make("20500101000000Z", 15), true, &t) != CM_OK);
    CHECK(cm_time_parse_der(cm_span_make("491231235959Z", 13), false, &t) != CM_OK);
    CHECK(cm_time_parse_der(cm_span_make("4912312359590", 13), true, &t) != CM_OK);
    CHECK(cm_time_parse_der(cm_span_make("49123123595 Z", 13), true, &t) != CM_OK);
    CHECK(cm_time_parse_der(cm_span_make("491231235959ZZ", 14), true, &t) != CM_OK);
    CHECK(cm_time_parse_der(cm_span_make("4912312359590Z", 14), true, &t) != CM_OK);
    CHECK(cm_time_parse_der(cm_span_make("4x1231235959Z", 13), true, &t) != CM_OK);
    CHECK(cm_time_parse_der(cm_span_make("491331235959Z", 13), true, &t) != CM_OK);
}

TEST(DER_object_identifiers)
{
    static const struct {
        const char *bytes;
        size_t len;
        bool good;
    } cases[] = {
        {"\x06\x01\x55", 3, true},          {"\x06\x03\x55\x1d\x0f", 5, true},
        {"\x06\x02\x86\x48", 4, true},      {"\x06\x00", 2, false},
        {"\x06\x02\x55\x80", 4, false},     {"\x06\x02\x55\xff", 4, false}, /* unfinished */
        {"\x06\x03\x55\x80\x01", 5, false},                                 /* a leading zero */
        {"\x06\x03\x81\x80\x01", 5, true}, /* zeros inside are fine */
        {"\x04\x01\x55", 3, false},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct cm_rd rd = over(cases[i].bytes, cases[i].len);
        struct cm_span s = cm_der_oid(&rd);

        CHECK_EQ(rd.bad, !cases[i].good);
        CHECK_EQ(s.len, cases[i].good ? cases[i].len - 2 : 0);
    }
}

static struct cm_span bundle_chain(struct pki_bundle **b)
{
    struct pki_spec s;

    pki_defaults(&s, 3, 1);
    *b = pki_make(&s);
    return (*b)->col.tcb_info_chain;
}

static enum cm_status parse_pem(const char *text, size_t len)
{
    const struct cm_cert *chain[CM_CERTS_MAX_CHAIN] = {NULL};
    struct cm_certs *set = NULL;
    enum cm_status st = CM_OK;
    size_t count = 0;

    if (cm_certs_create(&set) != CM_OK) {
        return CM_ERR_NOMEM;
    }
    st = cm_certs_pem(set, cm_span_make(text, len), chain, &count);
    cm_certs_free(set);
    return st;
}

TEST(PEM_holds_certificates_and_nothing_else)
{
    struct pki_bundle *b = NULL;
    struct cm_span pem = bundle_chain(&b);
    char *text = malloc(5 * pem.len + 100);
    const char *first = (const char *)pem.ptr;
    size_t one = (size_t)(strstr(first + 1, "-----BEGIN") - first);

    REQUIRE(text != NULL);
    CHECK_EQ(parse_pem(first, pem.len), CM_OK);
    CHECK_EQ(parse_pem("", 0), CM_ERR_FORMAT);
    CHECK_EQ(parse_pem("\n", 1), CM_ERR_FORMAT);
    CHECK_EQ(parse_pem("hello", 5), CM_ERR_FORMAT);
    CHECK_EQ(parse_pem("-----BEGIN CERTIFICATE----------END CERTIFICATE-----", 52), CM_ERR_FORMAT);
    for (size_t n = 1; n < one - 1; n++) {
        char *exact = malloc(n);

        REQUIRE(exact != NULL);
        memcpy(exact, first, n);
        CHECK_EQ(parse_pem(exact, n), CM_ERR_FORMAT);
        free(exact);
    }
    memcpy(text, first, one + 1);
    text[one] = '\0';
    text[20] = 'X'; /* another label at the beginning, and at the end */
    CHECK_EQ(parse_pem(text, one), CM_ERR_FORMAT);
    memcpy(text, first, one);
    text[one - 10] = 'X';
    CHECK_EQ(parse_pem(text, one), CM_ERR_FORMAT);
    (void)snprintf(text, 5 * pem.len, "subject=x\n%s", first);
    CHECK_EQ(parse_pem(text, strlen(text)), CM_ERR_FORMAT); /* a printed heading */
    (void)snprintf(text, 5 * pem.len, "%s%s", first, "x");
    CHECK_EQ(parse_pem(text, strlen(text)), CM_ERR_FORMAT);
    (void)snprintf(text, 5 * pem.len, "%s%s\r\n\t ", first, first); /* four */
    CHECK_EQ(parse_pem(text, strlen(text)), CM_OK);
    (void)snprintf(text, 5 * pem.len, "%s%s%.*s", first, first, (int)one, first); /* five */
    CHECK_EQ(parse_pem(text, strlen(text)), CM_ERR_FORMAT);
    free(text);
    pki_free(b);
}

TEST(PEM_of_any_size_fits_or_is_refused)
{
    char *text = malloc(100000);

    REQUIRE(text != NULL);
    for (size_t n = 16380; n <= 16392; n += 4) { /* around the buffer's size, and far beyond */
        size_t len = (size_t)snprintf(text, 100, "-----BEGIN CERTIFICATE-----");
        size_t fill = n == 16392 ? 90000 : n;

        memset(text + len, 'A', fill);
        (void)snprintf(text + len + fill, 100, "-----END CERTIFICATE-----");
        CHECK_EQ(parse_pem(text, strlen(text)), CM_ERR_FORMAT);
    }
    free(text);
}

/* A certificate's PEM is that of the certificate alone, whole. */
TEST(a_certificate_is_its_own_PEM_only)
{
    struct pki_bundle *b = NULL;
    struct cm_span pem = bundle_chain(&b);
    const char *first = (const char *)pem.ptr;
    size_t one = (size_t)(strstr(first + 1, "-----BEGIN") - first);
    const struct cm_cert *chain[CM_CERTS_MAX_CHAIN] = {NULL};
    struct cm_certs *set = NULL;
    size_t count = 0;
    size_t len = 0;
    uint8_t der[2048];
    char text[4096] = "-----BEGIN CERTIFICATE-----\n";
    const char *body = first + strlen(text);

    REQUIRE(cm_certs_create(&set) == CM_OK);
    REQUIRE(cm_certs_pem(set, pem, chain, &count) == CM_OK && count == 2);
    CHECK(cm_cert_is_pem(chain[0], cm_span_make(first, one)));
    CHECK(!cm_cert_is_pem(chain[1], cm_span_make(first, one)));
    CHECK(!cm_cert_is_pem(chain[0], pem)); /* and another one */
    CHECK(!cm_cert_is_pem(chain[0], cm_span_make("", 0)));
    /* its first 30 bytes in valid PEM: three bytes are four characters, without line ends */
    (void)snprintf(text, sizeof(text),
                   "-----BEGIN CERTIFICATE-----\n%.40s\n-----END CERTIFICATE-----\n", body);
    CHECK(cm_base64_decode(cm_span_make(body, 40), der, sizeof(der), &len) == CM_OK && len == 30);
    CHECK(!cm_cert_is_pem(chain[0], cm_span_make(text, strlen(text))));
    cm_certs_free(set);
    pki_free(b);
}

/* Every bit of a certificate: whatever is still read as one no longer verifies. */
TEST(certificates_bit_by_bit)
{
    struct pki_spec s;
    struct pki_bundle *b = NULL;
    struct cm_verify_input in = {.now = PKI_NOW};

    pki_defaults(&s, 3, 1);
    b = pki_make(&s);
    for (int part = 0; part < 4; part++) {
        struct cm_span *parts[] = {&b->col.root_ca_crl, &b->col.pck_crl, &b->col.tcb_info_chain,
                                   &b->col.qe_identity_chain};
        uint8_t *p = (uint8_t *)(uintptr_t)parts[part]->ptr;
        size_t len = parts[part]->len;

        for (size_t bit = 0; bit < 8 * len; bit += part < 2 ? 3 : 41) {
            struct cm_evidence *ev = NULL;
            enum cm_status st = CM_OK;

            p[bit / 8] ^= (uint8_t)(1u << (bit % 8));
            st = verify_with(b, &in, ALL_STATUSES, NULL, &ev);
            p[bit / 8] ^= (uint8_t)(1u << (bit % 8));
            cm_evidence_free(ev);
            if (st == CM_OK && part < 2) { /* PEM's white space may change into other white space */
                TEST_FAIL("part %d, bit %zu of %zu: accepted", part, bit, 8 * len);
            }
        }
    }
    pki_free(b);
}

static enum cm_status parse_crl(const void *text, size_t len)
{
    struct cm_crl *crl = NULL;
    enum cm_status st = cm_crl_parse(cm_span_make(text, len), &crl);

    cm_crl_free(crl);
    return st;
}

TEST(revocation_list_forms)
{
    struct pki_spec s;
    struct pki_bundle *b = NULL;

    for (int form = 0; form < 3; form++) {
        pki_defaults(&s, 3, 1);
        s.pck_crl.form = form;
        s.pck_crl.revoked = 77;
        b = pki_make(&s);
        CHECK_EQ(parse_crl(b->col.pck_crl.ptr, b->col.pck_crl.len), CM_OK);
        for (size_t n = 0; n + (form == 1 ? 2 : 1) < b->col.pck_crl.len; n++) {
            uint8_t *exact = malloc(n == 0 ? 1 : n);

            REQUIRE(exact != NULL);
            memcpy(exact, b->col.pck_crl.ptr, n);
            CHECK_EQ(parse_crl(exact, n), CM_ERR_FORMAT);
            free(exact);
        }
        if (form != 1) { /* one byte more: pki keeps a NUL there, which text may end in */
            CHECK_EQ(parse_crl(b->col.pck_crl.ptr, b->col.pck_crl.len + 1),
                     form == 0 ? CM_ERR_FORMAT : CM_OK);
        }
        pki_free(b);
    }
    CHECK_EQ(parse_crl("zz", 2), CM_ERR_FORMAT);
    CHECK_EQ(parse_crl("303", 3), CM_ERR_FORMAT);
    CHECK_EQ(parse_crl("30", 2), CM_ERR_FORMAT);
    CHECK_EQ(parse_crl("-----BEGIN X509 CRL-----", 24), CM_ERR_FORMAT);
}

TEST_MAIN
