/* Certificates of every kind, chains to the caller's roots, revocation lists and the cache. */
#include <pthread.h>

#include "harness.h"

#include "certkit.h"
#include "common/try.h"
#include "evidence/cert_cache.h"
#include "evidence/chain.h"

#define SIZE 8192

/* root, two CAs, a leaf; what a test changes; how it is verified */
struct world {
    struct ck_cert root;
    struct ck_cert ca1;
    struct ck_cert ca2;
    struct ck_cert leaf;
    struct ck_crl crls[2];
    size_t crl_count;
    uint64_t now;
    const char *pool; /* letters of what is given beside the leaf: r, 1, 2; in this order */
    bool emulated;
    unsigned flags;
    bool other_family;
    const struct cm_span *handled;
    size_t handled_count;
    size_t max;
    bool any_leaf_use;
    int pin; /* whose key is the root: 0 the root's, 1 ca1's, 2 the leaf's */
    struct cm_cert_cache *cache;
    size_t flip; /* 1 + the leaf's byte to flip; 0: none */
};

static void world_init(struct world *w, const char *kind)
{
    memset(w, 0, sizeof(*w));
    w->root = (struct ck_cert){.subject = "root", .issuer = "root", .ca = true, .serial = 1};
    w->ca1 = (struct ck_cert){.subject = "ca1", .issuer = "root", .ca = true, .serial = 2};
    w->ca2 = (struct ck_cert){.subject = "ca2", .issuer = "ca1", .ca = true, .serial = 3};
    w->leaf = (struct ck_cert){.subject = "leaf", .issuer = "ca2", .serial = 4};
    w->root.usage = "critical,keyCertSign,cRLSign";
    w->ca1.usage = w->root.usage;
    w->ca2.usage = w->root.usage;
    w->leaf.usage = "critical,digitalSignature";
    w->root.key = ck_key(kind, 0);
    w->ca1.key = ck_key(kind, 1);
    w->ca2.key = ck_key(kind, 2);
    w->leaf.key = ck_key(kind, 3);
    w->root.signer = w->root.key;
    w->ca1.signer = w->root.key;
    w->ca2.signer = w->ca1.key;
    w->leaf.signer = w->ca2.key;
    w->now = CK_NOW;
    w->pool = "r12";
}

/* The outcome, and the check that failed; *depth is the chain's length. */
static enum cm_status judge(struct world *w, const char **failed, size_t *depth,
                            struct cm_chain *chain)
{
    static uint8_t ders[3][SIZE];
    static uint8_t lists[2][SIZE];
    static uint8_t leaf_der[SIZE];
    const struct ck_cert *const order[] = {&w->root, &w->ca1, &w->ca2};
    struct cm_material materials[8];
    struct cm_trust_root root = {
        w->other_family ? "other" : "test", "the test's", {0}, w->emulated};
    struct cm_verify_input in = {.now = w->now, .roots = &root, .root_count = 1, .flags = w->flags};
    struct cm_verify_job job = {.materials = materials, .in = &in, .cert_cache = w->cache};
    const struct cm_chain_rule rule = {.family = "test",
                                       .names = CM_CHAIN_NAMES("test"),
                                       .handled = w->handled,
                                       .handled_count = w->handled_count,
                                       .max = w->max,
                                       .any_leaf_use = w->any_leaf_use};
    struct cm_evidence *ev = cm_evidence_new("cpu");
    struct cm_certs *set = NULL;
    const struct cm_cert *leaf = NULL;
    const struct cm_check *check = NULL;
    enum cm_status st = CM_OK;
    size_t len = 0;

