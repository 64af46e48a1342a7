/* See nvkit.h. */
#include "nvkit.h"

#include <openssl/ecdsa.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void must(bool ok, const char *what)
{
    if (!ok) {
        (void)fprintf(stderr, "nvkit: %s failed\n", what);
        exit(1);
    }
}

void nv_digest(unsigned device, unsigned index, uint8_t out[48])
{
    char text[32] = "";

    (void)snprintf(text, sizeof(text), "device %u, block %u", device, index);
    (void)SHA384((const unsigned char *)text, strlen(text), out);
}

static const struct nv_field usual[] = {
    {6, "\x00\xa5\x00\x96\x01\x00\x00\x00", 8},  {3, "590.12", 7},    {11, "\xaa", 1},
    {12, "\x01\x00\x00\x00\x02\x00\x00\x00", 8}, {36, "\x02\x00", 2}, {21, "\xaa", 1}};

void nv_defaults(struct nv_spec *s)
{
    memset(s, 0, sizeof(*s));
    s->cn = "GH100 A01 GSP FMC LF";
    s->blocks = 40;
    memset(s->nonce, 0x4e, sizeof(s->nonce));
    memset(s->fwid, 0xf1, sizeof(s->fwid));
    memcpy(s->fields, usual, sizeof(usual));
    s->fields[6] = (struct nv_field){20, s->fwid, 48}; /* points into the caller's specification */
}

static size_t put(uint8_t *at, const void *bytes, size_t len)
{
    memcpy(at, bytes, len);
    return len;
}

/* DER of the DICE extension around a firmware's digest. */
static size_t fwid_extension(const struct nv_spec *s, uint8_t *out)
{
    static const uint8_t oid_sha384[] = {0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65,
                                         0x03, 0x04, 0x02, 0x02, 0x04, 0x30};
    uint8_t fwid[80] = {0x30, sizeof(oid_sha384) + 48};
    size_t n = 2;
    size_t at = 2;

    n += put(fwid + n, oid_sha384, sizeof(oid_sha384));
    n += put(fwid + n, s->fwid, 48);
    out[0] = 0x30;
    if (s->fwid_form == 0) { /* version, a key (here: empty), FWID */
        at += put(out + at, "\x02\x01\x01\x30\x00", 5);
        at += put(out + at, fwid, n);
        out[1] = (uint8_t)(at - 2);
    } else { /* as Blackwell: vendor, model, ... index, two fwids of which the first counts, flags */
        at = 3;
        at += put(out + at,
                  "\x80\x06"
                  "NVIDIA"
                  "\x81\x01"
                  "G"
                  "\x83\x01\x02\x85\x01\x00",
                  17);
        out[at++] = 0xa6;
        out[at++] = (uint8_t)(2 * n);
        at += put(out + at, fwid, n);
        memset(fwid + n - 48, 0, 48);
        at += put(out + at, fwid, n);
        at += put(out + at, "\x87\x05\x00\x80\x00\x00\x01", 7);
        out[1] = 0x81;
        out[2] = (uint8_t)(at - 3);
    }
    return at;
}

static void add_pem(struct nv_device *out, const struct ck_cert *c)
{
    static uint8_t der[4096];
    size_t len = ck_cert(c, der, sizeof(der));

    out->chain_len += ck_pem((struct cm_span){der, len}, out->chain + out->chain_len,
                             sizeof(out->chain) - out->chain_len);
}

static EVP_PKEY *root_key(void)
{
    return ck_key("p384", 7);
}

static void make_chain(const struct nv_spec *s, struct nv_device *out)
{
    uint8_t ext[256];
    char brom[32] = "";
    EVP_PKEY *leaf = ck_key("p384", s->device);
    EVP_PKEY *mid = ck_key("p384", 6);
    struct ck_cert c = {.subject = s->cn,
                        .issuer = brom,
                        .key = leaf,
                        .signer = ck_key("p384", 4),
                        .md = EVP_sha384(),
                        .to = s->leaf_to,
                        .ca = s->leaf_is_ca,
                        .serial = 100 + s->device,
                        .no_constraints = !s->leaf_is_ca,
                        .usage = "critical,digitalSignature",
                        .identifiers = true};

    (void)snprintf(brom, sizeof(brom), "GH100 BROM %u", s->device);
    if (s->fwid_form < 2) {
        c.exts[0] = (struct ck_ext){s->fwid_form == 0 ? "2.23.133.5.4.1" : "2.23.133.5.4.1.1",
                                    false, ext, fwid_extension(s, ext)};
    }
    out->chain_len = 0;
    add_pem(out, &c);
    c = (struct ck_cert){.subject = brom,
                         .issuer = "NVIDIA Test ICA",
                         .key = ck_key("p384", 4),
                         .signer = mid,
                         .md = EVP_sha384(),
                         .serial = 0x4100 + s->device,
                         .ca = true,
                         .usage = "critical,keyCertSign",
                         .identifiers = true};
    add_pem(out, &c);
    c = (struct ck_cert){.subject = "NVIDIA Test ICA",
                         .issuer = "NVIDIA Test Root",
                         .key = mid,
                         .signer = root_key(),
                         .md = EVP_sha384(),
                         .serial = 2,
                         .ca = true,
                         .usage = "critical,keyCertSign,cRLSign",
                         .identifiers = true};
    add_pem(out, &c);
    c.subject = "NVIDIA Test Root";
    c.key = root_key();
    c.serial = 1;
    add_pem(out, &c);
}

