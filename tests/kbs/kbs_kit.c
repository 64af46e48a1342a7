/* See kbs_kit.h. What goes wrong in the kit itself ends the program. */
#include "kbs_kit.h"

#include <casemate/emuplat.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/hex.h"
#include "console/console.h"
#include "decide/decide.h"
#include "decide_kit.h"
#include "identity/identity.h"
#include "kbs/kbs.h"
#include "keep/keep.h"
#include "rules/rules.h"
#include "sgxemu/emu_keys.h"
#include "token/base64.h"
#include "token/jwe.h"

static const struct cm_module *const modules[] = {&cm_identity_module, &cm_rules_module,
                                                  &cm_decide_module,   &cm_kbs_module,
                                                  &cm_console_module,  NULL};
static struct cm_keep *keep;
static char root_file[256];
static struct cm_trust_root root;
static struct decide_source source;
static char *answers; /* all of them */
static size_t answers_len;

static void demand(bool good, const char *what)
{
    if (!good) {
        (void)printf("kbs kit: %s\n", what);
        (void)fflush(stdout);
        abort();
    }
}

/* ---------------------------------------------------------------------- service */

static void prepare(struct cm_service_config *config)
{
    struct cm_db *db = NULL;
    struct cm_why why = {""};
    char where[300] = "";

    if (keep == NULL) {
        (void)snprintf(root_file, sizeof(root_file), "/tmp/kbs-root-%ld.key", (long)getpid());
        (void)unlink(root_file);
        (void)snprintf(where, sizeof(where), "file:%s", root_file);
        demand(cm_db_open(config->store, &db, &why) == CM_OK, why.text);
        demand(cm_keep_open(where, db, &keep, &why) == CM_OK, why.text);
        cm_db_close(db);
    }
    config->keep = keep;
}

static void configure(struct cm_service *s)
{
    struct cm_decide_config config = decide_kit_config(&root, &source);
    struct cm_why why = {""};

    demand(cm_decide_configure(s, &config, &why) == CM_OK, why.text);
}

static struct cm_service *start_at(bool accept_emulated, uint64_t now)
{
    static bool platform;
    const struct kit_options options = {
        .modules = modules, .accept_emulated = accept_emulated, .prepare = prepare};

    if (!platform) {
        decide_kit_platform();
        (void)atexit(decide_kit_platform_end);
        platform = true;
    }
    answers_len = 0;
    kit_set_clock(now);
    (void)kit_start_with(&options);
    configure(kit_service());
    return kit_service();
}

struct cm_service *kbs_start_with(bool accept_emulated)
{
    return start_at(accept_emulated, (uint64_t)time(NULL)); /* its collateral is of now */
}

struct cm_service *kbs_start_at(uint64_t now)
{
    return start_at(false, now);
}

struct cm_service *kbs_start(void)
{
    return kbs_start_with(true);
}

struct kit *kbs_beside(void)
{
    const struct kit_options options = {
        .modules = modules, .accept_emulated = true, .prepare = prepare, .store = kit_store()};
    struct kit *kit = kit_open(&options);

    kit_use(kit);
    configure(kit_service());
    return kit;
}

void kbs_ready(void)
{
    if (kit_current() == NULL) {
        kbs_start();
    }
    kit_set_clock((uint64_t)time(NULL));
    kbs_put("bank/key/one", KBS_SECRET);
    kbs_affirm();
    demand(kbs_resource_policy(cm_kbs_policy("affirming")) == 200, "policy");
}

void kbs_stop(void)
{
    kit_stop();
    cm_keep_close(keep);
    keep = NULL;
    (void)unlink(root_file);
    free(answers);
    answers = NULL;
}

/* Keep what was answered, for kbs_seen(). */
static struct kit_answer *note(struct kit_answer *a)
{
    answers = realloc(answers, answers_len + a->len + strlen(a->head) + 1);
    demand(answers != NULL, "memory");
    memcpy(answers + answers_len, a->head, strlen(a->head));
    answers_len += strlen(a->head);
    memcpy(answers + answers_len, a->body, a->len);
    answers_len += a->len;
    return a;
}

static struct cm_span span_of(const char *text)
{
    return cm_span_make(text, strlen(text));
}

/* ------------------------------------------------------------------------ guests */

