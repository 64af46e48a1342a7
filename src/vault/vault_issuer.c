/* Whose tokens count; see vault_issuer.h. */
#include "vault/vault_issuer.h"

#include <openssl/err.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collateral/collateral_http.h"
#include "common/try.h"
#include "crypto/pubkey.h"
#include "policy/release_node.h"
#include "vault/vault_form.h"

#define KEPT_SECONDS  3600
#define AGAIN_SECONDS 60
#define RETRY_SECONDS 30 /* after a failure */
#define TIMEOUT_MS    10000
#define MAX_KEPT      32
#define NUMBER_MAX    1024
#define CERT_MAX      16384

void cm_vault_issuer_clear(struct cm_vault_issuer *issuer)
{
    json_decref(issuer->jwks);
    memset(issuer, 0, sizeof(*issuer));
}

bool cm_vault_issuer_same(const struct cm_vault_issuer *a, const struct cm_vault_issuer *b)
{
    return strcmp(a->issuer, b->issuer) == 0 && strcmp(a->ca_file, b->ca_file) == 0 &&
           a->added == b->added &&
           (a->jwks == NULL || b->jwks == NULL ? a->jwks == b->jwks
                                               : json_equal(a->jwks, b->jwks) == 1);
}

/* ---------------------------------------------------------------------- keys */

static enum cm_status decode_member(json_t *jwk, const char *name, uint8_t **out, size_t *len)
{
    const char *text = json_string_value(json_object_get(jwk, name));

    *out = NULL;
    return text == NULL ? CM_ERR_FORMAT : cm_vault_base64(text, NUMBER_MAX, out, len);
}

static struct cm_span without_zeros(const uint8_t *bytes, size_t len)
{
    while (len > 0 && bytes[0] == 0) {
        bytes++;
        len--;
    }
    return cm_span_make(bytes, len);
}

static enum cm_status rsa_key(json_t *jwk, struct cm_pubkey **out)
{
    uint8_t *n = NULL;
    uint8_t *e = NULL;
    size_t n_len = 0;
    size_t e_len = 0;
    enum cm_status st = CM_OK;

    CM_TRY(decode_member(jwk, "n", &n, &n_len));
    CM_TRY(decode_member(jwk, "e", &e, &e_len));
    CM_TRY(cm_pubkey_from_rsa(without_zeros(n, n_len), without_zeros(e, e_len), out));
out:
    free(n);
    free(e);
    return st;
}

static enum cm_status ec_key(json_t *jwk, struct cm_pubkey **out)
{
    static const char *const names[] = {"P-256", "P-384", "P-521"};
    static const enum cm_curve curves[] = {CM_CURVE_P256, CM_CURVE_P384, CM_CURVE_P521};
    const char *crv = json_string_value(json_object_get(jwk, "crv"));
    uint8_t *x = NULL;
    uint8_t *y = NULL;
    size_t x_len = 0;
    size_t y_len = 0;
    size_t i = 0;
    enum cm_status st = CM_OK;

    while (i < 3 && (crv == NULL || strcmp(crv, names[i]) != 0)) {
        i++;
    }
    if (i == 3) {
        return CM_ERR_UNSUPPORTED;
    }
    CM_TRY(decode_member(jwk, "x", &x, &x_len));
    CM_TRY(decode_member(jwk, "y", &y, &y_len));
    CM_TRY(cm_pubkey_from_ec(curves[i], cm_span_make(x, x_len), cm_span_make(y, y_len), out));
out:
    free(x);
    free(y);
    return st;
}

static enum cm_status certificate_key(json_t *jwk, struct cm_pubkey **out)
{
    const char *text = json_string_value(json_array_get(json_object_get(jwk, "x5c"), 0));
    uint8_t *der = NULL;
    size_t len = 0;
    X509 *cert = NULL;
    enum cm_status st = CM_ERR_FORMAT;

    if (text != NULL) {
        st = cm_vault_base64(text, CERT_MAX, &der, &len);
    }
    if (st == CM_OK) {
        const unsigned char *at = der;

        cert = d2i_X509(NULL, &at, (long)len);
        st = cert == NULL || X509_get0_pubkey(cert) == NULL
                 ? CM_ERR_FORMAT
                 : cm_pubkey_from_evp(X509_get0_pubkey(cert), out);
    }
    X509_free(cert);
    ERR_clear_error();
    free(der);
    return st;
}

enum cm_status cm_vault_jwk_key(json_t *jwk, struct cm_pubkey **out)
{
    const char *kty = json_string_value(json_object_get(jwk, "kty"));

