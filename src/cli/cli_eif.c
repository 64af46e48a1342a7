/* Enclave image files; see cli_eif.h. Untrusted: images that are read. The key is wiped. */
#include "cli/cli_eif.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/hex.h"
#include "common/try.h"
#include "common/wipe.h"
#include "nitro/eif.h"
#include "os/os.h"
#include "token/json.h"

#define MAX_PEM      65536
#define MAX_METADATA (1u << 20)
#define MAX_JSON     (1u << 17)
#define MAX_NODES    4096

/* A file in memory. */
struct loaded {
    uint8_t *bytes;
    size_t len;
};

static enum cm_status load(const char *path, size_t max, struct loaded *out, struct cm_why *why)
{
    return cm_file_read(path, max, &out->bytes, &out->len, why);
}

static struct cm_span span(const struct loaded *l)
{
    return cm_span_make(l->bytes, l->len);
}

static enum cm_status open_image(const char *path, struct loaded *file, struct cm_eif *eif,
                                 struct cm_why *why)
{
    enum cm_status st = CM_OK;

    CM_TRY(load(path, CM_EIF_MAX_BYTES, file, why));
    st = cm_eif_parse(span(file), eif, why);
out:
    return st;
}

struct named_pcr {
    const char *name;
    const uint8_t *value;
};

static size_t list_pcrs(const struct cm_eif_pcrs *pcrs, struct named_pcr out[4])
{
    out[0] = (struct named_pcr){"PCR0", pcrs->pcr0};
    out[1] = (struct named_pcr){"PCR1", pcrs->pcr1};
    out[2] = (struct named_pcr){"PCR2", pcrs->pcr2};
    out[3] = (struct named_pcr){"PCR8", pcrs->pcr8};
    return pcrs->is_signed ? 4 : 3;
}

static void json_pcrs(struct cm_json_wr *w, const struct cm_eif_pcrs *pcrs)
{
    struct named_pcr list[4];
    const size_t count = list_pcrs(pcrs, list);

    cm_json_wr_object(w);
    cm_json_wr_name(w, "HashAlgorithm");
    cm_json_wr_str(w, "Sha384 { ... }"); /* as nitro-cli calls it */
    for (size_t i = 0; i < count; i++) {
        char hex[2 * CM_EIF_PCR_SIZE + 1] = "";

        cm_hex_encode(cm_span_make(list[i].value, CM_EIF_PCR_SIZE), CM_HEX_LOWER, hex);
        cm_json_wr_name(w, list[i].name);
        cm_json_wr_str(w, hex);
    }
    cm_json_wr_end(w);
}

static enum cm_status print_json(const struct cm_json_wr *w, const char *text, FILE *out)
{
    size_t len = 0;
    enum cm_status st = cm_json_wr_finish(w, &len);

    if (st == CM_OK && fprintf(out, "%.*s\n", (int)len, text) < 0) {
        st = CM_ERR_IO;
    }
    return st;
}

static enum cm_status print_pcrs(const struct cm_eif_pcrs *pcrs, bool json, FILE *out)
{
    struct named_pcr list[4];
    const size_t count = list_pcrs(pcrs, list);
    char text[1024] = "";
    struct cm_json_wr w = cm_json_wr_init(text, sizeof(text));

    if (json) {
        json_pcrs(&w, pcrs);
        return print_json(&w, text, out);
    }
    for (size_t i = 0; i < count; i++) {
        char hex[2 * CM_EIF_PCR_SIZE + 1] = "";

        cm_hex_encode(cm_span_make(list[i].value, CM_EIF_PCR_SIZE), CM_HEX_LOWER, hex);
        if (fprintf(out, "%s %s\n", list[i].name, hex) < 0) {
            return CM_ERR_IO;
        }
    }
    return CM_OK;
}

static enum cm_status measure_and_print(const struct cm_eif *eif, FILE *out, struct cm_why *why)
{
    struct cm_eif_pcrs pcrs;
    enum cm_status st = CM_OK;

    CM_TRY(cm_eif_measure(eif, &pcrs, why));
    st = print_pcrs(&pcrs, false, out);
out:
    return st;
}

enum cm_status cm_cli_eif_pcrs(const char *path, bool json, FILE *out, struct cm_why *why)
{
    struct cm_eif_pcrs pcrs;
    struct loaded file = {0};
    struct cm_eif eif;
    enum cm_status st = CM_OK;

