/* Bundles and folders, the platform that a quote names, and the configuration of the environment. */
#include <sys/stat.h>
#include <unistd.h>

#include "harness.h"

#include "collateral/collateral_client.h"
#include "collateral/collateral_files.h"
#include "common/span.h"
#include "pki.h"

static char dir[64];

static const char *in_dir(const char *name)
{
    static char path[4][160];
    static unsigned used;
    char *out = path[used++ % 4];

    (void)snprintf(dir, sizeof(dir), "collateral-files-%ld", (long)getpid());
    (void)mkdir(dir, 0700);
    (void)snprintf(out, sizeof(path[0]), "%s/%s", dir, name);
    return out;
}

static void clean(void)
{
    char command[128] = "";

    (void)snprintf(command, sizeof(command), "rm -rf ./%s", dir);
    CHECK_EQ(system(command), 0);
}

static void write_text(const char *path, const char *text)
{
    FILE *f = fopen(path, "wb");

    if (f == NULL || fputs(text, f) < 0 || fclose(f) != 0) {
        TEST_FAIL("%s cannot be written", path);
    }
}

static struct cm_collateral_parts *parts_of(const struct pki_bundle *b)
{
    const struct cm_span spans[] = {b->col.tcb_info,    b->col.tcb_info_chain,
                                    b->col.qe_identity, b->col.qe_identity_chain,
                                    b->col.root_ca_crl, b->col.pck_crl};
    struct cm_collateral_parts *p = NULL;

    if (cm_parts_create(&p) != CM_OK) {
        return NULL;
    }
    for (unsigned i = 0; i < 6; i++) {
        if (cm_parts_set(p, (enum cm_collateral_part)i, spans[i]) != CM_OK) {
            TEST_FAIL("part %u", i);
        }
    }
    return p;
}

static bool genuine(const struct pki_bundle *b, const struct cm_collateral_parts *p)
{
    struct cm_verify_input in = {.now = PKI_NOW, .roots = &b->root, .root_count = 1};
    struct cm_dcap_collateral view = cm_parts_view(p);
    struct cm_evidence *ev = NULL;
    enum cm_status st = cm_dcap_verify(b->quote, &view, &in, 0, NULL, &ev);

    cm_evidence_free(ev);
    return st == CM_OK;
}

/* What was saved is the same, byte for byte, for every form of revocation list. */
TEST(round_trip)
{
    for (int form = 0; form < 3; form++) {
        struct pki_spec s;
        struct pki_bundle *b = NULL;
        struct cm_collateral_parts *p = NULL;
        struct cm_collateral_parts *q = NULL;

        pki_defaults(&s, 3, 1);
        s.root_crl.form = form;
        s.pck_crl.form = form;
        b = pki_make(&s);
        p = parts_of(b);
        REQUIRE(p != NULL);
        CHECK_EQ(cm_parts_complete(p, NULL), CM_OK);
        CHECK_EQ(cm_parts_save(p, in_dir("bundle.json"), NULL), CM_OK);
        CHECK_EQ(cm_parts_load(in_dir("bundle.json"), &q, NULL), CM_OK);
        REQUIRE(q != NULL);
        CHECK(genuine(b, q));
        CHECK_MEM(cm_parts_get(q, CM_PART_TCB_INFO).ptr, b->col.tcb_info.ptr, b->col.tcb_info.len);
        cm_parts_free(q);
        (void)mkdir(in_dir("folder"), 0700);
        CHECK_EQ(cm_parts_save(p, in_dir("folder"), NULL), CM_OK);
        CHECK_EQ(cm_parts_load(in_dir("folder"), &q, NULL), CM_OK);
        REQUIRE(q != NULL);
        CHECK(genuine(b, q));
        cm_parts_free(q);
        cm_parts_free(p);
        pki_free(b);
    }
    clean();
}

TEST(parts_are_bounded)
{
    uint8_t *large = calloc(1, CM_COLLATERAL_MAX_PART + 1);
    struct cm_collateral_parts *p = NULL;
    struct cm_why why = {""};

    REQUIRE(large != NULL && cm_parts_create(&p) == CM_OK);
    CHECK_EQ(cm_parts_set(p, CM_PART_PCK_CRL, cm_span_make(large, 0)), CM_ERR_FORMAT);
    CHECK_EQ(cm_parts_set(p, CM_PART_PCK_CRL, cm_span_make(large, CM_COLLATERAL_MAX_PART + 1)),
             CM_ERR_LIMIT);
    CHECK(cm_parts_get(p, CM_PART_PCK_CRL).ptr == NULL);
    CHECK_EQ(cm_parts_set(p, CM_PART_PCK_CRL, cm_span_make(large, CM_COLLATERAL_MAX_PART)), CM_OK);
    CHECK_EQ(cm_parts_complete(p, &why), CM_ERR_NOTFOUND);
    CHECK_STR(why.text, "the collateral has no tcb_info");
    free(large);
    cm_parts_free(p);
}

