/*
 * `casemate inspect IMAGE`: everything that the file of an enclave says, and what follows from it.
 * The file is UNTRUSTED; it is read by the code that signs and loads images.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "arch/sgx.h"
#include "cli/cli.h"
#include "cli/cli_text.h"
#include "common/try.h"
#include "image/image.h"
#include "image/scan.h"
#include "os/os.h"

#define JSON_CAP     65536U
#define WARNINGS_MAX 12U

/* all that is known about one image */
struct subject {
    const char *path;
    size_t file_size;
    struct cm_span
        module; /* the name of the shared library that is part of it; in the image's file */
    struct cm_enclave_props props;
    struct cm_plan *plan;
    uint8_t mrenclave[CM_MRENCLAVE_SIZE];
    bool has_sigstruct;
    bool signature_good;
    struct cm_sigstruct sig;
    struct cm_scan_result scan;
    struct cm_why signature_why;
    size_t warning_count;
    char warnings[WARNINGS_MAX][240];
};

static void warn(struct subject *s, const char *fmt, ...) CM_PRINTF(2, 3);

static void warn(struct subject *s, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    if (s->warning_count < WARNINGS_MAX) {
        (void)vsnprintf(s->warnings[s->warning_count], sizeof(s->warnings[0]), fmt, ap);
        s->warning_count++;
    }
    va_end(ap);
}

static bool is_measured_as_signed(const struct subject *s)
{
    return memcmp(s->sig.mrenclave, s->mrenclave, sizeof(s->mrenclave)) == 0;
}

static void judge_signature(struct subject *s)
{
    if (!s->has_sigstruct) {
        warn(s, "not signed: it loads with debugging allowed only, signed on the fly; "
                "oesign sign -e IMAGE -k KEY.pem");
    } else if (!s->signature_good) {
        warn(s, "the signature is not good: %.110s", s->signature_why.text);
    } else if (!is_measured_as_signed(s)) {
        warn(s, "the file was changed after signing: it measures otherwise than what the signer "
                "signed, and no processor starts it; sign it again if the change is yours");
    }
    if (s->signature_good && (s->sig.attrs.attributes & SGX_ATTR_PROVISIONKEY) != 0) {
        warn(s, "it asks for the provision key, which names the machine");
    }
}

static void judge(struct subject *s)
{
    judge_signature(s);
    if (cm_props_debug_allowed(&s->props)) {
        warn(s, "debugging is allowed: its memory can be read; never give it a secret. For "
                "production set Debug=0 when signing");
    }
    if (s->props.security_version == 0) {
        warn(s, "security version 0: raise it with every security fix, so that verifiers can "
                "refuse what was before");
    }
    if (!s->scan.scanned) {
        warn(s, "instructions not scanned: the file has no function symbols");
    }
    if (s->scan.errors != 0) {
        warn(s,
             "%" PRIu64 " instructions that never work inside (oesign predict -e IMAGE names "
             "them)",
             s->scan.errors);
    }
    if (s->scan.warnings != 0) {
        warn(s, "%" PRIu64 " instructions such as CPUID that fault inside on some processors",
             s->scan.warnings);
    }
}

static enum cm_status look_at_signature(struct cm_span sigstruct, struct subject *s)
{
    s->has_sigstruct = sigstruct.len != 0;
    if (!s->has_sigstruct) {
        return CM_OK;
    }
    s->signature_good = cm_sigstruct_check(sigstruct, &s->sig, &s->signature_why) == CM_OK;
    return s->signature_good ? CM_OK : cm_sigstruct_parse(sigstruct, &s->sig);
}

static enum cm_status look(const struct cm_image *image, struct subject *s, struct cm_why *why)
{
    enum cm_status st = CM_OK;

    cm_image_props(image, &s->props);
    CM_TRY(cm_props_check(&s->props, why));
    CM_TRY(cm_plan_make(image, &s->props, &s->plan, why));
    CM_TRY(cm_plan_mrenclave(s->plan, s->mrenclave));
    CM_TRY(cm_image_scan(image, NULL, NULL, &s->scan));
    CM_TRY(look_at_signature(cm_image_sigstruct(image), s));
    judge(s);
out:
    return st;
}

static const char *yes(bool b)
{
    return b ? "yes" : "no";
}

static void print_hex(FILE *out, const char *what, const uint8_t *p, size_t n)
{
    char hex[65];

    cm_cli_hex(p, n, hex);
    (void)fprintf(out, "%-18s %s\n", what, hex);
}

