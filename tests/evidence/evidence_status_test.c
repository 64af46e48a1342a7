/* TCB levels: matching, merging over platform, QE and module, and TD relaunch. */
#include "expect.h"

#include <casemate/dcap.h>

static const char *const platform_names[7] = {
    "UpToDate",
    "SWHardeningNeeded",
    "ConfigurationNeeded",
    "ConfigurationAndSWHardeningNeeded",
    "OutOfDate",
    "OutOfDateConfigurationNeeded",
    "Revoked",
};

static bool stale(const char *s)
{
    return strncmp(s, "OutOfDate", 9) == 0;
}

/* The rule in other words than the implementation's: what Intel's TCB recovery page says. */
static const char *rule(const char *platform, const char *qe, const char *module)
{
    if (strcmp(platform, "Revoked") == 0 || strcmp(qe, "Revoked") == 0 ||
        strcmp(module, "Revoked") == 0) {
        return "Revoked";
    }
    if (!stale(qe) && !stale(module)) {
        return platform;
    }
    return strstr(platform, "Configuration") != NULL ? "OutOfDateConfigurationNeeded" : "OutOfDate";
}

static enum cm_status status_of(const char *name)
{
    return strcmp(name, "Revoked") == 0        ? CM_ERR_REVOKED
           : strcmp(name, "NotSupported") == 0 ? CM_ERR_MISMATCH
                                               : CM_OK;
}

static void merged_at(int line, const struct pki_spec *s, const char *want)
{
    struct pki_bundle *b = pki_make(s);
    struct cm_verify_input in = {.now = PKI_NOW};
    struct cm_evidence *ev = NULL;
    enum cm_status st = verify_with(b, &in, ALL_STATUSES, NULL, &ev);
    const struct cm_claim *c = ev == NULL ? NULL : cm_evidence_find(ev, 0, CM_CLAIM_TCB_STATUS, 0);

    if (st != status_of(want) || c == NULL || strcmp(c->text, want) != 0) {
        TEST_FAIL("line %d: %s (%s), wanted %s", line, c == NULL ? "-" : c->text, cm_status_str(st),
                  want);
    }
    cm_evidence_free(ev);
    if (st == CM_OK) { /* nothing but UpToDate without being asked for by name */
        enum cm_status plain = verify_with(b, &in, 0, NULL, &ev);

        CHECK_EQ(plain, strcmp(want, "UpToDate") == 0 ? CM_OK : CM_ERR_POLICY);
        cm_evidence_free(ev);
    }
    pki_free(b);
}

#define MERGED(version, type, change, want) \
    do {                                    \
        struct pki_spec s;                  \
        pki_defaults(&s, version, type);    \
        change;                             \
        merged_at(__LINE__, &s, want);      \
    } while (0)

TEST(H2_every_platform_status_with_every_QE_status)
{
    static const char *const qe[] = {"UpToDate", "OutOfDate", "ConfigurationNeeded",
                                     "OutOfDateConfigurationNeeded", "Revoked"};

    for (size_t p = 0; p < 7; p++) {
        for (size_t q = 0; q < 5; q++) {
            MERGED(3, 1, s.levels[0].status = platform_names[p];
                   s.qe_levels[0].status = qe[q], rule(platform_names[p], qe[q], "UpToDate"));
        }
    }
}

TEST(H2_every_platform_status_with_every_module_status)
{
    static const char *const module[] = {"UpToDate", "OutOfDate", "Revoked"};

    for (size_t p = 0; p < 7; p++) {
        for (size_t m = 0; m < 3; m++) {
            MERGED(4, 2, s.levels[0].status = platform_names[p];
                   s.modules[0].levels[0].status = module[m],
                   rule(platform_names[p], "UpToDate", module[m]));
        }
    }
    MERGED(4, 2, s.qe_levels[0].status = "OutOfDate";
           s.modules[0].levels[0].status = "Revoked", "Revoked");
}