    *failed = "";
    ck_spki_sha256(w->pin == 2   ? w->leaf.key
                   : w->pin == 1 ? w->ca1.key
                                 : w->root.key,
                   root.spki_sha256);
    for (const char *p = w->pool; *p != '\0'; p++) {
        size_t i = *p == 'r' ? 0 : (size_t)(*p - '0');

        materials[job.material_count++] = (struct cm_material){
            CM_MATERIAL_CERTS, "pool", cm_span_make(ders[i], ck_cert(order[i], ders[i], SIZE))};
    }
    for (size_t i = 0; i < w->crl_count; i++) {
        materials[job.material_count++] = (struct cm_material){
            CM_MATERIAL_CRL, "list", cm_span_make(lists[i], ck_crl(&w->crls[i], lists[i], SIZE))};
    }
    len = ck_cert(&w->leaf, leaf_der, SIZE);
    if (w->flip != 0) {
        leaf_der[(w->flip - 1) % len] ^= 1; /* signatures differ in length from time to time */
    }
    CM_TRY(cm_certs_create_general(w->cache, &set));
    CM_TRY(cm_certs_add(set, cm_span_make(leaf_der, len), &leaf, 1, NULL));
    CM_TRY(cm_chain_pool(&job, set, false));
    {
        struct cm_chain c = {0};

        st = cm_chain_verify(&job, ev, 0, set, leaf, &rule, &c);
        *depth = c.count;
        if (chain != NULL) {
            *chain = c;
        }
    }
    for (size_t i = 0; (check = cm_evidence_check(ev, 0, i)) != NULL; i++) {
        if (check->result == CM_CHECK_FAIL) {
            *failed = check->name;
            CHECK_EQ(check->status, st);
        }
    }
    CHECK_EQ(cm_evidence_genuine(ev, 0), st == CM_OK);
out:
    cm_evidence_free(ev);
    cm_certs_free(set);
    return st;
}

static void expect(int line, struct world *w, enum cm_status want, const char *check)
{
    const char *failed = NULL;
    size_t depth = 0;
    enum cm_status st = judge(w, &failed, &depth, NULL);

    if (st != want || strcmp(failed, check) != 0) {
        TEST_FAIL("line %d: %s in \"%s\", wanted %s in \"%s\"", line, cm_status_str(st), failed,
                  cm_status_str(want), check);
    }
}

#define EXPECT(change, want, check)        \
    do {                                   \
        struct world w;                    \
        world_init(&w, "p256");            \
        change;                            \
        expect(__LINE__, &w, want, check); \
    } while (0)

TEST(every_kind_of_key_and_signature_in_one_chain)
{
    static const struct {
        const char *kind;
        const EVP_MD *(*md)(void);
        bool pss;
    } rows[] = {
        {"p256", EVP_sha256, false},    {"p256", EVP_sha384, false},
        {"p384", EVP_sha384, false},    {"p384", EVP_sha256, false},
        {"p521", EVP_sha512, false},    {"p521", EVP_sha256, false},
        {"rsa2048", EVP_sha256, false}, {"rsa2048", EVP_sha384, false},
        {"rsa2048", EVP_sha512, true},  {"rsa2048", EVP_sha256, true},
        {"rsa2048", EVP_sha384, true},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct world w;
        struct ck_cert *all[] = {&w.root, &w.ca1, &w.ca2, &w.leaf};

        world_init(&w, rows[i].kind);
        for (size_t k = 0; k < 4; k++) {
            all[k]->md = rows[i].md();
            all[k]->pss = rows[i].pss;
        }
        expect(__LINE__, &w, CM_OK, "");
        w.leaf.signer = ck_key(rows[i].kind, 4); /* nobody's */
        expect(__LINE__, &w, CM_ERR_SIGNATURE, "test.chain");
    }
    EXPECT((w.root.key = w.root.signer = w.ca1.signer = ck_key("rsa3072", 0), w.root.pss = true,
            w.root.md = EVP_sha384(), w.ca1.key = w.ca2.signer = ck_key("p384", 0)),
           CM_OK, "");
}

TEST(algorithms_that_are_refused)
{
    static const struct {
        const char *kind;
        const EVP_MD *(*md)(void);
        bool pss;
        int salt;
        const EVP_MD *(*mgf)(void);
    } rows[] = {
        {"p256", EVP_sha1, false, 0, NULL},           {"rsa2048", EVP_sha1, false, 0, NULL},
        {"rsa2048", EVP_sha1, true, 0, NULL},         /* PSS's own defaults */
        {"rsa2048", EVP_sha256, true, 20, NULL},      /* the default salt */
        {"rsa2048", EVP_sha384, true, 32, NULL},      /* a salt that is not the hash's length */
        {"rsa2048", EVP_sha384, true, 0, EVP_sha256}, /* another hash in the mask */
        {"rsa2048", EVP_sha256, true, 0, EVP_sha1},   {"p256", EVP_sha224, false, 0, NULL},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct world w;

        world_init(&w, rows[i].kind);
        w.leaf.md = rows[i].md();
        w.leaf.pss = rows[i].pss;
        w.leaf.salt = rows[i].salt;
        w.leaf.mgf = rows[i].mgf == NULL ? NULL : rows[i].mgf();
        expect(__LINE__, &w, CM_ERR_UNSUPPORTED, "");
    }
    EXPECT(w.leaf.key = ck_key("rsa1024", 0), CM_ERR_UNSUPPORTED, "");
    EXPECT(w.leaf.key = ck_key("secp256k1", 0), CM_ERR_UNSUPPORTED, "");
    EXPECT(w.leaf.key = ck_key("brainpoolP384r1", 0), CM_ERR_UNSUPPORTED, "");
}