const struct cm_trust_root *nv_root(void)
{
    static struct cm_trust_root root = {"nvidia", "the test's root", {0}, false};

    ck_spki_sha256(root_key(), root.spki_sha256);
    return &root;
}

static size_t opaque(const struct nv_spec *s, uint8_t *out)
{
    size_t at = 0;

    if (s->header) {
        at += put(out, "NVDAOD\x00\x00\x01\x00\x00\x00", 12);
    }
    for (size_t i = 0; s->fields[i].len != 0; i++) {
        out[at++] = (uint8_t)s->fields[i].type;
        out[at++] = (uint8_t)(s->fields[i].type >> 8);
        if (s->header) {
            out[at++] = 0x81;
            out[at++] = 0;
        }
        out[at++] = (uint8_t)s->fields[i].len;
        out[at++] = (uint8_t)(s->fields[i].len >> 8);
        at += put(out + at, s->fields[i].bytes, s->fields[i].len);
    }
    return at;
}

static void sign(const struct nv_spec *s, struct nv_device *out)
{
    EVP_PKEY *key = s->sign_with != NULL ? ck_key(s->sign_with, 0) : ck_key("p384", s->signer);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    uint8_t der[160];
    const uint8_t *p = der;
    size_t len = sizeof(der);
    ECDSA_SIG *sig = NULL;

    must(ctx != NULL && EVP_DigestSignInit(ctx, NULL, EVP_sha384(), NULL, key) == 1 &&
             EVP_DigestSign(ctx, der, &len, out->report, out->report_len) == 1,
         "signature");
    sig = d2i_ECDSA_SIG(NULL, &p, (long)len);
    must(sig != NULL &&
             BN_bn2binpad(ECDSA_SIG_get0_r(sig), out->report + out->report_len, 48) == 48 &&
             BN_bn2binpad(ECDSA_SIG_get0_s(sig), out->report + out->report_len + 48, 48) == 48,
         "raw signature");
    out->report_len += 96;
    ECDSA_SIG_free(sig);
    EVP_MD_CTX_free(ctx);
}

void nv_make(const struct nv_spec *s, struct nv_device *out)
{
    uint8_t *r = out->report;
    size_t at = 0;
    size_t lens = 0;
    size_t blocks = 0;
    size_t n = 0;

    memset(out, 0, sizeof(*out));
    make_chain(s, out);
    at += put(r + at, "\x11\xe0\x01\xff", 4);
    at += put(r + at, s->nonce, 32);
    r[at++] = 0;
    at += put(r + at, "\x11\x60\x00\x00", 4);
    r[at++] = (uint8_t)s->blocks;
    lens = at;
    at += 3;
    blocks = at;
    for (unsigned i = 1; i <= s->blocks; i++) {
        at += put(r + at, (uint8_t[]){(uint8_t)i, 1, 51, 0, 1, 48, 0}, 7);
        if ((int)i == s->raw_block) {
            r[at - 3] = 0x81;
        }
        nv_digest(s->device, i, r + at);
        at += 48;
    }
    blocks = at - blocks;
    r[lens] = (uint8_t)blocks;
    r[lens + 1] = (uint8_t)(blocks >> 8);
    r[lens + 2] = (uint8_t)(blocks >> 16);
    memset(r + at, 0x52, 32);
    at += 32;
    n = opaque(s, r + at + 2);
    r[at] = (uint8_t)n;
    r[at + 1] = (uint8_t)(n >> 8);
    out->report_len = at + 2 + n;
    sign(s, out);
}

static size_t base64(const void *bytes, size_t len, char *out)
{
    return (size_t)EVP_EncodeBlock((unsigned char *)out, bytes, (int)len);
}

size_t nv_json(const struct nv_device *devices, size_t count, const char *members, char *out,
               size_t cap)
{
    size_t at = 0;

    must(cap > count * 40000, "room for JSON");
    out[at++] = '[';
    for (size_t i = 0; i < count; i++) {
        at += (size_t)sprintf(out + at, "%s{%s,\"certificate\":\"", i == 0 ? "" : ",", members);
        at += base64(devices[i].chain, devices[i].chain_len, out + at);
        at += (size_t)sprintf(out + at, "\",\"evidence\":\"");
        at += base64(devices[i].report, devices[i].report_len, out + at);
        at += (size_t)sprintf(out + at, "\"}");
    }
    out[at++] = ']';
    out[at] = '\0';
    return at;
}
