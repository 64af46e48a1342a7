/* Quotes as bytes: row H10, what the quoting enclave vouches for, and certification data. */
#include "expect.h"

TEST(H10_quotes_are_exactly_their_bytes)
{
    static const size_t body_sizes[] = {0, 384, 584, 648, 885};
    static const unsigned kinds[][2] = {{3, 1}, {4, 1}, {4, 2}, {5, 1}, {5, 2}, {5, 3}, {5, 4}};

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        struct cm_verify_input in = {.now = PKI_NOW};
        struct cm_dcap_cache *cache = NULL;
        struct cm_evidence *ev = NULL;
        struct pki_spec s;
        struct pki_bundle *b = NULL;
        struct cm_span whole = {NULL, 0};
        size_t signed_len = 0;

        pki_defaults(&s, kinds[i][0], kinds[i][1]);
        b = pki_make(&s);
        whole = b->quote;
        REQUIRE(cm_dcap_cache_create(1, &cache) == CM_OK);
        CHECK_EQ(verify_with(b, &in, 0, cache, &ev), CM_OK);
        cm_evidence_free(ev);
        for (size_t n = 0; n < whole.len; n++) { /* every truncation */
            uint8_t *exact = malloc(n == 0 ? 1 : n);

            REQUIRE(exact != NULL);
            memcpy(exact, whole.ptr, n);
            b->quote = cm_span_make(exact, n);
            CHECK_EQ(verify_with(b, &in, 0, cache, &ev), CM_ERR_FORMAT);
            cm_evidence_free(ev);
            free(exact);
        }
        b->quote = cm_span_make(whole.ptr, whole.len + 1); /* the maker's buffer is larger */
        CHECK_EQ(verify_with(b, &in, 0, cache, &ev), CM_ERR_FORMAT);
        cm_evidence_free(ev);
        b->quote = whole;
        signed_len = (kinds[i][0] == 5 ? 54u : 48u) + body_sizes[kinds[i][1]];
        for (size_t bit = 0; bit < 8 * (signed_len + 4 + 128); bit += 5) { /* bits, one in five */
            uint8_t *q = (uint8_t *)b->owned[b->owned_count - 1];

            q[bit / 8] ^= (uint8_t)(1u << (bit % 8));
            CHECK(verify_with(b, &in, ALL_STATUSES, cache, &ev) != CM_OK);
            cm_evidence_free(ev);
            q[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        }
        cm_dcap_cache_free(cache);
        pki_free(b);
    }
}

TEST(H10_header_fields)
{
    EXPECT3(s.header[0] = 2, CM_ERR_UNSUPPORTED, NULL);
    EXPECT3(s.header[0] = 6, CM_ERR_UNSUPPORTED, NULL);
    EXPECT3(s.header[1] = 1, CM_ERR_UNSUPPORTED, NULL);
    EXPECT3(s.header[2] = 3, CM_ERR_UNSUPPORTED, NULL);
    EXPECT3(s.header[4] = 0x81, CM_ERR_UNSUPPORTED, NULL); /* TDX is not in version 3 */
    EXPECT3(s.header[7] = 0x01, CM_ERR_UNSUPPORTED, NULL);
    EXPECT3(s.header[12] ^= 1, CM_ERR_UNSUPPORTED, NULL);
    EXPECT3(s.header[27] ^= 1, CM_ERR_UNSUPPORTED, NULL);
    EXPECT3(s.header[28] = 9, CM_OK, "");
    EXPECT(4, 2, s.header[4] = 0x82, CM_ERR_UNSUPPORTED, NULL);
    EXPECT(5, 2, s.header[4] = 0, CM_ERR_FORMAT, NULL);    /* a TD's body in an SGX quote */
    EXPECT(5, 1, s.header[4] = 0x81, CM_ERR_FORMAT, NULL); /* the other way round */
}

/* One byte of a good quote changed, where no signature stands in the way. */
static void patched(int line, unsigned version, unsigned type, size_t at, uint8_t value,
                    enum cm_status want)
{
    struct cm_verify_input in = {.now = PKI_NOW};
    struct cm_evidence *ev = NULL;
    struct pki_spec s;
    struct pki_bundle *b = NULL;