TEST(order_of_the_pool_does_not_matter_and_all_must_be_there)
{
    EXPECT(w.pool = "21r", CM_OK, "");
    EXPECT(w.pool = "r1", CM_ERR_NOTFOUND, "test.chain");
    EXPECT(w.pool = "12", CM_ERR_NOTFOUND, "test.chain");
    EXPECT(w.pool = "", CM_ERR_NOTFOUND, "test.chain");
    EXPECT(w.max = 4, CM_OK, "");
    EXPECT(w.max = 3, CM_ERR_LIMIT, "test.chain");
}

TEST(the_root_is_known_by_family_and_key_only)
{
    EXPECT(w.other_family = true, CM_ERR_POLICY, "test.root");
    /* the same names, another key */
    EXPECT((w.root.key = ck_key("p256", 5), w.root.signer = w.root.key, w.ca1.signer = w.root.key,
            w.other_family = true),
           CM_ERR_POLICY, "test.root");
    EXPECT(w.emulated = true, CM_ERR_POLICY, "test.root");
    EXPECT((w.emulated = true, w.flags = CM_VERIFY_ALLOW_EMULATED), CM_OK, "");
    /* a self-signed leaf is nobody's, and a pinned leaf is no chain */
    EXPECT((w.leaf.issuer = "leaf", w.leaf.signer = w.leaf.key), CM_ERR_POLICY, "test.root");
    EXPECT(w.pin = 2, CM_ERR_POLICY, "test.root");
    /* the pinned key's certificate with another's signature */
    EXPECT(w.root.signer = ck_key("p256", 5), CM_ERR_SIGNATURE, "test.chain");
}

TEST(an_intermediate_may_be_pinned)
{
    EXPECT((w.pin = 1, w.pool = "12"), CM_OK, ""); /* what is above it is not looked for */
}

TEST(roles)
{
    EXPECT(w.ca2.ca = false, CM_ERR_MISMATCH, "test.chain");
    EXPECT(w.ca2.no_constraints = true, CM_ERR_MISMATCH, "test.chain");
    EXPECT(w.ca1.usage = "critical,digitalSignature,cRLSign", CM_ERR_MISMATCH, "test.chain");
    EXPECT(w.ca1.usage = NULL, CM_OK, ""); /* no usage: any (RFC 5280 4.2.1.3) */
    EXPECT((w.leaf.ca = true, w.leaf.usage = "keyCertSign,digitalSignature"), CM_ERR_MISMATCH,
           "test.chain");
    EXPECT(w.leaf.usage = "critical,keyEncipherment", CM_ERR_MISMATCH, "test.chain");
    EXPECT((w.leaf.usage = "critical,keyEncipherment", w.any_leaf_use = true), CM_OK, "");
    EXPECT((w.leaf.usage = NULL, w.leaf.no_constraints = true), CM_OK, "");
}

TEST(path_lengths)
{
    EXPECT((w.root.has_pathlen = true, w.root.pathlen = 2), CM_OK, "");
    EXPECT((w.root.has_pathlen = true, w.root.pathlen = 1), CM_ERR_MISMATCH, "test.chain");
    EXPECT((w.ca1.has_pathlen = true, w.ca1.pathlen = 1), CM_OK, "");
    EXPECT((w.ca1.has_pathlen = true, w.ca1.pathlen = 0), CM_ERR_MISMATCH, "test.chain");
    EXPECT((w.ca2.has_pathlen = true, w.ca2.pathlen = 0), CM_OK, "");
}

