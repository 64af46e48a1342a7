/*
 * Root keys behind a PKCS#11 token, on SoftHSM, whose tokens the test makes itself by the module's own
 * functions, in another process.
 */
#include <dlfcn.h>
#include <p11-kit/pkcs11.h>

#include "keep_kit.h"

#define MODULE "/usr/lib/softhsm/libsofthsm2.so"
#define PIN    "123456"

static CK_FUNCTION_LIST *f;

static void must(CK_RV rv, int line)
{
    if (rv != CKR_OK) {
        (void)fprintf(stderr, "line %d: error 0x%lx\n", line, rv);
        _exit(1);
    }
}
#define MUST(call) must(call, __LINE__)

static void label(CK_UTF8CHAR out[32], const char *name)
{
    memset(out, ' ', 32);
    memcpy(out, name, strlen(name));
}

static void make_aes(CK_SESSION_HANDLE s, const char *name)
{
    CK_MECHANISM mechanism = {CKM_AES_KEY_GEN, NULL, 0};
    CK_OBJECT_HANDLE key = 0;
    CK_ULONG size = 32;
    CK_BBOOL yes = CK_TRUE;
    CK_ATTRIBUTE have[] = {{CKA_TOKEN, &yes, 1},
                           {CKA_PRIVATE, &yes, 1},
                           {CKA_SENSITIVE, &yes, 1},
                           {CKA_ENCRYPT, &yes, 1},
                           {CKA_DECRYPT, &yes, 1},
                           {CKA_VALUE_LEN, &size, sizeof(size)},
                           {CKA_LABEL, (char *)(uintptr_t)name, strlen(name)}};

    MUST(f->C_GenerateKey(s, &mechanism, have, 7, &key));
}

static void make_rsa(CK_SESSION_HANDLE s, const char *name)
{
    CK_MECHANISM mechanism = {CKM_RSA_PKCS_KEY_PAIR_GEN, NULL, 0};
    CK_OBJECT_HANDLE public = 0;
    CK_OBJECT_HANDLE private = 0;
    CK_ULONG bits = 2048;
    CK_BBOOL yes = CK_TRUE;
    CK_BBOOL no = CK_FALSE;
    CK_ATTRIBUTE open[] = {{CKA_TOKEN, &no, 1}, /* the public half is not kept */
                           {CKA_MODULUS_BITS, &bits, sizeof(bits)},
                           {CKA_ENCRYPT, &yes, 1}};
    CK_ATTRIBUTE closed[] = {{CKA_TOKEN, &yes, 1},
                             {CKA_PRIVATE, &yes, 1},
                             {CKA_SENSITIVE, &yes, 1},
                             {CKA_DECRYPT, &yes, 1},
                             {CKA_LABEL, (char *)(uintptr_t)name, strlen(name)}};

    MUST(f->C_GenerateKeyPair(s, &mechanism, open, 3, closed, 5, &public, &private));
}

static void make_token(const char *name, bool keys)
{
    CK_UTF8CHAR padded[32];
    CK_SLOT_ID slots[8];
    CK_ULONG count = 8;
    CK_SESSION_HANDLE s = 0;
    CK_UTF8CHAR pin[] = PIN;

    label(padded, name);
    MUST(f->C_GetSlotList(CK_FALSE, NULL, &count)); /* makes a free slot, the last one */
    count = 8;
    MUST(f->C_GetSlotList(CK_FALSE, slots, &count));
    MUST(f->C_InitToken(slots[count - 1], pin, sizeof(pin) - 1, padded));
    MUST(f->C_OpenSession(slots[count - 1], CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &s));
    MUST(f->C_Login(s, CKU_SO, pin, sizeof(pin) - 1));
    MUST(f->C_InitPIN(s, pin, sizeof(pin) - 1));
    MUST(f->C_Logout(s));
    MUST(f->C_Login(s, CKU_USER, pin, sizeof(pin) - 1));
    if (keys) {
        make_aes(s, "wrap");
        make_aes(s, "other");
        make_aes(s, "twice");
        make_aes(s, "twice");
        make_rsa(s, "rsa");
    }
    MUST(f->C_CloseSession(s));
}