    pki_defaults(&s, version, type);
    b = pki_make(&s);
    ((uint8_t *)b->owned[b->owned_count - 1])[at] = value;
    if (verify_with(b, &in, 0, NULL, &ev) != want || ev != NULL) {
        TEST_FAIL("line %d: accepted, or another status", line);
    }
    cm_evidence_free(ev);
    pki_free(b);
}

TEST(H10_lengths_and_types_inside)
{
    patched(__LINE__, 5, 2, 48, 5, CM_ERR_FORMAT); /* body type */
    patched(__LINE__, 5, 2, 48, 0, CM_ERR_FORMAT);
    patched(__LINE__, 5, 2, 49, 1, CM_ERR_FORMAT);
    patched(__LINE__, 5, 2, 50, 0, CM_ERR_FORMAT); /* body size */
    patched(__LINE__, 5, 2, 53, 1, CM_ERR_FORMAT);
    patched(__LINE__, 5, 2, 48, 3, CM_ERR_FORMAT);  /* the size of another type */
    patched(__LINE__, 3, 1, 432, 0, CM_ERR_FORMAT); /* signature data's length */
    patched(__LINE__, 3, 1, 435, 0xff, CM_ERR_FORMAT);
    patched(__LINE__, 4, 2, 764, 5, CM_ERR_UNSUPPORTED);  /* outer type */
    patched(__LINE__, 4, 2, 766, 0, CM_ERR_FORMAT);       /* its length */
    patched(__LINE__, 3, 1, 1012, 33, CM_ERR_FORMAT);     /* authentication data's length */
    patched(__LINE__, 3, 1, 1046, 0, CM_ERR_UNSUPPORTED); /* certification data's type */
    patched(__LINE__, 3, 1, 1046, 6, CM_ERR_UNSUPPORTED);
    patched(__LINE__, 3, 1, 1046, 7, CM_ERR_UNSUPPORTED);
    patched(__LINE__, 3, 1, 1048, 0, CM_ERR_FORMAT); /* its length */
    patched(__LINE__, 3, 1, 1051, 0xff, CM_ERR_FORMAT);
}

static void less_by_one(uint8_t *le32)
{
    for (size_t i = 0; i < 4 && le32[i]-- == 0; i++) { /* borrow from the next */
    }
}

/* The certification data is one byte shorter, inside and outside: its last byte is in neither. */
TEST(H10_no_slack_inside)
{
    struct cm_verify_input in = {.now = PKI_NOW};
    struct cm_evidence *ev = NULL;
    struct pki_spec s;
    struct pki_bundle *b = NULL;
    uint8_t *q = NULL;

    pki_defaults(&s, 4, 2);
    b = pki_make(&s);
    q = b->owned[b->owned_count - 1];
    less_by_one(q + 766);
    less_by_one(q + 770 + 384 + 64 + 2 + 32 + 2);
    CHECK_EQ(verify_with(b, &in, 0, NULL, &ev), CM_ERR_FORMAT);
    less_by_one(q + 632); /* now the byte is behind the quote */
    CHECK_EQ(verify_with(b, &in, 0, NULL, &ev), CM_ERR_FORMAT);
    b->quote.len--; /* and now it is gone: a newline that nobody signed */
    CHECK_EQ(verify_with(b, &in, 0, NULL, &ev), CM_OK);
    cm_evidence_free(ev);
    pki_free(b);
}

/* What a body appends is in the claims, whole. */
TEST(bodies_are_claimed_completely)
{
    static const unsigned types[] = {2, 3, 4};

    for (size_t i = 0; i < 3; i++) {
        struct cm_verify_input in = {.now = PKI_NOW};
        struct cm_evidence *ev = NULL;
        struct pki_spec s;
        struct pki_bundle *b = NULL;
        const struct cm_claim *c = NULL;

        pki_defaults(&s, 5, types[i]);
        s.body[884] = 0x5a;
        b = pki_make(&s);
        CHECK_EQ(verify_with(b, &in, 0, NULL, &ev), CM_OK);
        REQUIRE(ev != NULL);
        CHECK_EQ((cm_evidence_find(ev, 0, "tdx.mrservicetd", 0) != NULL), types[i] >= 3);
        c = cm_evidence_find(ev, 0, "tdx.extended", 0);
        CHECK_EQ((c != NULL), types[i] == 4);
        CHECK(c == NULL || (c->len == 237 && c->bytes[236] == 0x5a));
        cm_evidence_free(ev);
        pki_free(b);
    }
}