TEST(H2_unknown_statuses_are_refused)
{
    EXPECT3(s.levels[1].status = "Fine", CM_ERR_FORMAT, "tcb_info.signature");
    EXPECT3(s.levels[1].status = "uptodate", CM_ERR_FORMAT, "tcb_info.signature");
    EXPECT3(s.levels[1].status = "", CM_ERR_FORMAT, "tcb_info.signature");
    EXPECT3(s.levels[1].status = "NotSupported", CM_ERR_FORMAT, "tcb_info.signature");
    EXPECT3(s.levels[1].status = "TDRelaunchAdvised", CM_ERR_FORMAT, "tcb_info.signature");
    EXPECT3(s.qe_levels[1].status = "SWHardeningNeeded", CM_ERR_FORMAT, "qe_identity.signature");
    EXPECT3(s.qe_levels[1].status = "ConfigurationAndSWHardeningNeeded", CM_ERR_FORMAT,
            "qe_identity.signature");
    EXPECT(4, 2, s.modules[0].levels[1].status = "ConfigurationNeeded", CM_ERR_FORMAT,
           "tcb_info.signature");
    EXPECT(4, 2, s.modules[0].levels[1].status = "SWHardeningNeeded", CM_ERR_FORMAT,
           "tcb_info.signature");
    EXPECT(4, 2, s.modules[0].levels[1].status = "OutOfDateConfigurationNeeded", CM_ERR_FORMAT,
           "tcb_info.signature");
}

TEST(revoked_and_unsupported_are_never_accepted)
{
    EXPECT3(s.levels[0].status = "Revoked", CM_ERR_REVOKED, "tcb.status");
    MERGED(3, 1, s.levels[0].status = "Revoked"; s.qe_report[258] = 5, "Revoked");
    EXPECT3(s.ext.comp[15] = 2, CM_ERR_MISMATCH, "tcb.status");
    EXPECT3(s.qe_report[258] = 5, CM_ERR_MISMATCH, "tcb.status");
    EXPECT(4, 2, s.body[0] = 2, CM_ERR_MISMATCH, "tcb.status");
}

TEST(levels_match_by_every_component)
{
    MERGED(3, 1, (void)0, "UpToDate");
    for (unsigned i = 0; i < 16; i++) { /* one component too low falls to the next level */
        MERGED(3, 1, s.ext.comp[i] = 4, "OutOfDate");
        MERGED(3, 1, s.ext.comp[i] = 255, "UpToDate");
        MERGED(3, 1, s.ext.comp[i] = 2, "NotSupported");
    }
    MERGED(3, 1, s.ext.pcesvn = 10, "OutOfDate");
    MERGED(3, 1, s.ext.pcesvn = 8, "NotSupported");
    MERGED(3, 1, s.ext.pcesvn = 0x8000, "UpToDate");
    MERGED(3, 1, s.tcb_version = 2; s.tcb_id = NULL, "UpToDate");
    MERGED(3, 1, s.tcb_version = 2; s.tcb_id = NULL; s.ext.comp[15] = 4, "OutOfDate");
    MERGED(4, 1, (void)0, "UpToDate");
    MERGED(5, 1, (void)0, "UpToDate");
    MERGED(3, 1, s.qe_report[258] = 7, "OutOfDate");
    MERGED(3, 1, s.qe_report[259] = 1, "UpToDate");
}

TEST(levels_match_from_the_highest_down_whatever_their_order)
{
    struct pki_level swap;

    MERGED(3, 1, swap = s.levels[0]; s.levels[0] = s.levels[1]; s.levels[1] = swap, "UpToDate");
    MERGED(3, 1, s.levels[0].pcesvn = 9; s.levels[1] = s.levels[0]; s.levels[1].pcesvn = 10;
           s.levels[0].status = "OutOfDate", "UpToDate");
    MERGED(3, 1, s.levels[0].pcesvn = 9;
           s.levels[1].pcesvn = 11, "UpToDate"); /* components first */
    MERGED(4, 2, s.levels[1] = s.levels[0]; s.levels[0].tdx[2] = 2;
           s.levels[0].status = "OutOfDate", "UpToDate");
    MERGED(3, 1, s.qe_levels[2] = s.qe_levels[0]; s.qe_levels[0] = s.qe_levels[1];
           s.qe_levels[1] = s.qe_levels[2]; s.qe_levels[2].status = NULL, "UpToDate");
    EXPECT3(s.levels[1] = s.levels[0], CM_ERR_FORMAT, "tcb_info.signature");
    EXPECT3(s.qe_levels[1] = s.qe_levels[0], CM_ERR_FORMAT, "qe_identity.signature");
    EXPECT(4, 2, s.modules[0].levels[1] = s.modules[0].levels[0], CM_ERR_FORMAT,
           "tcb_info.signature");
}

