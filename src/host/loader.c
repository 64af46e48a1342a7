/*
 * Loading: read the image, plan the layout, reserve ELRANGE, CREATE, ADD_PAGES, INIT, map. The
 * image file is untrusted and read once; what is measured is what gets mapped, because both come
 * from one plan. The signature is the device's to judge; we only say why it refused.
 */
#include "host/loader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "arch/sgx.h"
#include "arch/sgx_uapi.h"
#include "common/try.h"
#include "host/devices.h"
#include "image/image.h"
#include "os/os.h"

/* Zero pages are added from one untouched buffer: the kernel then reads its own zero page. */
#define ZERO_CHUNK (UINT64_C(2) << 20)

struct loading {
    const struct cm_load_request *request;
    const struct cm_sgx_device *device;
    struct cm_why *why;
    uint8_t *file;
    size_t file_len;
    uint8_t *module_file; /* the shared library that the image needs, or NULL */
    struct cm_image *image;
    struct cm_plan *plan;
    struct cm_enclave_props props;
    struct cm_secs_attrs attrs;
    const uint8_t *sigstruct;
    uint8_t own_sigstruct[CM_SIGSTRUCT_SIZE];
    uint8_t *zeros;
    struct cm_loaded out;
};

static enum cm_status choose_attributes(struct loading *l)
{
    const struct cm_load_request *r = l->request;
    bool allowed = cm_props_debug_allowed(&l->props);

    if (r->debug && !allowed) {
        cm_why_set(l->why, "DEBUG was asked for, but %s is not a debug enclave", r->path);
        return CM_ERR_POLICY;
    }
    if (r->config && !r->config_optional && (l->props.attributes & SGX_ATTR_KSS) == 0) {
        cm_why_set(l->why, "config data were given, but %s does not use KSS", r->path);
        return CM_ERR_STATE;
    }
    l->out.debug = r->debug || (r->debug_auto && allowed);
    l->attrs = cm_props_secs(&l->props, l->out.debug, cm_platform_xfrm(l->device->emulated != 0));
    l->out.told_faults = (l->attrs.misc & SGX_MISC_EXINFO) != 0;
    return CM_OK;
}

static enum cm_status sign_now(struct loading *l)
{
    enum cm_status st = CM_OK;
    uint8_t mrenclave[CM_MRENCLAVE_SIZE];

    if (!l->out.debug && !l->device->emulated) {
        cm_why_set(l->why, "%s is not signed: sign it with oesign, or ask for DEBUG",
                   l->request->path);
        return CM_ERR_SIGNATURE;
    }
    CM_TRY(cm_plan_mrenclave(l->plan, mrenclave));
    CM_TRY(cm_sigstruct_build(&l->props, mrenclave, CM_SIGSTRUCT_DEFAULT_DATE, l->own_sigstruct));
    CM_TRY(cm_debug_sign(l->own_sigstruct, l->why));
    l->sigstruct = l->own_sigstruct;
out:
    return st;
}

/* From the image's folder, and nowhere else: what it is, the measurement says. */
static enum cm_status read_module(struct loading *l)
{
    const struct cm_span name = cm_image_needed(l->image);
    enum cm_status st = CM_OK;
    size_t len = 0;

    if (name.len == 0) {
        return CM_OK;
    }
    CM_TRY(cm_file_read_beside(l->request->path, name, CM_IMAGE_FILE_MAX, &l->module_file, &len,
                               l->why));
    CM_TRY(cm_image_join(l->image, cm_span_make(l->module_file, len), l->why));
    l->out.module_base = cm_image_module_base(l->image, &l->out.module_size);
    memcpy(l->out.module_name, name.ptr, name.len); /* shorter than its room: image/elf_image.h */
out:
    return st;
}

static enum cm_status read_image(struct loading *l)
{
    enum cm_status st = CM_OK;
    struct cm_span signature;

