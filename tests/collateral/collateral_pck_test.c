/*
 * Quotes that do not hold their PCK chain (certification data 1 to 4): the client finds it by what
 * they hold instead. What comes out is verified with the quote.
 */
#include "collateral_scene.h"

static bool scene_without_chain(struct scene *sc, unsigned cert_type)
{
    static const char end[] = "-----END CERTIFICATE-----";
    const char *leaf_end = NULL;

    if (!scene_start_as(sc, 3, 1, PATH4, cert_type)) {
        return false;
    }
    sc->service.pck = sc->b->pck_chain;
    leaf_end = memmem(sc->b->pck_chain.ptr, sc->b->pck_chain.len, end, sizeof(end) - 1);
    sc->service.leaf_len =
        (size_t)(leaf_end - (const char *)sc->b->pck_chain.ptr) + sizeof(end) - 1;
    return true;
}

/*
 * PPID plain, encrypted in both sizes, and the bare leaf: the chain comes from the service, which hears
 * of a PPID only if it is encrypted with RSA-3072 and finds the others by their QE.
 */
TEST(pck_chain_is_fetched)
{
    struct scene sc;

    for (unsigned type = 1; type < 5; type++) {
        REQUIRE(scene_without_chain(&sc, type));
        CHECK(sc.key.without_chain);
        CHECK_EQ(sc.key.known, type == 4);
        CHECK_EQ(sc.key.pck.ppid_len, type == 2 ? 256 : type == 3 ? 384 : 0);
        cache_make(&sc);
        verifies(&sc);
        CHECK(sc.key.known);
        CHECK_MEM(sc.key.fmspc, sc.spec.ext.fmspc, 6);
        CHECK_EQ(sc.service.count, 5);
        CHECK(strncmp(sc.service.asked[0], "/sgx/certification/v4/pckcert?qeid=", 35) == 0);
        CHECK_EQ(strstr(sc.service.asked[0], "&encrypted_ppid=50504944") != NULL, type == 3);
        CHECK_EQ(strstr(sc.service.asked[0], "ppid") != NULL, type == 3);
        CHECK(strstr(sc.service.asked[0], "&cpusvn=") != NULL);
        verifies(&sc); /* from the cache */
        CHECK_EQ(sc.service.count, 5);
        cache_remove();
        scene_stop(&sc);
    }
}

/* Intel's service finds certificates by the encrypted PPID alone, for those who have its key. */
TEST(pck_chain_from_pcs)
{
    struct scene sc;

    REQUIRE(scene_without_chain(&sc, 3));
    sc.config.kind = CM_COLLATERAL_PCS;
    (void)snprintf(sc.config.root_crl_url, sizeof(sc.config.root_crl_url),
                   "http://127.0.0.1:%u/IntelSGXRootCA.der", serve_port(sc.server));
    (void)snprintf(sc.config.subscription, sizeof(sc.config.subscription), "0123-abc");
    verifies(&sc);
    CHECK(strncmp(sc.service.asked[0], "/sgx/certification/v4/pckcert?encrypted_ppid=5050", 49) ==
          0);
    CHECK_MEM(sc.service.subscription, "ynnnn", 5);
    scene_stop(&sc);
}

/* What it would refuse is not sent: no encrypted PPID, or one under the old key of RSA-2048. */
TEST(pck_chain_not_from_pcs)
{
    static const char *const says[] = {"", "an encrypted PPID: only a caching service", "RSA-3072",
                                       "", "an encrypted PPID: only a caching service"};
    struct scene sc;

    for (unsigned type = 1; type < 5; type++) {
        if (type == 3) {
            continue;
        }
        REQUIRE(scene_without_chain(&sc, type));
        sc.config.kind = CM_COLLATERAL_PCS;
        refuses(&sc, CM_ERR_UNSUPPORTED, says[type]);
        CHECK_EQ(sc.service.count, 0);
        scene_stop(&sc);
    }
}