TEST(bad_files)
{
    const struct {
        const char *text;
        enum cm_status want;
        const char *says;
    } cases[] = {
        {"{}", CM_ERR_NOTFOUND, "no member \"tcb_info\""},
        {"[]", CM_ERR_NOTFOUND, "no member \"tcb_info\""},
        {"{", CM_ERR_SYNTAX, ""},
        {"{\"tcb_info\":7}", CM_ERR_FORMAT, "member \"tcb_info\""},
        {"{\"tcb_info\":\"\"}", CM_ERR_FORMAT, "member \"tcb_info\""},
        {"{\"tcb_info\":\"a\",\"tcb_info\":\"b\"}", CM_ERR_FORMAT, ""},
        {"{\"tcb_info\":\"a\",\"tcb_info_signature\":7}", CM_ERR_FORMAT, "member \"tcb_info\""},
        {"{\"tcb_info\":\"a\"}", CM_ERR_NOTFOUND, "no member \"tcb_info_issuer_chain\""},
    };
    struct cm_collateral_parts *p = NULL;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct cm_why why = {""};
        enum cm_status st = CM_OK;

        write_text(in_dir("bad.json"), cases[i].text);
        st = cm_parts_load(in_dir("bad.json"), &p, &why);
        if (st != cases[i].want || p != NULL || strstr(why.text, cases[i].says) == NULL) {
            TEST_FAIL("%s: %s (%s)", cases[i].text, cm_status_str(st), why.text);
        }
    }
    CHECK_EQ(cm_parts_load(in_dir("absent"), &p, NULL), CM_ERR_NOTFOUND);
    clean();
}

/* Bytes that are no text cannot become a bundle's text. */
TEST(save_refuses_what_is_no_text)
{
    struct cm_collateral_parts *p = NULL;

    REQUIRE(cm_parts_create(&p) == CM_OK);
    CHECK_EQ(cm_parts_set(p, CM_PART_TCB_INFO, cm_span_make("\xff\xfe", 2)), CM_OK);
    CHECK_EQ(cm_parts_save(p, in_dir("bundle.json"), NULL), CM_ERR_FORMAT);
    CHECK(access(in_dir("bundle.json"), F_OK) != 0);
    cm_parts_free(p);
    clean();
}

/* --------------------------------------------------------------- environment */

static void forget(void)
{
    static const char *const names[] = {"CASEMATE_PCCS_URL",    "CASEMATE_PCCS_CA",
                                        "AZDCAP_BASE_CERT_URL", "AZDCAP_COLLATERAL_VERSION",
                                        "QCNL_CONF_PATH",       "CASEMATE_COLLATERAL_CACHE"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        (void)unsetenv(names[i]);
    }
    (void)setenv("CASEMATE_STATE_DIR", "/dev/null/no/place", 1);
}

TEST(config_addresses)
{
    const struct {
        const char *url;
        enum cm_status want;
        const char *clean;
    } cases[] = {
        {"https://localhost:8081/sgx/certification/v4/", CM_OK,
         "https://localhost:8081/sgx/certification/v4"},
        {"https://localhost:8081/sgx/certification/v3", CM_OK,
         "https://localhost:8081/sgx/certification/v3"},
        {"https://localhost:8081/sgx/certification/v2/", CM_ERR_PARAM, ""},
        {"https://localhost:8081/sgx/certification/v44/", CM_ERR_PARAM, ""},
        {"https://localhost:8081/sgx/certification/v4/tcb", CM_ERR_PARAM, ""},
        {"https://localhost:8081/", CM_ERR_PARAM, ""},
        {"https://localhost:8081/sgx/certification/v", CM_ERR_PARAM, ""},
        {"http://pccs/sgx/certification/v4/", CM_ERR_PARAM, ""},
    };
    char longest[2000] = "https://localhost/";

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct cm_collateral_config c;

        CHECK_EQ(cm_collateral_config_for(cases[i].url, &c, NULL), cases[i].want);
        if (cases[i].want == CM_OK) {
            CHECK_STR(c.url, cases[i].clean);
            CHECK_EQ(c.kind, CM_COLLATERAL_PCCS);
            CHECK_STR(c.cache, "");
        }
    }
    memset(longest + 18, 'a', sizeof(longest) - 19);
    {
        struct cm_collateral_config c;

        CHECK_EQ(cm_collateral_config_for(longest, &c, NULL), CM_ERR_PARAM);
    }
}

