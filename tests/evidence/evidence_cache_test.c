/* The cache under threads and eviction, failing allocations, and memory over many verifications. */
#include "expect.h"
#include "openssl_memory.h"

#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>

#include "evidence/dcap_cache.h"
#include "evidence/quote.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITISED 1
#endif
#endif
#ifndef SANITISED
#define SANITISED 0
#endif

struct worker {
    struct pki_bundle *const *bundles;
    struct cm_dcap_cache *cache;
    unsigned start;
    atomic_int wrong;
};

static void *work(void *arg)
{
    struct worker *w = arg;

    for (unsigned i = 0; i < 40; i++) {
        struct pki_bundle *b = w->bundles[(w->start + i) % 5];
        struct cm_verify_input in = {.now = PKI_NOW, .roots = &b->root, .root_count = 1};
        struct cm_evidence *ev = NULL;
        enum cm_status st = cm_dcap_verify(b->quote, &b->col, &in, 0, w->cache, &ev);
        enum cm_status want = (w->start + i) % 5 == 4 ? CM_ERR_REVOKED : CM_OK;

        if (st != want || (cm_evidence_genuine(ev, 0) != (want == CM_OK))) {
            w->wrong++;
        }
        cm_evidence_free(ev);
    }
    return NULL;
}

/* Five platforms, room for two: entries come and go while others use them. */
TEST(threads_share_a_cache_that_evicts)
{
    struct pki_bundle *bundles[5];
    struct worker workers[4];
    pthread_t threads[4];
    struct cm_dcap_cache *cache = NULL;
    struct pki_spec s;

    for (unsigned i = 0; i < 5; i++) {
        pki_defaults(&s, i % 2 == 0 ? 3 : 4, i % 2 == 0 ? 1 : 2);
        s.pck.serial = 100 + i;
        s.pck_crl.revoked = i == 4 ? s.pck.serial : 0;
        bundles[i] = pki_make(&s);
    }
    for (size_t room = 1; room <= 4; room += 3) {
        REQUIRE(cm_dcap_cache_create(room, &cache) == CM_OK);
        for (unsigned i = 0; i < 4; i++) {
            workers[i].bundles = bundles;
            workers[i].cache = cache;
            workers[i].start = i;
            atomic_init(&workers[i].wrong, 0);
            REQUIRE(pthread_create(&threads[i], NULL, work, &workers[i]) == 0);
        }
        for (unsigned i = 0; i < 4; i++) {
            REQUIRE(pthread_join(threads[i], NULL) == 0);
            CHECK_EQ(atomic_load(&workers[i].wrong), 0);
        }
        cm_dcap_cache_free(cache);
    }
    for (unsigned i = 0; i < 5; i++) {
        pki_free(bundles[i]);
    }
}

/* One byte of any part makes another platform; nothing kept stands in for it. */
TEST(kept_platforms_are_found_by_all_their_bytes)
{
    struct cm_dcap_cache *cache = NULL;
    struct cm_evidence *ev = NULL;
    struct cm_verify_input in = {.now = PKI_NOW};
    struct pki_spec s;
    struct pki_bundle *b = NULL;

    pki_defaults(&s, 3, 1);
    b = pki_make(&s);
    REQUIRE(cm_dcap_cache_create(3, &cache) == CM_OK);
    CHECK_EQ(verify_with(b, &in, 0, cache, &ev), CM_OK);
    cm_evidence_free(ev);
    for (int i = 0; i < 7; i++) {
        struct cm_span *parts[] = {&b->col.tcb_info,
                                   &b->col.tcb_info_chain,
                                   &b->col.qe_identity,
                                   &b->col.qe_identity_chain,
                                   &b->col.root_ca_crl,
                                   &b->col.pck_crl,
                                   &b->quote};
        size_t at = parts[i]->len - (i == 6 ? 400 : 40); /* of the quote: in its PCK chain */
        uint8_t *p = (uint8_t *)(uintptr_t)parts[i]->ptr;

        p[at] ^= 1;
        CHECK(verify_with(b, &in, 0, cache, &ev) != CM_OK);
        cm_evidence_free(ev);
        p[at] ^= 1;
        CHECK_EQ(verify_with(b, &in, 0, cache, &ev), CM_OK);
        cm_evidence_free(ev);
    }
    in.now = PKI_NOW + 31 * PKI_DAY; /* what is kept expires all the same */
    CHECK_EQ(verify_with(b, &in, 0, cache, &ev), CM_ERR_EXPIRED);
    cm_evidence_free(ev);
    in.now = PKI_NOW;
    in.roots = cm_dcap_intel_root();
    CHECK_EQ(verify_with(b, &in, 0, cache, &ev), CM_ERR_POLICY);
    cm_evidence_free(ev);
    cm_dcap_cache_free(cache);
    pki_free(b);
}

