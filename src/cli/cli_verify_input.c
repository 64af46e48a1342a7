/* See cli_verify_input.h. Untrusted: the content of every file but the roots. */
#include "cli/cli_verify_input.h"

#include <stdlib.h>
#include <string.h>

#include "common/try.h"
#include "os/os.h"
#include "verify/material_kind.h"
#include "verify/unwrap.h"

#define ROOT_MAX     (1u << 20)
#define MATERIAL_MAX (64u << 20) /* firmware images are the largest */

/* A root's certificate ends the chain where the evidence has none; it is trusted for its key alone. */
static enum cm_status add_root_cert(const char *path, uint8_t **pem, size_t len,
                                    struct cm_cli_input *in)
{
    struct cm_material *m = &in->materials[in->material_count];

    if (in->material_count == CM_CLI_INPUT_MATERIALS) {
        return CM_ERR_LIMIT;
    }
    in->data[in->material_count++] = *pem;
    *m = (struct cm_material){CM_MATERIAL_CERTS, path, cm_unmarked(cm_span_make(*pem, len))};
    *pem = NULL; /* in's now */
    return CM_OK;
}

/* A root certificate from a file. */
static enum cm_status load_root(const char *path, char label[CM_ROOT_LABEL],
                                struct cm_trust_root *out, struct cm_cli_input *in,
                                struct cm_why *why)
{
    struct cm_why wrong = {""};
    uint8_t *pem = NULL;
    size_t len = 0;
    enum cm_status st = CM_OK;

    CM_TRY(cm_file_read(path, ROOT_MAX, &pem, &len, why));
    st = cm_trust_root_read(cm_unmarked(cm_span_make(pem, len)), NULL, label, out, &wrong);
    if (st == CM_ERR_FORMAT) {
        cm_why_set(why, "%s is %s", path, wrong.text);
    }
    CM_TRY(st);
    st = add_root_cert(path, &pem, len, in);
out:
    free(pem);
    return st;
}

/* The root in every family that the makers' roots have, and in those that have no maker's root. */
static enum cm_status trust(struct cm_cli_input *in, const struct cm_trust_root *root)
{
    size_t count = 0;
    const struct cm_trust_root *known = cm_verify_roots(&count);

    for (size_t i = 0; i <= count; i++) {
        const char *family = i < count ? known[i].family : cm_trust_family("tpm", 3);
        bool there = false;

        for (size_t k = 0; k < in->root_count; k++) {
            there = there || (strcmp(in->trusted[k].family, family) == 0 &&
                              memcmp(in->trusted[k].spki_sha256, root->spki_sha256, 32) == 0);
        }
        if (there) {
            continue;
        }
        if (in->root_count == CM_CLI_TRUSTED_MAX) {
            return CM_ERR_LIMIT;
        }
        in->trusted[in->root_count] = *root;
        in->trusted[in->root_count].family = family;
        in->root_count++;
    }
    return CM_OK;
}

static bool trusted_kind(enum cm_material_kind kind)
{
    return kind == CM_MATERIAL_KEY || kind == CM_MATERIAL_REFERENCE || kind == CM_MATERIAL_FIRMWARE;
}

/* Of the others every byte counts: an image may begin as a marked text does. */
static bool text_kind(enum cm_material_kind kind)
{
    return kind == CM_MATERIAL_CERTS || kind == CM_MATERIAL_CRL || kind == CM_MATERIAL_KEY ||
           kind == CM_MATERIAL_REFERENCE || kind == CM_MATERIAL_QUOTE;
}

static enum cm_status load_material(const struct cm_cli_material *from, struct cm_cli_input *in,
                                    struct cm_why *why)
{
    struct cm_material *m = &in->materials[in->material_count];
    uint8_t **data = &in->data[in->material_count];
    size_t len = 0;
    enum cm_status st = cm_file_read(from->path, MATERIAL_MAX, data, &len, why);

    if (st != CM_OK) {
        return st;
    }
    in->material_count++;
    m->name = from->path;
    m->bytes = cm_span_make(*data, len);
    m->kind = from->kind;
    if (!from->by_content) {
        m->bytes = text_kind(m->kind) ? cm_unmarked(m->bytes) : m->bytes;
        return CM_OK;
    }
    m->bytes = cm_unmarked(m->bytes);
    if (!cm_material_recognise(m->bytes, &m->kind)) {
        cm_why_set(why, "%s: cannot tell what this is; say so: --with KIND:%s", from->path,
                   from->path);
        return CM_ERR_PARAM;
    }
    if (trusted_kind(m->kind)) {
        cm_why_set(
            why, "%s: looks like a %s, which would be trusted: if it is to be, give it with --%s",
            from->path, m->kind == CM_MATERIAL_KEY ? "public key" : "set of reference values",
            cm_material_word(m->kind));
        return CM_ERR_PARAM;
    }
    return CM_OK;
}

enum cm_status cm_cli_input_load(const struct cm_cli_verify *v, struct cm_cli_input *out,
                                 struct cm_why *why)
{
    enum cm_status st = CM_OK;

    for (size_t i = 0; i < v->with_count; i++) {
        CM_TRY(load_material(&v->with[i], out, why));
    }
    for (size_t i = 0; i < v->root_count; i++) { /* last: the first certificate may be a key's */
        struct cm_trust_root root = {0};

        CM_TRY(load_root(v->roots[i], out->labels[i], &root, out, why));
        CM_TRY(trust(out, &root));
    }
    out->roots = out->trusted;
    if (v->root_count == 0) {
        out->roots = cm_verify_roots(&out->root_count);
    }
out:
    return st;
}

void cm_cli_input_free(struct cm_cli_input *in)
{
    for (size_t i = 0; i < in->material_count; i++) {
        free(in->data[i]);
    }
    in->material_count = 0;
}
