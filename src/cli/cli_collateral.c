/* Collateral from a folder or from a JSON bundle; see cli_evidence.h. Untrusted: every byte. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/cli_evidence.h"
#include "common/try.h"
#include "os/os.h"
#include "token/json.h"

#define PART_MAX   (1u << 20)
#define BUNDLE_MAX (4u << 20)

/* a part: its file in a folder, its member in a bundle and in Phala's */
struct part {
    const char *file;
    const char *member;
    const char *other;     /* another name that is in use */
    const char *signature; /* a member that holds the signature apart: Phala's and Intel's form */
    const char *wrapper;   /* then: the name of the signed object */
    bool optional;
};

#define PARTS 7

static const struct part parts[PARTS] = {
    {"tcb_info.json", "tcb_info", "tcbInfo", "tcb_info_signature", "tcbInfo", false},
    {"tcb_info_issuer_chain.pem", "tcb_info_issuer_chain", NULL, NULL, NULL, false},
    {"qe_identity.json", "qe_identity", "enclaveIdentity", "qe_identity_signature",
     "enclaveIdentity", false},
    {"qe_identity_issuer_chain.pem", "qe_identity_issuer_chain", NULL, NULL, NULL, false},
    {"root_ca_crl.der", "root_ca_crl", NULL, NULL, NULL, false},
    {"pck_crl.der", "pck_crl", NULL, NULL, NULL, false},
    {"pck_chain.pem", "pck_chain", "pck_certificate_chain", NULL, NULL, true},
};

static struct cm_span *place(struct cm_dcap_collateral *c, size_t part)
{
    struct cm_span *const places[PARTS] = {
        &c->tcb_info,    &c->tcb_info_chain, &c->qe_identity, &c->qe_identity_chain,
        &c->root_ca_crl, &c->pck_crl,        &c->pck_chain};

    return places[part];
}

static void own(struct cm_cli_collateral *c, uint8_t *p)
{
    c->owned[c->owned_count++] = p; /* at most two a part */
}

static enum cm_status from_folder(const char *dir, struct cm_cli_collateral *out,
                                  struct cm_why *why)
{
    for (size_t i = 0; i < PARTS; i++) {
        char path[4096] = "";
        uint8_t *data = NULL;
        size_t len = 0;
        enum cm_status st = CM_ERR_PARAM;
        int n = snprintf(path, sizeof(path), "%s/%s", dir, parts[i].file);

        if (n < 0 || (size_t)n >= sizeof(path)) {
            cm_why_set(why, "the folder's name is too long");
            return CM_ERR_PARAM;
        }
        st = cm_file_read(path, PART_MAX, &data, &len, parts[i].optional ? NULL : why);
        if (st == CM_ERR_NOTFOUND && parts[i].optional) {
            continue;
        }
        if (st != CM_OK) {
            cm_why_set(why, "%s: %s", path, cm_status_str(st));
            return st;
        }
        own(out, data);
        *place(&out->col, i) = cm_span_make(data, len);
    }
    return CM_OK;
}

/* A string's text, or an object as its exact bytes. */
static enum cm_status text_of(struct cm_json_value v, struct cm_cli_collateral *out,
                              struct cm_span *text)
{
    size_t cap = cm_json_bytes(v).len + 1;
    uint8_t *copy = malloc(cap);
    size_t len = 0;
    enum cm_status st = CM_OK;

    if (copy == NULL) {
        return CM_ERR_NOMEM;
    }
    own(out, copy);
    if (cm_json_is(v, CM_JSON_OBJECT)) {
        len = cap - 1;
        memcpy(copy, cm_json_bytes(v).ptr, len);
    } else {
        st = cm_json_string(v, (char *)copy, cap, &len);
    }
    *text = cm_span_make(copy, len);
    return st;
}

/* {"<wrapper>":<body>,"signature":"<hex>"}, as it was served before somebody took it apart. */
static enum cm_status wrap(const struct part *p, struct cm_json_value signature,
                           struct cm_cli_collateral *out, struct cm_span *text)
{
    size_t cap = text->len + 512;
    char sig[132] = "";
    uint8_t *whole = NULL;
    int head = 0;
    int tail = 0;

    if (cm_json_string(signature, sig, sizeof(sig), NULL) != CM_OK) {
        return CM_ERR_FORMAT;
    }
    whole = malloc(cap);
    if (whole == NULL) {
        return CM_ERR_NOMEM;
    }
    own(out, whole);
    head = snprintf((char *)whole, cap, "{\"%s\":", p->wrapper);
    memcpy(whole + head, text->ptr, text->len);
    tail = snprintf((char *)whole + head + text->len, cap - (size_t)head - text->len,
                    ",\"signature\":\"%s\"}", sig);
    *text = cm_span_make(whole, (size_t)head + text->len + (size_t)tail);
    return CM_OK;
}

static enum cm_status from_object(struct cm_json_value root, struct cm_cli_collateral *out,
                                  struct cm_why *why)
{
    for (size_t i = 0; i < PARTS; i++) {
        const struct part *p = &parts[i];
        struct cm_json_value v = cm_json_get(root, p->member);
        struct cm_json_value signature = {NULL, 0};
        struct cm_span *text = place(&out->col, i);
        enum cm_status st = CM_OK;

        if (v.doc == NULL && p->other != NULL) {
            v = cm_json_get(root, p->other);
        }
        if (v.doc == NULL || cm_json_is(v, CM_JSON_NULL)) {
            if (p->optional) {
                continue;
            }
            cm_why_set(why, "the bundle has no member \"%s\"", p->member);
            return CM_ERR_NOTFOUND;
        }
        if (p->signature != NULL) {
            signature = cm_json_get(root, p->signature);
        }
        st = text_of(v, out, text);
        if (st == CM_OK && signature.doc != NULL) {
            st = wrap(p, signature, out, text);
        }
        if (st != CM_OK) {
            cm_why_set(why, "the bundle's member \"%s\" is not what it should be", p->member);
            return st == CM_ERR_NOMEM ? st : CM_ERR_FORMAT;
        }
    }
    return CM_OK;
}

static enum cm_status from_bundle(const char *path, struct cm_cli_collateral *out,
                                  struct cm_why *why)
{
    struct cm_json_node *nodes = NULL;
    struct cm_json doc;
    uint8_t *text = NULL;
    size_t len = 0;
    enum cm_status st = CM_OK;

    CM_TRY(cm_file_read(path, BUNDLE_MAX, &text, &len, why));
    nodes = malloc((len / 2 + 2) * sizeof(*nodes));
    if (nodes == NULL) {
        st = CM_ERR_NOMEM;
        goto out;
    }
    CM_TRY(cm_json_parse(cm_span_make(text, len), nodes, len / 2 + 2, &doc, why));
    CM_TRY(from_object(cm_json_root(&doc), out, why));
out:
    free(nodes);
    free(text);
    return st;
}

enum cm_status cm_cli_collateral_load(const char *path, struct cm_cli_collateral *out,
                                      struct cm_why *why)
{
    struct stat sb;

    memset(out, 0, sizeof(*out));
    if (stat(path, &sb) != 0) {
        cm_why_set(why, "%s: no such file or folder", path);
        return CM_ERR_NOTFOUND;
    }
    return S_ISDIR(sb.st_mode) ? from_folder(path, out, why) : from_bundle(path, out, why);
}

void cm_cli_collateral_free(struct cm_cli_collateral *c)
{
    for (size_t i = 0; i < c->owned_count; i++) {
        free(c->owned[i]);
    }
    memset(c, 0, sizeof(*c));
}
