/*
 * Keys under bad circumstances: many who create one name at once, a service that is killed while it imports,
 * memory that ends. Either a key is whole, or it is not there; what was acknowledged stays.
 */
#include "harness.h"
#include "memory_search.h"
#include "openssl_memory.h"

#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

#include "vault/vault_form.h"
#include "vault/vault_material.h"
#include "vault/vault_target.h"
#include "vault_kit.h"

/* -------------------------------------------------------------------- at once */

enum { THREADS = 6, EACH = 5 };

/* Raw, each on a connection of its own: the kit's client keeps what a thread was answered. */
static void *create_many(void *arg)
{
    static const char request[] = "POST /keys/one/create" API " HTTP/1.1\r\nHost: localhost\r\n"
                                  "Authorization: Bearer author\r\nContent-Length: 17\r\n"
                                  "Connection: close\r\n\r\n{\"kty\":\"oct-HSM\"}";
    int *good = arg;
    char answer[4096] = "";

    for (int i = 0; i < EACH; i++) {
        size_t n = kit_raw(cm_span_make(request, sizeof(request) - 1), answer, sizeof(answer), 20);

        *good += n > 12 && memcmp(answer, "HTTP/1.1 200", 12) == 0;
    }
    return NULL;
}

TEST(many_create_one_name)
{
    pthread_t threads[THREADS];
    int good[THREADS] = {0};
    int all = 0;
    char path[128] = "/keys/one/versions" API;
    size_t seen = 0;

    start_vault();
    for (int i = 0; i < THREADS; i++) {
        REQUIRE(pthread_create(&threads[i], NULL, create_many, &good[i]) == 0);
    }
    for (int i = 0; i < THREADS; i++) {
        (void)pthread_join(threads[i], NULL);
        all += good[i];
    }
    CHECK_EQ(all, THREADS * EACH);
    CHECK_EQ(kit_get(path, "author")->status, 200);
    seen = json_array_size(kit_json("value"));
    (void)snprintf(path, sizeof(path), "/keys/one/versions" API "&$skiptoken=%zu", seen);
    CHECK_EQ(kit_get(path, "author")->status, 200);
    CHECK_EQ(seen + json_array_size(kit_json("value")), THREADS * EACH); /* numbered without gaps */
}

/* --------------------------------------------------------------------- killed */

/* A service over a store of the test's; in another process. Says where its folder is, and what was answered. */
static void import_until_killed(const char *store, int say)
{
    struct kit_options options = vault_options();
    char folder[64] = "";

    options.store = store;
    kit_set_clock((uint64_t)time(NULL));
    (void)kit_start_with(&options);
    (void)snprintf(folder, sizeof(folder), "%s", kit_folder());
    if (write(say, folder, sizeof(folder)) != sizeof(folder)) {
        _exit(1);
    }
    for (int i = 0; i < 10000; i++) {
        char path[64] = "";

        (void)snprintf(path, sizeof(path), "/keys/k%d" API, i);
        if (put_json(path, "author", secret_import(policy_text("https://localhost", NULL)))
                    ->status != 200 ||
            write(say, &i, sizeof(i)) != sizeof(i)) {
            _exit(1);
        }
    }
    _exit(0);
}

struct counted {
    struct cm_keep *keep;
    int whole;
};

/* Each key that is there opens to what was imported. */
static bool check_whole(void *arg, struct cm_vault_item *item)
{
    struct counted *c = arg;
    char name[CM_VAULT_BLOB_NAME_CAP] = "";
    uint8_t out[256];
    size_t n = 0;

    cm_vault_blob_name(item, name);
    CHECK_EQ(cm_keep_unwrap(c->keep, name, cm_span_make(item->blob, item->blob_len), out,
                            sizeof(out), &n),
             CM_OK);
    CHECK(n == 32 && memcmp(out, SECRET_BYTES, 32) == 0);
    c->whole++;
    return true;
}