/* A report that has verified is remembered with its platform: no other report, and no other signature, is it. */
TEST(a_quoting_enclaves_report_that_verified_vouches_for_no_other)
{
    struct cm_dcap_cache *cache = NULL;
    struct cm_evidence *ev = NULL;
    struct cm_verify_input in = {.now = PKI_NOW};
    struct cm_quote q;
    struct pki_spec s;
    struct pki_bundle *b = NULL;

    pki_defaults(&s, 3, 1);
    b = pki_make(&s);
    REQUIRE(cm_dcap_cache_create(1, &cache) == CM_OK);
    REQUIRE(cm_quote_parse(b->quote, &q, NULL) == CM_OK);
    for (size_t i = 0; i < q.qe_report.len + q.qe_signature.len; i++) {
        const bool report = i < q.qe_report.len;
        uint8_t *p = (uint8_t *)(uintptr_t)(report ? q.qe_report.ptr : q.qe_signature.ptr);

        CHECK_EQ(verify_with(b, &in, 0, cache, &ev), CM_OK); /* remembered from here on */
        CHECK_EQ(cm_evidence_result(ev, 0, "qe.report_signature"), CM_CHECK_PASS);
        cm_evidence_free(ev);
        p[report ? i : i - q.qe_report.len] ^= 1;
        CHECK(verify_with(b, &in, 0, cache, &ev) != CM_OK);
        CHECK_EQ(cm_evidence_result(ev, 0, "qe.report_signature"), CM_CHECK_FAIL);
        cm_evidence_free(ev);
        p[report ? i : i - q.qe_report.len] ^= 1;
    }
    cm_dcap_cache_free(cache);
    pki_free(b);
}

/* The attestation key of a quote that verified is kept with its platform: it verifies no quote of another key. */
TEST(an_attestation_key_that_is_kept_stands_in_for_no_other)
{
    struct cm_dcap_cache *cache = NULL;
    struct cm_evidence *ev = NULL;
    struct cm_verify_input in = {.now = PKI_NOW};
    struct cm_quote q;
    struct pki_spec s;
    struct pki_bundle *b = NULL;

    pki_defaults(&s, 3, 1);
    b = pki_make(&s);
    REQUIRE(cm_dcap_cache_create(1, &cache) == CM_OK);
    REQUIRE(cm_quote_parse(b->quote, &q, NULL) == CM_OK);
    for (size_t i = 0; i < q.att_key.len; i++) {
        uint8_t *p = (uint8_t *)(uintptr_t)q.att_key.ptr;

        CHECK_EQ(verify_with(b, &in, 0, cache, &ev), CM_OK); /* kept from here on */
        cm_evidence_free(ev);
        p[i] ^= 1;
        CHECK(verify_with(b, &in, 0, cache, &ev) != CM_OK);
        CHECK_EQ(cm_evidence_result(ev, 0, "quote.signature"), CM_CHECK_FAIL);
        cm_evidence_free(ev);
        p[i] ^= 1;
    }
    cm_dcap_cache_free(cache);
    pki_free(b);
}

static struct cm_platform_ref borrow(struct cm_dcap_cache *cache, const struct pki_bundle *b)
{
    struct cm_platform_ref ref = {NULL, NULL, NULL, NULL};

    /* any bytes make a platform; what is kept is those whose checks all passed */
    if (cm_platform_acquire(cache, b->pck_chain, &b->col, &ref) != CM_OK) {
        TEST_FAIL("no platform");
    }
    return ref;
}

