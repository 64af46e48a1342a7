/*
 * The texts of `oesign dump` and `oesign predict --explain`, and of `casemate
 * inspect`. UNTRUSTED: the image whose values are printed.
 */
#include <inttypes.h>
#include <string.h>

#include "arch/sgx.h"
#include "common/try.h"
#include "common/wipe.h"
#include "crypto/crypto.h"
#include "os/os.h"
#include "sign/sign.h"

static void print_hex(FILE *to, const char *name, const uint8_t *bytes, size_t len)
{
    (void)fprintf(to, "%s=", name);
    for (size_t i = 0; i < len; i++) {
        (void)fprintf(to, "%02x", bytes[i]);
    }
    (void)fprintf(to, "\n");
}

/* A symbol's name comes from the file: nothing of it is for a terminal to obey. */
static void print_name(FILE *to, struct cm_span name)
{
    cm_print_escaped(to, (const char *)name.ptr, name.len);
}

static void print_props(FILE *to, const struct cm_enclave_props *p)
{
    (void)fprintf(to, "=== SGX Enclave Properties:\n");
    (void)fprintf(to, "product_id=%u\n", p->product_id);
    (void)fprintf(to, "security_version=%u\n", p->security_version);
    (void)fprintf(to, "debug=%u\n", cm_props_debug_allowed(p) ? 1U : 0U);
    (void)fprintf(to, "xfrm=%" PRIx64 "\n", p->xfrm);
    (void)fprintf(to, "num_heap_pages=%" PRIu64 "\n", p->heap_pages);
    (void)fprintf(to, "num_stack_pages=%" PRIu64 "\n", p->stack_pages);
    (void)fprintf(to, "num_tcs=%" PRIu64 "\n", p->tcs_count);
    if ((p->attributes & SGX_ATTR_KSS) != 0) {
        print_hex(to, "family_id", p->family_id, sizeof(p->family_id));
        print_hex(to, "extended_product_id", p->extended_product_id,
                  sizeof(p->extended_product_id));
    }
    if (p->capture_pf_gp) {
        (void)fprintf(to, "capture_pf_gp_exceptions=1\n");
    }
    if (p->zero_base) {
        (void)fprintf(to, "create_zero_base_enclave=1\n");
        (void)fprintf(to, "start_address=%016" PRIx64 "\n", p->start_address);
    }
}

/* The shared library that is part of it. */
static void print_module(FILE *to, const struct cm_image *image)
{
    const struct cm_span name = cm_image_needed(image);
    uint64_t size = 0;
    const uint64_t base = cm_image_module_base(image, &size);

    if (name.len != 0) {
        (void)fprintf(to, "module=");
        print_name(to, name);
        (void)fprintf(to, "\nmodule_address=%016" PRIx64 "\nmodule_size=%" PRIu64 "\n", base, size);
    }
}

/* What the file would measure to when loaded. */
static enum cm_status measure(const struct cm_image *image, uint8_t out[CM_MRENCLAVE_SIZE],
                              struct cm_why *why)
{
    enum cm_status st = CM_OK;
    struct cm_enclave_props props;
    struct cm_plan *plan = NULL;

    cm_image_props(image, &props);
    CM_TRY(cm_plan_make(image, &props, &plan, why));
    CM_TRY(cm_plan_mrenclave(plan, out));
out:
    cm_plan_free(plan);
    return st;
}

static enum cm_status check_signature(const struct cm_image *image, struct cm_span sigstruct,
                                      struct cm_why *why)
{
    enum cm_status st = CM_OK;
    struct cm_sigstruct s;
    uint8_t mrenclave[CM_MRENCLAVE_SIZE] = {0};

    CM_TRY(cm_sigstruct_check(sigstruct, &s, why));
    CM_TRY(measure(image, mrenclave, why));
    if (!cm_ct_equal(mrenclave, s.mrenclave, sizeof(mrenclave))) {
        cm_why_set(why,
                   "the file%s was changed after it was signed: its measurement is not the "
                   "signed MRENCLAVE",
                   cm_image_needed(image).len != 0 ? ", or its shared library," : "");
        st = CM_ERR_MISMATCH;
    }
out:
    return st;
}

enum cm_status cm_sign_dump(FILE *to, const struct cm_image *image, struct cm_why *why)
{
    enum cm_status st = CM_OK;
    const struct cm_span sigstruct = cm_image_sigstruct(image);
    struct cm_enclave_props props;
    struct cm_sigstruct s = {0};

