/* See maa_kit.h. */
#include "maa_kit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "crypto/hash.h"
#include "decide/decide.h"
#include "decide/decide_enrol.h"
#include "identity/identity.h"
#include "keep/keep.h"
#include "maa/maa.h"
#include "rules_signer_kit.h"
#include "store/db.h"
#include "token/base64.h"
#include "token/jws.h"

static struct cm_keep *keep;
static char root_file[256];
static struct decide_source source;
static struct cm_trust_root roots[2];
static const struct pki_bundle *intel;
static bool emulated;

/* Isolated mode, as an admin would set it up; a body is the first signer's certificate. */
static void isolate(struct cm_call *call, void *state)
{
    const struct cm_rules_mode mode = {true, false};
    char thumbprint[CM_RULES_THUMBPRINT_CAP] = "";
    enum cm_rules_outcome outcome = CM_RULES_WAITING;
    enum cm_status st = CM_OK;

    (void)state;
    if (cm_web_body(call->req).len != 0) {
        st = cm_rules_certificate_first(call, cm_web_body(call->req), thumbprint, NULL);
    }
    if (st == CM_OK) {
        st = cm_rules_mode_set(call, &mode, &outcome, NULL, NULL);
    }
    cm_call_answer_json(call, st == CM_OK ? 200 : 500, json_pack("{}"));
}

static void enrol(struct cm_call *call, void *state)
{
    struct cm_why why = {""};
    json_t *out = NULL;
    enum cm_status st =
        cm_decide_enrol(call, cm_call_param(call, "name"), cm_call_param(call, "type"),
                        cm_web_body(call->req), &out, &why);

    (void)state;
    json_decref(out);
    cm_call_answer_json(call, st == CM_OK ? 200 : 500, json_pack("{s:s}", "why", why.text));
}

static const struct cm_route kit_routes[] = {
    {.methods = CM_WEB_POST, .path = "/test/isolate", .roles = CM_ROLE_ADMIN, .serve = isolate},
    {.methods = CM_WEB_POST,
     .path = "/test/enrol/{type}/{name}",
     .roles = CM_ROLE_ADMIN,
     .serve = enrol}};

static const struct cm_module maa_kit_module = {.name = "maa-kit",
                                                .routes = kit_routes,
                                                .route_count =
                                                    sizeof(kit_routes) / sizeof(kit_routes[0])};

static const struct cm_module *const modules[] = {&cm_identity_module, &cm_rules_module,
                                                  &cm_decide_module,   &cm_maa_module,
                                                  &maa_kit_module,     NULL};

static void need(bool good, const char *what)
{
    if (!good) {
        (void)printf("maa kit: %s\n", what);
        abort();
    }
}

static void prepare(struct cm_service_config *config)
{
    struct cm_db *db = NULL;
    struct cm_why why = {""};
    char where[300] = "";

    (void)snprintf(root_file, sizeof(root_file), "/tmp/cm-maa-root-%ld.key", (long)getpid());
    (void)unlink(root_file);
    (void)snprintf(where, sizeof(where), "file:%s", root_file);
    need(cm_db_open(config->store, &db, &why) == CM_OK, why.text);
    need(cm_keep_open(where, db, &keep, &why) == CM_OK, why.text);
    cm_db_close(db);
    config->keep = keep;
}

/* Its own CA, which clients trust as they would in earnest. */
static void own_tls(struct cm_service *s, char **ca_pem, char **cert_pem, char **key_pem)
{
    *ca_pem = strdup(cm_identity_ca_pem(s));
    need(cm_identity_tls(s, cert_pem, key_pem, NULL) == CM_OK, "tls");
}

static void start(void)
{
    /* certificates of another time than the real one would be refused by clients */
    const struct kit_options options = {.modules = modules,
                                        .prepare = prepare,
                                        .accept_emulated = emulated,
                                        .tls = emulated ? own_tls : NULL};

    (void)kit_start_with(&options);
}

void maa_start_emulated(void)
{
    struct cm_decide_config config;

    emulated = true;
    decide_kit_platform();
    memset(&source, 0, sizeof(source));
    kit_set_clock((uint64_t)time(NULL));
    config = decide_kit_config(&roots[0], &source);
    start();
    need(cm_decide_configure(kit_service(), &config, NULL) == CM_OK, "decide");
}