static void append_number(char *out, size_t cap, const char *name, const uint8_t *bytes, size_t n)
{
    size_t used = strlen(out);
    char text[1400] = "";
    size_t len = 0;

    demand(cm_base64url_encode(cm_span_make(bytes, n), text, sizeof(text), &len) == CM_OK, "b64");
    (void)snprintf(out + used, cap - used, "\"%s\":\"%.*s\"", name, (int)len, text);
}

static void write_jwk(struct kbs_guest *g, enum kbs_key kind)
{
    static const char *const curves[] = {"P-256", "P-384", "P-521"};
    struct cm_pubkey *pub = NULL;
    enum cm_curve curve = CM_CURVE_P256;
    uint8_t x[1024];
    uint8_t y[66];
    size_t len = 0;
    BIGNUM *n = NULL;

    demand(cm_privkey_public(g->key, &pub) == CM_OK, "key");
    if (kind == KBS_RSA) {
        demand(EVP_PKEY_get_bn_param(cm_privkey_evp(g->key), "n", &n) == 1, "n");
        len = (size_t)BN_bn2bin(n, x);
        (void)snprintf(g->jwk, sizeof(g->jwk),
                       "{\"alg\":\"RSA-OAEP-256\",\"e\":\"AQAB\",\"kty\":\"RSA\",");
        append_number(g->jwk, sizeof(g->jwk), "n", x, len);
        BN_free(n);
    } else {
        demand(cm_pubkey_ec(pub, &curve, x, y, &len) == CM_OK, "point");
        (void)snprintf(g->jwk, sizeof(g->jwk),
                       "{\"alg\":\"ECDH-ES+A256KW\",\"crv\":\"%s\",\"kty\":\"EC\",", curves[kind]);
        append_number(g->jwk, sizeof(g->jwk), "x", x, len);
        (void)strncat(g->jwk, ",", 2);
        append_number(g->jwk, sizeof(g->jwk), "y", y, len);
    }
    (void)strncat(g->jwk, "}", 2);
    cm_pubkey_free(pub);
}

struct kbs_guest *kbs_guest(enum kbs_key kind)
{
    struct kbs_guest *g = calloc(1, sizeof(*g));

    demand(g != NULL && cm_privkey_generate((enum cm_curve)(kind == KBS_RSA ? 0 : kind),
                                            kind == KBS_RSA ? 2048 : 0, &g->key) == CM_OK,
           "guest");
    write_jwk(g, kind);
    (void)snprintf(g->version, sizeof(g->version), "0.4.0");
    (void)snprintf(g->tee, sizeof(g->tee), "sgx");
    (void)snprintf(g->additional, sizeof(g->additional), "\"\"");
    (void)snprintf(g->init_data, sizeof(g->init_data), "null");
    g->mrenclave = 0xe1;
    return g;
}

void kbs_guest_free(struct kbs_guest *g)
{
    cm_privkey_free(g->key);
    free(g);
}

int kbs_auth(struct kbs_guest *g)
{
    static const char *const extra[] = {
        "\"\"", "{\"supported-hash-algorithms\":[\"sha256\",\"sha384\",\"sha512\"]}"};
    bool new = strcmp(g->version, "0.3.0") >= 0;
    char body[512] = "";
    const char *cookie = NULL;
    const char *selected = NULL;
    struct kit_answer *a = NULL;

    (void)snprintf(body, sizeof(body), "{\"version\":\"%s\",\"tee\":\"%s\",\"extra-params\":%s}",
                   g->version, g->tee, extra[new]);
    a = note(kit_post("/kbs/v0/auth", NULL, body));
    if (a->status != 200) {
        return a->status;
    }
    cookie = kit_header("set-cookie");
    demand(cookie != NULL && kit_string("nonce") != NULL, "no challenge");
    (void)snprintf(g->cookie, sizeof(g->cookie), "Cookie: %.*s", (int)strcspn(cookie, ";"), cookie);
    (void)snprintf(g->nonce, sizeof(g->nonce), "%s", kit_string("nonce"));
    selected = kit_string("extra-params.selected-hash-algorithm");
    (void)snprintf(g->hash, sizeof(g->hash), "%s", selected == NULL ? "sha384" : selected);
    return a->status;
}