    CM_TRY(open_image(path, &file, &eif, why));
    CM_TRY(cm_eif_measure(&eif, &pcrs, why));
    st = print_pcrs(&pcrs, json, out);
out:
    free(file.bytes);
    return st;
}

/* ---- describe */

static const char *type_name(enum cm_eif_type type)
{
    switch (type) {
    case CM_EIF_KERNEL:
        return "kernel";
    case CM_EIF_CMDLINE:
        return "cmdline";
    case CM_EIF_RAMDISK:
        return "ramdisk";
    case CM_EIF_SIGNATURE:
        return "signature";
    case CM_EIF_METADATA:
        return "metadata";
    }
    return "";
}

/* An image with all that describe says about it. */
struct described {
    const struct cm_eif *eif;
    struct cm_eif_pcrs pcrs;
    struct cm_cert_facts signer;
    enum cm_status signature; /* CM_ERR_NOTFOUND: none */
    struct cm_why signature_why;
    struct cm_span metadata; /* JSON; empty: none, or no JSON */
};

static void date(uint64_t t, char out[24])
{
    time_t s = (time_t)t;
    struct tm tm = {0};

    if (gmtime_r(&s, &tm) == NULL || strftime(out, 24, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0) {
        (void)snprintf(out, 24, "%" PRIu64, t);
    }
}

static bool is_json(struct cm_span text)
{
    struct cm_json_node *nodes = calloc(MAX_NODES, sizeof(*nodes));
    struct cm_json doc;
    bool ok = nodes != NULL && cm_json_parse(text, nodes, MAX_NODES, &doc, NULL) == CM_OK;

    free(nodes);
    return ok;
}

static enum cm_status describe_json(const struct described *d, FILE *out)
{
    const size_t cap = MAX_JSON + MAX_METADATA;
    char *text = malloc(cap);
    struct cm_json_wr w = cm_json_wr_init(text, text == NULL ? 0 : cap);
    char from[24] = "";
    char to[24] = "";
    enum cm_status st = CM_OK;

    if (text == NULL) {
        return CM_ERR_NOMEM;
    }
    cm_json_wr_object(&w);
    cm_json_wr_name(&w, "EifVersion");
    cm_json_wr_u64(&w, d->eif->version);
    cm_json_wr_name(&w, "Architecture");
    cm_json_wr_str(&w, (d->eif->flags & CM_EIF_ARM64) != 0 ? "aarch64" : "x86_64");
    cm_json_wr_name(&w, "Measurements");
    json_pcrs(&w, &d->pcrs);
    cm_json_wr_name(&w, "CheckCRC");
    cm_json_wr_bool(&w, true);
    cm_json_wr_name(&w, "IsSigned");
    cm_json_wr_bool(&w, d->pcrs.is_signed);
    if (d->pcrs.is_signed) {
        date(d->signer.not_before, from);
        date(d->signer.not_after, to);
        cm_json_wr_name(&w, "SignatureCheck");
        cm_json_wr_bool(&w, d->signature == CM_OK);
        cm_json_wr_name(&w, "SigningCertificate");
        cm_json_wr_object(&w);
        cm_json_wr_name(&w, "Subject");
        cm_json_wr_str(&w, d->signer.subject);
        cm_json_wr_name(&w, "NotBefore");
        cm_json_wr_str(&w, from);
        cm_json_wr_name(&w, "NotAfter");
        cm_json_wr_str(&w, to);
        cm_json_wr_end(&w);
    }
    if (d->metadata.len != 0) {
        cm_json_wr_name(&w, "Metadata");
        cm_json_wr_raw(&w, d->metadata);
    }
    cm_json_wr_end(&w);
    st = print_json(&w, text, out);
    free(text);
    return st;
}

static enum cm_status describe_text(const struct described *d, FILE *out)
{
    char from[24] = "";
    char to[24] = "";
    enum cm_status st = CM_OK;

    (void)fprintf(out, "version %u, %s, %" PRIu64 " bytes of memory, %" PRIu64 " processors\n",
                  d->eif->version, (d->eif->flags & CM_EIF_ARM64) != 0 ? "aarch64" : "x86_64",
                  d->eif->default_memory, d->eif->default_cpus);
    for (size_t i = 0; i < d->eif->section_count; i++) {
        const struct cm_eif_section *s = &d->eif->sections[i];

        (void)fprintf(out, "section %zu: %s, %zu bytes\n", i, type_name(s->type), s->data.len);
    }
    CM_TRY(print_pcrs(&d->pcrs, false, out));
    if (!d->pcrs.is_signed) {
        (void)fprintf(out, "not signed\n");
    } else {
        date(d->signer.not_before, from);
        date(d->signer.not_after, to);
        (void)fprintf(out, "signature: %s\nsigner: %s, valid from %s to %s\n",
                      d->signature == CM_OK ? "good" : "BAD", d->signer.subject, from, to);
    }
    if (d->metadata.len != 0) {
        (void)fprintf(out, "metadata: %.*s\n", (int)d->metadata.len, (const char *)d->metadata.ptr);
    }
    st = ferror(out) != 0 ? CM_ERR_IO : CM_OK;
out:
    return st;
}

enum cm_status cm_cli_eif_describe(const char *path, bool json, FILE *out, struct cm_why *why)
{
    const struct cm_eif_section *metadata = NULL;
    struct loaded file = {0};
    struct described d = {0};
    struct cm_eif eif;
    enum cm_status st = CM_OK;

    CM_TRY(open_image(path, &file, &eif, why));
    d.eif = &eif;
    CM_TRY(cm_eif_measure(&eif, &d.pcrs, why));
    d.signature = cm_eif_verify(&eif, 0, &d.signer, &d.signature_why);
    metadata = cm_eif_find(&eif, CM_EIF_METADATA);
    if (metadata != NULL && metadata->data.len <= MAX_METADATA && is_json(metadata->data)) {
        d.metadata = metadata->data;
    }
    CM_TRY(json ? describe_json(&d, out) : describe_text(&d, out));
    if (d.signature != CM_OK && d.signature != CM_ERR_NOTFOUND) {
        st = d.signature;
        cm_why_set(why, "%s: the signature is bad: %s", path,
                   d.signature_why.text[0] != '\0' ? d.signature_why.text : cm_status_str(st));
    }
out:
    cm_cert_facts_free(&d.signer);
    free(file.bytes);
    return st;
}

/* ---- sign, build */

static enum cm_status load_key(const char *path, struct cm_privkey **out, struct cm_why *why)
{
    struct loaded pem = {0};
    enum cm_status st = CM_OK;

    CM_TRY(load(path, MAX_PEM, &pem, why));
    st = cm_privkey_from_pem(span(&pem), out);
    if (st != CM_OK) {
        cm_why_set(why, "%s: not a private key in PEM that is not encrypted", path);
    }
out:
    cm_wipe(pem.bytes, pem.len);
    free(pem.bytes);
    return st;
}

/* Put a new signature section behind the others; *section is the caller's to free. */
static enum cm_status add_signature(struct cm_eif *eif, const char *certificate,
                                    const char *key_path, uint8_t **section, struct cm_why *why)
{
    struct loaded pem = {0};
    struct cm_privkey *key = NULL;
    size_t len = 0;
    size_t kept = 0;
    enum cm_status st = CM_OK;

    for (size_t i = 0; i < eif->section_count; i++) {
        if (eif->sections[i].type != CM_EIF_SIGNATURE) {
            eif->sections[kept++] = eif->sections[i];
        }
    }
    eif->section_count = kept;
    if (kept == CM_EIF_MAX_SECTIONS) {
        cm_why_set(why, "no room for a signature beside %d sections", CM_EIF_MAX_SECTIONS);
        return CM_ERR_LIMIT;
    }
    CM_TRY(load(certificate, MAX_PEM, &pem, why));
    CM_TRY(load_key(key_path, &key, why));
    CM_TRY(cm_eif_sign(eif, span(&pem), key, section, &len, why));
    eif->sections[kept].type = CM_EIF_SIGNATURE;
    eif->sections[kept].flags = 0;
    eif->sections[kept].data = cm_span_make(*section, len);
    eif->section_count++;
out:
    cm_privkey_free(key);
    free(pem.bytes);
    return st;
}

static enum cm_status write_image(const struct cm_eif *eif, const char *path, FILE *out,
                                  struct cm_why *why)
{
    uint8_t *bytes = NULL;
    size_t len = 0;
    enum cm_status st = CM_OK;

    CM_TRY(cm_eif_write(eif, &bytes, &len, why));
    CM_TRY(cm_file_write_atomic(path, cm_span_make(bytes, len), 0666, why));
    st = measure_and_print(eif, out, why);
out:
    free(bytes);
    return st;
}

enum cm_status cm_cli_eif_sign(const char *path, const char *certificate, const char *key,
                               const char *output, FILE *out, struct cm_why *why)
{
    struct loaded file = {0};
    uint8_t *section = NULL;
    struct cm_eif eif;
    enum cm_status st = CM_OK;

    CM_TRY(open_image(path, &file, &eif, why));
    CM_TRY(add_signature(&eif, certificate, key, &section, why));
    st = write_image(&eif, output != NULL ? output : path, out, why);
out:
    free(section);
    free(file.bytes);
    return st;
}

/* Metadata as AWS's tools expect them; nothing of them is measured. */
static enum cm_status make_metadata(const struct cm_cli_eif_parts *p, struct loaded *out)
{
    static const char *const unknown[] = {"OperatingSystem", "KernelVersion"};
    struct cm_json_wr w;
    char built[24] = "";
    enum cm_status st = CM_OK;

    out->bytes = malloc(MAX_JSON);
    if (out->bytes == NULL) {
        return CM_ERR_NOMEM;
    }
    date(p->build_time, built);
    w = cm_json_wr_init(out->bytes, MAX_JSON);
    cm_json_wr_object(&w);
    cm_json_wr_name(&w, "ImageName");
    cm_json_wr_str(&w, p->name != NULL ? p->name : "");
    cm_json_wr_name(&w, "ImageVersion");
    cm_json_wr_str(&w, p->image_version != NULL ? p->image_version : "");
    cm_json_wr_name(&w, "BuildMetadata");
    cm_json_wr_object(&w);
    cm_json_wr_name(&w, "BuildTime");
    cm_json_wr_str(&w, built);
    cm_json_wr_name(&w, "BuildTool");
    cm_json_wr_str(&w, "casemate");
    cm_json_wr_name(&w, "BuildToolVersion");
    cm_json_wr_str(&w, "");
    for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
        cm_json_wr_name(&w, unknown[i]);
        cm_json_wr_str(&w, "");
    }
    cm_json_wr_end(&w);
    cm_json_wr_name(&w, "DockerInfo");
    cm_json_wr_null(&w);
    cm_json_wr_name(&w, "CustomMetadata");
    cm_json_wr_null(&w);
    cm_json_wr_end(&w);
    st = cm_json_wr_finish(&w, &out->len);
    return st;
}

