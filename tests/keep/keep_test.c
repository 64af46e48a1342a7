/* Keys at rest under a root key in a file or from a passphrase; what is wiped is looked for in memory. */
#include <malloc.h>

#include "openssl_memory.h"

#include "keep_kit.h"

#include "crypto/crypto.h"

#define FILE_MASK(i) ((uint8_t)((i)*37 + 11))

static void write_root(const char *path)
{
    uint8_t masked[CM_ROOT_SIZE];

    for (size_t i = 0; i < sizeof(masked); i++) {
        masked[i] = FILE_MASK(i);
    }
    write_hidden(path, masked, sizeof(masked), 0600);
}

TEST(a_blob_opens_under_its_name_only)
{
    struct cm_db *db = begin();
    struct cm_keep *keep = NULL;
    uint8_t one[256];
    uint8_t two[256];
    uint8_t out[256];
    size_t n1 = 0;
    size_t n2 = 0;
    size_t n = 0;

    REQUIRE(cm_keep_open(in_dir("file:", "root"), db, &keep, NULL) == CM_OK);
    CHECK_EQ(wrap_text(keep, "key/a/1", "a secret", one, &n1), CM_OK);
    CHECK_EQ(wrap_text(keep, "key/a/1", "a secret", two, &n2), CM_OK);
    CHECK(n1 <= 8 + CM_KEEP_OVERHEAD && n1 == n2 && memcmp(one, two, n1) != 0);
    CHECK(opens(keep, "key/a/1", "a secret", one, n1));
    CHECK(opens(keep, "key/a/1", "a secret", two, n2));
    CHECK(!opens(keep, "key/a/2", "a secret", one, n1));
    CHECK(!opens(keep, "key/a/", "a secret", one, n1));
    CHECK(!opens(keep, "", "a secret", one, n1));
    for (size_t bit = 0; bit < n1 * 8; bit++) {
        one[bit / 8] ^= (uint8_t)(1u << bit % 8);
        memset(out, 1, sizeof(out));
        CHECK_EQ(cm_keep_unwrap(keep, "key/a/1", cm_span_make(one, n1), out, sizeof(out), &n),
                 CM_ERR_SIGNATURE);
        CHECK(n == 0 && memcmp(out, "a secret", 8) != 0);
        one[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t cut = 0; cut < n1; cut++) {
        CHECK_EQ(cm_keep_unwrap(keep, "key/a/1", cm_span_make(one, cut), out, sizeof(out), &n),
                 CM_ERR_SIGNATURE);
    }
    cm_keep_close(keep);
    cm_db_close(db);
}

TEST(lengths)
{
    static uint8_t big[((size_t)16 << 20) + 1];
    static char long_name[CM_KEEP_NAME_MAX + 2];
    struct cm_db *db = begin();
    struct cm_keep *keep = NULL;
    uint8_t out[256];
    uint8_t back[8];
    size_t n = 0;

    REQUIRE(cm_keep_open(in_dir("file:", "root"), db, &keep, NULL) == CM_OK);
    CHECK_EQ(wrap_text(keep, "n", "", out, &n), CM_OK);
    CHECK(opens(keep, "n", "", out, n));
    CHECK_EQ(cm_keep_wrap(keep, "n", cm_span_make(big, 9), out, 9 + 51, &n), CM_ERR_SPACE);
    CHECK_EQ(n, 0);
    CHECK_EQ(cm_keep_wrap(keep, "n", cm_span_make(big, sizeof(big)), out, sizeof(out), &n),
             CM_ERR_LIMIT);
    CHECK_EQ(wrap_text(keep, "n", "123456789", out, &n), CM_OK);
    CHECK_EQ(cm_keep_unwrap(keep, "n", cm_span_make(out, n), back, sizeof(back), &n), CM_ERR_SPACE);
    memset(long_name, 'x', sizeof(long_name) - 1);
    CHECK_EQ(wrap_text(keep, long_name, "1", out, &n), CM_ERR_LIMIT);
    CHECK_EQ(cm_keep_unwrap(keep, long_name, cm_span_make(out, 100), back, sizeof(back), &n),
             CM_ERR_LIMIT);
    long_name[CM_KEEP_NAME_MAX] = '\0';
    CHECK_EQ(wrap_text(keep, long_name, "1", out, &n), CM_OK);
    cm_keep_close(keep);
    cm_keep_close(NULL);
    cm_db_close(db);
}

TEST(the_file_is_made_once_and_private)
{
    struct cm_db *db = begin();
    struct cm_keep *keep = NULL;
    struct cm_why why = {""};
    uint8_t blob[256];
    size_t n = 0;
    struct stat s;

    (void)umask(0);
    REQUIRE(cm_keep_open(in_dir("file:", "root"), db, &keep, NULL) == CM_OK);
    (void)umask(022);
    CHECK(stat(in_dir("", "root"), &s) == 0 && (s.st_mode & 0777) == 0600 && s.st_size == 32);
    CHECK(strstr(cm_keep_says(keep), "root") != NULL && !cm_keep_emulated(keep));
    CHECK_EQ(wrap_text(keep, "n", "text", blob, &n), CM_OK);
    cm_keep_close(keep);
    REQUIRE(cm_keep_open(in_dir("file:", "root"), db, &keep, NULL) == CM_OK);
    CHECK(opens(keep, "n", "text", blob, n));
    cm_keep_close(keep);

    CHECK(chmod(in_dir("", "root"), 0640) == 0);
    CHECK_EQ(cm_keep_open(in_dir("file:", "root"), db, &keep, &why), CM_ERR_DENIED);
    CHECK(keep == NULL && strstr(why.text, "0600") != NULL);
    CHECK(chmod(in_dir("", "root"), 0600) == 0);
    /* a store that has a root key never gets another one: not when its file is away */
    CHECK(rename(in_dir("", "root"), in_dir("", "moved")) == 0);
    CHECK_EQ(cm_keep_open(in_dir("file:", "root"), db, &keep, NULL), CM_ERR_NOTFOUND);
    CHECK(access(in_dir("", "root"), F_OK) != 0);
    CHECK_EQ(cm_keep_open(in_dir("file:", "moved"), db, &keep, NULL), CM_OK);
    cm_keep_close(keep);
    CHECK(symlink(in_dir("", "moved"), in_dir("", "root")) == 0);
    CHECK_EQ(cm_keep_open(in_dir("file:", "root"), db, &keep, NULL), CM_ERR_DENIED);
    write_text(in_dir("", "short"), "0123456789012345678901234567890", 0600);
    CHECK_EQ(cm_keep_open(in_dir("file:", "short"), db, &keep, NULL), CM_ERR_FORMAT);
    write_text(in_dir("", "long"), "012345678901234567890123456789012", 0600);
    CHECK_EQ(cm_keep_open(in_dir("file:", "long"), db, &keep, NULL), CM_ERR_LIMIT);
    cm_db_close(db);
}

TEST(another_root_key_is_noticed_before_anything_is_written)
{
    struct cm_db *db = begin();
    struct cm_keep *keep = NULL;
    struct cm_why why = {""};

    REQUIRE(cm_keep_open(in_dir("file:", "root"), db, &keep, NULL) == CM_OK);
    cm_keep_close(keep);
    write_root(in_dir("", "other"));
    CHECK_EQ(cm_keep_open(in_dir("file:", "other"), db, &keep, &why), CM_ERR_MISMATCH);
    CHECK(keep == NULL && strstr(why.text, "other is not the root key") != NULL);
    write_text(in_dir("", "phrase"), "correct horse battery", 0600);
    why.text[0] = '\0';
    CHECK_EQ(cm_keep_open(in_dir("passphrase-file:", "phrase"), db, &keep, &why), CM_ERR_MISMATCH);
    CHECK(strstr(why.text, "kept by a file, not by a passphrase") != NULL);
    cm_db_close(db);
}

TEST(places_that_are_none)
{
    static const char *const places[] = {"",   "file",          "file:",   "fil:/x",
                                         "/x", "passphrase:/x", "FILE:/x", "passphrase-file:"};
    struct cm_db *db = begin();
    struct cm_keep *keep = NULL;

    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        CHECK_EQ(cm_keep_open(places[i], db, &keep, NULL), CM_ERR_PARAM);
        CHECK_EQ(cm_keep_rewrap(places[i], "file:/x", db, NULL), CM_ERR_PARAM);
        CHECK_EQ(cm_keep_rewrap("file:/x", places[i], db, NULL), CM_ERR_PARAM);
    }
    CHECK_EQ(cm_keep_open(in_dir("file:", "no/such/folder"), db, &keep, NULL), CM_ERR_IO);
    CHECK_EQ(cm_keep_open(in_dir("passphrase-file:", "none"), db, &keep, NULL), CM_ERR_NOTFOUND);
    cm_db_close(db);
}