TEST(names_and_identifiers_link)
{
    EXPECT(w.leaf.issuer = "ca3", CM_ERR_NOTFOUND, "test.chain");
    EXPECT((w.root.identifiers = w.ca1.identifiers = w.ca2.identifiers = w.leaf.identifiers = true),
           CM_OK, "");
    /* a contradicting key identifier: not the issuer */
    {
        static const uint8_t aki[24] = {0x30, 22, 0x80, 20, 1};
        const struct ck_ext wrong = {"2.5.29.35", false, aki, sizeof(aki)};

        EXPECT((w.ca2.identifiers = true, w.leaf.exts[0] = wrong), CM_ERR_NOTFOUND, "test.chain");
    }
}

TEST(an_empty_subject_needs_a_critical_alternative_name)
{
    EXPECT(w.leaf.subject = NULL, CM_ERR_FORMAT, "");
    EXPECT((w.leaf.subject = NULL, w.leaf.san = "DNS:a.example"), CM_ERR_FORMAT, "");
    EXPECT((w.leaf.subject = NULL, w.leaf.san = "critical,DNS:a.example"), CM_OK, "");
    EXPECT(w.leaf.subject = "R\xc3\xb6hre", CM_OK, ""); /* UTF-8: a name, but no printable CN */
}

TEST(unknown_critical_extensions)
{
    static const uint8_t oid[] = {0x2a, 0x03, 0x04};
    const struct cm_span handled = {oid, sizeof(oid)};
    const struct ck_ext e = {"1.2.3.4", true, "\x05\x00", 2};
    const struct ck_ext mild = {"1.2.3.4", false, "\x05\x00", 2};

    EXPECT(w.leaf.exts[0] = mild, CM_OK, "");
    EXPECT(w.leaf.exts[0] = e, CM_ERR_MISMATCH, "test.chain");
    EXPECT(w.ca1.exts[0] = e, CM_ERR_MISMATCH, "test.chain");
    EXPECT(w.root.exts[0] = e, CM_ERR_MISMATCH, "test.chain");
    EXPECT((w.leaf.exts[0] = e, w.handled = &handled, w.handled_count = 1), CM_OK, "");
    EXPECT((w.leaf.exts[0] = mild, w.leaf.exts[1] = mild), CM_ERR_FORMAT, ""); /* twice */
}

TEST(periods)
{
    const uint64_t end = UINT64_C(253402300799); /* 9999-12-31 23:59:59 */

    EXPECT(w.now = CK_NOW + 2 * CK_DAY, CM_ERR_EXPIRED, "test.chain_validity");
    EXPECT(w.now = CK_NOW - 2 * CK_DAY, CM_ERR_EXPIRED, "test.chain_validity");
    EXPECT((w.root.to = w.ca1.to = w.ca2.to = w.leaf.to = end, w.now = end), CM_OK, "");
    EXPECT((w.root.to = w.ca1.to = w.ca2.to = w.leaf.to = end, w.now = end + 1), CM_ERR_EXPIRED,
           "test.chain_validity");
    EXPECT(w.ca1.to = CK_NOW - 1, CM_ERR_EXPIRED, "test.chain_validity");
    EXPECT(w.root.from = CK_NOW + 1, CM_ERR_EXPIRED, "test.chain_validity");
    EXPECT(w.root.to = CK_NOW, CM_OK, "");
    EXPECT(w.leaf.to = UINT64_C(2524607999), CM_OK, ""); /* the end of UTCTime */
    EXPECT(w.leaf.to = UINT64_C(2524608000), CM_OK, "");
}

