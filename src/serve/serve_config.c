/* See serve_config.h. */
#include "serve/serve_config.h"

#include <casemate/verify.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/try.h"
#include "os/os.h"
#include "serve/serve_private.h"
#include "web/web.h"

#define ENV_PREFIX "CASEMATE_SERVE_"
#define LINE_MAX   4096

enum kind { TEXT, HOSTS, RANGES, ROOTS, NUMBER }; /* HOSTS, RANGES and ROOTS: several */

static const struct key {
    const char *name;
    enum kind kind;
    bool live; /* taken over by a reload */
    size_t offset;
    uint32_t min;
    uint32_t max;
    const char *choices; /* "a|b|c"; NULL: any text */
    const char *value;
    const char *help;
} keys[] = {
#define AT(member) offsetof(struct cm_serve_config, member)
    {"listen", TEXT, false, AT(listen), 0, 0, NULL, "ADDRESS:PORT",
     "where to listen; default 127.0.0.1:8443"},
    {"public-url", TEXT, false, AT(public_url), 0, 0, NULL, "URL",
     "https://HOST[:PORT] under which clients reach it; default: https://localhost and the port"},
    {"host", HOSTS, false, AT(hosts), 0, 0, NULL, "HOST[:PORT]",
     "a further name under which it is reached; may be said several times"},
    {"vault-domain", TEXT, false, AT(vault_domain), 0, 0, NULL, "DOMAIN",
     "what Key Vault clients hold the vault's host name against: it must lie below; default: the "
     "public URL's host, with the vault at kv.HOST"},
    {"state", TEXT, false, AT(state), 0, 0, NULL, "FOLDER",
     "for the store, the root key, the set-up code; default: systemd's STATE_DIRECTORY, else "
     "service in the user's state folder"},
    {"store", TEXT, false, AT(store), 0, 0, NULL, "STORE",
     "sqlite:FILE or postgresql://...; default: store.db in the state folder"},
    {"root-key", TEXT, false, AT(root_key), 0, 0, NULL, "WHERE",
     "file:, passphrase-file:, pkcs11: or enclave: (docs/service-keys.md); default: root.key in "
     "the state folder"},
    {"tls-cert", TEXT, true, AT(tls_cert), 0, 0, NULL, "FILE",
     "TLS certificate chain in PEM, leaf first; default: one under the service's own authority"},
    {"tls-key", TEXT, true, AT(tls_key), 0, 0, NULL, "FILE", "its private key in PEM"},
    {"pccs-url", TEXT, true, AT(pccs_url), 0, 0, NULL, "URL",
     "the service that collateral of Intel's platforms comes from (PCCS, PCS)"},
    {"pccs-ca", TEXT, true, AT(pccs_ca), 0, 0, NULL, "FILE",
     "whose certificates it may have, in PEM"},
    {"kds-url", TEXT, true, AT(kds_url), 0, 0, NULL, "URL",
     "AMD's key distribution service or a mirror; none: no fetching"},
    {"kds-ca", TEXT, true, AT(kds_ca), 0, 0, NULL, "FILE",
     "whose certificates it may have, in PEM"},
    {"trust-root", ROOTS, true, AT(trust_roots), 0, 0, NULL, "FAMILY:FILE",
     "a root certificate beside the makers' that Casemate knows, as tpm:FILE of a maker of TPMs, "
     "of "
     "which it knows none; may be said several times"},
    {"accept-tcb", TEXT, true, AT(accept_tcb), 0, 0, NULL, "STATUS[,STATUS...]",
     "TCB statuses beyond UpToDate that are genuine; policies decide about them"},
    {"collateral-grace", NUMBER, true, AT(collateral_grace), 0, 720, NULL, "HOURS",
     "how long collateral counts beyond its next update; default 0"},
    {"workers", NUMBER, false, AT(workers), 1, 64, NULL, "N",
     "threads that wait for store and network; default 4"},
    {"loops", NUMBER, false, AT(loops), 1, 64, NULL, "N",
     "threads that serve connections; default: one a core"},
    {"connections", NUMBER, false, AT(connections), 16, 1000000, NULL, "N",
     "connections at a time; default 20000"},
    {"peer-connections", NUMBER, false, AT(peer_connections), 1, 1000000, NULL, "N",
     "of these from one address (64 bits of IPv6); default 2000"},
    {"proxy", RANGES, false, AT(proxies), 0, 0, NULL, "ADDRESS[/BITS]",
     "peers that peer-connections does not hold for, because many clients are behind them; may be "
     "said several times; loopback is one anyway"},
    {"body-memory", NUMBER, false, AT(body_memory), 8, 1048576, NULL, "MIB",
     "for requests that are not answered yet; default 256"},
    {"history-days", NUMBER, false, AT(history_days), 1, 36500, NULL, "DAYS",
     "after which the history of releases forgets; default 400"},
    {"attestation-days", NUMBER, false, AT(attestation_days), 1, 36500, NULL, "DAYS",
     "after which attestations leave the log; default 90"},
    {"attestation-rows", NUMBER, false, AT(attestation_rows), 10, 100000000, NULL, "N",
     "of permitted attestations that stay, and a tenth of it of refused ones; default 1000000"},
    {"rotate-days", NUMBER, false, AT(rotate_days), 1, 730, NULL, "DAYS",
     "after which new keys sign tokens; default 90"},
    {"audit-days", NUMBER, false, AT(audit_days), 30, 36500, NULL, "DAYS",
     "after which records are cut off the audit log, which says so and still verifies; default: "
     "never"},
    {"grace", NUMBER, true, AT(grace), 1, 600, NULL, "SECONDS",
     "for what is under way when it is told to end; default 10"},
    {"log", TEXT, false, AT(log), 0, 0, "text|json", NULL, "lines of the log; default text"},
    {"log-level", TEXT, false, AT(log_level), 0, 0, "error|warning|info|debug", NULL,
     "what is logged; default info, which has a line for every request"},
    {"metrics", TEXT, false, AT(metrics), 0, 0, "auditor|open", NULL,
     "who may read /metrics; default auditor"},
    {"dev", TEXT, false, AT(dev), 0, 0, "yes|no", NULL,
     "for development: EMULATED evidence counts. Never where secrets are real"},
#undef AT
};
#define KEYS (sizeof(keys) / sizeof(keys[0]))