TEST(passphrases)
{
    struct cm_db *db = begin();
    struct cm_keep *keep = NULL;
    struct cm_why why = {""};
    uint8_t blob[256];
    size_t n = 0;

    write_text(in_dir("", "short"), "12345678901\n", 0600);
    CHECK_EQ(cm_keep_open(in_dir("passphrase-file:", "short"), db, &keep, &why), CM_ERR_LIMIT);
    CHECK(strstr(why.text, "at least 12") != NULL);
    write_text(in_dir("", "open"), "correct horse battery\n", 0644);
    CHECK_EQ(cm_keep_open(in_dir("passphrase-file:", "open"), db, &keep, NULL), CM_ERR_DENIED);
    write_text(in_dir("", "a"), "correct horse battery\n", 0600);
    REQUIRE(cm_keep_open(in_dir("passphrase-file:", "a"), db, &keep, NULL) == CM_OK);
    CHECK_EQ(wrap_text(keep, "n", "text", blob, &n), CM_OK);
    cm_keep_close(keep);
    write_text(in_dir("", "b"), "correct horse battery", 0600); /* without its line end */
    REQUIRE(cm_keep_open(in_dir("passphrase-file:", "b"), db, &keep, NULL) == CM_OK);
    CHECK(opens(keep, "n", "text", blob, n));
    cm_keep_close(keep);
    write_text(in_dir("", "c"), "correct horse battery\n\n", 0600);
    CHECK_EQ(cm_keep_open(in_dir("passphrase-file:", "c"), db, &keep, NULL), CM_ERR_MISMATCH);
    write_text(in_dir("", "d"), "Correct horse battery", 0600);
    CHECK_EQ(cm_keep_open(in_dir("passphrase-file:", "d"), db, &keep, NULL), CM_ERR_MISMATCH);
    CHECK(keep == NULL);
    cm_db_close(db);
}

