/*
 * A collateral service of a platform of the tests' own, and a client's configuration for it: what the
 * tests of the client share. Functions of a header, since the harness counts per program file.
 */
#ifndef CM_TESTS_COLLATERAL_SCENE_H
#define CM_TESTS_COLLATERAL_SCENE_H

#include <sys/stat.h>
#include <unistd.h>

#include "harness.h"

#include "collateral/collateral_client.h"
#include "collateral/collateral_document.h"
#include "collateral/collateral_files.h"
#include "common/span.h"
#include "pki.h"
#include "serve.h"

#define ASKED_MAX 16

/* A service: what it serves, what it was asked, how it fails. */
struct service {
    const struct pki_bundle *b;
    char asked[ASKED_MAX][1024];
    char metadata[ASKED_MAX]; /* y: the header was there */
    unsigned count;
    int status; /* of every answer; 0: 200 */
    bool v3;
    const char *swap;    /* requests whose path holds this ... */
    struct cm_span with; /* ... get these bytes */
    bool no_chain;
    char subscription[ASKED_MAX]; /* y: the header was there */
    struct cm_span pck;           /* the PCK certificate, and its issuers behind it */
    size_t leaf_len;
};

static inline bool chained(struct serve_connection *c, const char *name, struct cm_span chain,
                           struct cm_span body)
{
    static char header[65536];
    size_t used = (size_t)snprintf(header, sizeof(header), "%s: ", name);

    for (size_t i = 0; i < chain.len; i++) {
        const bool plain = strchr("\n +/=", chain.ptr[i]) == NULL;

        used += (size_t)snprintf(header + used, sizeof(header) - used, plain ? "%c" : "%%%02X",
                                 chain.ptr[i]);
    }
    (void)snprintf(header + used, sizeof(header) - used, "\r\n");
    return serve_whole(c, 200, chain.len != 0 ? header : "", body.ptr, body.len);
}

/*
 * What the real services say to the query for a PCK certificate: an encrypted PPID has 768 digits, and a
 * caching service does without one, but not with an empty one; Intel's needs it, and knows no QE.
 */
static inline bool pck_query_is_good(const char *path)
{
    const char *ppid = strstr(path, "encrypted_ppid=");
    const bool by_qe = strstr(path, "?qeid=") != NULL;

    if (ppid == NULL) {
        return by_qe;
    }
    return strspn(ppid + strlen("encrypted_ppid="), "0123456789abcdefABCDEF") == 768;
}

static inline bool serve_pki(struct serve_connection *c, const char *request, const char *path,
                             void *arg)
{
    struct service *s = arg;
    const struct cm_dcap_collateral *col = &s->b->col;
    struct cm_span none = {NULL, 0};

    if (s->count < ASKED_MAX) {
        s->subscription[s->count] =
            strstr(request, "\r\nOcp-Apim-Subscription-Key: 0123-abc\r\n") != NULL ? 'y' : 'n';
        s->metadata[s->count] = strstr(request, "\r\nMetadata: true\r\n") != NULL ? 'y' : 'n';
        (void)snprintf(s->asked[s->count++], sizeof(s->asked[0]), "%s", path);
    }
    if (s->status != 0) {
        return serve_whole(c, s->status, "", "no", 2);
    }
    if (s->swap != NULL && strstr(path, s->swap) != NULL) {
        return chained(c, "TCB-Info-Issuer-Chain", col->tcb_info_chain, s->with);
    }
    if (strstr(path, "/pckcert?") != NULL && !pck_query_is_good(path)) {
        return serve_whole(c, 400, "", "", 0);
    }
    if (strstr(path, "/pckcert?") != NULL && s->pck.len != 0) {
        return chained(c, "SGX-PCK-Certificate-Issuer-Chain",
                       cm_span_make(s->pck.ptr + s->leaf_len, s->pck.len - s->leaf_len),
                       cm_span_make(s->pck.ptr, s->leaf_len));
    }
    if (strstr(path, "/tcb?") != NULL) {
        return chained(c, s->v3 ? "SGX-TCB-Info-Issuer-Chain" : "TCB-Info-Issuer-Chain",
                       s->no_chain ? none : col->tcb_info_chain, col->tcb_info);
    }
    if (strstr(path, "/qe/identity") != NULL) {
        return chained(c, "SGX-Enclave-Identity-Issuer-Chain", col->qe_identity_chain,
                       col->qe_identity);
    }
    if (strstr(path, "rootcacrl") != NULL || strstr(path, "intelsgxrootca.crl") != NULL ||
        strstr(path, "/IntelSGXRootCA.der") != NULL) {
        return serve_whole(c, 200, "", col->root_ca_crl.ptr, col->root_ca_crl.len);
    }
    if (strstr(path, "pckcrl") != NULL) {
        return serve_whole(c, 200, "", col->pck_crl.ptr, col->pck_crl.len);
    }
    return serve_whole(c, 404, "", "", 0);
}

