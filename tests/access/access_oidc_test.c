/* Callers with tokens of an OpenID provider: its keys are fetched, kept, renewed, and nothing else is. */
#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <time.h>

#include "access_jwt_kit.h"
#include "access_kit.h"

/* --------------------------------------------------- a provider on loopback */

static char served[8192]; /* the key set; "": 500 */
static pthread_mutex_t served_lock = PTHREAD_MUTEX_INITIALIZER;
static atomic_int asked;
static int listener = -1;
static pthread_t server;
static uint16_t port;

static void answer(int fd)
{
    char request[4096];
    char reply[10000];
    const ssize_t got = recv(fd, request, sizeof(request) - 1, 0);
    int n = 0;

    if (got <= 0) {
        return;
    }
    (void)atomic_fetch_add(&asked, 1);
    (void)pthread_mutex_lock(&served_lock);
    n = snprintf(reply, sizeof(reply),
                 "HTTP/1.1 %s\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s",
                 served[0] != '\0' ? "200 OK" : "500 No", strlen(served), served);
    (void)pthread_mutex_unlock(&served_lock);
    (void)!send(fd, reply, (size_t)n, MSG_NOSIGNAL);
}

static void *serve(void *unused)
{
    int fd = -1;

    (void)unused;
    while ((fd = accept(listener, NULL, NULL)) >= 0) {
        answer(fd);
        (void)close(fd);
    }
    return NULL;
}

static void provider_start(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof(a);

    listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener < 0 || bind(listener, (const struct sockaddr *)&a, sizeof(a)) != 0 ||
        listen(listener, 16) != 0 || getsockname(listener, (struct sockaddr *)&a, &len) != 0 ||
        pthread_create(&server, NULL, serve, NULL) != 0) {
        abort();
    }
    port = ntohs(a.sin_port);
    atomic_store(&asked, 0);
}

static void provider_stop(void)
{
    (void)shutdown(listener, SHUT_RDWR);
    (void)pthread_join(server, NULL);
    (void)close(listener);
}

static void provider_serves(const struct signer *s)
{
    char jwk[1200] = "";

    if (s != NULL) {
        jwk_of(s, "", jwk, sizeof(jwk));
    }
    (void)pthread_mutex_lock(&served_lock);
    served[0] = '\0';
    if (s != NULL) {
        (void)snprintf(served, sizeof(served), "{\"keys\":[%s]}", jwk);
    }
    (void)pthread_mutex_unlock(&served_lock);
}

static void use_provider(const struct person *admin)
{
    char json[600];

    (void)snprintf(json, sizeof(json),
                   "{" CHEAP ",\"oidc\":{\"issuer\":\"" ISSUER "\",\"audience\":\"" AUDIENCE
                   "\",\"jwks_uri\":\"http://127.0.0.1:%u/keys\",\"roles\":{\"ops\":[\"admin\"],"
                   "\"machines\":[\"client\"]}}}",
                   port);
    CHECK_EQ(ask_as(admin, "PUT", "/api/v1/settings/access", json)->status, 200);
}

static const char *claims_for(const char *sub, const char *group, int64_t seconds)
{
    static char out[400];

    (void)snprintf(out, sizeof(out),
                   "{\"iss\":\"" ISSUER "\",\"aud\":\"" AUDIENCE
                   "\",\"sub\":\"%s\",\"roles\":[\"%s\"],\"exp\":%lld}",
                   sub, group, (long long)((int64_t)kit_now() + seconds));
    return out;
}

/* --------------------------------------------------------------------- tests */