TEST(rewrapping)
{
    struct cm_db *db = begin();
    struct cm_keep *keep = NULL;
    struct cm_why why = {""};
    uint8_t blob[256];
    size_t n = 0;

    CHECK_EQ(cm_keep_rewrap(in_dir("file:", "a"), in_dir("file:", "b"), db, NULL), CM_ERR_NOTFOUND);
    CHECK(access(in_dir("", "b"), F_OK) != 0);
    REQUIRE(cm_keep_open(in_dir("file:", "a"), db, &keep, NULL) == CM_OK);
    CHECK_EQ(wrap_text(keep, "n", "text", blob, &n), CM_OK);
    write_text(in_dir("", "phrase"), "correct horse battery\n", 0600);
    write_root(in_dir("", "other"));
    CHECK_EQ(
        cm_keep_rewrap(in_dir("file:", "other"), in_dir("passphrase-file:", "phrase"), db, NULL),
        CM_ERR_MISMATCH);
    CHECK_EQ(cm_keep_rewrap(in_dir("file:", "a"), in_dir("passphrase-file:", "phrase"), db, NULL),
             CM_OK);
    CHECK(opens(keep, "n", "text", blob, n)); /* who has it open goes on */
    cm_keep_close(keep);
    CHECK_EQ(cm_keep_open(in_dir("file:", "a"), db, &keep, &why), CM_ERR_MISMATCH);
    REQUIRE(cm_keep_open(in_dir("passphrase-file:", "phrase"), db, &keep, NULL) == CM_OK);
    CHECK(opens(keep, "n", "text", blob, n));
    cm_keep_close(keep);
    CHECK_EQ(cm_keep_rewrap(in_dir("passphrase-file:", "phrase"), in_dir("file:", "b"), db, NULL),
             CM_OK);
    REQUIRE(cm_keep_open(in_dir("file:", "b"), db, &keep, NULL) == CM_OK);
    CHECK(opens(keep, "n", "text", blob, n));
    cm_keep_close(keep);
    CHECK_EQ(cm_keep_open(in_dir("file:", "a"), db, &keep, NULL), CM_ERR_MISMATCH);
    cm_db_close(db);
}