void kbs_digest(const char *hash, const char *text, uint8_t out[64])
{
    memset(out, 0, 64);
    demand(EVP_Digest(text, strlen(text), out, NULL, EVP_get_digestbyname(hash), NULL) == 1,
           "digest");
}

/* Members in order of their names, as RFC 8785 wants. */
void kbs_bound(const struct kbs_guest *g, uint8_t out[64])
{
    bool composite = strcmp(g->version, "0.4") >= 0;
    char text[8192] = "";

    (void)snprintf(text, sizeof(text), "{%s%s%s\"nonce\":\"%s\",\"tee-pubkey\":%s}",
                   composite ? "\"additional-evidence\":" : "", composite ? g->additional : "",
                   composite ? "," : "", g->nonce, g->jwk);
    kbs_digest(g->hash, text, out);
}

const char *kbs_quote(const struct kbs_guest *g)
{
    static char text[CM_BASE64_ENCODED(DECIDE_QUOTE_MAX) + 1];
    uint8_t quote[DECIDE_QUOTE_MAX];
    uint8_t bound[64];
    struct cm_emu_platform fuses;
    struct cm_emu_ident id;
    struct sgx_targetinfo target;
    struct sgx_report report;
    size_t size = 0;
    size_t len = 0;

    kbs_bound(g, bound);
    memset(&id, 0, sizeof(id));
    id.attributes.flags =
        SGX_ATTR_INIT | SGX_ATTR_MODE64 | SGX_ATTR_KSS | (g->debug ? SGX_ATTR_DEBUG : 0);
    id.attributes.xfrm = 3;
    memset(id.mrenclave, g->mrenclave, 32);
    memset(id.mrsigner, 0xe2, 32);
    memcpy(id.configid, g->configid, 64);
    demand(cm_emuplat_target_info((uint8_t *)&target, NULL) == CM_OK, "no target");
    demand(cm_emu_platform_load(&fuses, NULL) == CM_OK, "no platform");
    demand(cm_emu_report_make(&fuses, &id, &target, bound, &report) == SGX_SUCCESS, "no report");
    demand(cm_emuplat_quote((const uint8_t *)&report, quote, sizeof(quote), &size, NULL) == CM_OK,
           "no quote");
    demand(cm_base64_encode(cm_span_make(quote, size), text, sizeof(text), &len) == CM_OK, "b64");
    text[len] = '\0';
    return text;
}

const char *kbs_body_of(const struct kbs_guest *g, const char *evidence)
{
    static char body[262144];
    int n = 0;

    if (strncmp(g->version, "0.4", 3) == 0) {
        n = snprintf(body, sizeof(body),
                     "{\"init-data\":%s,\"runtime-data\":{\"nonce\":\"%s\",\"tee-pubkey\":%s},"
                     "\"tee-evidence\":{\"primary_evidence\":%s,\"additional_evidence\":%s}}",
                     g->init_data, g->nonce, g->jwk, evidence, g->additional);
    } else if (strncmp(g->version, "0.3", 3) == 0) {
        n = snprintf(body, sizeof(body),
                     "{\"runtime-data\":{\"nonce\":\"%s\",\"tee-pubkey\":%s},\"tee-evidence\":%s}",
                     g->nonce, g->jwk, evidence);
    } else {
        n = snprintf(body, sizeof(body), "{\"tee-pubkey\":%s,\"tee-evidence\":%s}", g->jwk,
                     evidence);
    }
    demand(n > 0 && n < (int)sizeof(body), "body");
    return body;
}

const char *kbs_body(const struct kbs_guest *g, const char *quote)
{
    static char evidence[131072];
    int n = snprintf(evidence, sizeof(evidence), "{\"quote\":\"%s\"}", quote);

    demand(n > 0 && n < (int)sizeof(evidence), "evidence");
    return kbs_body_of(g, evidence);
}

int kbs_post_attest(struct kbs_guest *g, const char *body)
{
    const char *const headers[] = {g->cookie, NULL};
    struct kit_answer *a = note(kit_ask("POST", "/kbs/v0/attest", NULL, "application/json",
                                        span_of(body), g->cookie[0] == '\0' ? NULL : headers));

    if (a->status == 200) {
        (void)snprintf(g->token, sizeof(g->token), "%s", kit_string("token"));
    }
    return a->status;
}

