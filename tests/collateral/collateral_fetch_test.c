/*
 * The client against services of every kind with the tests' own platforms: the addresses that it
 * asks, what it accepts, and what it keeps. What comes out is verified with the quote.
 */
#include "collateral_scene.h"

/* --------------------------------------------------------------- addresses */

TEST(pccs_version_4)
{
    struct scene sc;
    char fmspc[16] = "";
    char want[256] = "";

    REQUIRE(scene_start(&sc, 3, 1, PATH4));
    CHECK_EQ(sc.config.kind, CM_COLLATERAL_PCCS);
    verifies(&sc);
    for (int i = 0; i < 6; i++) {
        (void)snprintf(fmspc + 2 * i, 3, "%02X", sc.spec.ext.fmspc[i]);
    }
    (void)snprintf(want, sizeof(want), "/sgx/certification/v4/tcb?fmspc=%s", fmspc);
    asked(&sc, 0, want);
    asked(&sc, 1, "/sgx/certification/v4/qe/identity");
    asked(&sc, 2,
          sc.spec.ext.platform ? "/sgx/certification/v4/pckcrl?ca=platform&encoding=der"
                               : "/sgx/certification/v4/pckcrl?ca=processor&encoding=der");
    asked(&sc, 3, "/sgx/certification/v4/rootcacrl");
    CHECK_EQ(sc.service.count, 4);
    CHECK_EQ(sc.service.metadata[0], 'n');
    (void)snprintf(sc.config.update, sizeof(sc.config.update), "early");
    verifies(&sc);
    (void)snprintf(want, sizeof(want), "/sgx/certification/v4/tcb?fmspc=%s&update=early", fmspc);
    asked(&sc, 4, want);
    asked(&sc, 5, "/sgx/certification/v4/qe/identity?update=early");
    scene_stop(&sc);
}

TEST(pccs_version_3)
{
    struct scene sc;

    REQUIRE(scene_start(&sc, 3, 1, "/sgx/certification/v3"));
    sc.service.v3 = true;
    verifies(&sc);
    CHECK(strstr(sc.service.asked[0], "/sgx/certification/v3/tcb?fmspc=") != NULL);
    scene_stop(&sc);
    REQUIRE(scene_start(&sc, 4, 2, "/sgx/certification/v3"));
    refuses(&sc, CM_ERR_UNSUPPORTED, "version 4");
    CHECK_EQ(sc.service.count, 0);
    scene_stop(&sc);
}

TEST(tdx)
{
    struct scene sc;

    REQUIRE(scene_start(&sc, 4, 2, PATH4));
    CHECK(sc.key.tdx);
    verifies(&sc);
    CHECK(strstr(sc.service.asked[0], "/tdx/certification/v4/tcb?fmspc=") != NULL);
    asked(&sc, 1, "/tdx/certification/v4/qe/identity");
    CHECK(strstr(sc.service.asked[2], "/sgx/certification/v4/pckcrl?ca=") != NULL);
    scene_stop(&sc);
}

/* Intel's service has the root's list at an address of its own. */
TEST(pcs_root_list)
{
    struct cm_collateral_config config;
    struct scene sc;

    CHECK_EQ(cm_collateral_config_for("https://api.trustedservices.intel.com/sgx/certification/v4/",
                                      &config, NULL),
             CM_OK);
    CHECK_EQ(config.kind, CM_COLLATERAL_PCS);
    CHECK_STR(config.root_crl_url,
              "https://certificates.trustedservices.intel.com/IntelSGXRootCA.der");
    REQUIRE(scene_start(&sc, 3, 1, PATH4));
    sc.config.kind = CM_COLLATERAL_PCS;
    (void)snprintf(sc.config.root_crl_url, sizeof(sc.config.root_crl_url),
                   "http://127.0.0.1:%u/IntelSGXRootCA.der", serve_port(sc.server));
    verifies(&sc);
    asked(&sc, 3, "/IntelSGXRootCA.der");
    scene_stop(&sc);
}

TEST(azure)
{
    struct scene sc;

    for (int platform = 0; platform < 2; platform++) {
        REQUIRE(scene_start(&sc, 3, 1, "/metadata/THIM/sgx/certification/v4"));
        CHECK_EQ(sc.config.kind, CM_COLLATERAL_AZURE);
        sc.key.platform_ca = platform == 1;
        verifies(&sc);
        CHECK(strstr(sc.service.asked[0], "&clientid=production_client&api-version=") != NULL);
        CHECK(strstr(sc.service.asked[2], platform == 1 ? "ca%3dplatform" : "pckprocessor.crl") !=
              NULL);
        CHECK(strstr(sc.service.asked[3], "pckcrl?uri=https%3a%2f%2fcertificates") != NULL);
        CHECK_MEM(sc.service.metadata, "yyyy", 4);
        scene_stop(&sc);
    }
}