/* Whether a platform is kept while it is used elsewhere too: the same object comes back. */
static bool kept(struct cm_dcap_cache *cache, const struct pki_bundle *b,
                 const struct cm_platform_ref *held)
{
    struct cm_platform_ref again = borrow(cache, b);
    bool same = again.platform == held->platform;

    cm_platform_release(&again);
    return same;
}

TEST(least_recently_used_platforms_go_first)
{
    struct cm_dcap_cache *cache = NULL;
    struct pki_bundle *b[4];
    struct cm_platform_ref ref[4];
    struct cm_platform_ref again;
    struct pki_spec s;

    for (unsigned i = 0; i < 4; i++) {
        pki_defaults(&s, 3, 1);
        s.pck.serial = 200 + i;
        s.pck_crl.revoked = i == 3 ? s.pck.serial : 0;
        b[i] = pki_make(&s);
    }
    REQUIRE(cm_dcap_cache_create(2, &cache) == CM_OK);
    ref[0] = borrow(cache, b[0]);
    CHECK(kept(cache, b[0], &ref[0]));
    ref[1] = borrow(cache, b[1]);
    CHECK(kept(cache, b[0], &ref[0]) && kept(cache, b[1], &ref[1]));
    CHECK(kept(cache, b[0], &ref[0])); /* now the second is the older one */
    ref[2] = borrow(cache, b[2]);
    CHECK(kept(cache, b[0], &ref[0]) && kept(cache, b[2], &ref[2]));
    CHECK(!kept(cache, b[1], &ref[1])); /* made again, and the first went for it */
    CHECK(kept(cache, b[2], &ref[2]));
    CHECK(!kept(cache, b[0], &ref[0]));
    ref[3] = borrow(cache, b[3]); /* a revoked platform takes nobody's place */
    CHECK(!kept(cache, b[3], &ref[3]));
    CHECK(kept(cache, b[2], &ref[2]));
    /* a part that only begins alike is another part */
    b[2]->col.tcb_info_chain.len--;
    again = borrow(cache, b[2]);
    CHECK(again.platform != ref[2].platform);
    cm_platform_release(&again);
    for (unsigned i = 0; i < 4; i++) {
        cm_platform_release(&ref[i]);
        pki_free(b[i]);
    }
    cm_dcap_cache_free(cache);
}

TEST(cache_arguments)
{
    struct cm_dcap_cache *cache = NULL;

    CHECK_EQ(cm_dcap_cache_create(0, &cache), CM_ERR_PARAM);
    CHECK(cache == NULL);
    cm_dcap_cache_free(NULL);
    fail_alloc_at(1);
    CHECK_EQ(cm_dcap_cache_create(1, &cache), CM_ERR_NOMEM);
    CHECK(cache == NULL);
}

/* Collateral beyond any sense is refused, with and without a cache, and with bounded memory. */
TEST(sizes_are_limited)
{
    const size_t huge = (5u << 20);
    struct cm_dcap_cache *cache = NULL;
    struct cm_evidence *ev = NULL;
    struct pki_spec s;
    struct pki_bundle *b = NULL;
    uint8_t *big = malloc(huge);

    REQUIRE(big != NULL && cm_dcap_cache_create(1, &cache) == CM_OK);
    memset(big, ' ', huge);
    pki_defaults(&s, 3, 1);
    b = pki_make(&s);
    for (int i = 0; i < 6; i++) {
        struct pki_bundle large = *b;
        struct cm_span *parts[] = {&large.col.tcb_info,    &large.col.tcb_info_chain,
                                   &large.col.qe_identity, &large.col.qe_identity_chain,
                                   &large.col.root_ca_crl, &large.col.pck_crl};
        struct cm_verify_input in = {.now = PKI_NOW, .roots = &b->root, .root_count = 1};

        memcpy(big, parts[i]->ptr, parts[i]->len); /* a good beginning */
        *parts[i] = cm_span_make(big, i % 2 == 0 || i == 5 ? huge : parts[i]->len);
        if (i != 1 && i != 3) { /* chains may end in white space */
            CHECK(cm_dcap_verify(large.quote, &large.col, &in, 0, NULL, &ev) != CM_OK);
            cm_evidence_free(ev);
            CHECK_EQ(cm_dcap_verify(large.quote, &large.col, &in, 0, cache, &ev), CM_ERR_LIMIT);
            cm_evidence_free(ev);
        }
        memset(big, ' ', 65536);
    }
    cm_dcap_cache_free(cache);
    pki_free(b);
    free(big);
}

