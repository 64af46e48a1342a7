/*
 * A whole verification: a good quote and good collateral of our own hierarchy, with the input's
 * changes in the quote. Each change is four bytes: offset (little endian, modulo the length), what
 * to exclude-or, and a kind (the first byte modulo 4: quote v3, v4 TDX, v5 TDX, v5 SGX). Whatever is
 * changed, CM_OK must never come back while a signed or bound byte differs.
 */
#include <stdlib.h>
#include <string.h>

#include "common/span.h"
#include "evidence/quote.h"
#include "pki.h"

#define KINDS 4

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static const struct pki_bundle *bundle(unsigned kind, struct cm_dcap_cache **cache)
{
    static const unsigned kinds[KINDS][2] = {{3, 1}, {4, 2}, {5, 4}, {5, 1}};
    static struct pki_bundle *made[KINDS];
    static struct cm_dcap_cache *caches[KINDS];

    if (made[kind] == NULL) {
        struct pki_spec s;

        pki_defaults(&s, kinds[kind][0], kinds[kind][1]);
        made[kind] = pki_make(&s);
        if (cm_dcap_cache_create(1, &caches[kind]) != CM_OK) {
            abort();
        }
    }
    *cache = caches[kind];
    return made[kind];
}

/* What must be as it was for CM_OK: all but the form of the PEM text, which is compared as parsed. */
static bool signed_parts_differ(const struct pki_bundle *b, struct cm_span quote)
{
    struct cm_quote a;
    struct cm_quote c;

    return cm_quote_parse(b->quote, &a, NULL) != CM_OK ||
           cm_quote_parse(quote, &c, NULL) != CM_OK ||
           memcmp(b->quote.ptr, quote.ptr, (size_t)(a.cert_data.ptr - b->quote.ptr) - 6) != 0;
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    struct cm_dcap_cache *cache = NULL;
    const struct pki_bundle *b = NULL;
    struct cm_verify_input in = {.now = PKI_NOW, .root_count = 1};
    struct cm_evidence *ev = NULL;
    struct cm_span quote = {NULL, 0};
    uint8_t *copy = NULL;

    if (size < 1) {
        return 0;
    }
    b = bundle(data[0] % KINDS, &cache);
    in.roots = &b->root;
    copy = malloc(b->quote.len);
    if (copy == NULL) {
        return 0;
    }
    memcpy(copy, b->quote.ptr, b->quote.len);
    for (size_t i = 1; i + 3 <= size && i < 300; i += 3) {
        size_t at = data[i] | (size_t)data[i + 1] << 8;

        copy[at % b->quote.len] ^= data[i + 2];
    }
    quote = cm_span_make(copy, b->quote.len);
    if (cm_dcap_verify(quote, &b->col, &in, 0xff, cache, &ev) == CM_OK) {
        if (!cm_evidence_genuine(ev, 0) || signed_parts_differ(b, quote)) {
            abort();
        }
    } else if (ev != NULL && cm_evidence_genuine(ev, 0)) {
        abort();
    }
    cm_evidence_free(ev);
    free(copy);
    return 0;
}