TEST(TDX_components_and_modules)
{
    for (unsigned type = 2; type <= 4; type++) {
        MERGED(5, type, (void)0, "UpToDate");
        MERGED(5, type, s.levels[0].tdx[0] = 200; s.levels[0].tdx[1] = 200, "UpToDate");
    }
    for (unsigned i = 2; i < 16; i++) {
        MERGED(4, 2, s.levels[0].tdx[i] = 9, "OutOfDate");
    }
    MERGED(4, 2, s.body[0] = 4, "OutOfDate"); /* the module's own level */
    MERGED(4, 2, s.modules[0].id = "tdx_01", "UpToDate");
    /* version 0: the components 0 and 1 count, and tdxModule describes the module */
    MERGED(4, 2, s.body[1] = 0; s.modules[0].id = NULL, "UpToDate");
    MERGED(4, 2, s.body[1] = 0; s.levels[0].tdx[0] = 6, "OutOfDate");
    MERGED(4, 2, s.body[1] = 0; s.levels[0].tdx[1] = 1, "OutOfDate");
    EXPECT(4, 2, s.body[1] = 0; s.no_module = true, CM_ERR_MISMATCH, "tdx.module");
    EXPECT(4, 2, s.body[1] = 2, CM_ERR_MISMATCH, "tdx.module");
    EXPECT(4, 2, s.body[1] = 0x1f; s.modules[0].id = "TDX_1E", CM_ERR_MISMATCH, "tdx.module");
    MERGED(4, 2, s.body[1] = 0x1f; s.modules[0].id = "TDX_1F", "UpToDate");
    MERGED(4, 2, s.body[1] = 0x1f; s.modules[0].id = "TDX_1f", "UpToDate");
    EXPECT(4, 2, s.modules[0].id = "TDX_001", CM_ERR_MISMATCH, "tdx.module");
    EXPECT(4, 2, s.modules[0].id = NULL, CM_ERR_MISMATCH, "tdx.module");
    EXPECT(4, 2, s.modules[1] = s.modules[0], CM_ERR_FORMAT, "tcb_info.signature");
    EXPECT(4, 2, s.modules[1] = s.modules[0];
           s.modules[1].id = "tdx_01", CM_ERR_FORMAT, "tcb_info.signature");
}

TEST(TDX_module_is_the_described_one)
{
    EXPECT(4, 2, s.body[64] = 1, CM_ERR_MISMATCH, "tdx.module");  /* MRSIGNERSEAM */
    EXPECT(4, 2, s.body[111] = 1, CM_ERR_MISMATCH, "tdx.module"); /* its last byte */
    EXPECT(4, 2, s.body[112] = 1, CM_ERR_MISMATCH, "tdx.module"); /* SEAM attributes */
    EXPECT(4, 2, s.body[119] = 0x80, CM_ERR_MISMATCH, "tdx.module");
    EXPECT(4, 2, s.modules[0].mrsigner = 1, CM_ERR_MISMATCH, "tdx.module");
    EXPECT(4, 2, s.modules[0].attributes = 1, CM_ERR_MISMATCH, "tdx.module");
    EXPECT(4, 2, memset(s.body + 112, 1, 8); s.modules[0].attributes = 1, CM_ERR_MISMATCH,
                                             "tdx.module"); /* equal, but attributes must be zero */
    MERGED(4, 2, memset(s.body + 64, 7, 48); s.modules[0].mrsigner = 7, "UpToDate");
    EXPECT(4, 2, s.body[1] = 0; memset(s.body + 64, 7, 48), CM_ERR_MISMATCH, "tdx.module");
    MERGED(4, 2, s.body[1] = 0; memset(s.body + 64, 7, 48); s.module_mrsigner = 7, "UpToDate");
}