TEST(killed_while_it_imports)
{
    char store[256] = "";
    char file[200] = "";
    int acknowledged = 0;

    end_vault();
    (void)snprintf(file, sizeof(file), "vault-kill-%ld.db", (long)getpid());
    (void)snprintf(store, sizeof(store), "sqlite:%s", file);
    for (int round = 0; round < 3; round++) {
        const struct cm_vault_range range = {.kind = CM_VAULT_KEY, .name = "", .limit = 10000};
        struct counted counted = {NULL, 0};
        struct cm_db *db = NULL;
        int pipe_fd[2] = {-1, -1};
        char folder[64] = "";
        char command[96] = "";
        int last = -1;
        int i = 0;
        pid_t child = 0;

        (void)unlink(file);
        REQUIRE(pipe(pipe_fd) == 0);
        child = fork();
        if (child == 0) {
            import_until_killed(store, pipe_fd[1]);
        }
        (void)close(pipe_fd[1]);
        REQUIRE(read(pipe_fd[0], folder, sizeof(folder)) == sizeof(folder));
        while (last < 10 + 7 * round && read(pipe_fd[0], &i, sizeof(i)) == sizeof(i)) {
            last = i;
        }
        CHECK_EQ(kill(child, SIGKILL), 0);
        while (read(pipe_fd[0], &i, sizeof(i)) == sizeof(i)) {
            last = i;
        }
        (void)waitpid(child, NULL, 0);
        (void)close(pipe_fd[0]);
        (void)snprintf(command, sizeof(command), "rm -rf '%s'", folder);
        CHECK_EQ(system(command), 0);
        acknowledged += last + 1;
        {
            char root[300] = "";

            (void)snprintf(root, sizeof(root), "file:vault-root-%ld.key", (long)child);
            REQUIRE(cm_db_open(store, &db, NULL) == CM_OK);
            REQUIRE(cm_keep_open(root, db, &counted.keep, NULL) == CM_OK);
            CHECK_EQ(cm_vault_list(db, &range, CM_VAULT_ALL, check_whole, &counted, NULL), CM_OK);
            CHECK(counted.whole == last + 1 || counted.whole == last + 2);
            cm_keep_close(counted.keep);
            cm_db_close(db);
            (void)unlink(root + 5);
        }
    }
    CHECK(acknowledged >= 3 * 11);
    (void)printf("  %d imports acknowledged, all there\n", acknowledged);
    {
        char more[220] = "";

        (void)unlink(file);
        (void)snprintf(more, sizeof(more), "%s-wal", file);
        (void)unlink(more);
        (void)snprintf(more, sizeof(more), "%s-shm", file);
        (void)unlink(more);
    }
}

/* -------------------------------------------------------------------- memory */

/* The end of a secret, masked, as bytes and as OpenSSL's numbers have it: what no freed block may hold. */
static uint8_t watched[2][16];
static bool watching;
static int freed_with_it;

void __real_free(void *p);
void __wrap_free(void *p);

void __wrap_free(void *p)
{
    for (int i = 0; p != NULL && watching && i < 2; i++) {
        freed_with_it += memory_count_in(p, malloc_usable_size(p), watched[i], 16);
    }
    __real_free(p);
}

static void watch(const uint8_t *secret, size_t len)
{
    for (size_t i = 0; i < 16; i++) {
        watched[0][i] = secret[len - 16 + i] ^ MEMORY_MASK;
        watched[1][15 - i] = watched[0][i];
    }
    freed_with_it = 0;
    watching = true;
}

/* Imports a key, wraps it for an enclave, and forgets it. */
static void use_and_forget(json_t *jwk)
{
    struct cm_vault_material m;
    struct cm_pubkey *to = NULL;
    uint8_t *out = NULL;
    size_t len = 0;

    CHECK_EQ(cm_vault_import(jwk, false, &m, NULL), CM_OK);
    out = malloc(CM_VAULT_WRAPPED_MAX(m.len));
    CHECK(out != NULL && cm_privkey_public(tee_key(2048), &to) == CM_OK);
    CHECK_EQ(cm_vault_wrap_for(to, cm_vault_wrap_of(NULL), cm_span_make(m.bytes, m.len), out, &len),
             CM_OK);
    cm_vault_material_clear(&m);
    CHECK_EQ(freed_with_it, 0);
    watching = false;
    cm_pubkey_free(to);
    free(out);
}

/* A number of a key as a member of its JWK, which the caller frees. */
static char *number_text(const struct cm_privkey *key, const char *param, uint8_t bytes[1024],
                         size_t *len)
{
    BIGNUM *n = NULL;

    if (EVP_PKEY_get_bn_param(cm_privkey_evp(key), param, &n) != 1) {
        abort();
    }
    *len = (size_t)BN_bn2bin(n, bytes);
    BN_clear_free(n);
    return b64(bytes, *len);
}

static json_t *jwk_of(const struct cm_privkey *key, const char *const (*parts)[2], size_t count)
{
    json_t *out = json_pack("{s:s}", "kty", count == 3 ? "EC" : "RSA");
    uint8_t bytes[1024];
    size_t len = 0;

    for (size_t i = 0; i < count; i++) {
        char *text = number_text(key, parts[i][1], bytes, &len);

        (void)json_object_set_new(out, parts[i][0], json_string(text));
        free(text);
    }
    return out;
}