TEST(revocation)
{
    const struct ck_crl good = {.issuer = "ca2", .signer = ck_key("p256", 2), .numbered = true};

    EXPECT((w.crls[0] = good, w.crl_count = 1), CM_OK, "");
    EXPECT((w.crls[0] = good, w.crls[0].numbered = false, w.crl_count = 1), CM_OK, "");
    EXPECT((w.crls[0] = good, w.crls[0].revokes = true, w.crls[0].serial = 9, w.crl_count = 1),
           CM_OK, "");
    EXPECT((w.crls[0] = good, w.crls[0].revokes = true, w.crls[0].serial = 4, w.crl_count = 1),
           CM_ERR_REVOKED, "test.chain_crl");
    EXPECT((w.crls[0] = good, w.crls[0].issuer = "root", w.crls[0].signer = w.root.key,
            w.crls[0].revokes = true, w.crls[0].serial = 2, w.crl_count = 1),
           CM_ERR_REVOKED, "test.chain_crl");
    EXPECT((w.crls[0] = good, w.crls[0].signer = ck_key("p256", 5), w.crl_count = 1),
           CM_ERR_SIGNATURE, "test.chain_crl");
    EXPECT((w.crls[0] = good, w.crls[0].to = CK_NOW - 1, w.crl_count = 1), CM_ERR_EXPIRED,
           "test.chain_crl");
    EXPECT((w.crls[0] = good, w.crls[0].from = CK_NOW + 1, w.crl_count = 1), CM_ERR_EXPIRED,
           "test.chain_crl");
    EXPECT((w.crls[0] = good, w.crls[0].delta = true, w.crl_count = 1), CM_ERR_FORMAT,
           "test.chain_crl");
    EXPECT((w.ca2.usage = "critical,keyCertSign", w.crls[0] = good, w.crl_count = 1),
           CM_ERR_MISMATCH, "test.chain_crl");
    /* another's list says nothing about this chain, whatever it says */
    EXPECT((w.crls[0] = good, w.crls[0].issuer = "elsewhere", w.crls[0].revokes = true,
            w.crls[0].serial = 4, w.crl_count = 1),
           CM_OK, "");
    /* two lists: the second one counts as well */
    EXPECT((w.crls[0] = good, w.crls[1] = good, w.crls[1].revokes = true, w.crls[1].serial = 4,
            w.crl_count = 2),
           CM_ERR_REVOKED, "test.chain_crl");
}

TEST(revocation_lists_with_pss)
{
    struct world w;

    world_init(&w, "rsa2048");
    w.crls[0] = (struct ck_crl){.issuer = "ca2",
                                .signer = w.ca2.key,
                                .md = EVP_sha384(),
                                .pss = true,
                                .revokes = true,
                                .serial = 4};
    w.crl_count = 1;
    expect(__LINE__, &w, CM_ERR_REVOKED, "test.chain_crl");
    w.crls[0].serial = 5;
    expect(__LINE__, &w, CM_OK, "");
}

TEST(no_bit_of_a_signed_certificate_may_change)
{
    struct world w;
    uint8_t der[SIZE];
    size_t len = 0;

    world_init(&w, "p256");
    len = ck_cert(&w.leaf, der, SIZE);
    for (size_t i = 0; i < len; i += 3) {
        const char *failed = NULL;
        size_t depth = 0;

        w.flip = i + 1;
        if (judge(&w, &failed, &depth, NULL) == CM_OK) {
            TEST_FAIL("byte %zu may change", i);
        }
    }
}

TEST(two_ca_certificates_of_one_key_the_valid_one_is_taken)
{
    struct world w;

    world_init(&w, "p256");
    w.root = w.ca1; /* in the pool first: the same CA, expired */
    w.root.to = CK_NOW - 1;
    w.pin = 1;
    w.pool = "r12";
    expect(__LINE__, &w, CM_OK, "");
}

