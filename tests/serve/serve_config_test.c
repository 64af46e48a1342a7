/* What `casemate serve` is told, by file, environment and options. */
#include <sys/stat.h>
#include <unistd.h>

#include "harness.h"

#include "serve/serve_private.h"

static struct cm_serve_config c;
static struct cm_why why;

static enum cm_status text(const char *file)
{
    cm_serve_config_free(&c);
    cm_serve_config_init(&c);
    why.text[0] = '\0';
    return cm_serve_config_text(&c, "f", cm_span_make(file, strlen(file)), &why);
}

TEST(files_are_lines_of_names_and_values)
{
    CHECK_EQ(text("# a comment\n\n  listen=127.0.0.1:1 \n\tworkers =\t7\nhost = a\nhost = b\n"
                  "root-key = file:/a b = c\nlog = json\nproxy = 192.0.2.1\nproxy = "
                  "2001:db8::/32\nbody-memory = 64\npeer-connections=9"),
             CM_OK);
    CHECK_STR(c.proxies[0], "192.0.2.1");
    CHECK_STR(c.proxies[1], "2001:db8::/32");
    CHECK_EQ(c.body_memory, 64);
    CHECK_EQ(c.peer_connections, 9);
    CHECK_STR(c.listen, "127.0.0.1:1");
    CHECK_EQ(c.workers, 7);
    CHECK_STR(c.hosts[0], "a");
    CHECK_STR(c.hosts[1], "b");
    CHECK(c.hosts[2] == NULL);
    CHECK_STR(c.root_key, "file:/a b = c");
    CHECK_STR(c.log, "json");
    CHECK_EQ(text(""), CM_OK);
    CHECK(c.listen == NULL);
    cm_serve_config_free(&c);
}

/* A key that is misspelt must not leave its default in force unnoticed. */
TEST(I5_misspelt_settings_are_refused_with_their_line)
{
    static const struct {
        const char *file, *why;
    } bad[] = {
        {"listen = a:1\nlisen = b:1", "f:2: unknown key lisen"},
        {"Listen = a:1", "f:1: unknown key Listen"},
        {"\n\nlisten = a:1\nlisten = b:1", "f:4: listen twice"},
        {"listen", "f:1: a line is \"name = value\""},
        {"= x", "f:1: unknown key"},
        {"listen =", "f:1: listen has no value"},
        {"workers = many", "f:1: workers takes a number from 1 to 64"},
        {"workers = 0", "f:1: workers takes"},
        {"workers = 65", "f:1: workers takes"},
        {"workers = -1", "f:1: workers takes"},
        {"workers = 99999999999999999999", "f:1: workers takes"},
        {"log = xml", "f:1: log is one of text|json"},
        {"log = text|json", "f:1: log is one of"},
        {"dev = true", "f:1: dev is one of yes|no"},
        {"listen = a:1\r\n", "f:1: a control character"},
        {"config = other", "f:1: unknown key config"},
        {"proxy = proxy.example", "f:1: proxy is a numeric ADDRESS"},
        {"proxy = 10.0.0.0/33", "f:1: proxy is a numeric ADDRESS"},
        {"peer-connections = 0", "f:1: peer-connections takes"},
        {"body-memory = 7", "f:1: body-memory takes"},
    };
    char hosts[CM_SERVE_MAX_HOSTS * 16 + 64] = "";
    char large[5000] = "listen = ";

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        CHECK_EQ(text(bad[i].file), CM_ERR_SYNTAX);
        if (strncmp(why.text, bad[i].why, strlen(bad[i].why)) != 0) {
            TEST_FAIL("%s: %s", bad[i].file, why.text);
        }
    }
    for (int i = 0; i <= CM_SERVE_MAX_HOSTS; i++) {
        (void)snprintf(hosts + strlen(hosts), sizeof(hosts) - strlen(hosts), "host = h%d\n", i);
    }
    CHECK_EQ(text(hosts), CM_ERR_LIMIT);
    memset(large + 9, 'a', sizeof(large) - 10);
    CHECK_EQ(text(large), CM_ERR_LIMIT);
    cm_serve_config_free(&c);
}

static enum cm_status load(const char *const *argv, const char *const *env)
{
    int argc = 0;

    while (argv[argc] != NULL) {
        argc++;
    }
    cm_serve_config_free(&c);
    why.text[0] = '\0';
    return cm_serve_config_load(&c, argc, (char *const *)(const void *)argv,
                                (char *const *)(const void *)env, &why);
}

static void write_file(const char *path, const char *content, mode_t mode)
{
    FILE *f = fopen(path, "w");

    if (f == NULL || fputs(content, f) == EOF || fclose(f) != 0 || chmod(path, mode) != 0) {
        TEST_FAIL("%s", path);
    }
}