/* -------------------------------------------------------------- bad answers */

TEST(wrong_documents)
{
    static const char text[] = "<html>busy</html>";
    struct pki_spec other;
    struct pki_bundle *foreign = NULL;
    struct pki_bundle *td = NULL;
    struct scene sc;

    REQUIRE(scene_start(&sc, 3, 1, PATH4));
    other = sc.spec;
    other.tcb_fmspc[5] ^= 1;
    foreign = pki_make(&other);
    pki_defaults(&other, 4, 2);
    td = pki_make(&other);

    sc.service.swap = "/tcb?";
    sc.service.with = foreign->col.tcb_info;
    refuses(&sc, CM_ERR_MISMATCH, "TCB info that was served: it is for another platform");
    sc.service.with = td->col.tcb_info;
    refuses(&sc, CM_ERR_MISMATCH, "another platform");
    sc.service.with = cm_span_make(text, sizeof(text) - 1);
    refuses(&sc, CM_ERR_FORMAT, "TCB info that was served");
    sc.service.with = sc.b->col.qe_identity;
    refuses(&sc, CM_ERR_FORMAT, "TCB info that was served");
    sc.service.swap = "/rootcacrl";
    sc.service.with = cm_span_make(text, sizeof(text) - 1);
    refuses(&sc, CM_ERR_FORMAT, "root revocation list that was served");
    sc.service.swap = "/pckcrl";
    sc.service.with = sc.b->root_pem;
    refuses(&sc, CM_ERR_FORMAT, "PCK revocation list that was served");
    sc.service.swap = NULL;
    sc.service.no_chain = true;
    refuses(&sc, CM_ERR_FORMAT, "issuer chain");
    sc.service.no_chain = false;
    sc.config.now = sc.spec.tcb_next + 1;
    refuses(&sc, CM_ERR_EXPIRED, "not valid at this time");
    sc.config.now = sc.spec.tcb_issued - 1;
    refuses(&sc, CM_ERR_EXPIRED, "not valid at this time");
    sc.config.now = PKI_NOW;
    sc.service.status = 404;
    refuses(&sc, CM_ERR_NOTFOUND, "does not have it");
    sc.service.status = 429;
    refuses(&sc, CM_ERR_BUSY, "try again later");
    pki_free(foreign);
    pki_free(td);
    scene_stop(&sc);
}

/* ------------------------------------------------------------------- cache */

TEST(cache_is_used_while_fresh)
{
    struct scene sc;

    REQUIRE(scene_start(&sc, 3, 1, PATH4));
    cache_make(&sc);
    verifies(&sc);
    verifies(&sc);
    CHECK_EQ(sc.service.count, 4);
    /* older than what is wanted: asked again */
    sc.config.now = PKI_NOW + sc.config.max_age + 1;
    verifies(&sc);
    CHECK_EQ(sc.service.count, 8);
    /* the clock went back: what was stored "in the future" is not believed */
    sc.config.now = PKI_NOW;
    verifies(&sc);
    CHECK_EQ(sc.service.count, 12);
    /* expired, though just stored: never given out */
    sc.config.now = sc.spec.tcb_next + 1;
    refuses(&sc, CM_ERR_EXPIRED, "not valid");
    CHECK_EQ(sc.service.count, 13);
    cache_remove();
    scene_stop(&sc);
}

/* A service that is down costs nothing as long as nothing has expired. */
TEST(cache_bridges_a_failing_service)
{
    struct scene sc;

    REQUIRE(scene_start(&sc, 3, 1, PATH4));
    cache_make(&sc);
    verifies(&sc);
    sc.config.now = PKI_NOW + sc.config.max_age + 1;
    sc.service.status = 503;
    verifies(&sc);
    CHECK_EQ(sc.service.count, 8);
    sc.service.status = 404; /* an answer about the document counts */
    refuses(&sc, CM_ERR_NOTFOUND, "does not have it");
    sc.config.now = sc.spec.tcb_next + 1;
    sc.service.status = 503;
    refuses(&sc, CM_ERR_BUSY, "busy");
    cache_remove();
    scene_stop(&sc);
}

