/* Collateral from a folder or a JSON bundle; see collateral_files.h. Untrusted: every byte. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "collateral/collateral_files.h"
#include "common/try.h"
#include "os/os.h"
#include "token/json.h"

#define BUNDLE_MAX (4u << 20)

/* how a bundle may spell a part, beside its own name */
struct spelling {
    const char *other;     /* another name that is in use */
    const char *signature; /* a member that holds the signature apart: Phala's and Intel's form */
    const char *wrapper;   /* then: the name of the signed object */
};

static const struct spelling spellings[CM_PART_COUNT] = {
    [CM_PART_TCB_INFO] = {"tcbInfo", "tcb_info_signature", "tcbInfo"},
    [CM_PART_QE_IDENTITY] = {"enclaveIdentity", "qe_identity_signature", "enclaveIdentity"},
    [CM_PART_PCK_CHAIN] = {"pck_certificate_chain", NULL, NULL},
};

static const char *const files[CM_PART_COUNT] = {
    [CM_PART_TCB_INFO] = "tcb_info.json",
    [CM_PART_TCB_INFO_CHAIN] = "tcb_info_issuer_chain.pem",
    [CM_PART_QE_IDENTITY] = "qe_identity.json",
    [CM_PART_QE_IDENTITY_CHAIN] = "qe_identity_issuer_chain.pem",
    [CM_PART_ROOT_CA_CRL] = "root_ca_crl.der",
    [CM_PART_PCK_CRL] = "pck_crl.der",
    [CM_PART_PCK_CHAIN] = "pck_chain.pem",
};

const char *cm_part_file(enum cm_collateral_part part)
{
    return files[part];
}

static enum cm_status from_folder(const char *dir, struct cm_collateral_parts *out,
                                  struct cm_why *why)
{
    for (unsigned i = 0; i < CM_PART_COUNT; i++) {
        bool optional = i == CM_PART_PCK_CHAIN;
        char path[4096] = "";
        uint8_t *data = NULL;
        size_t len = 0;
        enum cm_status st = CM_ERR_PARAM;
        int n = snprintf(path, sizeof(path), "%s/%s", dir, files[i]);

        if (n < 0 || (size_t)n >= sizeof(path)) {
            cm_why_set(why, "the folder's name is too long");
            return CM_ERR_PARAM;
        }
        st = cm_file_read(path, CM_COLLATERAL_MAX_PART, &data, &len, optional ? NULL : why);
        if (st == CM_ERR_NOTFOUND && optional) {
            continue;
        }
        if (st == CM_OK) {
            st = cm_parts_set(out, (enum cm_collateral_part)i, cm_span_make(data, len));
        }
        free(data);
        if (st != CM_OK) {
            cm_why_set(why, "%s: %s", path, cm_status_str(st));
            return st;
        }
    }
    return CM_OK;
}

/* {"<wrapper>":<body>,"signature":"<hex>"}, as it was served before somebody took it apart. */
static enum cm_status wrap(const char *wrapper, struct cm_json_value signature, char *text,
                           size_t cap, size_t *len)
{
    char sig[132] = "";
    char head[32] = "";
    int head_len = snprintf(head, sizeof(head), "{\"%s\":", wrapper);
    int tail_len = 0;
    size_t whole = (size_t)head_len + *len;

    if (cm_json_string(signature, sig, sizeof(sig), NULL) != CM_OK || whole >= cap) {
        return CM_ERR_FORMAT;
    }
    memmove(text + head_len, text, *len);
    memcpy(text, head, (size_t)head_len);
    tail_len = snprintf(text + whole, cap - whole, ",\"signature\":\"%s\"}", sig);
    if (tail_len < 0 || (size_t)tail_len >= cap - whole) {
        return CM_ERR_FORMAT;
    }
    *len = whole + (size_t)tail_len;
    return CM_OK;
}

/* A member: a string's text, or an object as its exact bytes. */
static enum cm_status take_member(struct cm_json_value root, struct cm_json_value v,
                                  enum cm_collateral_part part, struct cm_collateral_parts *out)
{
    const struct spelling *s = &spellings[part];
    struct cm_json_value signature = {NULL, 0};
    size_t cap = cm_json_bytes(v).len + 512;
    char *text = malloc(cap);
    size_t len = 0;
    enum cm_status st = CM_OK;