#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})
#define NONE      ((const char *const[]){NULL})

TEST(options_count_before_the_environment_before_the_file)
{
    write_file("serve-test.conf", "workers = 2\nloops = 2\ngrace = 2\nhost = file\nlog = json\n",
               0644);
    CHECK_EQ(load(LIST("--config", "serve-test.conf", "--workers=4", "--host", "arg"),
                  LIST("CASEMATE_SERVE_WORKERS=3", "CASEMATE_SERVE_LOOPS=3", "OTHER=1",
                       "CASEMATE_SERVE_HOST=one two", "CASEMATE_SERVE_PUBLIC_URL=https://h:2")),
             CM_OK);
    CHECK_EQ(c.workers, 4);
    CHECK_EQ(c.loops, 3);
    CHECK_EQ(c.grace, 2);
    CHECK_STR(c.log, "json");
    CHECK_STR(c.public_url, "https://h:2");
    CHECK_STR(c.hosts[0], "arg:2");
    CHECK_EQ(load(LIST("--dev"), LIST("CASEMATE_SERVE_CONFIG=serve-test.conf")), CM_OK);
    CHECK_EQ(c.workers, 2);
    CHECK_STR(c.hosts[0], "file:8443");
    CHECK_STR(c.dev, "yes");
    (void)unlink("serve-test.conf");
    cm_serve_config_free(&c);
}

TEST(what_is_misspelt_is_refused)
{
    CHECK_EQ(load(LIST("--worker", "1"), NONE), CM_ERR_PARAM);
    CHECK_EQ(load(LIST("workers", "1"), NONE), CM_ERR_PARAM);
    CHECK_EQ(load(LIST("--workers"), NONE), CM_ERR_PARAM);
    CHECK_EQ(load(LIST("--workers", "1", "--workers", "2"), NONE), CM_ERR_PARAM);
    CHECK_EQ(load(NONE, LIST("CASEMATE_SERVE_WORKER=1")), CM_ERR_PARAM);
    CHECK(strstr(why.text, "CASEMATE_SERVE_WORKER") != NULL);
    CHECK_EQ(load(NONE, LIST("CASEMATE_SERVE_public_url=x")), CM_ERR_PARAM);
    CHECK_EQ(load(LIST("--config", "does-not-exist"), NONE), CM_ERR_NOTFOUND);
    CHECK_EQ(load(LIST("--tls-cert", "a"), NONE), CM_ERR_PARAM);
    CHECK_EQ(load(LIST("--listen", "localhost"), NONE), CM_ERR_PARAM);
}

TEST(defaults_fit_together)
{
    const char *state = getenv("CASEMATE_STATE_DIR");
    char wanted[4200] = "";

    REQUIRE(state != NULL);
    CHECK_EQ(load(NONE, NONE), CM_OK);
    CHECK_STR(c.listen, "127.0.0.1:8443");
    CHECK_STR(c.public_url, "https://localhost:8443");
    CHECK_STR(c.vault_domain, "localhost");
    CHECK_STR(c.hosts[0], "kv.localhost:8443");
    CHECK_STR(c.dev, "no");
    (void)snprintf(wanted, sizeof(wanted), "sqlite:%s/service/store.db", state);
    CHECK_STR(c.store, wanted);
    (void)snprintf(wanted, sizeof(wanted), "file:%s/service/root.key", state);
    CHECK_STR(c.root_key, wanted);
    CHECK_EQ(load(LIST("--public-url", "https://[::1]:9", "--state", "/s"), NONE), CM_OK);
    CHECK_STR(c.vault_domain, "[::1]");
    CHECK_STR(c.store, "sqlite:/s/store.db");
    CHECK_EQ(load(LIST("--public-url", "https://a.example"), NONE), CM_OK);
    CHECK_STR(c.hosts[0], "kv.a.example");
    CHECK_EQ(setenv("STATE_DIRECTORY", "/var/lib/casemate:/other", 1), 0);
    CHECK_EQ(load(NONE, NONE), CM_OK);
    CHECK_STR(c.state, "/var/lib/casemate");
    CHECK_EQ(unsetenv("STATE_DIRECTORY"), 0);
    cm_serve_config_free(&c);
}