int kbs_attest(struct kbs_guest *g)
{
    int status = kbs_auth(g);

    return status != 200 ? status : kbs_post_attest(g, kbs_body(g, kbs_quote(g)));
}

/* ---------------------------------------------------------------------- resources */

int kbs_get(struct kbs_guest *g, const char *path, bool bearer)
{
    char line[sizeof(g->token) + 32] = "";
    const char *const headers[] = {line, NULL};
    char url[600] = "";

    (void)snprintf(line, sizeof(line), "%s%s", bearer ? "Authorization: Bearer " : "",
                   bearer ? g->token : g->cookie);
    (void)snprintf(url, sizeof(url), "/kbs/v0/resource/%s", path);
    return note(kit_ask("GET", url, NULL, NULL, cm_span_make(NULL, 0),
                        line[0] == '\0' ? NULL : headers))
        ->status;
}

const char *kbs_open(const struct kbs_guest *g)
{
    static char plain[65536];
    struct cm_jwe *jwe = calloc(1, sizeof(*jwe));
    const struct kit_answer *a = kit_last();
    struct cm_jwe_suite suite = {strstr(g->jwk, "RSA") != NULL ? CM_JWE_RSA_OAEP_256
                                                               : CM_JWE_ECDH_ES_A256KW,
                                 CM_AEAD_A256GCM};
    size_t len = 0;

    demand(jwe != NULL, "memory");
    if (cm_jwe_parse(cm_span_make(a->body, a->len), jwe, NULL) != CM_OK ||
        cm_jwe_decrypt(jwe, g->key, suite, (uint8_t *)plain, sizeof(plain) - 1, &len) != CM_OK) {
        len = 0;
    }
    free(jwe);
    plain[len] = '\0';
    return plain;
}

/* The private key as jose reads it. */
static void write_private_jwk(const struct kbs_guest *g, const char *path)
{
    size_t size = strstr(g->jwk, "P-384") != NULL ? 48 : strstr(g->jwk, "P-521") != NULL ? 66 : 32;
    char text[8192] = "";
    uint8_t bytes[66];
    BIGNUM *n = NULL;
    FILE *f = fopen(path, "w");

    demand(f != NULL, path);
    (void)snprintf(text, sizeof(text), "%.*s,", (int)strlen(g->jwk) - 1, g->jwk);
    demand(EVP_PKEY_get_bn_param(cm_privkey_evp(g->key), "priv", &n) == 1 &&
               BN_bn2binpad(n, bytes, (int)size) == (int)size,
           "private");
    append_number(text, sizeof(text), "d", bytes, size);
    BN_free(n);
    (void)fprintf(f, "%s}", text);
    (void)fclose(f);
}

const char *kbs_open_jose(const struct kbs_guest *g)
{
    static char plain[65536];
    char command[800] = "";
    char key[128] = "";
    char file[128] = "";
    size_t len = 0;
    FILE *f = NULL;

    if (strstr(g->jwk, "RSA") != NULL || system("command -v jose > /dev/null 2>&1") != 0) {
        return NULL;
    }
    (void)snprintf(key, sizeof(key), "kbs-%ld.jwk", (long)getpid());
    (void)snprintf(file, sizeof(file), "kbs-%ld.jwe", (long)getpid());
    write_private_jwk(g, key);
    f = fopen(file, "w");
    demand(f != NULL && fwrite(kit_last()->body, 1, kit_last()->len, f) == kit_last()->len, "jwe");
    (void)fclose(f);
    (void)snprintf(command, sizeof(command), "jose jwe dec -i '%s' -k '%s'", file, key);
    f = popen(command, "r");
    demand(f != NULL, "jose");
    len = fread(plain, 1, sizeof(plain) - 1, f);
    plain[len] = '\0';
    (void)pclose(f);
    (void)unlink(key);
    (void)unlink(file);
    return plain;
}

json_t *kbs_claims(const struct kbs_guest *g)
{
    const char *dot = strchr(g->token, '.');
    char *text = calloc(1, sizeof(g->token));
    size_t len = 0;
    json_t *claims = NULL;

    demand(dot != NULL && text != NULL, "no token");
    demand(cm_base64url_decode(cm_span_make(dot + 1, strcspn(dot + 1, ".")), (uint8_t *)text,
                               sizeof(g->token), &len) == CM_OK,
           "token");
    claims = json_loadb(text, len, 0, NULL);
    free(text);
    return claims;
}

