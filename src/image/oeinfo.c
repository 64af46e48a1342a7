/*
 * The properties structure of section .oeinfo (oe_sgx_enclave_properties_t in
 * openenclave/bits/sgx/sgxproperties.h): read it, and fill in what the signer
 * decides. UNTRUSTED: its bytes.
 */
#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <openenclave/bits/properties.h>

#include "abi/layout.h"
#include "arch/sgx.h"
#include "common/reader.h"
#include "common/try.h"
#include "common/writer.h"
#include "image/elf_image.h"

enum {
    HEADER_TYPE_SGX = OE_ENCLAVE_TYPE_SGX,
    INFO_SIZE = 48,
    SIGSTRUCT_OFF = 144,
    FLAG_CAPTURE_PF_GP = 1,
    FLAG_ZERO_BASE = 2,
    ZERO_BASE_MIN = 0x10000, /* Linux keeps the pages below to itself (vm.mmap_min_addr) */
};
_Static_assert(sizeof(oe_sgx_enclave_properties_t) == CM_OEINFO_SIZE, ".oeinfo");
_Static_assert(offsetof(oe_sgx_enclave_properties_t, sigstruct) == SIGSTRUCT_OFF, ".oeinfo");
_Static_assert(sizeof(oe_sgx_enclave_image_info_t) == INFO_SIZE, ".oeinfo");

enum cm_status cm_oeinfo_read(struct cm_span oeinfo, struct cm_enclave_props *out, bool *is_signed,
                              struct cm_why *why)
{
    struct cm_rd r = cm_rd_init(oeinfo);
    struct cm_enclave_props p = {0};
    const uint32_t size = cm_rd_u32le(&r);
    const uint32_t type = cm_rd_u32le(&r);

    p.heap_pages = cm_rd_u64le(&r);
    p.stack_pages = cm_rd_u64le(&r);
    p.tcs_count = cm_rd_u64le(&r);
    p.product_id = cm_rd_u16le(&r);
    p.security_version = cm_rd_u16le(&r);
    const uint32_t flags = cm_rd_u32le(&r);

    cm_rd_copy(&r, p.family_id, sizeof(p.family_id));
    cm_rd_copy(&r, p.extended_product_id, sizeof(p.extended_product_id));
    p.attributes = cm_rd_u64le(&r);
    p.xfrm = cm_rd_u64le(&r);
    p.start_address = cm_rd_u64le(&r);
    (void)cm_rd_take(&r, INFO_SIZE);
    struct cm_rd sig = cm_rd_sub(&r, CM_SIGSTRUCT_SIZE);
    const uint64_t marker = cm_rd_u64le(&r);

    if (cm_rd_finish(&r) != CM_OK || size != CM_OEINFO_SIZE || type != HEADER_TYPE_SGX ||
        marker != OE_SGX_INFO_END_MARKER) {
        cm_why_set(why, ".oeinfo is not an SGX properties structure of this SDK");
        return CM_ERR_FORMAT;
    }
    if ((flags & ~(uint32_t)(FLAG_CAPTURE_PF_GP | FLAG_ZERO_BASE)) != 0) {
        cm_why_set(why, ".oeinfo has unknown flags 0x%" PRIx32, flags);
        return CM_ERR_FORMAT;
    }
    p.capture_pf_gp = (flags & FLAG_CAPTURE_PF_GP) != 0;
    p.zero_base = (flags & FLAG_ZERO_BASE) != 0;
    if (p.xfrm == 0) { /* what the macros leave there */
        p.xfrm = SGX_XFRM_LEGACY;
    }
    cm_rd_zero(&sig, CM_SIGSTRUCT_SIZE);
    *is_signed = sig.bad;
    *out = p;
    return CM_OK;
}

void cm_oeinfo_write(uint8_t oeinfo[CM_OEINFO_SIZE], const struct cm_enclave_props *props,
                     const struct cm_image_info *info, const uint8_t *sigstruct)
{
    struct cm_wr w = cm_wr_init(oeinfo, CM_OEINFO_SIZE);
    uint32_t flags = 0;

    flags |= props->capture_pf_gp ? FLAG_CAPTURE_PF_GP : 0U;
    flags |= props->zero_base ? FLAG_ZERO_BASE : 0U;
    cm_wr_u32le(&w, CM_OEINFO_SIZE);
    cm_wr_u32le(&w, HEADER_TYPE_SGX);
    cm_wr_u64le(&w, props->heap_pages);
    cm_wr_u64le(&w, props->stack_pages);
    cm_wr_u64le(&w, props->tcs_count);
    cm_wr_u16le(&w, props->product_id);
    cm_wr_u16le(&w, props->security_version);
    cm_wr_u32le(&w, flags);
    cm_wr_bytes(&w, props->family_id, sizeof(props->family_id));
    cm_wr_bytes(&w, props->extended_product_id, sizeof(props->extended_product_id));
    cm_wr_u64le(&w, props->attributes);
    cm_wr_u64le(&w, props->xfrm);
    cm_wr_u64le(&w, props->start_address);
    cm_wr_u64le(&w, info->oeinfo_rva);
    cm_wr_u64le(&w, info->oeinfo_size);
    cm_wr_u64le(&w, info->reloc_rva);
    cm_wr_u64le(&w, info->reloc_size);
    cm_wr_u64le(&w, info->heap_rva);
    cm_wr_u64le(&w, info->enclave_size);
    if (sigstruct != NULL) {
        cm_wr_bytes(&w, sigstruct, CM_SIGSTRUCT_SIZE);
    } else {
        cm_wr_fill(&w, 0, CM_SIGSTRUCT_SIZE);
    }
    cm_wr_u64le(&w, OE_SGX_INFO_END_MARKER);
}