static bool take_blob(void *arg, const struct cm_db_value *columns, size_t count)
{
    struct cm_span *out = arg;
    uint8_t *copy = count == 1 ? malloc(columns[0].bytes.len) : NULL;

    if (copy != NULL) {
        memcpy(copy, columns[0].bytes.ptr, columns[0].bytes.len);
        *out = cm_span_make(copy, columns[0].bytes.len);
    }
    return false;
}

static struct cm_span record_of(struct cm_db *db)
{
    struct cm_span out = {NULL, 0};

    if (cm_db_run(db, "SELECT value FROM setting WHERE name = 'keep.root'", cm_db_none(),
                  cm_db_into(take_blob, &out), NULL) != CM_OK ||
        out.len == 0) {
        abort();
    }
    return out;
}

static void put_record(struct cm_db *db, struct cm_span record)
{
    struct cm_db_value value = cm_db_blob(record);

    CHECK_EQ(cm_db_run(db, "UPDATE setting SET value = ? WHERE name = 'keep.root'",
                       cm_db_with(&value, 1), cm_db_nowhere(), NULL),
             CM_OK);
}

/* Whoever can write to the store can make it unusable, and nothing else. */
TEST(a_changed_record_opens_nothing)
{
    struct cm_db *db = begin();
    struct cm_keep *keep = NULL;
    struct cm_span record = {NULL, 0};
    uint8_t *copy = NULL;

    REQUIRE(cm_keep_open(in_dir("file:", "root"), db, &keep, NULL) == CM_OK);
    cm_keep_close(keep);
    record = record_of(db);
    copy = malloc(record.len + 1);
    for (size_t i = 0; i < record.len; i++) {
        enum cm_status st = CM_OK;

        memcpy(copy, record.ptr, record.len);
        copy[i] ^= 0x10;
        put_record(db, cm_span_make(copy, record.len));
        st = cm_keep_open(in_dir("file:", "root"), db, &keep, NULL);
        CHECK(st == CM_ERR_FORMAT || st == CM_ERR_MISMATCH);
        put_record(db, cm_span_make(copy, i));
        st = cm_keep_open(in_dir("file:", "root"), db, &keep, NULL);
        CHECK(st == CM_ERR_FORMAT || st == CM_ERR_MISMATCH);
        CHECK(keep == NULL);
    }
    memcpy(copy, record.ptr, record.len);
    copy[record.len] = 0;
    put_record(db, cm_span_make(copy, record.len + 1));
    CHECK_EQ(cm_keep_open(in_dir("file:", "root"), db, &keep, NULL), CM_ERR_MISMATCH);
    put_record(db, record);
    CHECK_EQ(cm_keep_open(in_dir("file:", "root"), db, &keep, NULL), CM_OK);
    cm_keep_close(keep);
    free((void *)(uintptr_t)record.ptr);
    free(copy);
    cm_db_close(db);
}

/* The numbers of Argon2 stand in the store: they do not decide how much memory this takes. */
TEST(a_record_cannot_ask_for_more_than_its_share)
{
    static const struct {
        size_t at;
        uint32_t value;
    } bad[] = {{0, 0},          {0, 49}, {0, UINT32_MAX}, {4, 0}, {4, 31}, {4, (1024 * 1024) + 1},
               {4, UINT32_MAX}, {8, 0},  {8, 65}};
    struct cm_root_note note = {.len = 0};
    struct cm_root_note changed = {.len = 0};
    struct cm_root root = {.says = ""};
    struct cm_why why = {""};
    struct cm_db *db = begin();

    write_text(in_dir("", "a"), "correct horse battery\n", 0600);
    REQUIRE(cm_root_phrase.make(in_dir("", "a"), &note, &root, NULL) == CM_OK);
    CHECK_EQ(note.len, 28);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        changed = note;
        for (size_t b = 0; b < 4; b++) {
            changed.bytes[bad[i].at + b] = (uint8_t)(bad[i].value >> (8 * b));
        }
        CHECK_EQ(cm_root_phrase.find(in_dir("", "a"), &changed, &root, &why), CM_ERR_FORMAT);
    }
    changed = note;
    changed.len--;
    CHECK_EQ(cm_root_phrase.find(in_dir("", "a"), &changed, &root, &why), CM_ERR_FORMAT);
    changed.len += 2;
    CHECK_EQ(cm_root_phrase.find(in_dir("", "a"), &changed, &root, &why), CM_ERR_FORMAT);
    cm_db_close(db);
}