/* A certificate of another PCE, one where a leaf should stand, none, and one that has expired. */
TEST(pck_chain_wrong)
{
    struct scene sc;

    REQUIRE(scene_without_chain(&sc, 3));
    sc.key.pck.pceid[0] ^= 1;
    refuses(&sc, CM_ERR_MISMATCH, "PCK certificate");
    sc.key.pck.pceid[0] ^= 1;
    sc.service.leaf_len = sc.service.pck.len;
    refuses(&sc, CM_ERR_FORMAT, "PCK certificate");
    sc.service.pck = cm_span_make("x", 0);
    refuses(&sc, CM_ERR_NOTFOUND, "");
    scene_stop(&sc);
    REQUIRE(scene_without_chain(&sc, 4));
    sc.key.fmspc[0] ^= 1; /* the quote's leaf is another platform's */
    refuses(&sc, CM_ERR_MISMATCH, "another platform");
    scene_stop(&sc);
    REQUIRE(scene_without_chain(&sc, 3));
    sc.config.now = sc.spec.pck.not_after + 1;
    refuses(&sc, CM_ERR_EXPIRED, "not valid");
    scene_stop(&sc);
}

/* One certificate with exactly its two issuers beside it: whatever else the texts hold is refused. */
TEST(pck_chain_of_another_length)
{
    static const char end[] = "-----END CERTIFICATE-----";
    static uint8_t text[32768];
    struct scene sc;
    size_t second = 0;
    size_t n = 0;

    REQUIRE(scene_without_chain(&sc, 3));
    /* leaf and CA as the body, CA and root as the chain */
    second = sc.service.leaf_len + 1 +
             (size_t)((const char *)memmem(sc.b->pck_chain.ptr + sc.service.leaf_len + 1,
                                           sc.b->pck_chain.len - sc.service.leaf_len - 1, end,
                                           sizeof(end) - 1) -
                      (const char *)sc.b->pck_chain.ptr) -
             sc.service.leaf_len - 1 + sizeof(end) - 1;
    memcpy(text, sc.b->pck_chain.ptr, second);
    n = second;
    memcpy(text + n, sc.b->pck_chain.ptr + sc.service.leaf_len,
           sc.b->pck_chain.len - sc.service.leaf_len);
    n += sc.b->pck_chain.len - sc.service.leaf_len;
    sc.service.pck = cm_span_make(text, n);
    sc.service.leaf_len = second;
    refuses(&sc, CM_ERR_FORMAT, "PCK certificate");
    /* the leaf, and only the root beside it */
    sc.service.pck = sc.b->pck_chain;
    n = 0;
    memcpy(text, sc.b->pck_chain.ptr, second);
    n = (size_t)((const char *)memmem(text, second, end, sizeof(end) - 1) - (const char *)text) +
        sizeof(end) - 1;
    memcpy(text + n, sc.b->pck_chain.ptr + second, sc.b->pck_chain.len - second);
    sc.service.pck = cm_span_make(text, n + sc.b->pck_chain.len - second);
    sc.service.leaf_len = n;
    refuses(&sc, CM_ERR_FORMAT, "issuer chain");
    scene_stop(&sc);
}

/* Lengths of certification data that are not their type's. */
TEST(pck_certification_data_lengths)
{
    struct cm_collateral_key key;
    struct pki_spec s;
    struct pki_bundle *b = NULL;

    for (unsigned type = 1; type < 4; type++) {
        pki_defaults(&s, 3, 1);
        s.cert_type = type % 3 + 1; /* the data of the next type */
        b = pki_make(&s);
        ((uint8_t *)(uintptr_t)b->quote.ptr)[1046] = (uint8_t)type;
        CHECK_EQ(cm_collateral_key_of(b->quote, &key, NULL), CM_ERR_FORMAT);
        pki_free(b);
    }
}

TEST_MAIN