json_t *kbs_cpu(json_t *claims)
{
    return json_object_get(json_object_get(claims, "submods"), "cpu0");
}

/* ------------------------------------------------------------------ administration */

void kbs_put(const char *path, const char *bytes)
{
    char url[600] = "";

    (void)snprintf(url, sizeof(url), "/kbs/v0/resource/%s", path);
    demand(note(kit_ask("POST", url, "author", "application/octet-stream", span_of(bytes), NULL))
                   ->status == 200,
           "no resource");
}

const char *kbs_base64(const char *text)
{
    static char out[65536];
    size_t len = 0;

    demand(cm_base64url_encode(span_of(text), out, sizeof(out), &len) == CM_OK, "b64");
    out[len] = '\0';
    return out;
}

int kbs_resource_policy(const char *text)
{
    return note(kit_post_json("/kbs/v0/resource-policy", "author",
                              json_pack("{s:s}", "policy", kbs_base64(text))))
        ->status;
}

int kbs_attestation_policy(const char *id, const char *text)
{
    return note(kit_post_json("/kbs/v0/attestation-policy", "author",
                              json_pack("{s:s, s:s, s:s}", "type", "casemate", "policy_id", id,
                                        "policy", kbs_base64(text))))
        ->status;
}

void kbs_affirm(void)
{
    demand(kbs_attestation_policy(
               "SgxEnclave",
               "version= 1.2;\nauthorizationrules\n{\n    => permit();\n};\nissuancerules\n{\n"
               "    [type==\"x-ms-sgx-mrenclave\", value==\"" KBS_MRENCLAVE "\"]"
               " => issue(type=\"ear.executables\", value=3);\n"
               "    [type==\"casemate.emulated\", value==true]"
               " => issue(type=\"ear.hardware\", value=2);\n"
               "    [type==\"casemate.emulated\", value==true]"
               " => issue(type=\"ear.runtime-opaque\", value=2);\n};\n") == 200,
           kit_last()->body);
}

/* -------------------------------------------------------------------------- search */

static bool holds(const char *bytes, size_t len, const char *wanted)
{
    char text[4096] = "";
    size_t n = 0;
    bool found = memmem(bytes, len, wanted, strlen(wanted)) != NULL;

    demand(3 * strlen(wanted) < sizeof(text), "too long to look for");
    /* whole groups of three bytes, from each of three places, are in any text in base64 */
    for (size_t skip = 0; skip < 3 && !found; skip++) {
        size_t part = (strlen(wanted) - skip) / 3 * 3;

        demand(cm_base64_encode(cm_span_make(wanted + skip, part), text, sizeof(text), &n) == CM_OK,
               "b64");
        found = memmem(bytes, len, text, n) != NULL;
        demand(cm_base64url_encode(cm_span_make(wanted + skip, part), text, sizeof(text), &n) ==
                   CM_OK,
               "b64");
        found = found || memmem(bytes, len, text, n) != NULL;
    }
    cm_hex_encode(span_of(wanted), CM_HEX_LOWER, text);
    return found || memmem(bytes, len, text, strlen(text)) != NULL;
}

bool kbs_seen(const char *bytes)
{
    return holds(answers, answers_len, bytes);
}

bool kbs_stored(const char *bytes)
{
    static const char *const ends[] = {"", "-wal", "-journal"};
    bool found = false;

    for (size_t i = 0; i < 3; i++) {
        char path[400] = "";
        FILE *f = NULL;
        char *text = NULL;
        long size = 0;

        (void)snprintf(path, sizeof(path), "%s%s", strchr(kit_store(), ':') + 1, ends[i]);
        f = fopen(path, "rb");
        if (f == NULL) {
            continue;
        }
        (void)fseek(f, 0, SEEK_END);
        size = ftell(f);
        rewind(f);
        text = malloc((size_t)size + 1);
        demand(text != NULL, "memory");
        size = (long)fread(text, 1, (size_t)size, f);
        found = found || holds(text, (size_t)size, bytes);
        free(text);
        (void)fclose(f);
    }
    return found;
}