    *out = NULL;
    if (kty == NULL) {
        return CM_ERR_FORMAT;
    }
    if (strcmp(kty, "EC") == 0 && json_object_get(jwk, "x") != NULL) {
        return ec_key(jwk, out);
    }
    if (strcmp(kty, "RSA") == 0 && json_object_get(jwk, "n") != NULL) {
        return rsa_key(jwk, out);
    }
    return certificate_key(jwk, out);
}

enum cm_status cm_vault_jwks_check(json_t *jwks, struct cm_why *why)
{
    json_t *keys = json_object_get(jwks, "keys");
    size_t usable = 0;
    size_t i = 0;
    json_t *key = NULL;

    json_array_foreach(keys, i, key)
    {
        struct cm_pubkey *public = NULL;

        if (json_object_get(key, "d") != NULL || json_object_get(key, "k") != NULL) {
            cm_why_set(why, "the JWK set holds a key that is not public");
            return CM_ERR_PARAM;
        }
        usable += cm_vault_jwk_key(key, &public) == CM_OK ? 1 : 0;
        cm_pubkey_free(public);
    }
    if (usable == 0) {
        cm_why_set(why, "the JWK set has no key that can be used (RSA from 2048 bits, EC)");
        return CM_ERR_PARAM;
    }
    return CM_OK;
}

enum cm_status cm_vault_issuer_check(const char *text, char normal[CM_VAULT_ISSUER_MAX],
                                     struct cm_why *why)
{
    enum cm_status st = CM_OK;

    if (strncmp(text, "https://", 8) != 0) {
        cm_why_set(why, "an issuer is an https address");
        return CM_ERR_PARAM;
    }
    CM_TRY(cm_http_check_url(text, why));
    st = cm_release_normal(cm_span_make(text, strlen(text)), normal, CM_VAULT_ISSUER_MAX);
    if (st != CM_OK) {
        cm_why_set(why, "an issuer is an address of at most %d characters",
                   CM_VAULT_ISSUER_MAX - 1);
        st = CM_ERR_PARAM;
    }
out:
    return st;
}

/* --------------------------------------------------------------------- store */

struct found {
    struct cm_vault_issuer *out;
    enum cm_status st;
};

static bool take_issuer(void *arg, const struct cm_db_value *c, size_t count)
{
    struct found *f = arg;
    struct cm_vault_issuer *out = f->out;

    f->st =
        count == 4 && c[0].bytes.len < sizeof(out->issuer) && c[2].bytes.len < sizeof(out->ca_file)
            ? CM_OK
            : CM_ERR_FORMAT;
    if (f->st == CM_OK) {
        (void)snprintf(out->issuer, sizeof(out->issuer), "%s", (const char *)c[0].bytes.ptr);
        (void)snprintf(out->ca_file, sizeof(out->ca_file), "%s",
                       c[2].bytes.len == 0 ? "" : (const char *)c[2].bytes.ptr);
        out->added = c[3].number;
        if (c[1].bytes.len != 0) {
            out->jwks = json_loadb((const char *)c[1].bytes.ptr, c[1].bytes.len, 0, NULL);
            f->st = out->jwks == NULL ? CM_ERR_NOMEM : CM_OK;
        }
    }
    return false;
}

enum cm_status cm_vault_issuer_load(struct cm_db *db, const char *issuer,
                                    struct cm_vault_issuer *out, struct cm_why *why)
{
    char normal[CM_VAULT_ISSUER_MAX] = "";
    struct cm_db_value value;
    struct found f = {out, CM_ERR_NOTFOUND};
    enum cm_status st = CM_OK;

    memset(out, 0, sizeof(*out));
    if (cm_release_normal(cm_span_make(issuer, strlen(issuer)), normal, sizeof(normal)) != CM_OK) {
        return CM_ERR_NOTFOUND;
    }
    value = cm_db_text(normal);
    CM_TRY(cm_db_run(db, "SELECT issuer, jwks, ca_file, added FROM vault_issuer WHERE issuer = ?",
                     cm_db_with(&value, 1), cm_db_into(take_issuer, &f), why));
    st = f.st;
out:
    return st;
}

struct listed {
    json_t *array;
    bool bad;
};

static bool take_line(void *arg, const struct cm_db_value *c, size_t count)
{
    struct listed *l = arg;
    json_t *o = count != 4
                    ? NULL
                    : json_pack("{s:s, s:b, s:s, s:I}", "issuer", (const char *)c[0].bytes.ptr,
                                "pinned", c[1].bytes.len != 0, "ca_file",
                                c[2].bytes.len == 0 ? "" : (const char *)c[2].bytes.ptr, "added_at",
                                (json_int_t)c[3].number);

    l->bad = json_array_append_new(l->array, o) != 0;
    return !l->bad;
}

