/* Making and loading keys; see identity_keys.h. */
#include "identity/identity_keys.h"

#include <stdlib.h>
#include <string.h>

#include "common/try.h"
#include "keep/keep.h"
#include "token/jws.h"

#define DAY       UINT64_C(86400)
#define CA_LIFE   (3653 * DAY)
#define SIGN_LIFE (UINT64_C(3) * 365 * DAY)

const struct cm_signer_kind *cm_signer_kind(enum cm_signer signer)
{
    static const struct cm_signer_kind kinds[CM_SIGNERS] = {
        [CM_SIGNER_TOKEN] = {"token", 2048, CM_SIG_RS256, CM_CERT_TOKEN},
        [CM_SIGNER_RESULT] = {"result", 0, CM_SIG_ES256, CM_CERT_SIGN},
        [CM_SIGNER_RELEASE] = {"release", 2048, CM_SIG_RS256, CM_CERT_SIGN},
    };

    return &kinds[signer];
}

bool cm_signer_from(const char *name, enum cm_signer *out)
{
    for (unsigned i = 0; i < CM_SIGNERS; i++) {
        if (strcmp(cm_signer_kind((enum cm_signer)i)->name, name) == 0) {
            *out = (enum cm_signer)i;
            return true;
        }
    }
    return false;
}

const char *cm_identity_name_of(const struct cm_identity *id, enum cm_signer signer)
{
    return signer == CM_SIGNER_TOKEN ? cm_service_config(id->service)->public_url : id->names_text;
}

static void clear_key(struct cm_identity_key *key)
{
    free(key->name);
    free(key->x5c);
    json_decref(key->jwk);
    cm_privkey_free(key->key);
    cm_pubkey_free(key->pub);
}

void cm_identity_set_release(struct cm_identity_set *set)
{
    if (set == NULL || atomic_fetch_sub(&set->refs, 1) != 1) {
        return;
    }
    for (size_t i = 0; i < set->count; i++) {
        clear_key(&set->keys[i]);
    }
    free(set->keys);
    free(set);
}

struct cm_identity_set *cm_identity_set_hold(struct cm_identity *id)
{
    struct cm_identity_set *set = NULL;

    (void)pthread_mutex_lock(&id->lock);
    set = id->set;
    if (set != NULL) {
        atomic_fetch_add(&set->refs, 1);
    }
    (void)pthread_mutex_unlock(&id->lock);
    return set;
}

bool cm_identity_published(const struct cm_identity_key *key, uint64_t now)
{
    return key->retired == 0 || now < key->retired + CM_IDENTITY_PUBLISHED;
}

/* What verifiers are told of a key. */
static enum cm_status describe(struct cm_identity_key *key, const struct cm_identity_row *row,
                               const struct cm_privkey *private)
{
    const struct cm_signer_kind *kind = cm_signer_kind(key->signer);
    json_t *x5c = NULL;
    enum cm_status st = CM_OK;

    CM_TRY(cm_cert_fits(row->cert, private, &key->not_after));
    CM_TRY(cm_cert_x5c(row->cert, &x5c, key->thumbprint));
    CM_TRY(cm_cert_jwk(private, &key->jwk));
    CM_TRY(cm_privkey_public(private, &key->pub));
    key->x5c = json_dumps(x5c, JSON_COMPACT);
    key->name = strdup(row->name);
    if (key->x5c == NULL || key->name == NULL ||
        json_object_set_new(key->jwk, "kid", json_string(key->kid)) != 0 ||
        json_object_set_new(key->jwk, "alg", json_string(cm_sig_alg_name(kind->alg))) != 0 ||
        json_object_set_new(key->jwk, "use", json_string("sig")) != 0 ||
        json_object_set(key->jwk, "x5c", x5c) != 0) {
        st = CM_ERR_NOMEM;
    }
out:
    json_decref(x5c);
    return st;
}

static enum cm_status take_row(const struct cm_keep *keep, const struct cm_identity_row *row,
                               struct cm_identity_key *key, struct cm_why *why)
{
    struct cm_privkey *private = NULL;
    enum cm_status st = CM_OK;