    cm_image_props(image, &props);
    (void)fprintf(to, "\n=== Entry point: \nname=");
    print_name(to, cm_image_entry_name(image));
    (void)fprintf(to, "\naddress=%016" PRIx64 "\n\n", cm_image_entry(image));
    print_props(to, &props);
    print_module(to, image);
    if (sigstruct.len != 0) {
        (void)!cm_sigstruct_parse(sigstruct, &s); /* zeros when malformed; refused below */
    }
    print_hex(to, "mrenclave", s.mrenclave, sizeof(s.mrenclave));
    print_hex(to, "mrsigner", s.mrsigner, sizeof(s.mrsigner));
    print_hex(to, "signature", s.signature, sizeof(s.signature));
    if (sigstruct.len == 0) {
        (void)fprintf(to, "\n=== Not signed\n");
    } else {
        (void)fprintf(to, "signing_date=%08" PRIx32 "\n\n", s.date);
        st = check_signature(image, sigstruct, why);
    }
    if (fflush(to) != 0 && st == CM_OK) {
        cm_why_set(why, "cannot write the text");
        st = CM_ERR_IO;
    }
    return st;
}

static void print_range(FILE *to, const struct cm_region *r, uint64_t at, uint64_t len,
                        const uint8_t hash[CM_SHA256_SIZE])
{
    const uint64_t flags = r->secinfo_flags;
    const bool is_tcs = (flags >> 8 & 0xff) == SGX_PT_TCS;

    (void)fprintf(to, "0x%012" PRIx64 "  %8" PRIu64 "  %c%c%c  %s  %-10s  ", r->offset + at,
                  len / SGX_PAGE_SIZE, (flags & SGX_SECINFO_R) != 0 ? 'r' : '-',
                  (flags & SGX_SECINFO_W) != 0 ? 'w' : '-',
                  (flags & SGX_SECINFO_X) != 0 ? 'x' : '-', is_tcs ? "TCS" : "REG",
                  r->measured ? "measured" : "UNMEASURED");
    for (size_t i = 0; i < CM_SHA256_SIZE; i++) {
        (void)fprintf(to, "%02x", hash[i]);
    }
    (void)fprintf(to, "  %s", r->what);
    if (is_tcs || strcmp(r->what, "stack") == 0 || strcmp(r->what, "ssa") == 0 ||
        strcmp(r->what, "td") == 0) {
        (void)fprintf(to, " %" PRIu32, r->thread);
    }
    if ((flags & SGX_SECINFO_W) != 0 && (flags & SGX_SECINFO_X) != 0) {
        (void)fprintf(to, "  W+X");
    }
    (void)fprintf(to, "\n");
}

static enum cm_status explain_region(FILE *to, const struct cm_region *r)
{
    static const uint8_t zeros[SGX_PAGE_SIZE];
    enum cm_status st = CM_OK;
    uint8_t hash[CM_SHA256_SIZE] = {0};

    if (r->data == NULL) {
        CM_TRY(cm_sha256_of(cm_span_make(zeros, sizeof(zeros)), hash));
        print_range(to, r, 0, r->length, hash);
        goto out;
    }
    for (uint64_t at = 0; at < r->length; at += SGX_PAGE_SIZE) {
        CM_TRY(cm_sha256_of(cm_span_make(r->data + at, SGX_PAGE_SIZE), hash));
        print_range(to, r, at, SGX_PAGE_SIZE, hash);
    }
out:
    return st;
}

enum cm_status cm_sign_explain(FILE *to, const struct cm_plan *plan)
{
    enum cm_status st = CM_OK;
    uint64_t unmeasured = 0;
    uint64_t writable_code = 0;

    (void)fprintf(to, "# enclave of 0x%" PRIx64 " bytes%s; addresses not listed have no page\n",
                  plan->enclave_size, plan->zero_base ? " from address 0" : "");
    (void)fprintf(to, "# offset         pages  perm type measured    sha256 of each page  what\n");
    for (size_t i = 0; i < plan->region_count; i++) {
        const struct cm_region *r = &plan->regions[i];
        const uint64_t wx = SGX_SECINFO_W | SGX_SECINFO_X;

        CM_TRY(explain_region(to, r));
        unmeasured += r->measured ? 0 : r->length / SGX_PAGE_SIZE;
        writable_code += (r->secinfo_flags & wx) == wx ? r->length / SGX_PAGE_SIZE : 0;
    }
    (void)fprintf(to,
                  "# %" PRIu64 " pages are UNMEASURED (hostile until the enclave writes them), "
                  "%" PRIu64 " are W+X\n",
                  unmeasured, writable_code);
    if (fflush(to) != 0) {
        st = CM_ERR_IO;
    }
out:
    return st;
}