    if (text == NULL) {
        return CM_ERR_NOMEM;
    }
    if (cm_json_is(v, CM_JSON_OBJECT)) {
        len = cm_json_bytes(v).len;
        memcpy(text, cm_json_bytes(v).ptr, len);
    } else {
        CM_TRY(cm_json_string(v, text, cap, &len));
    }
    if (s->signature != NULL) {
        signature = cm_json_get(root, s->signature);
    }
    if (signature.doc != NULL) {
        CM_TRY(wrap(s->wrapper, signature, text, cap, &len));
    }
    CM_TRY(cm_parts_set(out, part, cm_span_make(text, len)));
out:
    free(text);
    return st;
}

static enum cm_status from_object(struct cm_json_value root, struct cm_collateral_parts *out,
                                  struct cm_why *why)
{
    for (unsigned i = 0; i < CM_PART_COUNT; i++) {
        const enum cm_collateral_part part = (enum cm_collateral_part)i;
        struct cm_json_value v = cm_json_get(root, cm_part_name(part));
        enum cm_status st = CM_OK;

        if (v.doc == NULL && spellings[i].other != NULL) {
            v = cm_json_get(root, spellings[i].other);
        }
        if (v.doc == NULL || cm_json_is(v, CM_JSON_NULL)) {
            if (part == CM_PART_PCK_CHAIN) {
                continue;
            }
            cm_why_set(why, "the bundle has no member \"%s\"", cm_part_name(part));
            return CM_ERR_NOTFOUND;
        }
        st = take_member(root, v, part, out);
        if (st != CM_OK) {
            cm_why_set(why, "the bundle's member \"%s\" is not what it should be",
                       cm_part_name(part));
            return st == CM_ERR_NOMEM || st == CM_ERR_LIMIT ? st : CM_ERR_FORMAT;
        }
    }
    return CM_OK;
}

static enum cm_status read_bundle(struct cm_span text, struct cm_collateral_parts *out,
                                  struct cm_why *why)
{
    const size_t max = text.len / 2 + 2;
    struct cm_json_node *nodes = malloc(max * sizeof(*nodes));
    struct cm_json doc;
    enum cm_status st = CM_OK;

    if (nodes == NULL) {
        return CM_ERR_NOMEM;
    }
    CM_TRY(cm_json_parse(text, nodes, max, &doc, why));
    CM_TRY(from_object(cm_json_root(&doc), out, why));
out:
    free(nodes);
    return st;
}

enum cm_status cm_parts_read(struct cm_span text, struct cm_collateral_parts **out,
                             struct cm_why *why)
{
    struct cm_collateral_parts *parts = NULL;
    enum cm_status st = CM_OK;

    *out = NULL;
    if (text.len > BUNDLE_MAX) {
        cm_why_set(why, "the bundle is too large");
        return CM_ERR_LIMIT;
    }
    CM_TRY(cm_parts_create(&parts));
    CM_TRY(read_bundle(text, parts, why));
    *out = parts;
    parts = NULL;
out:
    cm_parts_free(parts);
    return st;
}

static enum cm_status from_bundle(const char *path, struct cm_collateral_parts *out,
                                  struct cm_why *why)
{
    uint8_t *text = NULL;
    size_t len = 0;
    enum cm_status st = CM_OK;

    CM_TRY(cm_file_read(path, BUNDLE_MAX, &text, &len, why));
    CM_TRY(read_bundle(cm_span_make(text, len), out, why));
out:
    free(text);
    return st;
}

enum cm_status cm_parts_load(const char *path, struct cm_collateral_parts **out, struct cm_why *why)
{
    struct cm_collateral_parts *parts = NULL;
    enum cm_status st = CM_OK;
    struct stat sb;

    *out = NULL;
    if (stat(path, &sb) != 0) {
        cm_why_set(why, "%s: no such file or folder", path);
        return CM_ERR_NOTFOUND;
    }
    CM_TRY(cm_parts_create(&parts));
    CM_TRY(S_ISDIR(sb.st_mode) ? from_folder(path, parts, why) : from_bundle(path, parts, why));
    *out = parts;
    parts = NULL;
out:
    cm_parts_free(parts);
    return st;
}