    CM_TRY(cm_file_read(l->request->path, CM_IMAGE_FILE_MAX, &l->file, &l->file_len, l->why));
    CM_TRY(cm_image_open(cm_span_make(l->file, l->file_len), &l->image, l->why));
    CM_TRY(read_module(l));
    cm_image_props(l->image, &l->props);
    CM_TRY(cm_props_check(&l->props, l->why));
    CM_TRY(choose_attributes(l));
    CM_TRY(cm_plan_make(l->image, &l->props, &l->plan, l->why));
    signature = cm_image_sigstruct(l->image);
    if (signature.len == CM_SIGSTRUCT_SIZE) {
        /* INIT wants an address that stays put, and ours is inside the file's bytes */
        memcpy(l->own_sigstruct, signature.ptr, CM_SIGSTRUCT_SIZE);
        l->sigstruct = l->own_sigstruct;
    } else {
        CM_TRY(sign_now(l));
    }
out:
    return st;
}

static enum cm_status no_address_space(struct loading *l)
{
    cm_why_set(l->why, "no address space of %llu MiB for the enclave: %s",
               (unsigned long long)(l->plan->enclave_size >> 20), strerror(errno));
    return CM_ERR_NOMEM;
}

#define RESERVE (MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE)

/* ELRANGE must be aligned to its size: reserve twice the size and give back what is around it. */
static enum cm_status reserve_aligned(struct loading *l, uint64_t size)
{
    char *all = mmap(NULL, size * 2, PROT_NONE, RESERVE, -1, 0);
    uint64_t before = 0;

    if (all == MAP_FAILED) {
        return no_address_space(l);
    }
    before = (size - (uintptr_t)all % size) % size;
    if (before != 0) {
        (void)munmap(all, before);
    }
    (void)munmap(all + before + size, size - before);
    l->out.base = (uintptr_t)(all + before);
    l->out.reserved = l->out.base;
    return CM_OK;
}

/* With a base of 0 everything below the image stays unmapped, so that NULL faults inside. */
static enum cm_status reserve_from_zero(struct loading *l, uint64_t size)
{
    uint64_t start = l->plan->image_offset;
    /* NOLINTNEXTLINE(performance-no-int-to-ptr): the address is the image's own choice */
    void *where = (void *)(uintptr_t)start;

    if (mmap(where, size - start, PROT_NONE, RESERVE | MAP_FIXED_NOREPLACE, -1, 0) == MAP_FAILED) {
        return no_address_space(l);
    }
    l->out.base = 0;
    l->out.reserved = start;
    return CM_OK;
}

static enum cm_status refused(struct loading *l, const char *what)
{
    if (errno == EFBIG) { /* the emulator's: an enclave's pages are in a file without a name */
        cm_why_set(l->why,
                   "the %s SGX device refused %s: its %llu MiB are more than files may have here "
                   "(ulimit -f)",
                   l->device->name, what, (unsigned long long)(l->plan->enclave_size >> 20));
        return CM_ERR_NOMEM;
    }
    cm_why_set(l->why, "the %s SGX device refused %s (%s)", l->device->name, what, strerror(errno));
    return errno == ENOMEM ? CM_ERR_NOMEM : CM_ERR_PLATFORM;
}

static enum cm_status refused_pages(struct loading *l, const struct cm_region *region)
{
    cm_why_set(l->why, "the %s SGX device refused the %s pages at 0x%llx (%s)", l->device->name,
               region->what, (unsigned long long)region->offset, strerror(errno));
    return errno == ENOMEM ? CM_ERR_NOMEM : CM_ERR_PLATFORM;
}

static enum cm_status create(struct loading *l)
{
    const struct cm_load_request *r = l->request;
    enum cm_status st = CM_OK;
    struct sgx_enclave_create create = {0};
    struct sgx_secs *secs = calloc(1, sizeof(*secs));