void cm_serve_config_init(struct cm_serve_config *c)
{
    memset(c, 0, sizeof(*c));
}

static char **text_at(struct cm_serve_config *c, const struct key *k)
{
    return (char **)(void *)((char *)c + k->offset);
}

static uint32_t *number_at(struct cm_serve_config *c, const struct key *k)
{
    return (uint32_t *)(void *)((char *)c + k->offset);
}

static bool is_list(const struct key *k)
{
    return k->kind == HOSTS || k->kind == RANGES || k->kind == ROOTS;
}

static void forget(struct cm_serve_config *c, const struct key *k)
{
    char **at = text_at(c, k);

    if (k->kind == NUMBER) {
        *number_at(c, k) = 0;
        return;
    }
    do {
        free(*at);
        *at = NULL;
        at++;
    } while (is_list(k) && *at != NULL);
}

void cm_serve_config_free(struct cm_serve_config *c)
{
    for (size_t i = 0; i < KEYS; i++) {
        forget(c, &keys[i]);
    }
}

/* -------------------------------------------------------------------- values */

static bool is_choice(const char *choices, const char *value)
{
    const size_t len = strlen(value);

    for (const char *at = choices; *at != '\0';) {
        const size_t n = strcspn(at, "|");

        if (n == len && memcmp(at, value, n) == 0) {
            return true;
        }
        at += n + (at[n] == '|' ? 1 : 0);
    }
    return false;
}

static enum cm_status take_number(struct cm_serve_config *c, const struct key *k, const char *value,
                                  struct cm_why *why)
{
    uint64_t n = 0;
    size_t i = 0;

    while (value[i] >= '0' && value[i] <= '9' && i < 9) {
        n = n * 10 + (uint64_t)(value[i++] - '0');
    }
    if (i == 0 || value[i] != '\0' || n < k->min || n > k->max) {
        cm_why_set(why, "%s takes a number from %" PRIu32 " to %" PRIu32, k->name, k->min, k->max);
        return CM_ERR_PARAM;
    }
    *number_at(c, k) = (uint32_t)n;
    return CM_OK;
}