/* Body types 3 and 4 say what the module was at launch and what it is now. */
TEST(relaunch_both_ways)
{
    for (unsigned type = 3; type <= 4; type++) {
        MERGED(5, type, s.body[0] = 4, "TDRelaunchAdvised");
        MERGED(5, type, s.body[0] = 4;
               s.levels[0].status = "SWHardeningNeeded", "TDRelaunchAdvised");
        MERGED(5, type, s.body[0] = 4;
               s.levels[0].status = "ConfigurationNeeded", "TDRelaunchAdvisedConfigurationNeeded");
        MERGED(5, type, s.body[0] = 4; s.levels[0].status = "ConfigurationAndSWHardeningNeeded",
                                       "TDRelaunchAdvisedConfigurationNeeded");
        MERGED(5, type, s.body[0] = 4; s.body[584] = 4, "OutOfDate"); /* both old */
        MERGED(5, type, s.body[584] = 4, "UpToDate");     /* launched on the newer one */
        MERGED(5, type, s.body[584] = 2, "NotSupported"); /* the second fails */
        MERGED(5, type, s.body[0] = 2, "NotSupported");   /* the first fails */
        MERGED(5, type, s.body[0] = 4; s.modules[0].levels[0].status = "Revoked", "Revoked");
        MERGED(5, type, s.body[584] = 4; s.modules[0].levels[1].status = "Revoked", "Revoked");
        MERGED(5, type, s.body[0] = 4; s.modules[0].levels[1].status = "Revoked", "Revoked");
        MERGED(5, type, s.body[585] = 9, "NotSupported");
    }
    /* launch out of date with configuration needed, now fine: only another platform level does it */
    MERGED(5, 3, s.levels[0].status = "UpToDate"; s.levels[1] = s.levels[0]; s.levels[1].tdx[2] = 2;
           s.levels[1].status = "OutOfDateConfigurationNeeded";
           s.body[2] = 2, "TDRelaunchAdvisedConfigurationNeeded");
}