TEST(tokens_of_the_provider_call_with_their_roles)
{
    struct signer key = signer_make(CM_SIG_ES256, CM_CURVE_P256, "one");
    struct signer forger = signer_make(CM_SIG_ES256, CM_CURVE_P256, "one");
    struct person ada;

    provider_start();
    provider_serves(&key);
    access_start();
    setup_admin(&ada);
    CHECK_EQ(
        kit_get("/api/v1/accounts", token_of(&key, NULL, claims_for("bob", "ops", 60)))->status,
        401); /* nobody has been set */
    use_provider(&ada);
    CHECK_EQ(atomic_load(&asked), 1);
    CHECK_EQ(
        kit_get("/api/v1/accounts", token_of(&key, NULL, claims_for("bob", "ops", 60)))->status,
        200);
    CHECK_EQ(kit_get("/api/v1/me", token_of(&key, NULL, claims_for("bob", "ops", 60)))->status,
             200);
    CHECK_STR(kit_string("user.name"), "oidc:bob");
    CHECK(json_is_null(kit_json("csrf")));
    CHECK_EQ(
        kit_get("/api/v1/accounts", token_of(&key, NULL, claims_for("m1", "machines", 60)))->status,
        403);
    CHECK_EQ(
        kit_get("/api/v1/accounts", token_of(&key, NULL, claims_for("bob", "others", 60)))->status,
        403);
    CHECK_EQ(
        kit_get("/api/v1/accounts", token_of(&key, NULL, claims_for("bob", "ops", -60)))->status,
        401);
    CHECK_EQ(
        kit_get("/api/v1/accounts", token_of(&forger, NULL, claims_for("bob", "ops", 60)))->status,
        401);
    CHECK_EQ(kit_get("/api/v1/accounts", "a.b.c")->status, 401);
    CHECK_EQ(kit_get("/api/v1/accounts", "")->status, 401);
    CHECK_EQ(atomic_load(&asked), 1); /* from memory */
    kit_stop();
    provider_stop();
    cm_privkey_free(key.key);
    cm_privkey_free(forger.key);
}

TEST(keys_are_renewed_and_kept_while_the_provider_is_down)
{
    struct signer first = signer_make(CM_SIG_ES256, CM_CURVE_P256, "one");
    struct signer second = signer_make(CM_SIG_RS256, CM_CURVE_P256, "two");
    struct person ada;
    char path[] = "/api/v1/accounts";

    provider_start();
    provider_serves(&first);
    access_start();
    setup_admin(&ada);
    use_provider(&ada);
    provider_serves(NULL);
    kit_step_clock(700);
    cm_service_tick(kit_service());
    CHECK_EQ(kit_get(path, token_of(&first, NULL, claims_for("bob", "ops", 60)))->status, 200);
    kit_step_clock(86400); /* too old to be believed */
    CHECK_EQ(kit_get(path, token_of(&first, NULL, claims_for("bob", "ops", 60)))->status, 401);
    /* other keys at another start */
    provider_serves(&second);
    (void)kit_again();
    cm_service_tick(kit_service());
    CHECK_EQ(kit_get(path, token_of(&second, NULL, claims_for("bob", "ops", 60)))->status, 200);
    CHECK_EQ(kit_get(path, token_of(&first, NULL, claims_for("bob", "ops", 60)))->status, 401);
    kit_stop();
    provider_stop();
    cm_privkey_free(first.key);
    cm_privkey_free(second.key);
}

TEST(unknown_keys_make_no_flood_of_fetches)
{
    struct signer first = signer_make(CM_SIG_ES256, CM_CURVE_P256, "one");
    struct signer other = signer_make(CM_SIG_ES256, CM_CURVE_P256, "unheard of");
    struct person ada;

    provider_start();
    provider_serves(&first);
    access_start();
    setup_admin(&ada);
    use_provider(&ada);
    for (int i = 0; i < 50; i++) {
        CHECK_EQ(kit_get("/api/v1/me", token_of(&other, "\"jku\":\"http://127.0.0.1:9/\"",
                                                claims_for("bob", "ops", 60)))
                     ->status,
                 200);
        CHECK(json_is_null(kit_json("user")));
    }
    CHECK(atomic_load(&asked) <= 2);
    kit_stop();
    provider_stop();
    cm_privkey_free(first.key);
    cm_privkey_free(other.key);
}

TEST_MAIN
