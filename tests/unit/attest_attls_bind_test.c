/* What ties evidence to a TLS connection, and the two messages (rows I1, I2, I3). */
#include "harness.h"

#include "attest/attls_bind.h"

static struct cm_attls client(void)
{
    struct cm_attls a;

    memset(&a, 0, sizeof(a));
    a.role = CM_ATTLS_CLIENT;
    memset(a.exporter, 1, sizeof(a.exporter));
    memset(a.service, 2, sizeof(a.service));
    memset(a.own_key, 3, sizeof(a.own_key));
    memset(a.peer_key, 4, sizeof(a.peer_key));
    memset(a.nonce, 5, sizeof(a.nonce));
    a.open = true;
    return a;
}

static struct cm_attls server(void)
{
    struct cm_attls a = client();

    a.role = CM_ATTLS_SERVER;
    memset(a.own_key, 4, sizeof(a.own_key));
    memset(a.peer_key, 3, sizeof(a.peer_key));
    memset(a.nonce, 6, sizeof(a.nonce));
    return a;
}

TEST(I1_binding_depends_on_each_part)
{
    struct cm_attls base = client();
    uint8_t first[32];
    uint8_t other[32];

    CHECK_EQ(cm_attls_binding(&base, CM_ATTLS_SERVER, base.peer_key, base.nonce, first), CM_OK);
    for (int part = 0; part < 5; part++) {
        for (size_t byte = 0; byte < 32; byte++) {
            struct cm_attls a = client();
            enum cm_attls_role role = part == 4 ? CM_ATTLS_CLIENT : CM_ATTLS_SERVER;
            uint8_t *const parts[] = {a.exporter, a.service, a.peer_key, a.nonce};

            if (part < 4) {
                parts[part][byte] ^= 1;
            }
            CHECK_EQ(cm_attls_binding(&a, role, a.peer_key, a.nonce, other), CM_OK);
            CHECK(memcmp(first, other, sizeof(first)) != 0);
        }
    }
}

TEST(I1_both_ends_compute_the_same)
{
    struct cm_attls c = client();
    struct cm_attls s = server();
    uint8_t a[32];
    uint8_t b[32];

    CHECK_EQ(cm_attls_binding(&c, CM_ATTLS_SERVER, c.peer_key, c.nonce, a), CM_OK);
    CHECK_EQ(cm_attls_binding(&s, CM_ATTLS_SERVER, s.own_key, c.nonce, b), CM_OK);
    CHECK_MEM(a, b, sizeof(a));
}

TEST(I2_challenges)
{
    struct cm_attls c = client();
    struct cm_attls s = server();
    uint8_t m[CM_ATTLS_CHALLENGE_SIZE + 1] = {0};
    uint8_t nonce[32];
    uint8_t key[32];
    struct cm_span in = cm_span_make(m, CM_ATTLS_CHALLENGE_SIZE);

    CHECK_EQ(cm_attls_challenge_write(&c, m), CM_OK);
    CHECK_EQ(cm_attls_challenge_read(&s, in, nonce, key, NULL), CM_OK);
    CHECK_MEM(nonce, c.nonce, sizeof(nonce));
    CHECK_MEM(key, s.own_key, sizeof(key));
    /* one's own challenge sent back, even if it names one's own key */
    memcpy(m + 40, c.own_key, 32);
    CHECK_EQ(cm_attls_challenge_read(&c, in, nonce, key, NULL), CM_ERR_MISMATCH);
    /* another key is seen than is there: somebody is in between */
    CHECK_EQ(cm_attls_challenge_write(&c, m), CM_OK);
    m[71] ^= 1;
    CHECK_EQ(cm_attls_challenge_read(&s, in, nonce, key, NULL), CM_ERR_MISMATCH);
    /* only a client may have shown no certificate */
    memset(m + 40, 0, 32);
    CHECK_EQ(cm_attls_challenge_read(&s, in, nonce, key, NULL), CM_ERR_MISMATCH);
    CHECK_EQ(cm_attls_challenge_write(&s, m), CM_OK);
    memset(m + 40, 0, 32);
    CHECK_EQ(cm_attls_challenge_read(&c, in, nonce, key, NULL), CM_OK);
    CHECK(key[0] == 0 && key[31] == 0);
    for (size_t n = 0; n <= sizeof(m); n++) {
        CHECK_EQ(cm_attls_challenge_read(&c, cm_span_make(m, n), nonce, key, NULL),
                 n == CM_ATTLS_CHALLENGE_SIZE ? CM_OK : CM_ERR_FORMAT);
    }
    for (size_t bit = 0; bit < 64; bit++) {
        m[bit / 8] ^= (uint8_t)(1u << bit % 8);
        CHECK_EQ(cm_attls_challenge_read(&c, in, nonce, key, NULL), CM_ERR_FORMAT);
        m[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

TEST(answers)
{
    static const uint8_t bytes[40] = "evidence and endorsements";
    uint8_t m[CM_ATTLS_ANSWER_HEADER + sizeof(bytes) + 1] = {0};
    struct cm_attls_answer a = {CM_ATTLS_SERVER, cm_span_make(bytes, 30), cm_span_make(bytes, 10)};
    struct cm_attls_answer got;
    const size_t whole = CM_ATTLS_ANSWER_HEADER + 40;
    uint8_t *big = NULL;

    CHECK_EQ(cm_attls_answer_write(&a, m), CM_OK);
    CHECK_EQ(cm_attls_answer_read(cm_span_make(m, whole), &got), CM_OK);
    CHECK(got.role == CM_ATTLS_SERVER && got.evidence.len == 30 && got.endorsements.len == 10);
    for (size_t n = 0; n <= sizeof(m); n++) {
        CHECK_EQ(cm_attls_answer_read(cm_span_make(m, n), &got),
                 n == whole ? CM_OK : CM_ERR_FORMAT);
        CHECK(n == whole || got.evidence.ptr == NULL);
    }
    for (size_t bit = 0; bit < CM_ATTLS_ANSWER_HEADER * 8; bit++) {
        enum cm_status st = CM_OK;

        m[bit / 8] ^= (uint8_t)(1u << bit % 8);
        st = cm_attls_answer_read(cm_span_make(m, whole), &got);
        CHECK(st == CM_ERR_FORMAT || (bit / 8 == 8 && got.role == CM_ATTLS_CLIENT));
        m[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    a.evidence.len = 0;
    CHECK_EQ(cm_attls_answer_write(&a, m), CM_OK);
    CHECK_EQ(cm_attls_answer_read(cm_span_make(m, CM_ATTLS_ANSWER_HEADER + 10), &got),
             CM_ERR_FORMAT);
    a.evidence.len = CM_ATTLS_MAX_ANSWER;
    CHECK_EQ(cm_attls_answer_write(&a, m), CM_ERR_LIMIT);
    a.evidence.len = SIZE_MAX;
    CHECK_EQ(cm_attls_answer_write(&a, m), CM_ERR_LIMIT);
    big = calloc(1, CM_ATTLS_MAX_ANSWER + 1);
    REQUIRE(big != NULL);
    CHECK_EQ(cm_attls_answer_read(cm_span_make(big, CM_ATTLS_MAX_ANSWER + 1), &got), CM_ERR_LIMIT);
    free(big);
}

TEST_MAIN