TEST(config_from_variables)
{
    struct cm_collateral_config c;
    struct cm_why why = {""};

    forget();
    (void)setenv("QCNL_CONF_PATH", "/nowhere", 1);
    CHECK_EQ(cm_collateral_configure(&c, &why), CM_ERR_NOTFOUND);
    CHECK(strstr(why.text, "/nowhere") != NULL);
    (void)setenv("AZDCAP_BASE_CERT_URL", "https://global.acccache.azure.net/sgx/certification", 1);
    CHECK_EQ(cm_collateral_configure(&c, NULL), CM_OK);
    CHECK_EQ(c.kind, CM_COLLATERAL_AZURE);
    CHECK_STR(c.url, "https://global.acccache.azure.net/sgx/certification/v3");
    (void)setenv("AZDCAP_COLLATERAL_VERSION", "v4", 1);
    CHECK_EQ(cm_collateral_configure(&c, NULL), CM_OK);
    CHECK_STR(c.url, "https://global.acccache.azure.net/sgx/certification/v4");
    (void)setenv("CASEMATE_PCCS_URL", "https://pccs.example/sgx/certification/v4/", 1);
    (void)setenv("CASEMATE_PCCS_CA", "/etc/own.pem", 1);
    CHECK_EQ(cm_collateral_configure(&c, NULL), CM_OK);
    CHECK_STR(c.url, "https://pccs.example/sgx/certification/v4");
    CHECK_STR(c.ca_file, "/etc/own.pem");
    CHECK_STR(c.cache, ""); /* no place for it */
    forget();
}

TEST(config_from_intels_file)
{
    const struct {
        const char *text;
        const char *url; /* NULL: not understood */
    } cases[] = {
        {"{\n  // a comment, \"pccs_url\": \"https://no/\"\n  \"pccs_url\": "
         "\"https://localhost:8081/sgx/certification/v4/\"\n  //another\n}\n//end",
         "https://localhost:8081/sgx/certification/v4"},
        {"{\"pccs_url\":\"https://a/sgx/certification/v4/\",\n"
         "\"collateral_service\":\"https://b/sgx/certification/v3/\"}",
         "https://b/sgx/certification/v3"},
        {"{}", NULL},
        {"{\"pccs_url\":7}", NULL},
        {"PCCS_URL=https://localhost:8081/sgx/certification/v2/\n", NULL},
        {"", NULL},
        {"//", NULL},
    };

    forget();
    (void)setenv("QCNL_CONF_PATH", in_dir("qcnl.conf"), 1);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct cm_collateral_config c;
        struct cm_why why = {""};

        write_text(in_dir("qcnl.conf"), cases[i].text);
        if (cases[i].url != NULL) {
            CHECK_EQ(cm_collateral_configure(&c, &why), CM_OK);
            CHECK_STR(c.url, cases[i].url);
        } else {
            CHECK_EQ(cm_collateral_configure(&c, &why), CM_ERR_FORMAT);
            CHECK(strstr(why.text, "CASEMATE_PCCS_URL") != NULL);
        }
    }
    forget();
    clean();
}

TEST(config_cache)
{
    struct cm_collateral_config c;
    char here[1024] = "";
    char state[1200] = "";
    char want[1300] = "";

    forget();
    (void)in_dir("x");
    REQUIRE(getcwd(here, sizeof(here)) != NULL);
    (void)snprintf(state, sizeof(state), "%s/%s/state", here, dir);
    (void)snprintf(want, sizeof(want), "%s/collateral", state);
    (void)setenv("CASEMATE_STATE_DIR", state, 1);
    (void)setenv("CASEMATE_PCCS_URL", "https://pccs.example/sgx/certification/v4/", 1);
    CHECK_EQ(cm_collateral_configure(&c, NULL), CM_OK);
    if (strlen(want) < 900) {
        CHECK_STR(c.cache, want);
        CHECK_EQ(access(want, W_OK), 0);
    }
    (void)setenv("CASEMATE_COLLATERAL_CACHE", "off", 1);
    CHECK_EQ(cm_collateral_configure(&c, NULL), CM_OK);
    CHECK_STR(c.cache, "");
    forget();
    clean();
}

TEST_MAIN