TEST(qe_vouches_for_the_attestation_key)
{
    EXPECT3(s.keep_report_data = true, CM_ERR_MISMATCH, "qe.binding");
    EXPECT3(s.qe_report[352] = 1, CM_ERR_MISMATCH, "qe.binding"); /* behind the hash: zero */
    EXPECT3(s.qe_report[383] = 1, CM_ERR_MISMATCH, "qe.binding");
    EXPECT3(s.qe_auth_len = 0, CM_OK, "");
}

TEST(certification_data_without_a_chain)
{
    for (unsigned type = 1; type <= 4; type++) {
        EXPECT3(s.cert_type = type, CM_ERR_UNSUPPORTED, "pck.source");
        EXPECT3(s.cert_type = type; s.give_chain = true, CM_OK, "");
        EXPECT(4, 2, s.cert_type = type; s.give_chain = true, CM_OK, "");
    }
    EXPECT3(s.give_chain = true, CM_OK, "");
    EXPECT3(s.give_chain = true; s.trailing_nul = true, CM_OK, "");
    /* the chain given is another platform's */
    EXPECT3(s.give_chain = true; s.pck_order = "lrc", CM_ERR_MISMATCH, "pck.source");
}

/* The chain given is the quote's and then these bytes, or the quote's without its last ones. */
static enum cm_status with_chain(const char *more, size_t more_len, size_t less)
{
    struct cm_verify_input in = {.now = PKI_NOW};
    struct cm_evidence *ev = NULL;
    struct pki_spec s;
    struct pki_bundle *b = NULL;
    uint8_t *given = NULL;
    enum cm_status st = CM_OK;

    pki_defaults(&s, 3, 1);
    b = pki_make(&s);
    given = malloc(b->pck_chain.len + more_len);
    CHECK(given != NULL);
    memcpy(given, b->pck_chain.ptr, b->pck_chain.len);
    if (more_len != 0) {
        memcpy(given + b->pck_chain.len, more, more_len);
    }
    b->col.pck_chain = cm_span_make(given, b->pck_chain.len + more_len - less);
    st = verify_with(b, &in, 0, NULL, &ev);
    CHECK_EQ(cm_evidence_result(ev, 0, "pck.source"), st == CM_OK ? CM_CHECK_PASS : CM_CHECK_FAIL);
    cm_evidence_free(ev);
    pki_free(b);
    free(given);
    return st;
}

TEST(the_chain_given_equals_the_quotes)
{
    static const char certificate[] = "-----BEGIN CERTIFICATE-----\nMAA=\n"
                                      "-----END CERTIFICATE-----\n";

    CHECK_EQ(with_chain("", 0, 0), CM_OK);
    CHECK_EQ(with_chain("\r\n \t\0\0", 6, 0), CM_OK);
    CHECK_EQ(with_chain("", 0, 1), CM_OK); /* its last newline */
    CHECK_EQ(with_chain("", 0, 2), CM_ERR_MISMATCH);
    CHECK_EQ(with_chain("x", 1, 0), CM_ERR_MISMATCH);
    CHECK_EQ(with_chain("\0x\n", 3, 0), CM_ERR_MISMATCH);
    CHECK_EQ(with_chain(certificate, sizeof(certificate) - 1, 0), CM_ERR_MISMATCH);
}

/* A bare leaf in the quote, and the chain of another platform of the same CA beside it. */
TEST(the_leaf_in_the_quote_is_the_one_given)
{
    struct cm_verify_input in = {.now = PKI_NOW};
    struct cm_evidence *ev = NULL;
    struct pki_spec s;
    struct pki_bundle *a = NULL;
    struct pki_bundle *b = NULL;

    pki_defaults(&s, 3, 1);
    s.cert_type = 4;
    s.give_chain = true;
    a = pki_make(&s);
    s.pck.serial++;
    b = pki_make(&s);
    b->col.pck_chain = a->col.pck_chain;
    CHECK_EQ(verify_with(b, &in, 0, NULL, &ev), CM_ERR_MISMATCH);
    CHECK_EQ(cm_evidence_result(ev, 0, "pck.source"), CM_CHECK_FAIL);
    cm_evidence_free(ev);
    pki_free(a);
    pki_free(b);
}

TEST_MAIN