enum cm_status cm_vault_issuers(struct cm_db *db, json_t **out, struct cm_why *why)
{
    struct listed l = {json_array(), false};
    enum cm_status st =
        cm_db_run(db, "SELECT issuer, jwks, ca_file, added FROM vault_issuer ORDER BY issuer",
                  cm_db_none(), cm_db_into(take_line, &l), why);

    if (st == CM_OK && (l.bad || l.array == NULL)) {
        st = CM_ERR_NOMEM;
    }
    if (st != CM_OK) {
        json_decref(l.array);
        l.array = NULL;
    }
    *out = l.array;
    return st;
}

/* --------------------------------------------------------------------- fetch */

struct kept {
    char issuer[CM_VAULT_ISSUER_MAX]; /* "": free */
    json_t *jwks;                     /* NULL: none, or they failed */
    uint64_t since;                   /* when they were fetched */
    uint64_t failed;                  /* when that failed last; 0: it did not since */
    bool asking;                      /* somebody waits for them: the entry stays where it is */
    bool forgotten;                   /* what is being fetched is not kept */
};

struct cm_vault_jwks {
    pthread_mutex_t lock;
    struct kept kept[MAX_KEPT];
};

struct cm_vault_jwks *cm_vault_jwks_create(void)
{
    struct cm_vault_jwks *j = calloc(1, sizeof(*j));

    if (j != NULL && pthread_mutex_init(&j->lock, NULL) != 0) {
        free(j);
        j = NULL;
    }
    return j;
}

static void clear(struct kept *k)
{
    json_decref(k->jwks);
    memset(k, 0, sizeof(*k));
}

void cm_vault_jwks_forget(struct cm_vault_jwks *j)
{
    (void)pthread_mutex_lock(&j->lock);
    for (size_t i = 0; i < MAX_KEPT; i++) {
        struct kept *k = &j->kept[i];

        if (k->asking) {
            json_decref(k->jwks);
            k->jwks = NULL;
            k->forgotten = true;
        } else {
            clear(k);
        }
    }
    (void)pthread_mutex_unlock(&j->lock);
}

void cm_vault_jwks_free(struct cm_vault_jwks *j)
{
    if (j != NULL) {
        cm_vault_jwks_forget(j);
        (void)pthread_mutex_destroy(&j->lock);
        free(j);
    }
}

/* Whether two addresses have the same scheme, host and port: normal ones. */
static bool same_origin(const char *a, const char *b)
{
    size_t n = strcspn(a + 8, "/") + 8; /* behind https:// */
    size_t m = strcspn(b + 8, "/") + 8;

    return n == m && memcmp(a, b, n) == 0;
}

static json_t *parse(struct cm_span body)
{
    json_t *out = NULL;

    if (body.len <= CM_VAULT_JWKS_MAX) {
        out = json_loadb((const char *)body.ptr, body.len, JSON_REJECT_DUPLICATES, NULL);
    }
    if (!json_is_object(out)) {
        json_decref(out);
        out = NULL;
    }
    return out;
}

/* Where the metadata say the keys are: only with the issuer itself. */
static enum cm_status keys_address(struct cm_http *http, const char *issuer,
                                   char out[CM_VAULT_ISSUER_MAX], struct cm_why *why)
{
    static const char path[] = "/.well-known/openid-configuration";
    char url[CM_VAULT_ISSUER_MAX + sizeof(path)] = "";
    struct cm_http_answer answer = {{NULL, 0}, {NULL, 0}};
    const char *uri = NULL;
    json_t *metadata = NULL;
    enum cm_status st = CM_OK;

    (void)snprintf(url, sizeof(url), "%s%s", issuer, path);
    CM_TRY(cm_http_get(http, url, NULL, &answer, why));
    metadata = parse(answer.body);
    uri = json_string_value(json_object_get(metadata, "jwks_uri"));
    if (uri == NULL || strncmp(uri, "https://", 8) != 0 ||
        cm_release_normal(cm_span_make(uri, strlen(uri)), out, CM_VAULT_ISSUER_MAX) != CM_OK ||
        !same_origin(issuer, out)) {
        cm_why_set(why, "the metadata of %.100s name no keys of its own", issuer);
        st = CM_ERR_FORMAT;
    }
out:
    json_decref(metadata);
    return st;
}

static enum cm_status fetch(const struct cm_vault_issuer *issuer, json_t **out, struct cm_why *why)
{
    const struct cm_http_options options = {
        .ca_file = issuer->ca_file[0] == '\0' ? NULL : issuer->ca_file, .timeout_ms = TIMEOUT_MS};
    char url[CM_VAULT_ISSUER_MAX] = "";
    struct cm_http_answer answer = {{NULL, 0}, {NULL, 0}};
    struct cm_http *http = NULL;
    enum cm_status st = CM_OK;