    if (!cm_signer_from(row->signer, &key->signer) || row->made < 0 || row->retired < 0) {
        cm_why_set(why, "a key of the service in the store is damaged");
        return CM_ERR_FORMAT;
    }
    /* of retired keys, too: nobody else than this service can have put a key there */
    CM_TRY(cm_identity_unwrap(keep, row, &private, why));
    memcpy(key->kid, row->kid, sizeof(key->kid));
    key->made = (uint64_t)row->made;
    key->retired = (uint64_t)row->retired;
    CM_TRY(describe(key, row, private));
    if (row->retired == 0) {
        key->key = private;
        private = NULL;
    }
out:
    cm_privkey_free(private);
    return st;
}

enum cm_status cm_identity_set_make(const struct cm_keep *keep, const struct cm_identity_rows *rows,
                                    struct cm_identity_set **out, struct cm_why *why)
{
    struct cm_identity_set *set = calloc(1, sizeof(*set));
    enum cm_status st = set == NULL ? CM_ERR_NOMEM : CM_OK;

    *out = NULL;
    if (st == CM_OK) {
        atomic_init(&set->refs, 1);
        set->keys = calloc(rows->count + 1, sizeof(set->keys[0]));
        st = set->keys == NULL ? CM_ERR_NOMEM : CM_OK;
    }
    for (size_t i = 0; st == CM_OK && i < rows->count; i++) {
        struct cm_identity_key *key = &set->keys[set->count++];

        st = take_row(keep, rows->keys[i], key, why);
        if (st == CM_OK && key->key != NULL) {
            set->current[key->signer] = key;
        }
    }
    if (st == CM_OK) {
        *out = set;
        set = NULL;
    }
    cm_identity_set_release(set);
    return st;
}

enum cm_status cm_identity_reload(struct cm_identity *id, struct cm_why *why)
{
    struct cm_identity_rows rows = {0};
    struct cm_identity_set *set = NULL;
    struct cm_identity_set *old = NULL;
    enum cm_status st = CM_OK;

    CM_TRY(cm_identity_read(id->service, &rows, why));
    CM_TRY(cm_identity_set_make(cm_service_config(id->service)->keep, &rows, &set, why));
    (void)pthread_mutex_lock(&id->lock);
    old = id->set;
    id->set = set;
    (void)pthread_mutex_unlock(&id->lock);
    cm_identity_set_release(old);
out:
    cm_identity_rows_free(&rows);
    return st;
}

/* The leaf, and the CA behind it. */
static enum cm_status add_ca(const struct cm_identity *id, char **pem)
{
    size_t leaf = strlen(*pem);
    size_t ca = strlen(id->ca_pem);
    char *both = realloc(*pem, leaf + ca + 1);

    if (both == NULL) {
        return CM_ERR_NOMEM;
    }
    memcpy(both + leaf, id->ca_pem, ca + 1);
    *pem = both;
    return CM_OK;
}

/* With the evidence of the enclave that keeps the root key, where one does. Without it when that gives none: the
   service is worth as much, and says so. */
static enum cm_status sign_token_cert(struct cm_identity *id, struct cm_cert_wanted *want,
                                      char **pem, struct cm_why *why)
{
    const struct cm_keep *keep = cm_service_config(id->service)->keep;
    uint8_t hash[32] = {0};
    uint8_t *quote = NULL;
    size_t len = 0;
    struct cm_why own = {""};
    enum cm_status st = CM_OK;

    if (cm_keep_quotes(keep)) {
        const char *const fields[] = {"reason", own.text};

        CM_TRY(cm_cert_key_hash(want->key, hash));
        if (cm_keep_quote(keep, hash, &quote, &len, &own) != CM_OK) {
            cm_service_log(id->service, CM_LOG_WARNING,
                           "the signing certificate gets no evidence of the keeper", fields, 1);
        }
        want->evidence = cm_span_make(quote, len);
    }
    st = cm_cert_make(want, pem, why);
out:
    free(quote);
    return st;
}