static void add_section(struct cm_eif *eif, enum cm_eif_type type, struct cm_span data)
{
    struct cm_eif_section *s = &eif->sections[eif->section_count++];

    s->type = type;
    s->flags = 0;
    s->data = data;
}

static enum cm_status load_metadata(const struct cm_cli_eif_parts *p, struct loaded *out,
                                    struct cm_why *why)
{
    enum cm_status st = CM_OK;

    if (p->metadata == NULL) {
        return make_metadata(p, out);
    }
    CM_TRY(load(p->metadata, MAX_METADATA, out, why));
    if (!is_json(span(out))) {
        cm_why_set(why, "%s: not JSON", p->metadata);
        st = CM_ERR_SYNTAX;
    }
out:
    return st;
}

enum cm_status cm_cli_eif_build(const struct cm_cli_eif_parts *parts, FILE *out, struct cm_why *why)
{
    struct loaded files[2 + CM_CLI_EIF_RAMDISKS] = {{0}};
    struct cm_eif eif = {.default_memory = parts->memory, .default_cpus = parts->cpus};
    uint8_t *section = NULL;
    enum cm_status st = CM_OK;

    if (parts->ramdisk_count == 0 || parts->ramdisk_count > CM_CLI_EIF_RAMDISKS) {
        return CM_ERR_PARAM;
    }
    eif.flags = parts->arm64 ? CM_EIF_ARM64 : 0;
    CM_TRY(load(parts->kernel, CM_EIF_MAX_BYTES, &files[0], why));
    CM_TRY(load_metadata(parts, &files[1], why));
    /* in the order of AWS's builder: who loads images knows no other */
    add_section(&eif, CM_EIF_KERNEL, span(&files[0]));
    add_section(&eif, CM_EIF_CMDLINE, cm_span_make(parts->cmdline, strlen(parts->cmdline)));
    add_section(&eif, CM_EIF_METADATA, span(&files[1]));
    for (size_t i = 0; i < parts->ramdisk_count; i++) {
        CM_TRY(load(parts->ramdisks[i], CM_EIF_MAX_BYTES, &files[2 + i], why));
        add_section(&eif, CM_EIF_RAMDISK, span(&files[2 + i]));
    }
    if (parts->certificate != NULL) {
        CM_TRY(add_signature(&eif, parts->certificate, parts->key, &section, why));
    }
    st = write_image(&eif, parts->output, out, why);
out:
    free(section);
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        free(files[i].bytes);
    }
    return st;
}