/* ------------------------------------------------------------------- memory */

/* What no block may hold when it is freed: later blocks would hide it. */
static const uint8_t *watched;
static int freed_with_it;

void __real_free(void *p);
void __wrap_free(void *p);

void __wrap_free(void *p)
{
    if (p != NULL && watched != NULL) {
        freed_with_it += memory_count_in(p, malloc_usable_size(p), watched, 16);
    }
    __real_free(p);
}

/* From now on; the last 16 bytes, since free() writes its own over the first ones of a block. */
static void watch(const uint8_t *masked, size_t len)
{
    watched = masked + len - 16;
    freed_with_it = 0;
}

static bool traces(const uint8_t *masked, size_t len)
{
    return freed_with_it != 0 || memory_holds(masked + len - 16, 16);
}

/* I6: the root key and the store key are where they must be while they are used, and nowhere later. */
TEST(keys_leave_no_trace_in_memory)
{
    struct cm_db *db = begin();
    struct cm_keep *keep = NULL;
    uint8_t root[CM_ROOT_SIZE];
    uint8_t store_key[CM_ROOT_SIZE];
    uint8_t blob[256];
    size_t n = 0;
    int undumped = 0;

    if (MEMORY_SEARCHABLE == 0) {
        cm_db_close(db);
        SKIP("built with a sanitiser");
    }
    write_root(in_dir("", "root"));
    for (size_t i = 0; i < sizeof(root); i++) {
        root[i] = FILE_MASK(i);
    }
    watch(root, sizeof(root));
    CHECK(!traces(root, sizeof(root)));
    REQUIRE(cm_keep_open(in_dir("file:", "root"), db, &keep, NULL) == CM_OK);
    CHECK(!traces(root, sizeof(root)));
    memory_mask((const uint8_t *)keep, store_key, sizeof(store_key)); /* what it begins with */
    CHECK_EQ(memory_count(store_key, sizeof(store_key), &undumped), 1);
    CHECK_EQ(undumped, 1); /* nor is it in a core file */
    CHECK_EQ(wrap_text(keep, "n", "text", blob, &n), CM_OK);
    CHECK(opens(keep, "n", "text", blob, n));
    CHECK_EQ(memory_count(store_key, sizeof(store_key), &undumped), 1);
    cm_keep_close(keep);
    CHECK(!traces(store_key, sizeof(store_key)));
    write_text(in_dir("", "phrase"), "correct horse battery\n", 0600);
    CHECK_EQ(
        cm_keep_rewrap(in_dir("file:", "root"), in_dir("passphrase-file:", "phrase"), db, NULL),
        CM_OK);
    CHECK(!traces(store_key, sizeof(store_key)));
    CHECK(!traces(root, sizeof(root)));
    CHECK_EQ(cm_keep_open(in_dir("file:", "root"), db, &keep, NULL), CM_ERR_MISMATCH);
    CHECK(!traces(root, sizeof(root)));
    watched = NULL;
    cm_db_close(db);
}