static void print_props(const struct subject *s, FILE *out)
{
    const struct cm_enclave_props *p = &s->props;

    (void)fprintf(out, "product            %u, security version %u\n", p->product_id,
                  p->security_version);
    if ((p->attributes & SGX_ATTR_KSS) != 0) {
        print_hex(out, "family id", p->family_id, sizeof(p->family_id));
        print_hex(out, "extended product", p->extended_product_id, sizeof(p->extended_product_id));
    }
    (void)fprintf(out, "debugging allowed  %s\n", yes(cm_props_debug_allowed(p)));
    (void)fprintf(out, "heap               %" PRIu64 " pages (%" PRIu64 " KiB)\n", p->heap_pages,
                  p->heap_pages * 4);
    (void)fprintf(out, "stack              %" PRIu64 " pages a thread (%" PRIu64 " KiB)\n",
                  p->stack_pages, p->stack_pages * 4);
    (void)fprintf(out, "threads            %" PRIu64 "\n", p->tcs_count);
    (void)fprintf(out, "page fault details %s\n", yes(p->capture_pf_gp));
    if (p->zero_base) {
        (void)fprintf(out, "zero based         image at 0x%" PRIx64 "\n", p->start_address);
    }
}

static void print_signature(const struct subject *s, FILE *out)
{
    print_hex(out, "MRENCLAVE", s->mrenclave, sizeof(s->mrenclave));
    if (!s->has_sigstruct) {
        (void)fprintf(out, "signature          none\n");
        return;
    }
    if (!is_measured_as_signed(s)) {
        print_hex(out, "signed MRENCLAVE", s->sig.mrenclave, sizeof(s->sig.mrenclave));
    }
    print_hex(out, "MRSIGNER", s->sig.mrsigner, sizeof(s->sig.mrsigner));
    (void)fprintf(out, "signature          %s, dated %08x\n",
                  !s->signature_good          ? "NOT good"
                  : !is_measured_as_signed(s) ? "NOT good: of another measurement"
                                              : "good",
                  s->sig.date);
}

static void print_regions(const struct subject *s, FILE *out)
{
    (void)fprintf(out, "\n%-12s %-12s %-4s %-9s %s\n", "offset", "bytes", "", "", "pages");
    for (size_t i = 0; i < s->plan->region_count; i++) {
        const struct cm_region *r = &s->plan->regions[i];

        if (r->thread != 0) {
            continue; /* the same as thread 0's, further up */
        }
        (void)fprintf(out, "0x%-10" PRIx64 " %-12" PRIu64 " %c%c%c  %-9s %s\n", r->offset,
                      r->length, (r->secinfo_flags & SGX_SECINFO_R) != 0 ? 'r' : '-',
                      (r->secinfo_flags & SGX_SECINFO_W) != 0 ? 'w' : '-',
                      (r->secinfo_flags & SGX_SECINFO_X) != 0 ? 'x' : '-',
                      r->measured ? "measured" : "", r->what);
    }
    if (s->plan->tcs_count > 1) {
        (void)fprintf(out,
                      "and the same for %" PRIu64 " more threads, each 0x%" PRIx64 " further\n",
                      s->plan->tcs_count - 1, s->plan->tcs_stride);
    }
}

static void print_text(const struct subject *s, FILE *out)
{
    (void)fprintf(out, "image              %s, %zu bytes\n", s->path, s->file_size);
    if (s->module.len != 0) {
        (void)fprintf(out, "module             %.*s, beside it and measured with it\n",
                      (int)s->module.len, (const char *)s->module.ptr);
    }
    print_signature(s, out);
    print_props(s, out);
    (void)fprintf(out, "enclave size       %" PRIu64 " KiB of addresses\n",
                  s->plan->enclave_size / 1024);
    (void)fprintf(out, "instructions       %" PRIu64 " looked at\n", s->scan.instructions);
    print_regions(s, out);
    (void)fprintf(out, "\n%s\n", s->warning_count == 0 ? "no warnings" : "warnings:");
    for (size_t i = 0; i < s->warning_count; i++) {
        cm_print_wrapped(out, "  - ", s->warnings[i]);
    }
}

static void json_hex(struct cm_json_wr *w, const char *name, const uint8_t *p, size_t n)
{
    char hex[65];

    cm_cli_hex(p, n, hex);
    cm_cli_json_str(w, name, hex);
}