static bool is_root(const char *value)
{
    const char *colon = strchr(value, ':');

    return colon != NULL && colon[1] != '\0' &&
           cm_trust_family(value, (size_t)(colon - value)) != NULL;
}

static enum cm_status take_one_more(struct cm_serve_config *c, const struct key *k,
                                    const char *value, struct cm_why *why)
{
    char **list = text_at(c, k);
    size_t n = 0;

    if (k->kind == RANGES && !cm_web_is_range(value)) {
        cm_why_set(why, "%s is a numeric ADDRESS or ADDRESS/BITS", k->name);
        return CM_ERR_PARAM;
    }
    if (k->kind == ROOTS && !is_root(value)) {
        cm_why_set(why, "%s is FAMILY:FILE, with a family of roots, such as tpm or snp", k->name);
        return CM_ERR_PARAM;
    }
    while (list[n] != NULL) {
        n++;
    }
    if (n == CM_SERVE_MAX_HOSTS) {
        cm_why_set(why, "more than %d of %s", CM_SERVE_MAX_HOSTS, k->name);
        return CM_ERR_LIMIT;
    }
    list[n] = strdup(value);
    return list[n] == NULL ? CM_ERR_NOMEM : CM_OK;
}

static enum cm_status take(struct cm_serve_config *c, const struct key *k, const char *value,
                           struct cm_why *why)
{
    char *copy = NULL;

    if (k->kind == NUMBER) {
        return take_number(c, k, value, why);
    }
    if (value[0] == '\0') {
        cm_why_set(why, "%s has no value", k->name);
        return CM_ERR_PARAM;
    }
    if (is_list(k)) {
        return take_one_more(c, k, value, why);
    }
    if (k->choices != NULL && !is_choice(k->choices, value)) {
        cm_why_set(why, "%s is one of %s", k->name, k->choices);
        return CM_ERR_PARAM;
    }
    copy = strdup(value);
    if (copy == NULL) {
        return CM_ERR_NOMEM;
    }
    free(*text_at(c, k));
    *text_at(c, k) = copy;
    return CM_OK;
}

static const struct key *key_of(const char *name, size_t len)
{
    for (size_t i = 0; i < KEYS; i++) {
        if (strlen(keys[i].name) == len && memcmp(keys[i].name, name, len) == 0) {
            return &keys[i];
        }
    }
    return NULL;
}

/* What one source says replaces what the one below it said, all of a list together. */
static enum cm_status take_from(struct cm_serve_config *c, const struct key *k, const char *value,
                                bool seen[KEYS], struct cm_why *why)
{
    const size_t i = (size_t)(k - keys);

    if (seen[i] && !is_list(k)) {
        cm_why_set(why, "%s twice", k->name);
        return CM_ERR_PARAM;
    }
    if (!seen[i]) {
        forget(c, k);
    }
    seen[i] = true;
    return take(c, k, value, why);
}

/* ---------------------------------------------------------------------- file */

static bool blank(char c)
{
    return c == ' ' || c == '\t';
}

/* line: without its end. */
static enum cm_status take_line(struct cm_serve_config *c, char *line, bool seen[KEYS],
                                struct cm_why *why)
{
    char *name = line + strspn(line, " \t");
    char *value = strchr(name, '=');
    size_t len = 0;
    const struct key *k = NULL;

    if (*name == '\0' || *name == '#') {
        return CM_OK;
    }
    if (value == NULL) {
        cm_why_set(why, "a line is \"name = value\", or a comment behind #");
        return CM_ERR_SYNTAX;
    }
    len = (size_t)(value - name);
    while (len != 0 && blank(name[len - 1])) {
        len--;
    }
    value += 1 + strspn(value + 1, " \t");
    for (size_t n = strlen(value); n != 0 && blank(value[n - 1]); n--) {
        value[n - 1] = '\0';
    }
    k = key_of(name, len);
    if (k == NULL) {
        cm_why_set(why, "unknown key %.40s", len == 0 ? "" : (name[len] = '\0', name));
        return CM_ERR_SYNTAX;
    }
    return take_from(c, k, value, seen, why);
}