TEST(input_forms)
{
    uint8_t der[2 * SIZE];
    char pem[2 * SIZE];
    struct world w;
    struct cm_certs *set = NULL;
    const struct cm_cert *list[3] = {NULL};
    size_t one = 0;
    size_t both = 0;
    size_t count = 0;
    size_t plen = 0;

    world_init(&w, "p384");
    one = ck_cert(&w.root, der, SIZE);
    both = one + ck_cert(&w.ca1, der + one, SIZE);
    REQUIRE(cm_certs_create_general(NULL, &set) == CM_OK);
    CHECK_EQ(cm_certs_add(set, cm_span_make(der, both), list, 3, &count), CM_OK);
    CHECK_EQ(count, 2);
    CHECK(cm_cert_name_is(cm_cert_cn(list[1]), "ca1"));
    CHECK(cm_cert_name_is(cm_cert_issuer_cn(list[1]), "root"));
    CHECK_EQ(cm_certs_add(set, cm_span_make(der, both), list, 1, &count), CM_ERR_LIMIT);
    CHECK_EQ(cm_certs_add(set, cm_span_make(der, both - 1), list, 3, &count), CM_ERR_FORMAT);
    CHECK_EQ(cm_certs_add(set, cm_span_make(der, one + 1), list, 3, &count), CM_ERR_FORMAT);
    CHECK_EQ(cm_certs_add(set, cm_span_make(NULL, 0), list, 3, &count), CM_ERR_FORMAT);
    plen = ck_pem(cm_span_make(der, one), pem, sizeof(pem));
    plen += ck_pem(cm_span_make(der + one, both - one), pem + plen, sizeof(pem) - plen);
    CHECK_EQ(cm_certs_add(set, cm_span_make(pem, plen), list, 3, &count), CM_OK);
    CHECK_EQ(count, 2);
    CHECK(cm_certs_at(set, 1) == list[1] && cm_certs_at(set, 2) == NULL); /* parsed once */
    pem[30] ^= 1;
    CHECK(cm_certs_add(set, cm_span_make(pem, plen), list, 3, &count) != CM_OK);
    for (size_t n = 1; n < one; n += 7) { /* every truncation */
        CHECK(cm_certs_add(set, cm_span_make(der, n), list, 3, &count) != CM_OK);
    }
    cm_certs_free(set);
}

TEST(a_set_holds_a_limited_number)
{
    uint8_t der[SIZE];
    struct world w;
    struct cm_certs *set = NULL;

    world_init(&w, "p256");
    REQUIRE(cm_certs_create_general(NULL, &set) == CM_OK);
    for (uint64_t i = 0; i <= CM_CERTS_MAX_GENERAL; i++) {
        w.leaf.serial = 100 + i;
        CHECK_EQ(cm_certs_add(set, cm_span_make(der, ck_cert(&w.leaf, der, SIZE)), NULL, 0, NULL),
                 i == CM_CERTS_MAX_GENERAL ? CM_ERR_LIMIT : CM_OK);
    }
    cm_certs_free(set);
}

TEST(the_cache_never_changes_an_answer)
{
    struct cm_cert_cache *cache = NULL;

    REQUIRE(cm_cert_cache_create(3, &cache) == CM_OK); /* smaller than the chain */
    for (int round = 0; round < 3; round++) {
        EXPECT(w.cache = cache, CM_OK, "");
        EXPECT((w.cache = cache, w.now = CK_NOW + 2 * CK_DAY), CM_ERR_EXPIRED,
               "test.chain_validity");
        EXPECT((w.cache = cache, w.other_family = true), CM_ERR_POLICY, "test.root");
        EXPECT((w.cache = cache, w.crl_count = 1,
                w.crls[0] =
                    (struct ck_crl){
                        .issuer = "ca2", .signer = w.ca2.key, .revokes = true, .serial = 4}),
               CM_ERR_REVOKED, "test.chain_crl");
    }
    cm_cert_cache_free(cache);
    CHECK_EQ(cm_cert_cache_create(0, &cache), CM_ERR_PARAM);
}

/* the same bytes, once signed by the issuer that the cache has seen and once presented with another
   issuer of the same name: the mark is of the key, not of the name */
TEST(a_cached_signature_counts_for_its_key_only)
{
    struct cm_cert_cache *cache = NULL;
    uint8_t der[SIZE];
    struct world w;
    struct cm_certs *set = NULL;
    const struct cm_cert *leaf = NULL;
    const struct cm_cert *right = NULL;
    const struct cm_cert *wrong = NULL;

    world_init(&w, "p256");
    REQUIRE(cm_certs_create_general(NULL, &set) == CM_OK);
    REQUIRE(cm_cert_cache_create(8, &cache) == CM_OK);
    REQUIRE(cm_certs_add(set, cm_span_make(der, ck_cert(&w.leaf, der, SIZE)), &leaf, 1, NULL) ==
            CM_OK);
    REQUIRE(cm_certs_add(set, cm_span_make(der, ck_cert(&w.ca2, der, SIZE)), &right, 1, NULL) ==
            CM_OK);
    w.ca2.key = ck_key("p256", 6);
    REQUIRE(cm_certs_add(set, cm_span_make(der, ck_cert(&w.ca2, der, SIZE)), &wrong, 1, NULL) ==
            CM_OK);
    CHECK_EQ(cm_cert_signed_by(leaf, wrong), CM_ERR_SIGNATURE);
    CHECK_EQ(cm_cert_signed_by(leaf, right), CM_OK);
    CHECK_EQ(cm_cert_signed_by(leaf, wrong), CM_ERR_SIGNATURE);
    cm_certs_free(set);
    cm_cert_cache_free(cache);
}