/* A running service of one platform, and a configuration for it. */
struct scene {
    struct pki_spec spec;
    struct pki_bundle *b;
    struct service service;
    struct serve *server;
    struct cm_collateral_config config;
    struct cm_collateral_key key;
};

static inline bool scene_start_as(struct scene *sc, unsigned version, unsigned body,
                                  const char *path, unsigned cert_type)
{
    char url[256] = "";

    memset(sc, 0, sizeof(*sc));
    pki_defaults(&sc->spec, version, body);
    sc->spec.cert_type = cert_type;
    sc->b = pki_make(&sc->spec);
    sc->service.b = sc->b;
    sc->server = serve_start(false, serve_pki, &sc->service);
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%u%s", serve_port(sc->server), path);
    if (cm_collateral_config_for(url, &sc->config, NULL) != CM_OK ||
        cm_collateral_key_of(sc->b->quote, &sc->key, NULL) != CM_OK) {
        TEST_FAIL("no scene");
        return false;
    }
    sc->config.now = PKI_NOW;
    sc->config.timeout_ms = 5000;
    return true;
}

static inline bool scene_start(struct scene *sc, unsigned version, unsigned body, const char *path)
{
    return scene_start_as(sc, version, body, path, 5);
}

static inline void scene_stop(struct scene *sc)
{
    serve_stop(sc->server);
    pki_free(sc->b);
}

static inline void verifies(struct scene *sc)
{
    struct cm_verify_input in = {.now = PKI_NOW, .roots = &sc->b->root, .root_count = 1};
    struct cm_collateral_parts *parts = NULL;
    struct cm_dcap_collateral view;
    struct cm_evidence *ev = NULL;
    struct cm_why why = {""};

    if (cm_collateral_fetch(&sc->config, &sc->key, &parts, &why) != CM_OK) {
        TEST_FAIL("fetch: %s", why.text);
        return;
    }
    CHECK_STR(why.text, "");
    view = cm_parts_view(parts);
    CHECK_EQ(cm_dcap_verify(sc->b->quote, &view, &in, 0, NULL, &ev), CM_OK);
    cm_evidence_free(ev);
    cm_parts_free(parts);
}

static inline void refuses(struct scene *sc, enum cm_status want, const char *says)
{
    struct cm_collateral_parts *parts = NULL;
    struct cm_why why = {""};
    enum cm_status st = cm_collateral_fetch(&sc->config, &sc->key, &parts, &why);

    if (st != want || parts != NULL || strstr(why.text, says) == NULL) {
        TEST_FAIL("%s (%s), wanted %s (%s)", cm_status_str(st), why.text, cm_status_str(want),
                  says);
    }
    cm_parts_free(parts);
}

static inline void asked(const struct scene *sc, unsigned at, const char *path)
{
    CHECK_STR(at < sc->service.count ? sc->service.asked[at] : "nothing", path);
}

#define PATH4 "/sgx/certification/v4/"

static char cache_dir[64];

static inline void cache_make(struct scene *sc)
{
    (void)snprintf(cache_dir, sizeof(cache_dir), "collateral-cache-%ld", (long)getpid());
    (void)mkdir(cache_dir, 0700);
    (void)snprintf(sc->config.cache, sizeof(sc->config.cache), "%s", cache_dir);
}

/* The file of a document; the address is the key. */
static inline void cache_path(const struct scene *sc, enum cm_document d,
                              char url[CM_DOCUMENT_MAX_URL])
{
    if (cm_document_url(&sc->config, &sc->key, d, url, NULL) != CM_OK) {
        TEST_FAIL("no address");
    }
}

static inline void cache_remove(void)
{
    char command[128] = "";

    (void)snprintf(command, sizeof(command), "rm -rf ./%s", cache_dir);
    if (system(command) != 0) {
        TEST_FAIL("cannot remove %s", cache_dir);
    }
}

#endif
