/*
 * Writes bundles of the tests' own hierarchy into a folder, one a kind, for the tests of the tools:
 * pki_files DIR makes DIR/<kind>/ with quote, collateral, root.pem, and two JSON bundles.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "pki.h"

static void text(FILE *f, const char *name, struct cm_span s, const char *end)
{
    (void)fprintf(f, "\"%s\":\"", name);
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] == '\n') {
            (void)fputs("\\n", f);
        } else if (s.ptr[i] == '"') {
            (void)fputs("\\\"", f);
        } else {
            (void)fputc(s.ptr[i], f);
        }
    }
    (void)fprintf(f, "\"%s", end);
}

static void hex(FILE *f, const char *name, struct cm_span s, const char *end)
{
    (void)fprintf(f, "\"%s\":\"", name);
    for (size_t i = 0; i < s.len; i++) {
        (void)fprintf(f, "%02x", s.ptr[i]);
    }
    (void)fprintf(f, "\"%s", end);
}

static void common_members(FILE *f, const struct cm_dcap_collateral *c)
{
    text(f, "tcb_info_issuer_chain", c->tcb_info_chain, ",");
    text(f, "qe_identity_issuer_chain", c->qe_identity_chain, ",");
    hex(f, "root_ca_crl", c->root_ca_crl, ",");
    hex(f, "pck_crl", c->pck_crl, "}\n");
}

/* The signed object and its signature apart, as some services hand them out. */
static void apart(FILE *f, const char *name, const char *signature, struct cm_span s)
{
    const char *whole = (const char *)s.ptr;
    const char *body = strchr(whole, ':') + 1;
    const char *sig = strstr(whole, ",\"signature\":\"");
    struct cm_span b = {(const uint8_t *)body, (size_t)(sig - body)};
    struct cm_span v = {(const uint8_t *)sig + 14, 128};

    text(f, name, b, ",");
    text(f, signature, v, ",");
}

static void bundles(const struct pki_bundle *b, const char *dir)
{
    char path[512] = "";
    FILE *f = NULL;

    (void)snprintf(path, sizeof(path), "%s/bundle.json", dir);
    f = fopen(path, "wb");
    pki_must(f != NULL, path);
    (void)fprintf(f, "{\"tcb_info\":%s,\"qe_identity\":%s,", (const char *)b->col.tcb_info.ptr,
                  (const char *)b->col.qe_identity.ptr);
    common_members(f, &b->col);
    pki_must(fclose(f) == 0, path);
    (void)snprintf(path, sizeof(path), "%s/apart.json", dir);
    f = fopen(path, "wb");
    pki_must(f != NULL, path);
    (void)fputc('{', f);
    apart(f, "tcb_info", "tcb_info_signature", b->col.tcb_info);
    apart(f, "qe_identity", "qe_identity_signature", b->col.qe_identity);
    common_members(f, &b->col);
    pki_must(fclose(f) == 0, path);
}

static void change(struct pki_spec *s, const char *kind)
{
    if (strcmp(kind, "debug") == 0) {
        s->body[48] |= 2;
    } else if (strcmp(kind, "old") == 0) {
        s->levels[0].status = "OutOfDate";
        s->levels[0].advisory = "INTEL-SA-\xc2\x9b[31mRED"; /* a terminal's control sequence */
    } else if (strcmp(kind, "revoked") == 0) {
        s->pck_crl.revoked = s->pck.serial;
    } else if (strcmp(kind, "expired") == 0) {
        s->tcb_next = PKI_NOW - 1;
    } else if (strcmp(kind, "forged") == 0) {
        s->quote_signer = PKI_OTHER;
    } else if (strcmp(kind, "mixed") == 0) {
        s->tcb_fmspc[0] ^= 1;
    } else if (strcmp(kind, "unknown") == 0) {
        s->header[0] = 9;
    } else if (strcmp(kind, "leaf") == 0) {
        s->cert_type = 4;
        s->give_chain = true;
    } else if (strcmp(kind, "ppid") == 0) {
        s->cert_type = 1;
        s->give_chain = true;
    } else if (strcmp(kind, "emulated") == 0) {
        s->root.cn = s->root.issuer = s->ca.issuer = s->tcb.issuer = s->root_crl.issuer =
            "Test EMULATED SGX Root CA";
        s->tcb_root = s->root;
    }
}

int main(int argc, char **argv)
{
    static const struct {
        const char *kind;
        unsigned version;
        unsigned type;
    } kinds[] = {{"sgx3", 3, 1},    {"sgx4", 4, 1},     {"tdx4", 4, 2},  {"tdx5", 5, 3},
                 {"tdx5ex", 5, 4},  {"debug", 3, 1},    {"old", 3, 1},   {"revoked", 3, 1},
                 {"expired", 3, 1}, {"forged", 3, 1},   {"mixed", 3, 1}, {"unknown", 3, 1},
                 {"leaf", 3, 1},    {"emulated", 3, 1}, {"ppid", 3, 1}};

    if (argc != 2) {
        (void)fputs("usage: pki_files DIR\n", stderr);
        return 2;
    }
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        struct pki_bundle *b = NULL;
        char dir[400] = "";
        struct pki_spec s;

        pki_defaults(&s, kinds[i].version, kinds[i].type);
        change(&s, kinds[i].kind);
        b = pki_make(&s);
        (void)snprintf(dir, sizeof(dir), "%s/%s", argv[1], kinds[i].kind);
        pki_must(mkdir(dir, 0755) == 0 && pki_write(b, dir), dir);
        bundles(b, dir);
        pki_free(b);
    }
    return 0;
}
