/*
 * Any bytes as an enclave image and the shared library that it needs: nothing crashes, and what is joined
 * keeps its promises: regions in order and W^X, links that stay inside, the same measurement again.
 * Input: the length of the image (4 bytes, little-endian), the image, the library.
 */
#include <stdlib.h>
#include <string.h>

#include "abi/module_block.h"
#include "arch/sgx.h"
#include "image/image.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

enum { MEASURE_UP_TO = 1 << 20, HEAD = 4 };

/* What the runtime will do: each word that is written lies below the links, in a writable region. */
static void check_links(const struct cm_plan *plan, const struct cm_region *block)
{
    struct cm_module_block head;

    memcpy(&head, block->data, sizeof(head));
    if (head.magic != CM_MODULE_MAGIC ||
        sizeof(head) + head.link_count * sizeof(struct cm_module_link) > block->length) {
        abort();
    }
    for (uint64_t i = 0; i < head.link_count; i++) {
        struct cm_module_link link;
        bool writable = false;

        memcpy(&link, block->data + sizeof(head) + i * sizeof(link), sizeof(link));
        for (size_t k = 0; k < plan->region_count; k++) {
            const struct cm_region *r = &plan->regions[k];
            const uint64_t at = plan->image_offset + link.where;

            writable =
                writable || (at >= r->offset && at < r->offset + r->length &&
                             (r->secinfo_flags & SGX_SECINFO_W) != 0 && r->offset < block->offset);
        }
        if (!writable || (link.kind == CM_LINK_COPY) != (link.size != 0) ||
            (link.kind != CM_LINK_CONSTANT && plan->image_offset + link.value > block->offset)) {
            abort();
        }
    }
}

static void check_plan(const struct cm_plan *plan)
{
    uint64_t end = 0;
    bool linked = false;

    for (size_t i = 0; i < plan->region_count; i++) {
        const struct cm_region *r = &plan->regions[i];
        const uint64_t wx = SGX_SECINFO_W | SGX_SECINFO_X;

        if (r->offset < end || r->length == 0 || (r->offset | r->length) % SGX_PAGE_SIZE != 0 ||
            (r->secinfo_flags & wx) == wx) {
            abort();
        }
        end = r->offset + r->length;
        if (strcmp(r->what, "links") == 0) {
            check_links(plan, r);
            linked = true;
        }
    }
    if (end > plan->enclave_size || !linked) {
        abort();
    }
}

static struct cm_plan *plan_of(struct cm_span image, struct cm_span library, struct cm_image **out)
{
    struct cm_plan *plan = NULL;
    struct cm_enclave_props props;
    struct cm_why why = {{0}};

    *out = NULL;
    if (cm_image_open(image, out, &why) != CM_OK || cm_image_join(*out, library, &why) != CM_OK) {
        return NULL;
    }
    cm_image_props(*out, &props);
    return cm_plan_make(*out, &props, &plan, &why) == CM_OK ? plan : NULL;
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    uint8_t first[CM_MRENCLAVE_SIZE];
    uint8_t second[CM_MRENCLAVE_SIZE];
    struct cm_image *images[2] = {NULL, NULL};
    struct cm_plan *plans[2] = {NULL, NULL};
    size_t length = 0;

    if (size < HEAD) {
        return 0;
    }
    length = (size_t)data[0] | (size_t)data[1] << 8 | (size_t)data[2] << 16 | (size_t)data[3] << 24;
    if (length > size - HEAD) {
        return 0;
    }
    const struct cm_span image = cm_span_make(data + HEAD, length);
    const struct cm_span library = cm_span_make(data + HEAD + length, size - HEAD - length);

    plans[0] = plan_of(image, library, &images[0]);
    if (plans[0] != NULL) {
        check_plan(plans[0]);
        plans[1] = plan_of(image, library, &images[1]);
        if (plans[1] == NULL || (plans[0]->enclave_size <= MEASURE_UP_TO &&
                                 (cm_plan_mrenclave(plans[0], first) != CM_OK ||
                                  cm_plan_mrenclave(plans[1], second) != CM_OK ||
                                  memcmp(first, second, sizeof(first)) != 0))) {
            abort();
        }
    }
    for (size_t i = 0; i < 2; i++) {
        cm_plan_free(plans[i]);
        cm_image_free(images[i]);
    }
    return 0;
}