static void json_signature(struct cm_json_wr *w, const struct subject *s)
{
    json_hex(w, "mrenclave", s->mrenclave, sizeof(s->mrenclave));
    cm_cli_json_bool(w, "signed", s->has_sigstruct);
    if (s->has_sigstruct) {
        json_hex(w, "mrsigner", s->sig.mrsigner, sizeof(s->sig.mrsigner));
        json_hex(w, "signed_mrenclave", s->sig.mrenclave, sizeof(s->sig.mrenclave));
        /* good means: of this image */
        cm_cli_json_bool(w, "signature_good", s->signature_good && is_measured_as_signed(s));
    }
}

static void json_props(struct cm_json_wr *w, const struct subject *s)
{
    const struct cm_enclave_props *p = &s->props;

    cm_cli_json_u64(w, "product_id", p->product_id);
    cm_cli_json_u64(w, "security_version", p->security_version);
    if ((p->attributes & SGX_ATTR_KSS) != 0) {
        json_hex(w, "family_id", p->family_id, sizeof(p->family_id));
        json_hex(w, "extended_product_id", p->extended_product_id, sizeof(p->extended_product_id));
    }
    cm_cli_json_bool(w, "debug_allowed", cm_props_debug_allowed(p));
    cm_cli_json_u64(w, "heap_pages", p->heap_pages);
    cm_cli_json_u64(w, "stack_pages", p->stack_pages);
    cm_cli_json_u64(w, "threads", p->tcs_count);
    cm_cli_json_bool(w, "capture_page_faults", p->capture_pf_gp);
    cm_cli_json_bool(w, "zero_base", p->zero_base);
    cm_cli_json_u64(w, "enclave_size", s->plan->enclave_size);
}

static void json_regions(struct cm_json_wr *w, const struct subject *s)
{
    cm_json_wr_name(w, "regions");
    cm_json_wr_array(w);
    for (size_t i = 0; i < s->plan->region_count; i++) {
        const struct cm_region *r = &s->plan->regions[i];

        if (r->thread != 0) {
            continue;
        }
        cm_json_wr_object(w);
        cm_cli_json_str(w, "what", r->what);
        cm_cli_json_u64(w, "offset", r->offset);
        cm_cli_json_u64(w, "bytes", r->length);
        cm_cli_json_u64(w, "permissions", r->secinfo_flags & 7U);
        cm_cli_json_bool(w, "measured", r->measured);
        cm_json_wr_end(w);
    }
    cm_json_wr_end(w);
}

static void json_members(struct cm_json_wr *w, const void *subject)
{
    const struct subject *s = subject;
    char name[160] = "";

    cm_cli_json_u64(w, "file_size", s->file_size);
    if (s->module.len != 0) {
        (void)snprintf(name, sizeof(name), "%.*s", (int)s->module.len, (const char *)s->module.ptr);
        cm_cli_json_str(w, "module", name);
    }
    json_signature(w, s);
    json_props(w, s);
    cm_cli_json_bool(w, "scanned", s->scan.scanned);
    cm_cli_json_u64(w, "forbidden_instructions", s->scan.errors);
    cm_cli_json_u64(w, "doubtful_instructions", s->scan.warnings);
    json_regions(w, s);
    cm_json_wr_name(w, "warnings");
    cm_json_wr_array(w);
    for (size_t i = 0; i < s->warning_count; i++) {
        cm_json_wr_str(w, s->warnings[i]);
    }
    cm_json_wr_end(w);
}

enum cm_status cm_cli_inspect(const char *path, bool json, FILE *out, struct cm_why *why)
{
    enum cm_status st = CM_OK;
    uint8_t *file = NULL;
    uint8_t *module = NULL;
    size_t module_size = 0;
    struct cm_image *image = NULL;
    struct subject *s = calloc(1, sizeof(*s));

    if (s == NULL) {
        return CM_ERR_NOMEM;
    }
    s->path = path;
    CM_TRY(cm_file_read(path, CM_IMAGE_FILE_MAX, &file, &s->file_size, why));
    CM_TRY(cm_image_open(cm_span_make(file, s->file_size), &image, why));
    s->module = cm_image_needed(image);
    if (s->module.len != 0) {
        CM_TRY(cm_file_read_beside(path, s->module, CM_IMAGE_FILE_MAX, &module, &module_size, why));
        CM_TRY(cm_image_join(image, cm_span_make(module, module_size), why));
    }
    CM_TRY(look(image, s, why));
    if (json) {
        CM_TRY(cm_cli_json_print(json_members, s, JSON_CAP, out));
    } else {
        print_text(s, out);
        st = ferror(out) != 0 ? CM_ERR_IO : CM_OK;
    }
out:
    cm_plan_free(s->plan);
    cm_image_free(image);
    free(module);
    free(file);
    free(s);
    return st;
}