    if (secs == NULL) {
        return CM_ERR_NOMEM;
    }
    secs->size = l->plan->enclave_size;
    secs->base = l->out.base;
    secs->ssaframesize = l->plan->ssa_frame_pages;
    secs->miscselect = l->attrs.misc;
    secs->attributes.flags = l->attrs.attributes;
    secs->attributes.xfrm = l->attrs.xfrm;
    if (r->config && (l->props.attributes & SGX_ATTR_KSS) != 0) {
        memcpy(secs->configid, r->config_id, sizeof(secs->configid));
        secs->configsvn = r->config_svn;
    }
    create.src = (uintptr_t)secs;
    if (l->device->ioctl(l->out.fd, SGX_IOC_CREATE, &create) != 0) {
        st = refused(l, "to create the enclave");
    }
    free(secs);
    return st;
}

/* The kernel may add only a part and say how much (a signal came): go on from there. */
static enum cm_status add_pages(struct loading *l, const struct cm_region *region, uint64_t from,
                                const uint8_t *src, uint64_t len)
{
    struct sgx_secinfo secinfo = {.flags = region->secinfo_flags};
    struct sgx_enclave_add_pages add = {
        .secinfo = (uintptr_t)&secinfo,
        .flags = region->measured ? SGX_PAGE_MEASURE : 0,
    };

    while (len != 0) {
        add.src = (uintptr_t)src;
        add.offset = region->offset + from;
        add.length = len;
        add.count = 0;
        if (l->device->ioctl(l->out.fd, SGX_IOC_ADD_PAGES, &add) != 0 && errno != EINTR) {
            return refused_pages(l, region);
        }
        if (add.count > len || add.count % SGX_PAGE_SIZE != 0) {
            return refused_pages(l, region);
        }
        from += add.count;
        src += add.count;
        len -= add.count;
    }
    return CM_OK;
}

static enum cm_status add_region(struct loading *l, const struct cm_region *region)
{
    enum cm_status st = CM_OK;

    if (region->data != NULL) {
        return add_pages(l, region, 0, region->data, region->length);
    }
    for (uint64_t done = 0; done < region->length; done += ZERO_CHUNK) {
        uint64_t left = region->length - done;

        CM_TRY(add_pages(l, region, done, l->zeros, left < ZERO_CHUNK ? left : ZERO_CHUNK));
    }
out:
    return st;
}

static enum cm_status add_all(struct loading *l)
{
    enum cm_status st = CM_OK;

    for (size_t i = 0; i < l->plan->region_count; i++) {
        CM_TRY(add_region(l, &l->plan->regions[i]));
    }
out:
    return st;
}

/* INIT says no with EPERM and nothing else: find out which of the checks it was. */
static enum cm_status explain_init(struct loading *l)
{
    uint8_t mrenclave[CM_MRENCLAVE_SIZE];
    struct cm_sigstruct signed_for;
    enum cm_status st =
        cm_sigstruct_check(cm_span_make(l->sigstruct, CM_SIGSTRUCT_SIZE), &signed_for, l->why);

    if (st != CM_OK) {
        return CM_ERR_SIGNATURE;
    }
    if (cm_plan_mrenclave(l->plan, mrenclave) == CM_OK &&
        memcmp(mrenclave, signed_for.mrenclave, sizeof(mrenclave)) != 0) {
        cm_why_set(l->why, "%s%s was changed after it was signed: its measurement is another one",
                   l->request->path,
                   l->module_file != NULL ? ", or the library that it needs," : "");
        return CM_ERR_MISMATCH;
    }
    cm_why_set(l->why, "%s: the signature does not allow these attributes (DEBUG, XFRM, KSS)",
               l->request->path);
    return CM_ERR_SIGNATURE;
}

static enum cm_status init(struct loading *l)
{
    struct sgx_enclave_init init = {.sigstruct = (uintptr_t)l->sigstruct};
    struct cm_sigstruct signed_for;

    if (l->device->ioctl(l->out.fd, SGX_IOC_INIT, &init) == 0) {
        if (cm_sigstruct_parse(cm_span_make(l->sigstruct, CM_SIGSTRUCT_SIZE), &signed_for) ==
            CM_OK) {
            memcpy(l->out.mrenclave, signed_for.mrenclave, sizeof(l->out.mrenclave));
        }
        return CM_OK;
    }
    return errno == EPERM || errno == EINVAL ? explain_init(l)
                                             : refused(l, "to initialise the enclave");
}