/* Launched on one platform level, now on another: body[2] and body[586] tell them apart. */
TEST(relaunch_between_platform_levels)
{
    static const struct {
        const char *launch;
        const char *now;
        const char *want;
    } cases[] = {
        {"OutOfDate", "UpToDate", "TDRelaunchAdvised"},
        {"OutOfDate", "SWHardeningNeeded", "TDRelaunchAdvised"},
        {"OutOfDate", "ConfigurationNeeded", "TDRelaunchAdvisedConfigurationNeeded"},
        {"OutOfDate", "ConfigurationAndSWHardeningNeeded", "TDRelaunchAdvisedConfigurationNeeded"},
        {"OutOfDate", "OutOfDate", "OutOfDate"},
        {"OutOfDate", "OutOfDateConfigurationNeeded", "OutOfDate"},
        {"OutOfDate", "Revoked", "Revoked"},
        {"OutOfDateConfigurationNeeded", "UpToDate", "TDRelaunchAdvisedConfigurationNeeded"},
        {"OutOfDateConfigurationNeeded", "OutOfDate", "OutOfDateConfigurationNeeded"},
        {"SWHardeningNeeded", "UpToDate", "SWHardeningNeeded"},
        {"ConfigurationNeeded", "UpToDate", "ConfigurationNeeded"},
        {"Revoked", "UpToDate", "Revoked"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        MERGED(5, 3, s.levels[1] = s.levels[0]; s.levels[1].tdx[2] = 2;
               s.levels[1].status = cases[i].launch; s.levels[0].status = cases[i].now;
               s.body[2] = 2, cases[i].want);
    }
}

TEST(dates_and_advisories_of_the_matched_levels)
{
    struct cm_verify_input in = {.now = PKI_NOW};
    struct cm_evidence *ev = NULL;
    struct pki_bundle *b = NULL;
    struct pki_spec s;

    pki_defaults(&s, 5, 3);
    s.body[0] = 4;
    s.levels[0].advisory = "INTEL-SA-00009";
    s.qe_levels[0].advisory = "INTEL-SA-00009"; /* once only */
    b = pki_make(&s);
    CHECK_EQ(verify_with(b, &in, ALL_STATUSES, NULL, &ev), CM_OK);
    REQUIRE(ev != NULL);
    CHECK_STR(cm_evidence_find(ev, 0, CM_CLAIM_ADVISORY, 0)->text, "INTEL-SA-00009");
    CHECK_STR(cm_evidence_find(ev, 0, CM_CLAIM_ADVISORY, 1)->text, "INTEL-SA-00002");
    CHECK(cm_evidence_find(ev, 0, CM_CLAIM_ADVISORY, 2) == NULL);
    /* the oldest date: the module's second level */
    CHECK_EQ(cm_evidence_find(ev, 0, CM_CLAIM_TCB_DATE, 0)->number, PKI_NOW - 110 * PKI_DAY);
    CHECK_EQ(cm_evidence_find(ev, 0, "tcb.current_date", 0)->number, PKI_NOW - 100 * PKI_DAY);
    CHECK_STR(cm_evidence_find(ev, 0, "tcb.current_status", 0)->text, "UpToDate");
    CHECK_EQ(cm_evidence_find(ev, 0, CM_CLAIM_TCB_STATUS, 0)->authority, CM_AUTHORITY_ENDORSER);
    CHECK_EQ(cm_evidence_find(ev, 0, "tdx.mrtd", 0)->authority, CM_AUTHORITY_HARDWARE);
    CHECK_EQ(cm_evidence_find(ev, 0, "pck.fmspc", 0)->authority, CM_AUTHORITY_ENDORSER);
    CHECK_EQ(cm_evidence_find(ev, 0, CM_CLAIM_SIGNER_ROOT, 0)->authority, CM_AUTHORITY_ENDORSER);
    CHECK_EQ(cm_evidence_find(ev, 0, CM_CLAIM_NOT_AFTER, 0)->number, PKI_NOW + 29 * PKI_DAY);
    cm_evidence_free(ev);
    pki_free(b);
}

/* The QE's level is the oldest here, by its date. */
TEST(date_of_an_old_QE)
{
    struct cm_verify_input in = {.now = PKI_NOW};
    struct cm_evidence *ev = NULL;
    struct pki_bundle *b = NULL;
    struct pki_spec s;

    pki_defaults(&s, 3, 1);
    s.qe_report[258] = 6;
    b = pki_make(&s);
    CHECK_EQ(verify_with(b, &in, ALL_STATUSES, NULL, &ev), CM_OK);
    REQUIRE(ev != NULL);
    CHECK_EQ(cm_evidence_find(ev, 0, CM_CLAIM_TCB_DATE, 0)->number, PKI_NOW - 110 * PKI_DAY);
    CHECK_STR(cm_evidence_find(ev, 0, CM_CLAIM_ADVISORY, 0)->text, "INTEL-SA-00003");
    cm_evidence_free(ev);
    pki_free(b);
}

#define STATUS "\"tcbDate\":\"2023-01-01T00:00:00Z\",\"tcbStatus\":\"UpToDate\"}"
#define SVN4   "{\"svn\":5},{\"svn\":5},{\"svn\":5},{\"svn\":5}"
#define ZERO48                                                                         \
    "00000000000000000000000000000000000000000000000000000000000000000000000000000000" \
    "0000000000000000"

enum many_kind { MANY_LEVELS, MANY_QE_LEVELS, MANY_MODULES, MANY_MODULE_LEVELS };

static void one_of_many(char *out, size_t cap, enum many_kind kind, unsigned i)
{
    switch (kind) {
    case MANY_LEVELS:
        (void)snprintf(out, cap,
                       "{\"tcb\":{\"sgxtcbcomponents\":[" SVN4 "," SVN4 "," SVN4 "," SVN4
                       "],\"pcesvn\":%u}," STATUS,
                       i);
        break;
    case MANY_MODULES:
        (void)snprintf(out, cap,
                       "{\"id\":\"TDX_%02X\",\"mrsigner\":\"" ZERO48
                       "\",\"attributes\":\"0000000000000000\",\"attributesMask\":"
                       "\"FFFFFFFFFFFFFFFF\",\"tcbLevels\":[{\"tcb\":{\"isvsvn\":1}," STATUS "]}",
                       i);
        break;
    case MANY_QE_LEVELS:
    case MANY_MODULE_LEVELS:
        (void)snprintf(out, cap, "{\"tcb\":{\"isvsvn\":%u}," STATUS, i);
        break;
    }
}

/* A list of n elements, each unlike the others, instead of the list in the good document. */
static void many(int line, enum many_kind kind, unsigned n, enum cm_status want)
{
    bool qe = kind == MANY_QE_LEVELS;
    const char *end_mark = kind == MANY_MODULES         ? "],\"tcbLevels\":[{\"tcb\":{\"sgx"
                           : kind == MANY_MODULE_LEVELS ? "]}],\"tcbLevels\""
                                                        : "]}";
    struct pki_spec s;
    char *body = NULL;
    char *text = malloc(1u << 18);
    const char *start = NULL;
    const char *end = NULL;
    size_t len = 0;

    pki_defaults(&s, kind >= MANY_MODULES ? 4 : 3, kind >= MANY_MODULES ? 2 : 1);
    body = qe ? pki_qe_body(&s) : pki_tcb_body(&s);
    start = strstr(body, kind == MANY_MODULES ? "\"tdxModuleIdentities\":[" : "\"tcbLevels\":[");
    REQUIRE(text != NULL && start != NULL);
    start = strchr(start, '[') + 1;
    end = kind >= MANY_MODULES ? strstr(start, end_mark) : body + strlen(body) - 2;
    REQUIRE(end != NULL);
    len = (size_t)snprintf(text, 1u << 18, "%.*s", (int)(start - body), body);
    for (unsigned i = 1; i <= n; i++) {
        len += (size_t)snprintf(text + len, 8, "%s", i == 1 ? "" : ",");
        one_of_many(text + len, (1u << 18) - len, kind, i);
        len += strlen(text + len);
    }
    (void)snprintf(text + len, (1u << 18) - len, "%s", end);
    *(qe ? &s.qe_body : &s.tcb_body) = text;
    expect_at(line, &s, want,
              want == CM_OK ? "" : (qe ? "qe_identity.signature" : "tcb_info.signature"));
    free(text);
    free(body);
}

TEST(numbers_of_levels_and_modules_are_limited)
{
    many(__LINE__, MANY_LEVELS, 0, CM_ERR_FORMAT);
    many(__LINE__, MANY_LEVELS, 128, CM_OK);
    many(__LINE__, MANY_LEVELS, 129, CM_ERR_FORMAT);
    many(__LINE__, MANY_QE_LEVELS, 0, CM_ERR_FORMAT);
    many(__LINE__, MANY_QE_LEVELS, 32, CM_OK);
    many(__LINE__, MANY_QE_LEVELS, 33, CM_ERR_FORMAT);
    many(__LINE__, MANY_MODULES, 32, CM_OK);
    many(__LINE__, MANY_MODULES, 33, CM_ERR_FORMAT);
    many(__LINE__, MANY_MODULE_LEVELS, 0, CM_ERR_FORMAT);
    many(__LINE__, MANY_MODULE_LEVELS, 32, CM_OK);
    many(__LINE__, MANY_MODULE_LEVELS, 33, CM_ERR_FORMAT);
}

TEST(names_of_all_statuses)
{
    for (unsigned i = 0; i <= CM_DCAP_NOT_SUPPORTED; i++) {
        CHECK(strcmp(cm_dcap_tcb_str((enum cm_dcap_tcb)i), "unknown") != 0);
        for (unsigned k = 0; k < i; k++) {
            CHECK(strcmp(cm_dcap_tcb_str((enum cm_dcap_tcb)i),
                         cm_dcap_tcb_str((enum cm_dcap_tcb)k)) != 0);
        }
    }
    CHECK_STR(cm_dcap_tcb_str((enum cm_dcap_tcb)99), "unknown");
}

TEST_MAIN