static bool has_softhsm(void)
{
    return access(MODULE, R_OK) == 0;
}

static struct cm_db *begin_tokens(void)
{
    struct cm_db *db = begin();
    char text[PATH_MAX + 32];
    pid_t child = 0;
    int status = 0;

    (void)snprintf(text, sizeof(text), "directories.tokendir = %s\nlog.level = ERROR\n", dir);
    write_text(in_dir("", "softhsm.conf"), text, 0600);
    write_text(in_dir("", "pin"), PIN "\n", 0600);
    (void)setenv("SOFTHSM2_CONF", in_dir("", "softhsm.conf"), 1);
    child = fork();
    if (child == 0) {
        void *module = dlopen(MODULE, RTLD_NOW);
        void *get = module == NULL ? NULL : dlsym(module, "C_GetFunctionList");
        CK_RV (*get_list)(CK_FUNCTION_LIST **) = NULL;

        memcpy(&get_list, &get, sizeof(get));
        MUST(get_list == NULL ? CKR_GENERAL_ERROR : get_list(&f));
        MUST(f->C_Initialize(NULL));
        make_token("casemate", true);
        make_token("empty", false);
        MUST(f->C_Finalize(NULL));
        _exit(0);
    }
    if (waitpid(child, &status, 0) != child || status != 0) {
        abort();
    }
    return db;
}

/* A URI with the module and the PIN. */
static const char *uri_with(const char *path, const char *pin_file)
{
    static char text[4][2 * PATH_MAX];
    static size_t next;
    char *out = text[next++ % 4];

    (void)snprintf(out, sizeof(text[0]), "pkcs11:%s?module-path=%s&pin-source=file:%s", path,
                   MODULE, in_dir("", pin_file));
    return out;
}

static void round_trip(const char *path)
{
    struct cm_db *db = begin_tokens();
    struct cm_keep *keep = NULL;
    struct cm_why why = {""};
    uint8_t blob[256];
    size_t n = 0;

    if (cm_keep_open(uri_with(path, "pin"), db, &keep, &why) != CM_OK) {
        TEST_FAIL("%s: %s", path, why.text);
    } else {
        CHECK(strstr(cm_keep_says(keep), "\"casemate\"") != NULL);
        CHECK(strstr(cm_keep_says(keep), PIN) == NULL);
        CHECK_EQ(wrap_text(keep, "n", "text", blob, &n), CM_OK);
        cm_keep_close(keep);
        CHECK_EQ(cm_keep_open(uri_with(path, "pin"), db, &keep, &why), CM_OK);
        CHECK(opens(keep, "n", "text", blob, n));
        cm_keep_close(keep);
        /* the other keys of the token */
        CHECK_EQ(cm_keep_open(uri_with("token=casemate;object=other", "pin"), db, &keep, &why),
                 CM_ERR_MISMATCH);
        CHECK_EQ(cm_keep_rewrap(uri_with(path, "pin"),
                                uri_with("token=casemate;object=other", "pin"), db, &why),
                 CM_OK);
        CHECK_EQ(cm_keep_open(uri_with(path, "pin"), db, &keep, NULL), CM_ERR_MISMATCH);
        CHECK_EQ(cm_keep_open(uri_with("token=casemate;object=other", "pin"), db, &keep, NULL),
                 CM_OK);
        CHECK(opens(keep, "n", "text", blob, n));
        cm_keep_close(keep);
    }
    cm_db_close(db);
}

TEST(an_aes_key)
{
    if (!has_softhsm()) {
        SKIP("SoftHSM is not installed");
    }
    round_trip("token=casemate;object=wrap");
}

TEST(an_rsa_key)
{
    if (!has_softhsm()) {
        SKIP("SoftHSM is not installed");
    }
    round_trip("token=casemate;object=rsa;type=private");
}