/* A password in a file that others may read is theirs. */
TEST(a_file_with_a_password_is_private)
{
    static const char *const open_stores[] = {"postgresql://u:p@h/db",
                                              "postgresql://h/db?password=p"};
    char file[128] = "";

    for (size_t i = 0; i < 2; i++) {
        (void)snprintf(file, sizeof(file), "store = %s\n", open_stores[i]);
        write_file("serve-test.conf", file, 0644);
        CHECK_EQ(load(LIST("--config", "serve-test.conf"), NONE), CM_ERR_DENIED);
        write_file("serve-test.conf", file, 0600);
        CHECK_EQ(load(LIST("--config", "serve-test.conf"), NONE), CM_OK);
    }
    write_file("serve-test.conf", "store = postgresql://u@h:5/db\n", 0644);
    CHECK_EQ(load(LIST("--config", "serve-test.conf"), NONE), CM_OK);
    (void)unlink("serve-test.conf");
    cm_serve_config_free(&c);
}

TEST(a_store_is_named_without_its_password)
{
    static const struct {
        const char *store, *plain;
    } cases[] = {
        {"sqlite:/a/b@c?d", "sqlite:/a/b@c?d"},
        {"postgresql://u:p@h:5/db", "postgresql://h:5/db"},
        {"postgresql://u:p@x@h/db?password=p", "postgresql://h/db"},
        {"postgres://h/db?password=p", "postgres://h/db"},
        {"postgresql:///db", "postgresql:///db"},
    };
    char out[128] = "";

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        cm_serve_plain_store(cases[i].store, out, sizeof(out));
        CHECK_STR(out, cases[i].plain);
    }
}

TEST(addresses_are_numeric_with_a_port)
{
    static const char *const bad[] = {"",        "1.2.3.4", ":1",    "1.2.3.4:",      "1.2.3.4:x",
                                      "a:65536", "::1:80",  "[::1]", "a:000001234567"};
    char address[64] = "";
    uint16_t port = 0;

    CHECK_EQ(cm_serve_listen("127.0.0.1:0", address, &port, NULL), CM_OK);
    CHECK_EQ(port, 0);
    CHECK_EQ(cm_serve_listen("[::1]:65535", address, &port, NULL), CM_OK);
    CHECK_STR(address, "::1");
    CHECK_EQ(port, 65535);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (cm_serve_listen(bad[i], address, &port, NULL) != CM_ERR_PARAM) {
            TEST_FAIL("%s", bad[i]);
        }
    }
}

TEST(a_reload_says_what_it_cannot_take_over)
{
    struct cm_serve_config other;
    char left[64] = "";

    REQUIRE(text("listen = a:1\nhost = a\nhost = b\ngrace = 1\ntls-key = k\n") == CM_OK);
    cm_serve_config_init(&other);
    cm_serve_config_diff(&c, &c, left, sizeof(left));
    CHECK_STR(left, "");
    cm_serve_config_diff(&c, &other, left, sizeof(left));
    CHECK_STR(left, "listen, host");
    cm_serve_config_diff(&c, &other, left, 8);
    CHECK_STR(left, "host");
    cm_serve_config_free(&c);
}

/* All that the page says of a reload; the rest stays as it was. */
TEST(a_reload_takes_over_what_it_may)
{
    struct cm_serve_config now;

    REQUIRE(text("listen = a:1\nhost = a\nworkers = 2\nlog = text\n"
                 "tls-cert = 1\ntls-key = 1\npccs-url = 1\npccs-ca = 1\nkds-url = 1\nkds-ca = 1\n"
                 "accept-tcb = 1\ntrust-root = tpm:1\ntrust-root = tpm:2\ncollateral-grace = 1\n"
                 "grace = 1\n") == CM_OK);
    now = c;
    cm_serve_config_init(&c);
    REQUIRE(text("listen = b:1\nhost = b\nworkers = 3\nlog = json\n"
                 "tls-cert = 2\ntls-key = 3\npccs-url = 4\npccs-ca = 5\nkds-ca = 7\n"
                 "accept-tcb = 8\ntrust-root = tpm:9\ncollateral-grace = 10\ngrace = 11\n") ==
            CM_OK);
    cm_serve_config_take_live(&now, &c);
    CHECK_STR(now.tls_cert, "2");
    CHECK_STR(now.tls_key, "3");
    CHECK_STR(now.pccs_url, "4");
    CHECK_STR(now.pccs_ca, "5");
    CHECK(now.kds_url == NULL); /* not said any more */
    CHECK_STR(now.kds_ca, "7");
    CHECK_STR(now.accept_tcb, "8");
    CHECK_STR(now.trust_roots[0], "tpm:9");
    CHECK(now.trust_roots[1] == NULL); /* trusted no more */
    CHECK_EQ(now.collateral_grace, 10);
    CHECK_EQ(now.grace, 11);
    CHECK_STR(now.listen, "a:1");
    CHECK_STR(now.hosts[0], "a");
    CHECK_EQ(now.workers, 2);
    CHECK_STR(now.log, "text");
    cm_serve_config_free(&now);
    cm_serve_config_free(&c);
}

TEST_MAIN