static enum cm_status take_text_line(struct cm_serve_config *c, struct cm_span line,
                                     bool seen[KEYS], struct cm_why *why)
{
    char text[LINE_MAX] = "";

    if (line.len >= sizeof(text)) {
        cm_why_set(why, "a line of more than %d bytes", LINE_MAX - 1);
        return CM_ERR_LIMIT;
    }
    for (size_t i = 0; i < line.len; i++) {
        if ((line.ptr[i] < 0x20 && line.ptr[i] != '\t') || line.ptr[i] == 0x7f) {
            cm_why_set(why, "a control character");
            return CM_ERR_SYNTAX;
        }
        text[i] = (char)line.ptr[i];
    }
    return take_line(c, text, seen, why);
}

enum cm_status cm_serve_config_text(struct cm_serve_config *c, const char *name,
                                    struct cm_span text, struct cm_why *why)
{
    bool seen[KEYS] = {false};
    size_t at = 0;

    for (unsigned number = 1; at < text.len; number++) {
        struct cm_why inner = {""};
        size_t len = 0;
        enum cm_status st = CM_OK;

        while (at + len < text.len && text.ptr[at + len] != '\n') {
            len++;
        }
        st = take_text_line(c, cm_span_make(text.ptr + at, len), seen, &inner);
        if (st != CM_OK) {
            cm_why_set(why, "%.100s:%u: %s", name, number,
                       inner.text[0] == '\0' ? cm_status_str(st) : inner.text);
            return st == CM_ERR_PARAM ? CM_ERR_SYNTAX : st;
        }
        at += len + 1;
    }
    return CM_OK;
}

enum cm_status cm_serve_config_file(struct cm_serve_config *c, const char *path, struct cm_why *why)
{
    uint8_t *text = NULL;
    size_t len = 0;
    enum cm_status st = CM_OK;

    CM_TRY(cm_file_read(path, CM_SERVE_MAX_FILE, &text, &len, why));
    CM_TRY(cm_serve_config_text(c, path, cm_span_make(text, len), why));
    if (cm_serve_has_password(c->store)) {
        free(text);
        text = NULL;
        CM_TRY(cm_file_read_private(path, CM_SERVE_MAX_FILE, &text, &len, why));
    }
out:
    free(text);
    return st;
}

/* --------------------------------------------------------- environment, options */

/* "PUBLIC_URL" is "public-url"; len without the value. */
static const struct key *key_of_variable(const char *name, size_t len)
{
    char key[40] = "";

    if (len >= sizeof(key)) {
        return NULL;
    }
    for (size_t i = 0; i < len; i++) {
        if (name[i] >= 'A' && name[i] <= 'Z') {
            key[i] = (char)(name[i] + ('a' - 'A'));
        } else if (name[i] == '_') {
            key[i] = '-';
        } else {
            return NULL;
        }
    }
    return key_of(key, len);
}

/* HOST and PROXY have several, with blanks between. */
static enum cm_status take_variable(struct cm_serve_config *c, const struct key *k,
                                    const char *value, bool seen[KEYS], struct cm_why *why)
{
    enum cm_status st = CM_OK;

    if (!is_list(k)) {
        return take_from(c, k, value, seen, why);
    }
    while (*(value += strspn(value, " ")) != '\0' && st == CM_OK) {
        char host[256] = "";
        const size_t len = strcspn(value, " ");

        if (len >= sizeof(host)) {
            return CM_ERR_LIMIT;
        }
        memcpy(host, value, len);
        st = take_from(c, k, host, seen, why);
        value += len;
    }
    return st;
}

enum cm_status cm_serve_config_env(struct cm_serve_config *c, char *const *env, struct cm_why *why)
{
    bool seen[KEYS] = {false};
    enum cm_status st = CM_OK;

    for (; *env != NULL; env++) {
        const char *name = *env + strlen(ENV_PREFIX);
        const size_t len =
            strncmp(*env, ENV_PREFIX, strlen(ENV_PREFIX)) == 0 ? strcspn(name, "=") : 0;
        const struct key *k = NULL;

        if (len == 0 || (len == 6 && memcmp(name, "CONFIG", 6) == 0)) {
            continue;
        }
        k = key_of_variable(name, len);
        if (k == NULL) {
            cm_why_set(why, "%s%.*s: no such setting", ENV_PREFIX, (int)(len < 60 ? len : 60),
                       name);
            return CM_ERR_PARAM;
        }
        CM_TRY(take_variable(c, k, name + len + (name[len] == '=' ? 1 : 0), seen, why));
    }
out:
    return st;
}