static int region_prot(const struct cm_region *region)
{
    int prot = PROT_NONE;

    if ((region->secinfo_flags >> 8 & 0xff) == SGX_PT_TCS) {
        return PROT_READ | PROT_WRITE; /* what the driver demands; the EPCM allows nothing */
    }
    prot |= (region->secinfo_flags & SGX_SECINFO_R) != 0 ? PROT_READ : 0;
    prot |= (region->secinfo_flags & SGX_SECINFO_W) != 0 ? PROT_WRITE : 0;
    prot |= (region->secinfo_flags & SGX_SECINFO_X) != 0 ? PROT_EXEC : 0;
    return prot;
}

/* One mapping per run of neighbours with equal permissions. */
static enum cm_status map_all(struct loading *l)
{
    const struct cm_plan *plan = l->plan;
    size_t i = 0;

    while (i < plan->region_count) {
        uint64_t start = plan->regions[i].offset;
        uint64_t end = start + plan->regions[i].length;
        int prot = region_prot(&plan->regions[i]);
        void *where = NULL;

        for (i++; i < plan->region_count && plan->regions[i].offset == end &&
                  region_prot(&plan->regions[i]) == prot;
             i++) {
            end += plan->regions[i].length;
        }
        /* NOLINTNEXTLINE(performance-no-int-to-ptr): inside the range that was reserved */
        where = (void *)(uintptr_t)(l->out.base + start);
        if (l->device->mmap(where, end - start, prot, MAP_SHARED | MAP_FIXED, l->out.fd, 0) ==
            MAP_FAILED) {
            return refused(l, "to map the enclave");
        }
    }
    return CM_OK;
}

static enum cm_status build(struct loading *l)
{
    enum cm_status st = CM_OK;

    l->out.fd = l->device->open();
    if (l->out.fd < 0) {
        return refused(l, "to be opened");
    }
    if (l->plan->zero_base) {
        CM_TRY(reserve_from_zero(l, l->plan->enclave_size));
    } else {
        CM_TRY(reserve_aligned(l, l->plan->enclave_size));
    }
    l->out.size = l->plan->enclave_size;
    l->zeros = mmap(NULL, ZERO_CHUNK, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (l->zeros == MAP_FAILED) {
        l->zeros = NULL;
        return no_address_space(l);
    }
    CM_TRY(create(l));
    CM_TRY(add_all(l));
    CM_TRY(init(l));
    CM_TRY(map_all(l));
    l->out.tcs_first = l->out.base + l->plan->tcs_offset;
    l->out.tcs_stride = l->plan->tcs_stride;
    l->out.tcs_count = l->plan->tcs_count;
out:
    return st;
}

enum cm_status cm_load(const struct cm_load_request *request, struct cm_loaded *out,
                       struct cm_why *why)
{
    enum cm_status st = CM_ERR_NOMEM;
    struct loading *l = calloc(1, sizeof(*l));

    if (l == NULL) {
        return st;
    }
    l->request = request;
    l->device = request->device;
    l->why = why;
    l->out.fd = -1;
    CM_TRY(read_image(l));
    CM_TRY(build(l));
    *out = l->out;
out:
    if (st != CM_OK) {
        cm_unload(request->device, &l->out);
    }
    if (l->zeros != NULL) {
        (void)munmap(l->zeros, ZERO_CHUNK);
    }
    cm_plan_free(l->plan);
    cm_image_free(l->image);
    free(l->module_file);
    free(l->file);
    free(l);
    return st;
}

/* Closed first: the enclave then ends with its last mapping, not some time after it. */
void cm_unload(const struct cm_sgx_device *device, const struct cm_loaded *loaded)
{
    if (loaded->fd >= 0) {
        (void)device->close(loaded->fd);
    }
    if (loaded->size != 0) {
        /* NOLINTNEXTLINE(performance-no-int-to-ptr): the range that was reserved */
        (void)device->munmap((void *)(uintptr_t)loaded->reserved,
                             loaded->base + loaded->size - loaded->reserved);
    }
}