/* Other platforms, other services: other entries. */
TEST(cache_keys)
{
    struct scene sc;
    struct cm_cache_entry e;
    char url[CM_DOCUMENT_MAX_URL] = "";
    struct cm_collateral_key key;

    REQUIRE(scene_start(&sc, 3, 1, PATH4));
    cache_make(&sc);
    verifies(&sc);
    cache_path(&sc, CM_DOCUMENT_TCB_INFO, url);
    CHECK_EQ(cm_cache_get(cache_dir, url, &e), CM_OK);
    CHECK_EQ(e.stored, PKI_NOW);
    CHECK_EQ(e.bytes.body.len, sc.b->col.tcb_info.len);
    cm_cache_entry_free(&e);
    key = sc.key;
    sc.key.fmspc[5] ^= 1;
    cache_path(&sc, CM_DOCUMENT_TCB_INFO, url);
    CHECK_EQ(cm_cache_get(cache_dir, url, &e), CM_ERR_NOTFOUND);
    sc.key = key;
    sc.key.platform_ca = !sc.key.platform_ca;
    cache_path(&sc, CM_DOCUMENT_PCK_CRL, url);
    CHECK_EQ(cm_cache_get(cache_dir, url, &e), CM_ERR_NOTFOUND);
    cache_remove();
    scene_stop(&sc);
}

/* Every single damaged byte, every length: as if it were not there. */
TEST(cache_damage_is_a_miss)
{
    static const char url[] = "https://service.example/document";
    const struct cm_document_bytes bytes = {cm_span_make("the body", 8), cm_span_make("chain", 5)};
    struct cm_cache_entry e;
    char command[256] = "";
    char path[256] = "";
    uint8_t file[512];
    size_t len = 0;
    FILE *f = NULL;

    (void)snprintf(cache_dir, sizeof(cache_dir), "collateral-cache-%ld", (long)getpid());
    (void)mkdir(cache_dir, 0700);
    REQUIRE(cm_cache_put(cache_dir, url, 1234, bytes) == CM_OK);
    (void)snprintf(command, sizeof(command), "ls ./%s/*.collateral", cache_dir);
    f = popen(command, "r");
    REQUIRE(f != NULL && fgets(path, sizeof(path), f) != NULL);
    (void)pclose(f);
    path[strcspn(path, "\n")] = '\0';
    f = fopen(path, "rb");
    REQUIRE(f != NULL);
    len = fread(file, 1, sizeof(file), f);
    (void)fclose(f);
    CHECK_EQ(cm_cache_get(cache_dir, url, &e), CM_OK);
    CHECK_MEM(e.bytes.body.ptr, "the body", 8);
    CHECK_MEM(e.bytes.chain.ptr, "chain", 5);
    cm_cache_entry_free(&e);
    for (size_t i = 0; i < 2 * len; i++) {
        size_t keep = i < len ? len : i - len;

        if (i < len) {
            file[i] ^= 0x10;
        }
        f = fopen(path, "wb");
        REQUIRE(f != NULL && fwrite(file, 1, keep, f) == keep);
        (void)fclose(f);
        if (i < len) {
            file[i] ^= 0x10;
        }
        if (cm_cache_get(cache_dir, url, &e) != CM_ERR_NOTFOUND || e.file != NULL) {
            TEST_FAIL("damage %zu was believed", i);
        }
    }
    /* an entry of one address under the name of another */
    REQUIRE(cm_cache_put(cache_dir, "https://service.example/documenx", 1234, bytes) == CM_OK);
    (void)snprintf(command, sizeof(command), "rm %s && mv ./%s/*.collateral %s", path, cache_dir,
                   path);
    CHECK_EQ(system(command), 0);
    CHECK_EQ(cm_cache_get(cache_dir, url, &e), CM_ERR_NOTFOUND);
    cache_remove();
}

/* A cache that cannot be written costs requests, nothing else. */
TEST(cache_without_a_folder)
{
    struct scene sc;

    REQUIRE(scene_start(&sc, 3, 1, PATH4));
    (void)snprintf(sc.config.cache, sizeof(sc.config.cache), "/dev/null/no/place");
    verifies(&sc);
    verifies(&sc);
    CHECK_EQ(sc.service.count, 8);
    scene_stop(&sc);
}

TEST(without_memory)
{
    struct scene sc;
    enum cm_status st = CM_ERR_NOMEM;

    REQUIRE(scene_start(&sc, 3, 1, PATH4));
    cache_make(&sc);
    verifies(&sc); /* so that the run below stays off the network, whose threads allocate, too */
    for (long k = 1; st != CM_OK && k < 3000; k++) {
        struct cm_collateral_parts *parts = NULL;

        fail_alloc_at(k);
        st = cm_collateral_fetch(&sc.config, &sc.key, &parts, NULL);
        fail_alloc_at(-1);
        CHECK((st == CM_OK) == (parts != NULL));
        cm_parts_free(parts);
    }
    CHECK_EQ(st, CM_OK);
    cache_remove();
    scene_stop(&sc);
}

TEST_MAIN