/* argv[*i], and the one behind it where that is its value. "config" was looked for before. */
static enum cm_status take_arg(struct cm_serve_config *c, int argc, char *const *argv, int *i,
                               bool seen[KEYS], struct cm_why *why)
{
    const char *arg = argv[*i];
    const char *name = strncmp(arg, "--", 2) == 0 ? arg + 2 : "";
    const size_t len = strcspn(name, "=");
    const struct key *k = key_of(name, len);
    const char *value = name[len] == '=' ? name + len + 1 : NULL;

    if (k == NULL && (len != 6 || memcmp(name, "config", 6) != 0)) {
        cm_why_set(why, "unknown option %.80s", arg);
        return CM_ERR_PARAM;
    }
    if (value == NULL && k != NULL && strcmp(k->name, "dev") == 0) {
        value = "yes";
    }
    if (value == NULL && *i + 1 == argc) {
        cm_why_set(why, "%.80s needs a value", arg);
        return CM_ERR_PARAM;
    }
    if (value == NULL) {
        value = argv[++*i];
    }
    return k == NULL ? CM_OK : take_from(c, k, value, seen, why);
}

enum cm_status cm_serve_config_args(struct cm_serve_config *c, int argc, char *const *argv,
                                    struct cm_why *why)
{
    bool seen[KEYS] = {false};
    enum cm_status st = CM_OK;

    for (int i = 0; i < argc && st == CM_OK; i++) {
        st = take_arg(c, argc, argv, &i, seen, why);
    }
    return st;
}

/* ---------------------------------------------------------------------- others */

void cm_serve_config_help(FILE *out)
{
    for (size_t i = 0; i < KEYS; i++) {
        char lead[96] = "";

        if (strcmp(keys[i].name, "dev") == 0) {
            (void)snprintf(lead, sizeof(lead), "  --dev");
        } else {
            (void)snprintf(lead, sizeof(lead), "  --%s %s", keys[i].name,
                           keys[i].choices != NULL ? keys[i].choices : keys[i].value);
        }
        (void)fprintf(out, "%s\n", lead);
        cm_print_wrapped(out, "        ", keys[i].help);
    }
}

static bool same(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool same_value(const struct cm_serve_config *a, const struct cm_serve_config *b,
                       const struct key *k)
{
    const char *left = (const char *)a + k->offset;
    const char *right = (const char *)b + k->offset;
    char *const *texts = (char *const *)(const void *)left;
    char *const *others = (char *const *)(const void *)right;

    if (k->kind == NUMBER) {
        return memcmp(left, right, sizeof(uint32_t)) == 0;
    }
    if (is_list(k)) {
        while (*texts != NULL && same(*texts, *others)) {
            texts++;
            others++;
        }
    }
    return same(*texts, *others);
}

void cm_serve_config_diff(const struct cm_serve_config *a, const struct cm_serve_config *b,
                          char *out, size_t cap)
{
    size_t n = 0;

    out[0] = '\0';
    for (size_t i = 0; i < KEYS; i++) {
        if (!keys[i].live && !same_value(a, b, &keys[i]) && n + strlen(keys[i].name) + 3 < cap) {
            n += (size_t)snprintf(out + n, cap - n, "%s%s", n == 0 ? "" : ", ", keys[i].name);
        }
    }
}

static void swap_value(struct cm_serve_config *a, struct cm_serve_config *b, const struct key *k)
{
    char **texts = text_at(a, k);
    char **others = text_at(b, k);
    const size_t places = is_list(k) ? CM_SERVE_MAX_HOSTS + 1 : 1;

    if (k->kind == NUMBER) {
        const uint32_t old = *number_at(a, k);

        *number_at(a, k) = *number_at(b, k);
        *number_at(b, k) = old;
        return;
    }
    for (size_t i = 0; i < places; i++) {
        char *old = texts[i];

        texts[i] = others[i];
        others[i] = old;
    }
}

void cm_serve_config_take_live(struct cm_serve_config *now, struct cm_serve_config *fresh)
{
    for (size_t i = 0; i < KEYS; i++) {
        if (keys[i].live) {
            swap_value(now, fresh, &keys[i]);
        }
    }
}
