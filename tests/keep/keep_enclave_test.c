/* Root keys sealed by the keeper, an enclave in the emulator: by its signer, or by its measurement. */
#include "keep_kit.h"

#include "evidence/quote.h"

static void emulate(bool yes)
{
    if (yes) {
        (void)setenv("OE_SIMULATION", "1", 1);
    } else {
        (void)unsetenv("OE_SIMULATION");
    }
}

static const char *keeper(const char *scheme, const char *image)
{
    static char text[4][PATH_MAX];
    static size_t next;
    char *out = text[next++ % 4];

    (void)snprintf(out, sizeof(text[0]), "%s:%s", scheme, image);
    return out;
}

static void round_trip(const char *scheme, enum cm_status with_other_build)
{
    struct cm_db *db = begin();
    struct cm_keep *keep = NULL;
    struct cm_why why = {""};
    uint8_t blob[256];
    size_t n = 0;

    emulate(true);
    REQUIRE(cm_keep_open(keeper(scheme, KEEPER), db, &keep, &why) == CM_OK);
    CHECK(cm_keep_emulated(keep) && strstr(cm_keep_says(keep), "EMULATED") != NULL);
    CHECK_EQ(wrap_text(keep, "n", "text", blob, &n), CM_OK);
    cm_keep_close(keep);
    CHECK_EQ(cm_keep_open(keeper(scheme, KEEPER), db, &keep, NULL), CM_OK);
    CHECK(opens(keep, "n", "text", blob, n));
    cm_keep_close(keep);
    CHECK_EQ(cm_keep_open(keeper(scheme, KEEPER_OTHER_BUILD), db, &keep, NULL), with_other_build);
    cm_keep_close(keep);
    why.text[0] = '\0';
    CHECK_EQ(cm_keep_open(keeper(scheme, KEEPER_OTHER_SIGNER), db, &keep, &why), CM_ERR_MISMATCH);
    CHECK(keep == NULL && strstr(why.text, "another enclave") != NULL);
    cm_db_close(db);
}

TEST(bound_to_the_signer)
{
    round_trip("enclave", CM_OK);
}

TEST(bound_to_the_measurement)
{
    round_trip("enclave-exact", CM_ERR_MISMATCH);
}

/* A quote says by which enclave, and over what; and only an enclave gives one. */
TEST(quotes_of_the_keeper)
{
    struct cm_db *db = begin();
    struct cm_keep *keep = NULL;
    struct cm_why why = {""};
    struct cm_quote quote;
    static const uint8_t zeros[32];
    uint8_t data[32];
    uint8_t *bytes = NULL;
    size_t len = 0;

    memset(data, 0x5a, sizeof(data));
    emulate(true);
    CHECK_EQ(cm_keep_open(in_dir("file:", "plain"), db, &keep, NULL), CM_OK);
    CHECK(!cm_keep_quotes(keep));
    CHECK_EQ(cm_keep_quote(keep, data, &bytes, &len, NULL), CM_ERR_UNSUPPORTED);
    CHECK(bytes == NULL);
    cm_keep_close(keep);
    CHECK_EQ(cm_keep_rewrap(in_dir("file:", "plain"), keeper("enclave", KEEPER), db, NULL), CM_OK);
    REQUIRE(cm_keep_open(keeper("enclave", KEEPER), db, &keep, NULL) == CM_OK);
    CHECK(cm_keep_quotes(keep));
    if (cm_keep_quote(keep, data, &bytes, &len, &why) != CM_OK) {
        TEST_FAIL("no quote: %s", why.text);
    }
    REQUIRE(bytes != NULL && cm_quote_parse(cm_span_make(bytes, len), &quote, NULL) == CM_OK);
    CHECK(memcmp(quote.sgx.reportdata.ptr, data, 32) == 0);
    CHECK(memcmp(quote.sgx.reportdata.ptr + 32, zeros, 32) == 0);
    CHECK_EQ(quote.sgx.isvprodid, 1);
    free(bytes);
    cm_keep_close(keep);
    cm_db_close(db);
}

TEST(refusals)
{
    struct cm_db *db = begin();
    struct cm_keep *keep = NULL;
    struct cm_why why = {""};

    emulate(true);
    CHECK_EQ(cm_keep_open("enclave:/no/such/image", db, &keep, &why), CM_ERR_NOTFOUND);
    write_text(in_dir("", "image"), "not an enclave", 0600);
    CHECK_EQ(cm_keep_open(in_dir("enclave:", "image"), db, &keep, NULL), CM_ERR_PLATFORM);
    CHECK_EQ(cm_keep_open(in_dir("file:", "root"), db, &keep, NULL), CM_OK);
    cm_keep_close(keep);
    why.text[0] = '\0';
    CHECK_EQ(cm_keep_open(keeper("enclave", KEEPER), db, &keep, &why), CM_ERR_MISMATCH);
    CHECK(strstr(why.text, "kept by a file") != NULL);
    CHECK_EQ(cm_keep_rewrap(in_dir("file:", "root"), keeper("enclave", KEEPER), db, NULL), CM_OK);
    CHECK_EQ(cm_keep_open(keeper("enclave", KEEPER), db, &keep, NULL), CM_OK);
    cm_keep_close(keep);
    CHECK_EQ(cm_keep_open(keeper("enclave-exact", KEEPER), db, &keep, NULL), CM_ERR_MISMATCH);
    cm_db_close(db);
}

/* Without hardware and without being asked for, there is no emulator. */
TEST(never_emulated_silently)
{
    struct cm_db *db = begin();
    struct cm_keep *keep = NULL;

    emulate(false);
    if (access("/dev/sgx_enclave", F_OK) == 0) {
        cm_db_close(db);
        SKIP("there is SGX hardware");
    }
    CHECK_EQ(cm_keep_open(keeper("enclave", KEEPER), db, &keep, NULL), CM_ERR_PLATFORM);
    CHECK(keep == NULL);
    cm_db_close(db);
}

/* What the store holds of it opens for nobody else, and changed not at all. */
TEST(a_changed_note)
{
    struct cm_root_note note = {.len = 0};
    struct cm_root root = {.says = ""};
    struct cm_root again = {.says = ""};
    struct cm_db *db = begin();

    emulate(true);
    REQUIRE(cm_root_enclave.make(KEEPER, &note, &root, NULL) == CM_OK);
    CHECK(note.len > CM_ROOT_SIZE);
    for (size_t i = 0; i < note.len; i += note.len / 5) {
        struct cm_root_note changed = note;

        changed.bytes[i] ^= 1;
        CHECK(cm_root_enclave.find(KEEPER, &changed, &again, NULL) != CM_OK);
        CHECK(memcmp(again.key, root.key, sizeof(root.key)) != 0);
    }
    note.len = 0;
    CHECK(cm_root_enclave.find(KEEPER, &note, &again, NULL) != CM_OK);
    cm_db_close(db);
}

TEST_MAIN