static enum cm_status sign_cert(struct cm_identity *id, enum cm_signer signer,
                                const struct cm_privkey *key, char **pem, struct cm_why *why)
{
    const char *const url[] = {cm_service_config(id->service)->public_url, NULL};
    uint64_t now = cm_service_now(id->service);
    struct cm_cert_wanted want = {.use = cm_signer_kind(signer)->use,
                                  .cn = url[0],
                                  .key = key,
                                  .not_before = now < DAY ? 0 : now - DAY,
                                  .not_after = now + SIGN_LIFE,
                                  .names = url};
    enum cm_status st = CM_OK;

    if (want.use == CM_CERT_TOKEN) {
        return sign_token_cert(id, &want, pem, why);
    }
    want.issuer_pem = id->ca_pem;
    want.issuer_key = id->ca_key;
    if (want.not_after > id->ca_not_after) {
        want.not_after = id->ca_not_after;
    }
    want.names = id->names.list;
    want.cn = id->names.list[0];
    CM_TRY(cm_cert_make(&want, pem, why));
    st = add_ca(id, pem);
out:
    return st;
}

enum cm_status cm_identity_new_key(struct cm_identity *id, enum cm_signer signer,
                                   struct cm_identity_row **out, struct cm_why *why)
{
    const struct cm_signer_kind *kind = cm_signer_kind(signer);
    struct cm_identity_row *row = calloc(1, sizeof(*row));
    struct cm_privkey *key = NULL;
    enum cm_status st = CM_OK;

    *out = NULL;
    if (row == NULL) {
        return CM_ERR_NOMEM;
    }
    row->made = (int64_t)cm_service_now(id->service);
    memcpy(row->signer, kind->name, strlen(kind->name) + 1);
    row->name = strdup(cm_identity_name_of(id, signer));
    if (row->name == NULL) {
        st = CM_ERR_NOMEM;
        goto out;
    }
    CM_TRY(cm_privkey_generate(CM_CURVE_P256, kind->rsa_bits, &key));
    CM_TRY(cm_cert_kid(key, row->kid));
    CM_TRY(sign_cert(id, signer, key, &row->cert, why));
    CM_TRY(cm_identity_wrap(cm_service_config(id->service)->keep, key, row, why));
    *out = row;
    row = NULL;
out:
    cm_privkey_free(key);
    cm_identity_row_free(row);
    return st;
}

static enum cm_status make_ca(struct cm_identity *id, struct cm_why *why)
{
    struct cm_identity_row row = {.signer = ""};
    uint64_t now = cm_service_now(id->service);
    char kid[CM_CERT_KID_CAP] = "";
    char cn[32] = "Casemate CA ";
    struct cm_privkey *key = NULL;
    struct cm_cert_wanted want = {.use = CM_CERT_CA,
                                  .cn = cn,
                                  .not_before = now < DAY ? 0 : now - DAY,
                                  .not_after = now + CA_LIFE};
    enum cm_status st = CM_OK;

    CM_TRY(cm_privkey_generate(CM_CURVE_P256, 0, &key));
    CM_TRY(cm_cert_kid(key, kid));
    memcpy(cn + strlen(cn), kid, 8); /* so that CAs of several services differ by name, too */
    want.key = key;
    CM_TRY(cm_cert_make(&want, &row.cert, why));
    CM_TRY(cm_identity_wrap(cm_service_config(id->service)->keep, key, &row, why));
    st = cm_service_write(id->service, cm_identity_put_ca, &row, why);
out:
    cm_privkey_free(key);
    free(row.cert);
    free(row.wrapped);
    return st;
}

enum cm_status cm_identity_open_ca(struct cm_identity *id, struct cm_why *why)
{
    struct cm_identity_rows rows = {0};
    enum cm_status st = CM_OK;

    CM_TRY(cm_identity_read(id->service, &rows, why));
    if (rows.ca == NULL) {
        cm_identity_rows_free(&rows);
        CM_TRY(make_ca(id, why));
        CM_TRY(cm_identity_read(id->service, &rows, why)); /* perhaps another instance's */
    }
    if (rows.ca == NULL) {
        cm_why_set(why, "the service's CA is not in the store, though it was put there");
        st = CM_ERR_STATE;
        goto out;
    }
    CM_TRY(cm_identity_unwrap(cm_service_config(id->service)->keep, rows.ca, &id->ca_key, why));
    CM_TRY(cm_cert_fits(rows.ca->cert, id->ca_key, &id->ca_not_after));
    id->ca_pem = rows.ca->cert;
    rows.ca->cert = NULL;
out:
    cm_identity_rows_free(&rows);
    return st;
}