/* Our PKCS#8 is OpenSSL's, byte for byte. */
TEST(private_keys_are_written_as_openssl_writes_them)
{
    static const enum cm_curve kinds[] = {CM_CURVE_P256, CM_CURVE_P384, CM_CURVE_P521};
    static const size_t sizes[] = {32, 48, 66};

    for (size_t i = 0; i < 3 * 20 + 3; i++) { /* many, for numbers that begin with zeros */
        const bool rsa = i < 3;
        struct cm_privkey *ec = NULL;
        const struct cm_privkey *key = NULL;
        PKCS8_PRIV_KEY_INFO *info = NULL;
        unsigned char *want = NULL;
        uint8_t *got = NULL;
        size_t len = 0;
        int want_len = 0;

        if (!rsa && cm_privkey_generate(kinds[i % 3], 0, &ec) != CM_OK) {
            abort();
        }
        key = rsa ? tee_key(i == 0 ? 2048 : i == 1 ? 3072 : 4096) : ec;
        info = EVP_PKEY2PKCS8(cm_privkey_evp(key));
        want_len = i2d_PKCS8_PRIV_KEY_INFO(info, &want);
        CHECK_EQ(cm_vault_pkcs8(cm_privkey_evp(key), rsa ? 0 : sizes[i % 3], &got, &len), CM_OK);
        CHECK_EQ(len, want_len);
        CHECK(want_len > 0 && len == (size_t)want_len && memcmp(got, want, len) == 0);
        PKCS8_PRIV_KEY_INFO_free(info);
        OPENSSL_free(want);
        free(got);
        cm_privkey_free(ec);
    }
}

/* I6: a key that was imported stays in no memory that somebody else gets next. */
TEST(imported_keys_leave_no_trace_in_freed_memory)
{
    static const char *const ec_parts[][2] = {{"x", "qx"}, {"y", "qy"}, {"d", "priv"}};
    static const char *const rsa_parts[][2] = {{"n", "n"},
                                               {"e", "e"},
                                               {"d", "d"},
                                               {"p", "rsa-factor1"},
                                               {"q", "rsa-factor2"},
                                               {"dp", "rsa-exponent1"},
                                               {"dq", "rsa-exponent2"},
                                               {"qi", "rsa-coefficient1"}};
    static const char *const watch_rsa[] = {"d", "rsa-factor1", "rsa-coefficient1"};
    json_t *jwk = json_pack("{s:s, s:s}", "kty", "oct", "k", SECRET_B64);
    struct cm_privkey *ec = NULL;
    uint8_t bytes[1024];
    size_t len = 0;

    (void)tee_key(2048);
    watch((const uint8_t *)SECRET_BYTES, 32);
    use_and_forget(jwk);
    json_decref(jwk);

    REQUIRE(cm_privkey_generate(CM_CURVE_P256, 0, &ec) == CM_OK);
    jwk = jwk_of(ec, ec_parts, 3);
    (void)json_object_set_new(jwk, "crv", json_string("P-256"));
    free(number_text(ec, "priv", bytes, &len));
    watch(bytes, len);
    use_and_forget(jwk);
    json_decref(jwk);
    cm_privkey_free(ec);

    jwk = jwk_of(tee_key(3072), rsa_parts, 8);
    for (size_t i = 0; i < 3; i++) {
        free(number_text(tee_key(3072), watch_rsa[i], bytes, &len));
        watch(bytes, len);
        use_and_forget(jwk);
    }
    json_decref(jwk);
}

/* ------------------------------------------------------------ memory that ends */

/* Each allocation in turn fails: the parts return an error, and leave nothing behind. jansson's own count. */
TEST(out_of_memory_in_a_body)
{
    static const char text[] =
        "{\"attributes\":{\"exportable\":true},\"tags\":{\"a\":\"b\"},\"key_ops\":[\"sign\"],"
        "\"contentType\":\"x\",\"release_policy\":{\"data\":\""
        "eyJ2ZXJzaW9uIjoiMS4wLjAiLCJhbnlPZiI6W3siYXV0aG9yaXR5IjoiaHR0cHM6Ly9hIiwiYWxsT2YiOlt7ImNsYW"
        "ltIjoiYiIsImVxdWFscyI6ImMifV19XX0\"}}";
    enum cm_status st = CM_ERR_NOMEM;

    for (long k = 1; st != CM_OK && k < 2000; k++) {
        json_t *body = json_loads(text, 0, NULL);
        struct cm_vault_change change;
        struct cm_vault_item item = {.kind = CM_VAULT_KEY, .shown = "a"};
        json_t *bundle = NULL;

        item.detail = json_object();
        item.tags = json_object();
        fail_alloc_at(k);
        st = cm_vault_change_parse(body, &change, NULL);
        if (st == CM_OK) {
            st = cm_vault_change_apply(&change, &item, true, NULL);
        }
        if (st == CM_OK) {
            bundle = cm_vault_bundle("https://h", &item);
            st = bundle == NULL ? CM_ERR_NOMEM : CM_OK;
        }
        fail_alloc_at(-1);
        CHECK(st == CM_OK || st == CM_ERR_NOMEM);
        CHECK(st != CM_OK || json_object_get(bundle, "release_policy") != NULL);
        json_decref(bundle);
        cm_vault_change_clear(&change);
        cm_vault_item_clear(&item);
        json_decref(body);
    }
    CHECK_EQ(st, CM_OK);
}