TEST(passphrases_leave_no_trace_in_memory)
{
    uint8_t masked[48];
    struct cm_db *db = begin();
    struct cm_keep *keep = NULL;
    struct cm_why why = {""};

    if (MEMORY_SEARCHABLE == 0) {
        cm_db_close(db);
        SKIP("built with a sanitiser");
    }
    for (size_t i = 0; i < sizeof(masked); i++) {
        masked[i] = FILE_MASK(3 * i + 1);
    }
    watch(masked, sizeof(masked));
    write_hidden(in_dir("", "good"), masked, sizeof(masked), 0600);
    REQUIRE(cm_keep_open(in_dir("passphrase-file:", "good"), db, &keep, NULL) == CM_OK);
    CHECK(!traces(masked, sizeof(masked)));
    cm_keep_close(keep);
    watch(masked, sizeof(masked) - 2);
    write_hidden(in_dir("", "wrong"), masked, sizeof(masked) - 2, 0600);
    CHECK_EQ(cm_keep_open(in_dir("passphrase-file:", "wrong"), db, &keep, &why), CM_ERR_MISMATCH);
    CHECK(!traces(masked, sizeof(masked) - 2));
    watched = NULL;
    cm_db_close(db);
}

/* Each allocation in turn fails: an error, never a key that was not stored or a store without one. */
TEST(out_of_memory)
{
    struct cm_db *db = begin();
    struct cm_keep *keep = NULL;
    enum cm_status st = CM_ERR_NOMEM;
    uint8_t blob[256];
    size_t n = 0;

    for (long k = 1; st != CM_OK && k < 5000; k++) {
        fail_alloc_at(k);
        st = cm_keep_open(in_dir("file:", "root"), db, &keep, NULL);
        fail_alloc_at(-1);
        CHECK(st == CM_OK || keep == NULL);
    }
    REQUIRE(st == CM_OK);
    st = CM_ERR_NOMEM;
    for (long k = 1; st != CM_OK && k < 500; k++) {
        fail_alloc_at(k);
        st = wrap_text(keep, "n", "text", blob, &n);
        fail_alloc_at(-1);
        CHECK(st == CM_OK || n == 0);
    }
    CHECK(opens(keep, "n", "text", blob, n));
    cm_keep_close(keep);
    cm_db_close(db);
}

/* Two instances begin with one empty store: one key wins, and both have it. */
TEST(two_first_starts)
{
    enum { RUNS = 6 };
    struct cm_db *db = begin();
    struct cm_keep *keep = NULL;
    pid_t children[RUNS];
    uint8_t blob[256];
    size_t n = 0;

    for (int i = 0; i < RUNS; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            struct cm_db *own = NULL;
            enum cm_status st = cm_db_open(in_dir("sqlite:", "store.db"), &own, NULL);

            for (int t = 0; t < 100 && st == CM_OK; t++) {
                st = cm_keep_open(in_dir("file:", "root"), own, &keep, NULL);
                if (st != CM_ERR_BUSY) {
                    break;
                }
                st = CM_OK;
            }
            if (st == CM_OK) {
                struct cm_db_value value;

                st = wrap_text(keep, "n", "text", blob, &n);
                value = cm_db_blob(cm_span_make(blob, n));
                st = st == CM_OK ? cm_db_run(own,
                                             "INSERT INTO setting (name, value) SELECT 'blob' ||"
                                             " COUNT(*), ? FROM setting",
                                             cm_db_with(&value, 1), cm_db_nowhere(), NULL)
                                 : st;
            }
            _exit(st == CM_OK ? 0 : 1);
        }
    }
    for (int i = 0; i < RUNS; i++) {
        int status = 0;

        CHECK(waitpid(children[i], &status, 0) == children[i] && status == 0);
    }
    REQUIRE(cm_keep_open(in_dir("file:", "root"), db, &keep, NULL) == CM_OK);
    for (int i = 1; i <= RUNS; i++) {
        char name[16] = "";
        struct cm_db_value value;
        struct cm_span got = {NULL, 0};

        (void)snprintf(name, sizeof(name), "blob%d", i);
        value = cm_db_text(name);
        CHECK_EQ(cm_db_run(db, "SELECT value FROM setting WHERE name = ?", cm_db_with(&value, 1),
                           cm_db_into(take_blob, &got), NULL),
                 CM_OK);
        CHECK(opens(keep, "n", "text", got.ptr, got.len));
        free((void *)(uintptr_t)got.ptr);
    }
    cm_keep_close(keep);
    cm_db_close(db);
}

TEST_MAIN