void maa_source(enum cm_status st)
{
    source.st = st;
}

static enum cm_status bundle_parts(void *arg, uint64_t now, struct cm_collateral_key *key,
                                   struct cm_collateral_parts **out, struct cm_why *why)
{
    const struct cm_dcap_collateral *c = &intel->col;
    struct cm_collateral_parts *p = NULL;

    (void)arg;
    (void)now;
    (void)key;
    (void)why;
    need(cm_parts_create(&p) == CM_OK && cm_parts_set(p, CM_PART_TCB_INFO, c->tcb_info) == CM_OK &&
             cm_parts_set(p, CM_PART_TCB_INFO_CHAIN, c->tcb_info_chain) == CM_OK &&
             cm_parts_set(p, CM_PART_QE_IDENTITY, c->qe_identity) == CM_OK &&
             cm_parts_set(p, CM_PART_QE_IDENTITY_CHAIN, c->qe_identity_chain) == CM_OK &&
             cm_parts_set(p, CM_PART_ROOT_CA_CRL, c->root_ca_crl) == CM_OK &&
             cm_parts_set(p, CM_PART_PCK_CRL, c->pck_crl) == CM_OK,
         "parts");
    *out = p;
    return CM_OK;
}

void maa_start_invented(const struct pki_bundle *bundle, const struct sk_world *snp)
{
    struct cm_decide_config config = {.roots = roots, .crl_optional = true};

    emulated = false;
    intel = bundle; /* all bundles of a process have the same root */
    if (bundle != NULL) {
        roots[config.root_count++] = bundle->root;
        config.parts = bundle_parts;
    }
    if (snp != NULL) {
        roots[config.root_count++] = snp->root;
    }
    if (kit_current() == NULL) {
        kit_set_clock(PKI_NOW);
        start();
    }
    need(cm_decide_configure(kit_service(), &config, NULL) == CM_OK, "decide");
}

void maa_stop(void)
{
    kit_stop();
    cm_keep_close(keep);
    keep = NULL;
    (void)unlink(root_file);
    if (emulated) {
        decide_kit_platform_end();
    }
}

static char *encode(struct cm_span bytes, bool url)
{
    size_t cap = CM_BASE64_ENCODED(bytes.len) + 1;
    char *out = malloc(cap);
    size_t len = 0;

    need(out != NULL &&
             (url ? cm_base64url_encode : cm_base64_encode)(bytes, out, cap, &len) == CM_OK,
         "base64");
    out[len] = '\0';
    return out;
}

char *maa_b64(struct cm_span bytes)
{
    return encode(bytes, true);
}

char *maa_b64_std(struct cm_span bytes)
{
    return encode(bytes, false);
}

size_t maa_quote(const char *data, uint8_t out[DECIDE_QUOTE_MAX])
{
    struct decide_enclave e = decide_enclave();

    memset(e.report_data, 0, sizeof(e.report_data));
    need(cm_hash(CM_HASH_SHA256, cm_span_make(data, strlen(data)), e.report_data) == CM_OK, "hash");
    return decide_quote(&e, out);
}

json_t *maa_body(const char *name, struct cm_span evidence)
{
    char *text = maa_b64(evidence);
    json_t *out = json_pack("{s:s}", name, text);

    free(text);
    return out;
}

void maa_data(json_t *body, const char *name, const char *data, const char *type)
{
    char *text = maa_b64(cm_span_make(data, strlen(data)));

    need(json_object_set_new(body, name, json_pack("{s:s, s:s}", "data", text, "dataType", type)) ==
             0,
         "data");
    free(text);
}

struct kit_answer *maa_attest(const char *type, json_t *body)
{
    char path[128] = "";

    (void)snprintf(path, sizeof(path), "/attest/%s?api-version=2022-08-01", type);
    return kit_post_json(path, NULL, body);
}

/* ----------------------------------------------------------------- tokens */

static json_t *claims;
static json_t *header;
static uint8_t text[1 << 20];
static struct cm_jws jws;

static void forget(void)
{
    json_decref(claims);
    json_decref(header);
    claims = NULL;
    header = NULL;
}