struct thread {
    struct cm_cert_cache *cache;
    uint8_t (*ders)[SIZE];
    const size_t *lens;
    struct cm_trust_root root;
    size_t good;
};

static void *run_thread(void *arg)
{
    struct thread *t = arg;
    const struct cm_chain_rule rule = {.family = "test", .names = CM_CHAIN_NAMES("test")};

    for (int round = 0; round < 50; round++) {
        struct cm_verify_input in = {.now = CK_NOW, .roots = &t->root, .root_count = 1};
        struct cm_verify_job job = {.in = &in, .cert_cache = t->cache};
        struct cm_evidence *ev = cm_evidence_new("cpu");
        struct cm_certs *set = NULL;
        const struct cm_cert *c[4] = {NULL};
        struct cm_chain chain = {0};
        bool ok = ev != NULL && cm_certs_create_general(t->cache, &set) == CM_OK;

        for (size_t i = 0; ok && i < 4; i++) {
            ok = cm_certs_add(set, cm_span_make(t->ders[i], t->lens[i]), &c[i], 1, NULL) == CM_OK;
        }
        t->good += ok && cm_chain_verify(&job, ev, 0, set, c[3], &rule, &chain) == CM_OK ? 1 : 0;
        cm_certs_free(set);
        cm_evidence_free(ev);
    }
    return NULL;
}

TEST(the_cache_is_shared_by_threads)
{
    static uint8_t ders[4][SIZE];
    size_t lens[4];
    struct cm_cert_cache *cache = NULL;
    struct world w;
    struct thread threads[3];
    pthread_t ids[3];

    world_init(&w, "p256");
    lens[0] = ck_cert(&w.root, ders[0], SIZE);
    lens[1] = ck_cert(&w.ca1, ders[1], SIZE);
    lens[2] = ck_cert(&w.ca2, ders[2], SIZE);
    lens[3] = ck_cert(&w.leaf, ders[3], SIZE);
    REQUIRE(cm_cert_cache_create(3, &cache) == CM_OK);
    for (size_t i = 0; i < 3; i++) {
        threads[i] = (struct thread){.cache = cache, .ders = ders, .lens = lens};
        threads[i].root.family = "test";
        ck_spki_sha256(w.root.key, threads[i].root.spki_sha256);
        REQUIRE(pthread_create(&ids[i], NULL, run_thread, &threads[i]) == 0);
    }
    for (size_t i = 0; i < 3; i++) {
        REQUIRE(pthread_join(ids[i], NULL) == 0);
        CHECK_EQ(threads[i].good, 50);
    }
    cm_cert_cache_free(cache);
}

TEST(running_out_of_memory_is_an_error_and_leaks_nothing)
{
    struct world w;
    const char *failed = NULL;
    size_t depth = 0;

    world_init(&w, "p256");
    REQUIRE(judge(&w, &failed, &depth, NULL) == CM_OK);
    for (long k = 1; k < 60; k++) {
        static uint8_t ders[4][SIZE];
        struct cm_certs *set = NULL;
        struct cm_cert_cache *cache = NULL;
        size_t len = ck_cert(&w.leaf, ders[0], SIZE);
        enum cm_status st = CM_OK;

        fail_alloc_at(k);
        st = cm_cert_cache_create(4, &cache);
        if (st == CM_OK) {
            st = cm_certs_create_general(cache, &set);
        }
        if (st == CM_OK) {
            st = cm_certs_add(set, cm_span_make(ders[0], len), NULL, 0, NULL);
        }
        if (st == CM_OK && cm_certs_at(set, 0) != NULL) {
            cm_cert_cache_keep(cache, cm_certs_at(set, 0));
        }
        fail_alloc_at(-1);
        CHECK(st == CM_OK || st == CM_ERR_NOMEM);
        cm_certs_free(set);
        cm_cert_cache_free(cache);
    }
}

TEST_MAIN