TEST(out_of_memory_in_an_import)
{
    json_t *jwk = json_pack("{s:s, s:s}", "kty", "oct", "k", SECRET_B64);
    enum cm_status st = CM_ERR_NOMEM;

    for (long k = 1; st != CM_OK && k < 2000; k++) {
        struct cm_vault_material m;

        fail_alloc_at(k);
        st = cm_vault_import(jwk, true, &m, NULL);
        fail_alloc_at(-1);
        CHECK(st == CM_OK ? m.len == 32 : m.bytes == NULL && m.jwk == NULL);
        cm_vault_material_clear(&m);
    }
    CHECK_EQ(st, CM_OK);
    json_decref(jwk);
}

TEST(out_of_memory_in_a_token)
{
    struct cm_vault_target t = {.issuer = "https://a"};
    enum cm_status st = CM_ERR_NOMEM;

    t.claims = json_pack("{s:{s:[o]}}", "x-ms-runtime", "keys", tee_jwk(tee_key(2048)));
    for (long k = 1; st != CM_OK && k < 5000; k++) {
        struct cm_vault_refusal refusal = {NULL, {""}};
        struct cm_pubkey *key = NULL;
        char kid[257] = "";

        fail_alloc_at(k);
        st = cm_vault_target_key(&t, &key, kid, &refusal);
        fail_alloc_at(-1);
        CHECK((st == CM_OK) == (key != NULL)); /* never a key that was not read whole */
        cm_pubkey_free(key);
    }
    CHECK_EQ(st, CM_OK);
    cm_vault_target_clear(&t);
}

/* ------------------------------------------------------------------- history */

static void note_row(struct cm_db *db, int number, int64_t at, bool released)
{
    char id[16] = "";
    const struct cm_vault_release row = {.id = id,
                                         .time = at,
                                         .kind = 2,
                                         .name = "a/b/c",
                                         .version = "",
                                         .released = released,
                                         .client = "",
                                         .api = "kbs",
                                         .wrap = "",
                                         .issuer = "",
                                         .attestation = "",
                                         .reason = ""};

    (void)snprintf(id, sizeof(id), "row%03d", number);
    CHECK_EQ(cm_vault_release_note(db, &row, NULL), CM_OK);
}

static bool take_count(void *arg, const struct cm_db_value *c, size_t count)
{
    *(int64_t *)arg = count == 1 ? c[0].number : -1;
    return false;
}

static int64_t rows_of(struct cm_db *db, const char *sql)
{
    int64_t n = -1;

    CHECK_EQ(cm_db_run(db, sql, cm_db_none(), cm_db_into(take_count, &n), NULL), CM_OK);
    return n;
}

/* What is withheld, which anybody can have written, pushes out its like; what was released goes by its age. */
TEST(the_history_forgets)
{
    struct cm_db *db = NULL;
    int64_t now = 0;
    bool more = false;

    start_vault();
    now = (int64_t)kit_now();
    REQUIRE(cm_db_open(kit_store(), &db, NULL) == CM_OK);
    for (int i = 0; i < 3; i++) {
        note_row(db, i, now - 401 * 86400 + i, i % 2 == 0);
    }
    note_row(db, 10, now - 399 * 86400, true);
    for (int i = 20; i < 27; i++) {
        note_row(db, i, now - 100, false); /* of one second: by their ids */
    }
    CHECK_EQ(cm_vault_releases_retire(db, now - 400 * 86400, 4, &more, NULL), CM_OK);
    CHECK(!more);
    CHECK_EQ(rows_of(db, "SELECT COUNT(*) FROM vault_release WHERE released = 1"), 1);
    CHECK_EQ(rows_of(db, "SELECT COUNT(*) FROM vault_release WHERE released = 0"), 4);
    CHECK_EQ(rows_of(db, "SELECT COUNT(*) FROM vault_release WHERE id >= 'row023'"), 4);
    kit_step_clock(2 * 86400);
    cm_service_tick(kit_service());
    CHECK_EQ(rows_of(db, "SELECT COUNT(*) FROM vault_release WHERE released = 1"), 0);
    CHECK_EQ(rows_of(db, "SELECT COUNT(*) FROM vault_release"), 4);
    cm_db_close(db);
}

TEST_MAIN
