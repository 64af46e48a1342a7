/* Hashes by name: known answers, parts, numbers that are no hash. */
#include "harness.h"

#include "crypto/hash.h"

TEST(hashes_by_name)
{
    static const struct {
        const char *name;
        size_t size;
        const char *first; /* of the digest of "abc" (FIPS 180-4) */
    } rows[] = {
        {"sha1", 20, "\xa9\x99\x3e\x36"},
        {"sha256", 32, "\xba\x78\x16\xbf"},
        {"sha384", 48, "\xcb\x00\x75\x3f"},
        {"sha512", 64, "\xdd\xaf\x35\xa1"},
    };

    for (size_t i = 0; i < 4; i++) {
        enum cm_hash_alg alg = (enum cm_hash_alg)i;
        uint8_t out[CM_HASH_MAX_SIZE] = {0};
        uint8_t parts_out[CM_HASH_MAX_SIZE] = {0};
        const struct cm_span parts[] = {cm_span_make("a", 1), cm_span_make("", 0),
                                        cm_span_make("bc", 2)};

        CHECK_STR(cm_hash_name(alg), rows[i].name);
        CHECK_EQ(cm_hash_size(alg), rows[i].size);
        CHECK_EQ(cm_hash(alg, cm_span_make("abc", 3), out), CM_OK);
        CHECK_MEM(out, rows[i].first, 4);
        CHECK_EQ(cm_hash_parts(alg, parts, 3, parts_out), CM_OK);
        CHECK_MEM(out, parts_out, CM_HASH_MAX_SIZE);
    }
    CHECK(cm_hash_size((enum cm_hash_alg)4) == 0 && cm_hash_name((enum cm_hash_alg)4) == NULL);
}

TEST(one_object_makes_many_digests)
{
    for (size_t i = 0; i < 4; i++) {
        enum cm_hash_alg alg = (enum cm_hash_alg)i;
        const size_t size = cm_hash_size(alg);
        struct cm_hasher *h = NULL;
        uint8_t value[CM_HASH_MAX_SIZE] = {0};
        uint8_t want[CM_HASH_MAX_SIZE] = {0};

        REQUIRE(cm_hasher_create(alg, &h) == CM_OK);
        CHECK_EQ((int)cm_hasher_alg(h), (int)alg);
        CHECK_EQ(cm_hasher_update(h, cm_span_make("forgotten", 9)), CM_OK);
        for (int round = 0; round < 3; round++) { /* as a register is extended: in place */
            const struct cm_span parts[2] = {cm_span_make(value, size), cm_span_make("abc", 3)};
            const struct cm_span same[2] = {cm_span_make(want, size), cm_span_make("abc", 3)};
            uint8_t next[CM_HASH_MAX_SIZE] = {0};

            CHECK_EQ(cm_hash_parts(alg, same, 2, next), CM_OK);
            memcpy(want, next, size);
            CHECK_EQ(cm_hasher_parts(h, parts, 2, value), CM_OK);
            CHECK_MEM(value, want, size);
        }
        CHECK_EQ(cm_hasher_again(h), CM_OK);
        CHECK_EQ(cm_hasher_update(h, cm_span_make("abc", 3)), CM_OK);
        CHECK_EQ(cm_hasher_final(h, value), CM_OK);
        CHECK_EQ(cm_hash(alg, cm_span_make("abc", 3), want), CM_OK);
        CHECK_MEM(value, want, size);
        cm_hasher_free(h);
    }
}

TEST_MAIN
