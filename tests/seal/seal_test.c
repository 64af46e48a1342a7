/*
 * Who can have a seal key and open sealed data, across enclaves, restarts and platforms (rows G4 and
 * G5). The images are one program signed in different ways; a child process stands for a restarted
 * host, or with another state folder for another machine.
 */
#include "harness.h"

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "seal_kit.h"

extern char **environ;

/* What an image that is loaded for this one question answers. */
static oe_result_t opens_in(const char *image, uint32_t flags, const struct blob *b)
{
    oe_enclave_t *e = load(image, flags);
    oe_result_t r = e == NULL ? OE_NOT_FOUND : opens(e, b);

    if (e != NULL) {
        CHECK_EQ(oe_terminate_enclave(e), OE_OK);
    }
    return r;
}

/* ---------------------------------------------------------- other processes */

static bool write_file(const char *path, const struct blob *b)
{
    FILE *f = fopen(path, "wb");
    bool ok = f != NULL && fwrite(b->bytes, 1, b->size, f) == b->size;

    return f != NULL && fclose(f) == 0 && ok;
}

static bool read_file(const char *path, struct blob *b)
{
    FILE *f = fopen(path, "rb");

    b->size = f == NULL ? 0 : fread(b->bytes, 1, sizeof(b->bytes), f);
    return f != NULL && fclose(f) == 0 && b->size != 0;
}

/* seal_test --seal IMAGE FILE | --open IMAGE FILE: exit code 0 when it worked, 3 when refused */
static int child(char **argv)
{
    struct blob b = {.size = 0};
    oe_enclave_t *e = load(argv[2], PRODUCTION);
    oe_result_t r = OE_UNEXPECTED;

    if (e == NULL) {
        return 2;
    }
    if (strcmp(argv[1], "--seal") == 0) {
        r = seal_with(e, NULL, 0, &b);
        return r == OE_OK && write_file(argv[3], &b) ? 0 : 2;
    }
    if (!read_file(argv[3], &b)) {
        return 2;
    }
    r = opens(e, &b);
    (void)oe_terminate_enclave(e);
    return r == OE_OK ? 0 : r == OE_UNSUPPORTED ? 3 : 2;
}