    *out = NULL;
    CM_TRY(cm_http_create(&options, &http, why));
    CM_TRY(keys_address(http, issuer->issuer, url, why));
    CM_TRY(cm_http_get(http, url, NULL, &answer, why));
    *out = parse(answer.body);
    if (*out == NULL || cm_vault_jwks_check(*out, NULL) != CM_OK) {
        cm_why_set(why, "%.100s answers with no JWK set", url);
        st = CM_ERR_FORMAT;
    }
out:
    if (st != CM_OK) {
        json_decref(*out);
        *out = NULL;
    }
    cm_http_free(http);
    return st;
}

static bool has_kid(json_t *jwks, const char *kid)
{
    size_t i = 0;
    json_t *key = NULL;

    json_array_foreach(json_object_get(jwks, "keys"), i, key)
    {
        const char *own = json_string_value(json_object_get(key, "kid"));

        if (kid == NULL || (own != NULL && strcmp(own, kid) == 0)) {
            return true;
        }
    }
    return false;
}

/* The entry of an issuer, with the lock held: its own, a free one, or that of the oldest keys; NULL: all ask. */
static struct kept *entry_of(struct cm_vault_jwks *j, const char *issuer)
{
    struct kept *out = NULL;

    for (size_t i = 0; i < MAX_KEPT; i++) {
        struct kept *k = &j->kept[i];

        if (strcmp(k->issuer, issuer) == 0) {
            return k;
        }
        if (!k->asking && (out == NULL || k->since < out->since)) {
            out = k; /* a free one's are the oldest */
        }
    }
    if (out != NULL) {
        clear(out);
        (void)snprintf(out->issuer, sizeof(out->issuer), "%s", issuer);
    }
    return out;
}

static bool within(uint64_t then, uint64_t now, uint64_t seconds)
{
    return then != 0 && now >= then && now - then < seconds;
}

/* Whether the kept ones are the answer: a token with a kid that nobody has makes nobody ask all the time. */
static bool good_still(const struct kept *k, const char *kid, uint64_t now)
{
    return k->jwks != NULL && within(k->since, now, KEPT_SECONDS) &&
           (has_kid(k->jwks, kid) || within(k->since, now, AGAIN_SECONDS) ||
            within(k->failed, now, RETRY_SECONDS));
}

/* What can be said at once, with the lock held. @return false: they must be fetched */
static bool at_once(const struct kept *k, const char *kid, uint64_t now, json_t **out,
                    enum cm_status *st, struct cm_why *why)
{
    if (k != NULL && good_still(k, kid, now)) { /* also while somebody asks for newer ones */
        *out = json_deep_copy(k->jwks); /* counts of references are not for several threads */
        *st = *out == NULL ? CM_ERR_NOMEM : CM_OK;
    } else if (k == NULL || k->asking) {
        *st = CM_ERR_BUSY;
    } else if (within(k->failed, now, RETRY_SECONDS)) {
        cm_why_set(why, "%.100s could not be asked a moment ago", k->issuer);
        *st = CM_ERR_IO;
    } else {
        return false;
    }
    return true;
}

enum cm_status cm_vault_jwks_get(struct cm_vault_jwks *j, const struct cm_vault_issuer *issuer,
                                 const char *kid, uint64_t now, json_t **out, struct cm_why *why)
{
    struct kept *k = NULL;
    json_t *fresh = NULL;
    bool answered = false;
    enum cm_status st = CM_OK;

    *out = NULL;
    if (issuer->jwks != NULL) {
        *out = json_deep_copy(issuer->jwks);
        return *out == NULL ? CM_ERR_NOMEM : CM_OK;
    }
    (void)pthread_mutex_lock(&j->lock);
    k = entry_of(j, issuer->issuer);
    answered = at_once(k, kid, now, out, &st, why);
    if (!answered) {
        k->asking = true;
    }
    (void)pthread_mutex_unlock(&j->lock);
    if (answered) {
        return st;
    }

    st = fetch(issuer, &fresh, why);

    (void)pthread_mutex_lock(&j->lock);
    k->asking = false;
    k->failed = st == CM_OK ? 0 : now;
    if (st == CM_OK) {
        *out = json_deep_copy(fresh);
        st = *out == NULL ? CM_ERR_NOMEM : CM_OK;
        json_decref(k->jwks);
        k->jwks = fresh;
        k->since = now;
    }
    if (k->forgotten) { /* by the list as it was */
        clear(k);
    }
    (void)pthread_mutex_unlock(&j->lock);
    return st;
}
