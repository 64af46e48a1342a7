/* No secret in any log: all that passes through a service is looked for in its log, audit log and store. */
#include "access_kit.h"

static char log_text[1 << 20];

static size_t log_read(FILE *f)
{
    size_t n = 0;

    (void)fflush(f);
    rewind(f);
    n = fread(log_text, 1, sizeof(log_text) - 1, f);
    log_text[n] = '\0';
    return n;
}

static bool holds(const char *text, size_t len, const char *secret)
{
    return memmem(text, len, secret, strlen(secret)) != NULL;
}

TEST(I6_no_secret_is_written_down)
{
    static const char *const bad[] = {"guess guess guess", "a password as a name"};
    struct kit_options options = access_options();
    FILE *log = tmpfile();
    struct person ada;
    struct person bob;
    char token[CM_ACCESS_TOKEN_CAP];
    char code[64] = "";
    char plain_code[64] = "";
    char path[256] = "";
    const char *secrets[9];
    uint8_t *store = NULL;
    size_t store_len = 0;
    char *audit = NULL;
    size_t len = 0;
    size_t n = 0;

    REQUIRE(log != NULL);
    options.log = log;
    options.log_level = CM_LOG_DEBUG;
    (void)kit_start_with(&options);
    read_code(code);
    for (size_t i = 0; code[i] != '\0'; i++) {
        if (code[i] != '-') {
            plain_code[n++] = code[i];
        }
    }
    setup_admin(&ada);
    person_with(&ada, "bob", "admin", &bob);
    token_with(&ada, "ci", "auditor", token);
    CHECK_EQ(kit_get("/api/v1/audit", token)->status, 200);
    CHECK_EQ(log_in("ada", bad[0], NULL), 401);
    CHECK_EQ(log_in(bad[1], PASSWORD, NULL), 401);
    CHECK_EQ(setup_with(code, "eve"), 409);
    CHECK_EQ(ask_as(&bob, "POST", "/api/v1/password",
                    "{\"old\":\"" PASSWORD "\",\"new\":\"another good password\"}")
                 ->status,
             204);
    CHECK_EQ(ask_as(&ada, "PUT", "/api/v1/accounts/bob", "{\"password\":\"and a third password\"}")
                 ->status,
             200);
    (void)kit_post("/api/v1/login", NULL,
                   "{\"name\":\"ada\",\"password\":\"another good password\"");
    CHECK_EQ(ask_as(&ada, "GET", "/api/v1/audit/export", NULL)->status, 200);
    audit = strdup(kit_last()->body);
    REQUIRE(audit != NULL);
    (void)snprintf(path, sizeof(path), "%s/store.db-wal", kit_folder()); /* every change so far */
    secrets[0] = PASSWORD;
    secrets[1] = bad[0];
    secrets[2] = bad[1];
    secrets[3] = "another good password";
    secrets[4] = "and a third password";
    secrets[5] = token;
    secrets[6] = plain_code;
    secrets[7] = code;
    secrets[8] = strchr(ada.cookie, '=') + 1;
    if (getenv("CM_TEST_STORE") == NULL) {
        CHECK_EQ(cm_file_read(path, 1 << 28, &store, &store_len, NULL), CM_OK);
    }
    cm_service_tick(kit_service());
    kit_stop();
    len = log_read(log);
    CHECK(len > 1000); /* it has something to be looked through */
    CHECK(holds(log_text, len, "/api/v1/password"));
    CHECK(holds(audit, strlen(audit), "session.refused"));
    for (size_t i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++) {
        CHECK(!holds(log_text, len, secrets[i]));
        CHECK(!holds(audit, strlen(audit), secrets[i]));
        CHECK(store == NULL || !holds((const char *)store, store_len, secrets[i]));
        CHECK(strlen(secrets[i]) > 12);
    }
    CHECK(!holds(log_text, len, strchr(ada.csrf, ' ') + 1));
    free(store);
    free(audit);
    (void)fclose(log);
}

TEST_MAIN