/* The k-th allocation fails, of OpenSSL's too: no crash, and never a false CM_OK. */
static void failing_allocations(bool cached, unsigned version, unsigned type)
{
    struct pki_spec s;
    struct pki_bundle *b = NULL;
    struct cm_verify_input in = {.now = PKI_NOW};
    long k = 1;

    pki_defaults(&s, version, type);
    s.levels[0].status = "OutOfDate"; /* not accepted: the right answer is CM_ERR_POLICY */
    s.levels[0].advisory = "INTEL-SA-1";
    b = pki_make(&s);
    for (;; k++) {
        struct cm_dcap_cache *cache = NULL;
        struct cm_evidence *ev = NULL;
        enum cm_status st = CM_OK;
        bool hit = false;

        REQUIRE(!cached || cm_dcap_cache_create(1, &cache) == CM_OK);
        fail_alloc_at(k);
        st = verify_with(b, &in, 0, cache, &ev);
        hit = fail_alloc_hit();
        fail_alloc_at(-1);
        CHECK(st != CM_OK);
        CHECK(ev == NULL || !cm_evidence_genuine(ev, 0));
        cm_evidence_free(ev);
        if (cached) { /* what failed for want of memory is not remembered as a verdict */
            CHECK_EQ(verify_with(b, &in, CM_DCAP_ACCEPT(CM_DCAP_OUT_OF_DATE), cache, &ev), CM_OK);
            cm_evidence_free(ev);
        }
        cm_dcap_cache_free(cache);
        if (!hit) {
            CHECK_EQ(st, CM_ERR_POLICY);
            break;
        }
        REQUIRE(k < 20000);
    }
    CHECK(k > 40);
    pki_free(b);
}

TEST(every_failed_allocation_is_a_status)
{
    failing_allocations(false, 5, 3);
    failing_allocations(true, 3, 1);
}

/* And with a genuine quote: whatever fails, the claims are complete when the answer is CM_OK. */
TEST(no_claim_is_lost_for_want_of_memory)
{
    struct pki_spec s;
    struct pki_bundle *b = NULL;
    struct cm_verify_input in = {.now = PKI_NOW};
    bool hit = true;

    pki_defaults(&s, 4, 2);
    b = pki_make(&s);
    for (long k = 1; hit; k++) {
        struct cm_evidence *ev = NULL;
        enum cm_status st = CM_OK;

        fail_alloc_at(k);
        st = verify_with(b, &in, 0, NULL, &ev);
        hit = fail_alloc_hit();
        fail_alloc_at(-1);
        if (st == CM_OK) { /* OpenSSL can do without some of its memory */
            REQUIRE(ev != NULL);
            CHECK(cm_evidence_find(ev, 0, "tdx.rtmr3", 0) != NULL);
            CHECK(cm_evidence_find(ev, 0, CM_CLAIM_TCB_STATUS, 0) != NULL);
            CHECK(cm_evidence_floor(ev, 5) != NULL);
        }
        cm_evidence_free(ev);
    }
    pki_free(b);
}

TEST(memory_is_flat_over_many_verifications)
{
    struct cm_dcap_cache *cache = NULL;
    struct pki_spec s;
    struct pki_bundle *b = NULL;
    struct cm_verify_input in = {.now = PKI_NOW};
    size_t before = 0;

    if (SANITISED) {
        SKIP("the sanitiser counts memory itself");
    }
    pki_defaults(&s, 3, 1);
    b = pki_make(&s);
    REQUIRE(cm_dcap_cache_create(2, &cache) == CM_OK);
    for (int i = 0; i < 400; i++) {
        struct cm_evidence *ev = NULL;

        CHECK_EQ(verify_with(b, &in, 0, i % 4 == 0 ? NULL : cache, &ev), CM_OK);
        cm_evidence_free(ev);
        if (i == 40) {
            before = mallinfo2().uordblks;
        }
    }
    /* the allocator counts what it keeps at hand; a leak of its smallest piece would be 11 KiB */
    CHECK(mallinfo2().uordblks < before + 8192);
    cm_dcap_cache_free(cache);
    pki_free(b);
}

TEST_MAIN