static json_t *part(const char *at, size_t len)
{
    size_t n = 0;

    if (cm_base64url_decode(cm_span_make(at, len), text, sizeof(text), &n) != CM_OK) {
        return NULL;
    }
    return json_loadb((const char *)text, n, JSON_REJECT_DUPLICATES, NULL);
}

/* The key of a set with a kid, from what the service publishes. */
static struct cm_pubkey *published(enum cm_signer signer, const char *kid)
{
    json_t *set = cm_identity_jwks(kit_service(), signer);
    json_t *key = NULL;
    size_t i = 0;
    struct cm_pubkey *out = NULL;
    struct cm_json_node nodes[128];
    struct cm_json doc;
    char *one = NULL;

    json_array_foreach(json_object_get(set, "keys"), i, key)
    {
        const char *id = json_string_value(json_object_get(key, "kid"));

        if (id != NULL && strcmp(id, kid) == 0 && out == NULL) {
            one = json_dumps(key, JSON_COMPACT);
            if (one != NULL &&
                cm_json_parse(cm_span_make(one, strlen(one)), nodes, 128, &doc, NULL) == CM_OK) {
                (void)!cm_jwk_parse(cm_json_root(&doc), &out);
            }
            free(one);
        }
    }
    json_decref(set);
    return out;
}

static json_t *read_token(enum cm_signer signer, enum cm_sig_alg alg, const char *token)
{
    const char *dot = token == NULL ? NULL : strchr(token, '.');
    const char *end = dot == NULL ? NULL : strchr(dot + 1, '.');
    const char *kid = NULL;
    struct cm_pubkey *key = NULL;

    forget();
    if (end == NULL) {
        return NULL;
    }
    header = part(token, (size_t)(dot - token));
    kid = json_string_value(json_object_get(header, "kid"));
    key = kid == NULL ? NULL : published(signer, kid);
    if (key != NULL && cm_jws_parse(cm_span_make(token, strlen(token)), &jws, NULL) == CM_OK &&
        cm_jws_verify(&jws, key, alg) == CM_OK) {
        claims = part(dot + 1, (size_t)(end - dot) - 1);
    }
    cm_pubkey_free(key);
    return claims;
}

json_t *maa_claims(void)
{
    return read_token(CM_SIGNER_TOKEN, CM_SIG_RS256, kit_string("token"));
}

json_t *maa_claims_of(const char *token)
{
    return read_token(CM_SIGNER_TOKEN, CM_SIG_RS256, token);
}

json_t *maa_result(void)
{
    return read_token(CM_SIGNER_RESULT, CM_SIG_ES256, kit_string("token"));
}

json_t *maa_header(void)
{
    return header;
}

json_t *maa_claims_unsigned(void)
{
    const char *token = kit_string("token");
    const char *dot = token == NULL ? NULL : strchr(token, '.');
    const char *end = dot == NULL ? NULL : strchr(dot + 1, '.');

    forget();
    if (end == NULL || end[1] != '\0' || strncmp(token, "eyJhbGciOiJub25lIn0.", 20) != 0) {
        return NULL;
    }
    claims = part(dot + 1, (size_t)(end - dot) - 1);
    return claims;
}

const char *maa_text(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

static bool take_number(void *arg, const struct cm_db_value *columns, size_t count)
{
    *(int64_t *)arg = count == 1 ? columns[0].number : -1;
    return false;
}

int64_t maa_records(void)
{
    struct cm_db *db = NULL;
    int64_t out = -1;

    need(cm_db_open(kit_store(), &db, NULL) == CM_OK, "store");
    (void)!cm_db_run(db, "SELECT COUNT(*) FROM attestation", cm_db_none(),
                     cm_db_into(take_number, &out), NULL);
    cm_db_close(db);
    return out;
}

int maa_policy(const char *type, const char *policy)
{
    char path[96] = "";
    char *jws_text = unsigned_policy(policy);
    int status = 0;

    (void)snprintf(path, sizeof(path), "/policies/%s?api-version=2020-10-01", type);
    status =
        kit_ask("PUT", path, "author", "text/plain", cm_span_make(jws_text, strlen(jws_text)), NULL)
            ->status;
    free(jws_text);
    return status;
}