static int run(const char *what, const char *image, const char *file, const char *state)
{
    char self[512] = "";
    char *argv[] = {self, strdup(what), strdup(image), strdup(file), NULL};
    char *before = strdup(getenv("CASEMATE_STATE_DIR") == NULL ? "" : getenv("CASEMATE_STATE_DIR"));
    pid_t pid = 0;
    int status = -1;

    if (readlink("/proc/self/exe", self, sizeof(self) - 1) > 0) {
        (void)setenv("CASEMATE_STATE_DIR", state, 1);
        if (posix_spawn(&pid, self, NULL, NULL, argv, environ) == 0) {
            (void)waitpid(pid, &status, 0);
        }
        (void)setenv("CASEMATE_STATE_DIR", before, 1);
    }
    free(before);
    free(argv[1]);
    free(argv[2]);
    free(argv[3]);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(G5_restart_opens_another_platform_does_not)
{
    char dir[] = "/tmp/seal_test.XXXXXX";
    char here[64];
    char there[64];
    char file[64];

    REQUIRE(mkdtemp(dir) != NULL);
    (void)snprintf(here, sizeof(here), "%s/here", dir);
    (void)snprintf(there, sizeof(there), "%s/there", dir);
    (void)snprintf(file, sizeof(file), "%s/blob", dir);
    CHECK_EQ(run("--seal", "seal_enclave", file, here), 0);
    CHECK_EQ(run("--open", "seal_enclave", file, here), 0);
    CHECK_EQ(run("--open", "seal_enclave", file, there), 3);
    CHECK_EQ(run("--open", "seal_high", file, here), 0);
    CHECK_EQ(run("--open", "seal_low", file, here), 3);
    CHECK_EQ(run("--open", "seal_other_signer", file, here), 3);
    (void)snprintf(file, sizeof(file), "rm -rf '%s'", dir);
    CHECK_EQ(system(file), 0); /* NOLINT(cert-env33-c): a name of ours */
}

/* -------------------------------------------------------------- who may open */

TEST(G4_product_policy_by_signer_product_and_version)
{
    oe_enclave_t *e = load("seal_enclave", PRODUCTION);
    struct blob b = {.size = 0};

    REQUIRE(e != NULL);
    REQUIRE(seal_with(e, NULL, 0, &b) == OE_OK); /* the default is PRODUCT */
    CHECK_EQ(opens(e, &b), OE_OK);
    CHECK_EQ(opens_in("seal_enclave", PRODUCTION, &b), OE_OK);
    CHECK_EQ(opens_in("seal_high", PRODUCTION, &b), OE_OK);
    CHECK_EQ(opens_in("seal_low", PRODUCTION, &b), OE_UNSUPPORTED);
    CHECK_EQ(opens_in("seal_other_signer", PRODUCTION, &b), OE_UNSUPPORTED);
    CHECK_EQ(opens_in("seal_other_product", PRODUCTION, &b), OE_UNSUPPORTED);
    CHECK_EQ(oe_terminate_enclave(e), OE_OK);
}

TEST(G4_unique_policy_by_measurement)
{
    oe_enclave_t *e = load("seal_enclave", PRODUCTION);
    seal_item unique = policy(OE_SEAL_POLICY_UNIQUE);
    struct blob b = {.size = 0};

    REQUIRE(e != NULL);
    REQUIRE(seal_with(e, &unique, 1, &b) == OE_OK);
    CHECK_EQ(opens(e, &b), OE_OK);
    CHECK_EQ(opens_in("seal_enclave", PRODUCTION, &b), OE_OK);
    CHECK_EQ(opens_in("seal_high", PRODUCTION, &b), OE_UNSUPPORTED);
    CHECK_EQ(opens_in("seal_other_product", PRODUCTION, &b), OE_UNSUPPORTED);
    CHECK_EQ(oe_terminate_enclave(e), OE_OK);
}

TEST(G4_debug_twins_never_share)
{
    const oe_seal_policy_t policies[] = {OE_SEAL_POLICY_UNIQUE, OE_SEAL_POLICY_PRODUCT};

    for (size_t i = 0; i < 2; i++) {
        /* a mask without DEBUG is no way around: the processor puts it in */
        seal_item items[] = {policy(policies[i]), number(OE_SEAL_SETTING_SGX_FLAGSMASK, 0)};
        oe_enclave_t *production = load("seal_enclave", PRODUCTION);
        oe_enclave_t *debugged = load("seal_enclave", DEBUGGED);
        struct blob b = {.size = 0};
        uint8_t keys[2][16];
        uint8_t info[512];
        oe_result_t r = OE_UNEXPECTED;

        REQUIRE(production != NULL && debugged != NULL);
        for (size_t n = 1; n <= 2; n++) {
            REQUIRE(seal_with(production, items, n, &b) == OE_OK);
            CHECK_EQ(opens(production, &b), OE_OK);
            CHECK_EQ(opens(debugged, &b), OE_UNSUPPORTED);
            REQUIRE(seal_with(debugged, items, n, &b) == OE_OK);
            CHECK_EQ(opens(debugged, &b), OE_OK);
            CHECK_EQ(opens(production, &b), OE_UNSUPPORTED);
        }
        CHECK(enc_key(production, &r, policies[i], keys[0], info) == OE_OK && r == OE_OK);
        CHECK(enc_key(debugged, &r, policies[i], keys[1], info) == OE_OK && r == OE_OK);
        CHECK(memcmp(keys[0], keys[1], 16) != 0);
        CHECK_EQ(oe_terminate_enclave(production), OE_OK);
        CHECK_EQ(oe_terminate_enclave(debugged), OE_OK);
    }
}

TEST(G4_older_version_only_when_asked_for)
{
    oe_enclave_t *high = load("seal_high", PRODUCTION); /* SVN 3 */
    seal_item two = number(OE_SEAL_SETTING_SGX_ISVSVN, 2);
    seal_item four = number(OE_SEAL_SETTING_SGX_ISVSVN, 4);
    seal_item wide = number(OE_SEAL_SETTING_SGX_ISVSVN, 0x10002);
    uint8_t svn[16] = {0};
    struct blob b = {.size = 0};
    seal_item items[1];

    REQUIRE(high != NULL);
    REQUIRE(seal_with(high, NULL, 0, &b) == OE_OK);
    CHECK_EQ(opens_in("seal_enclave", PRODUCTION, &b), OE_UNSUPPORTED);
    REQUIRE(seal_with(high, &two, 1, &b) == OE_OK);
    CHECK_EQ(opens_in("seal_enclave", PRODUCTION, &b), OE_OK);
    CHECK_EQ(opens_in("seal_low", PRODUCTION, &b), OE_UNSUPPORTED);
    CHECK_EQ(seal_with(high, &four, 1, &b), OE_INVALID_ISVSVN);
    CHECK_EQ(seal_with(high, &wide, 1, &b), OE_INVALID_PARAMETER);
    items[0] = bytes_of(OE_SEAL_SETTING_SGX_CPUSVN, svn, sizeof(svn));
    REQUIRE(seal_with(high, items, 1, &b) == OE_OK);
    CHECK_EQ(opens(high, &b), OE_OK);
    memset(svn, 0xff, sizeof(svn));
    items[0] = bytes_of(OE_SEAL_SETTING_SGX_CPUSVN, svn, sizeof(svn));
    CHECK_EQ(seal_with(high, items, 1, &b), OE_INVALID_CPUSVN);
    items[0].size = 15;
    CHECK_EQ(seal_with(high, items, 1, &b), OE_INVALID_PARAMETER);
    CHECK_EQ(oe_terminate_enclave(high), OE_OK);
}

/* A blob whose key any enclave could have would let any enclave write it: the text of a key request
 * is the attacker's, so the policy must be looked at. */
TEST(G4_a_key_that_is_everybodys_is_refused)
{
    oe_enclave_t *e = load("seal_enclave", PRODUCTION);
    uint8_t key[16];
    uint8_t info[512];
    oe_result_t r = OE_UNEXPECTED;
    struct blob b = {.size = 0};

    REQUIRE(e != NULL);
    REQUIRE(enc_key(e, &r, OE_SEAL_POLICY_PRODUCT, key, info) == OE_OK && r == OE_OK);
    info[2] = 0; /* KEYPOLICY */
    CHECK(enc_key_by_info(e, &r, info, sizeof(info), key) == OE_OK && r == OE_INVALID_PARAMETER);
    info[2] = SGX_KEYPOLICY_MRSIGNER;
    info[0] = SGX_KEYSELECT_REPORT;
    CHECK(enc_key_by_info(e, &r, info, sizeof(info), key) == OE_OK && r == OE_INVALID_KEYNAME);
    for (unsigned name = 0; name <= SGX_KEYSELECT_SEAL + 1; name++) {
        seal_item item = number(OE_SEAL_SETTING_SGX_KEYNAME, name);
        oe_result_t want = name == SGX_KEYSELECT_SEAL             ? OE_OK
                           : name == SGX_KEYSELECT_PROVISION_SEAL ? OE_INVALID_PARAMETER
                                                                  : OE_INVALID_KEYNAME;

        CHECK_EQ(seal_with(e, &item, 1, &b), want);
    }
    CHECK_EQ(oe_terminate_enclave(e), OE_OK);
}

TEST(G4_every_bit_of_a_key_info_counts)
{
    oe_enclave_t *e = load("seal_enclave", PRODUCTION);
    uint8_t key[16];
    uint8_t again[16];
    uint8_t info[512];
    oe_result_t r = OE_UNEXPECTED;
    size_t errors = 0;
    int same = -1;

    REQUIRE(e != NULL);
    for (uint32_t p = OE_SEAL_POLICY_UNIQUE; p <= OE_SEAL_POLICY_PRODUCT; p++) {
        REQUIRE(enc_key(e, &r, p, key, info) == OE_OK && r == OE_OK);
        CHECK(enc_key_by_info(e, &r, info, sizeof(info), again) == OE_OK && r == OE_OK);
        CHECK_MEM(key, again, sizeof(key));
        CHECK_EQ(enc_info_sweep(e, &same, info, &errors), OE_OK);
        CHECK_EQ(same, 0);
        CHECK(errors > 8 * 434);  /* at least all that is reserved */
        info[4] = info[5] = 0xff; /* ISVSVN */
        CHECK(enc_key_by_info(e, &r, info, sizeof(info), again) == OE_OK && r == OE_INVALID_ISVSVN);
        info[4] = info[5] = 0;
        memset(info + 8, 0xff, 16); /* CPUSVN */
        CHECK(enc_key_by_info(e, &r, info, sizeof(info), again) == OE_OK && r == OE_INVALID_CPUSVN);
    }
    CHECK_EQ(oe_terminate_enclave(e), OE_OK);
}

/* ------------------------------------------------------------------- KSS (G4) */

TEST(G4_kss_configuration)
{
    oe_enclave_t *e = load_with("seal_kss", PRODUCTION, "config a", 2);
    oe_enclave_t *plain = load("seal_enclave", PRODUCTION);
    seal_item svn[] = {number(OE_SEAL_SETTING_SGX_CONFIGSVN, 2)};
    seal_item newer[] = {number(OE_SEAL_SETTING_SGX_CONFIGSVN, 3)};
    const struct {
        const char *id;
        uint16_t svn;
        oe_result_t bound;
    } cases[] = {{"config a", 2, OE_OK},
                 {"config a", 3, OE_OK},
                 {"config a", 1, OE_UNSUPPORTED},
                 {"config b", 2, OE_UNSUPPORTED},
                 {"", 0, OE_UNSUPPORTED}};
    struct blob bound = {.size = 0};
    struct blob loose = {.size = 0};

    REQUIRE(e != NULL && plain != NULL);
    CHECK_EQ(seal_with(plain, svn, 1, &bound), OE_UNSUPPORTED);
    CHECK_EQ(seal_with(e, newer, 1, &bound), OE_INVALID_ISVSVN);
    REQUIRE(seal_with(e, svn, 1, &bound) == OE_OK);
    REQUIRE(seal_with(e, NULL, 0, &loose) == OE_OK);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        oe_enclave_t *other = load_with("seal_kss", PRODUCTION, cases[i].id, cases[i].svn);

        REQUIRE(other != NULL);
        CHECK_EQ(opens(other, &bound), cases[i].bound);
        CHECK_EQ(opens(other, &loose), OE_OK);
        CHECK_EQ(oe_terminate_enclave(other), OE_OK);
    }
    CHECK_EQ(opens(plain, &bound), OE_UNSUPPORTED);
    CHECK_EQ(oe_terminate_enclave(e), OE_OK);
    CHECK_EQ(oe_terminate_enclave(plain), OE_OK);
}