bool cm_props_debug_allowed(const struct cm_enclave_props *props)
{
    return (props->attributes & SGX_ATTR_DEBUG) != 0;
}

static bool all_zero(const uint8_t *p, size_t n)
{
    uint8_t any = 0;

    for (size_t i = 0; i < n; i++) {
        any |= p[i];
    }
    return any == 0;
}

static enum cm_status check_range(const char *name, uint64_t value, uint64_t min, uint64_t max,
                                  struct cm_why *why)
{
    if (value < min || value > max) {
        cm_why_set(why, "%s is %" PRIu64 "; it must be from %" PRIu64 " to %" PRIu64, name, value,
                   min, max);
        return CM_ERR_FORMAT;
    }
    return CM_OK;
}

enum cm_status cm_props_check(const struct cm_enclave_props *props, struct cm_why *why)
{
    enum cm_status st = CM_OK;
    const uint64_t known = SGX_ATTR_DEBUG | SGX_ATTR_MODE64 | SGX_ATTR_KSS;

    if (props->heap_pages == 0 && props->stack_pages == 0 && props->tcs_count == 0) {
        cm_why_set(why,
                   "the enclave has no properties: sign it with a configuration (oesign sign -c), "
                   "or set them in its source with OE_SET_ENCLAVE_SGX");
        return CM_ERR_FORMAT;
    }
    CM_TRY(check_range("NumHeapPages", props->heap_pages, 0, CM_MAX_HEAP_PAGES, why));
    CM_TRY(check_range("NumStackPages", props->stack_pages, 1, CM_MAX_STACK_PAGES, why));
    CM_TRY(check_range("NumTCS", props->tcs_count, 1, CM_MAX_TCS, why));
    if ((props->attributes & ~known) != 0 || (props->attributes & SGX_ATTR_MODE64) == 0) {
        cm_why_set(why,
                   "attributes 0x%" PRIx64 " (only MODE64BIT, DEBUG and KSS, and MODE64BIT "
                   "always)",
                   props->attributes);
        return CM_ERR_FORMAT;
    }
    if (props->xfrm != SGX_XFRM_LEGACY) {
        cm_why_set(why, "XFRM is 0x%" PRIx64 "; it must be 3 (AVX and AVX-512 follow the platform)",
                   props->xfrm);
        return CM_ERR_FORMAT;
    }
    if ((props->attributes & SGX_ATTR_KSS) == 0 &&
        !(all_zero(props->family_id, sizeof(props->family_id)) &&
          all_zero(props->extended_product_id, sizeof(props->extended_product_id)))) {
        cm_why_set(why, "FamilyID or ExtendedProductID is set, but KSS is not required");
        return CM_ERR_FORMAT;
    }
    if (props->zero_base &&
        (props->start_address < ZERO_BASE_MIN || props->start_address % CM_PAGE_SIZE != 0 ||
         props->start_address > CM_ENCLAVE_MAX_SIZE)) {
        cm_why_set(why,
                   "StartAddress 0x%" PRIx64 " of a 0-base enclave must be page aligned, from "
                   "0x%x to 0x%" PRIx64,
                   props->start_address, (unsigned int)ZERO_BASE_MIN, CM_ENCLAVE_MAX_SIZE);
        return CM_ERR_FORMAT;
    }
out:
    return st;
}

struct cm_secs_attrs cm_props_secs(const struct cm_enclave_props *props, bool debug,
                                   uint64_t platform_xfrm)
{
    const uint64_t free_bits = SGX_XFRM_YMM | SGX_XFRM_ZMM;
    struct cm_secs_attrs a = {0};

    a.attributes = props->attributes & ~SGX_ATTR_DEBUG;
    if (debug) {
        a.attributes |= SGX_ATTR_DEBUG;
    }
    a.xfrm = (props->xfrm & ~free_bits) | (platform_xfrm & free_bits);
    a.misc = props->capture_pf_gp ? SGX_MISC_EXINFO : 0U;
    return a;
}

struct cm_span cm_image_sigstruct(const struct cm_image *image)
{
    struct cm_span s = {NULL, 0};

    if (image->is_signed) {
        (void)cm_span_part(image->file, image->oeinfo_offset + SIGSTRUCT_OFF, CM_SIGSTRUCT_SIZE,
                           &s);
    }
    return s;
}

enum cm_status cm_image_signed_file(const struct cm_image *image,
                                    const struct cm_enclave_props *props,
                                    const struct cm_plan *plan,
                                    const uint8_t sigstruct[CM_SIGSTRUCT_SIZE], uint8_t **out,
                                    size_t *len)
{
    const struct cm_image_info info = cm_plan_image_info(image, plan);
    uint8_t *file = NULL;

    *out = NULL;
    *len = 0;
    file = malloc(image->file.len);
    if (file == NULL) {
        return CM_ERR_NOMEM;
    }
    memcpy(file, image->file.ptr, image->file.len);
    cm_oeinfo_write(file + image->oeinfo_offset, props, &info, sigstruct);
    *out = file;
    *len = image->file.len;
    return CM_OK;
}