TEST(refusals)
{
    static const struct {
        const char *uri;
        enum cm_status st;
        const char *says;
    } cases[] = {
        {"pkcs11:token=casemate;object=wrap", CM_ERR_PARAM, "pin-source"},
        {"pkcs11:token=casemate;object=wrap?pin-value=123456", CM_ERR_PARAM, "command line"},
        {"pkcs11:token=casemate;strange=1?pin-source=file:/x", CM_ERR_PARAM, "RFC 7512"},
        {"pkcs11:token=%zz", CM_ERR_PARAM, "RFC 7512"},
        {"pkcs11:token=a?module-path=/no/such.so&pin-source=file:/x", CM_ERR_NOTFOUND,
         "/no/such.so"},
    };
    struct cm_keep *keep = NULL;
    struct cm_db *db = NULL;

    if (!has_softhsm()) {
        SKIP("SoftHSM is not installed");
    }
    db = begin_tokens();
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct cm_why why = {""};

        CHECK_EQ(cm_keep_open(cases[i].uri, db, &keep, &why), cases[i].st);
        CHECK(strstr(why.text, cases[i].says) != NULL);
    }
    cm_db_close(db);
}

TEST(what_a_uri_must_name)
{
    static const struct {
        const char *path;
        const char *pin;
        enum cm_status st;
        const char *says;
    } cases[] = {
        {"token=nobody;object=wrap", "pin", CM_ERR_NOTFOUND, "no PKCS#11 token"},
        {"object=wrap", "pin", CM_ERR_NOTFOUND, "more than one PKCS#11 token"},
        {"token=casemate;object=nobody", "pin", CM_ERR_NOTFOUND, "no AES or RSA key"},
        {"token=casemate;object=wrap;type=private", "pin", CM_ERR_NOTFOUND, "no AES or RSA key"},
        {"token=casemate;object=twice", "pin", CM_ERR_NOTFOUND, "more than one key"},
        {"token=empty", "pin", CM_ERR_NOTFOUND, "no AES or RSA key"},
        {"token=casemate;object=wrap", "wrong", CM_ERR_DENIED, "refuses the PIN"},
        {"token=casemate;object=wrap", "open", CM_ERR_DENIED, "0600"},
        {"token=casemate;object=wrap", "none", CM_ERR_NOTFOUND, "none"},
    };
    struct cm_keep *keep = NULL;
    struct cm_db *db = NULL;

    if (!has_softhsm()) {
        SKIP("SoftHSM is not installed");
    }
    db = begin_tokens();
    write_text(in_dir("", "wrong"), "654321", 0600);
    write_text(in_dir("", "open"), PIN, 0644);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct cm_why why = {""};

        CHECK_EQ(cm_keep_open(uri_with(cases[i].path, cases[i].pin), db, &keep, &why), cases[i].st);
        CHECK(strstr(why.text, cases[i].says) != NULL && strstr(why.text, "654321") == NULL);
    }
    cm_db_close(db);
}

/* The note is in the store: with each byte changed, the token's key or the store key's seal refuses. */
TEST(a_changed_note)
{
    const char *where = NULL;
    struct cm_root_note note = {.len = 0};
    struct cm_root root = {.says = ""};
    struct cm_root again = {.says = ""};
    struct cm_db *db = NULL;

    if (!has_softhsm()) {
        SKIP("SoftHSM is not installed");
    }
    db = begin_tokens();
    where = uri_with("token=casemate;object=wrap", "pin");
    REQUIRE(cm_root_token.make(where, &note, &root, NULL) == CM_OK);
    for (size_t i = 0; i < note.len; i += 7) {
        struct cm_root_note changed = note;

        changed.bytes[i] ^= 1;
        memset(&again, 0, sizeof(again));
        if (cm_root_token.find(where, &changed, &again, NULL) == CM_OK) {
            CHECK(memcmp(again.key, root.key, sizeof(root.key)) != 0);
        }
    }
    note.len = 1;
    CHECK_EQ(cm_root_token.find(where, &note, &again, NULL), CM_ERR_FORMAT);
    note.len = 0;
    CHECK_EQ(cm_root_token.find(where, &note, &again, NULL), CM_ERR_FORMAT);
    cm_db_close(db);
}

TEST_MAIN