TEST(G4_kss_policies_by_info)
{
    oe_enclave_t *a = load_with("seal_kss", PRODUCTION, "a", 1);
    oe_enclave_t *b = load_with("seal_kss", PRODUCTION, "b", 1);
    oe_enclave_t *family = load_with("seal_kss_family", PRODUCTION, "a", 1);
    oe_enclave_t *plain = load("seal_enclave", PRODUCTION);
    /* which of b and family have another key than a */
    const struct {
        uint8_t policy;
        bool b_differs;
        bool family_differs;
    } cases[] = {{0, false, false},
                 {SGX_KEYPOLICY_CONFIGID, true, false},
                 {SGX_KEYPOLICY_ISVFAMILYID, false, true},
                 {SGX_KEYPOLICY_ISVEXTPRODID, false, true},
                 {SGX_KEYPOLICY_NOISVPRODID, false, false}};
    uint8_t info[512];
    uint8_t key[3][16];
    oe_result_t r = OE_UNEXPECTED;

    REQUIRE(a != NULL && b != NULL && family != NULL && plain != NULL);
    REQUIRE(enc_key(a, &r, OE_SEAL_POLICY_PRODUCT, key[0], info) == OE_OK && r == OE_OK);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        oe_enclave_t *const all[] = {a, b, family};

        info[2] = SGX_KEYPOLICY_MRSIGNER | cases[i].policy;
        for (size_t k = 0; k < 3; k++) {
            CHECK(enc_key_by_info(all[k], &r, info, sizeof(info), key[k]) == OE_OK && r == OE_OK);
        }
        CHECK_EQ(memcmp(key[0], key[1], 16) != 0, cases[i].b_differs);
        CHECK_EQ(memcmp(key[0], key[2], 16) != 0, cases[i].family_differs);
        CHECK(enc_key_by_info(plain, &r, info, sizeof(info), key[0]) == OE_OK);
        CHECK_EQ(r, cases[i].policy == 0 ? OE_OK : OE_UNSUPPORTED);
    }
    CHECK_EQ(oe_terminate_enclave(a), OE_OK);
    CHECK_EQ(oe_terminate_enclave(b), OE_OK);
    CHECK_EQ(oe_terminate_enclave(family), OE_OK);
    CHECK_EQ(oe_terminate_enclave(plain), OE_OK);
}

int main(int argc, char **argv)
{
    if (argc == 4 && strncmp(argv[1], "--", 2) == 0) {
        return child(argv);
    }
    return test_main(argc, argv);
}
