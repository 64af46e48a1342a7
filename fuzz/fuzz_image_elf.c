/*
 * Any bytes as an enclave image: nothing crashes, and whatever is accepted keeps its promises:
 * regions in order and W^X, and a signed copy that measures like the original.
 */
#include <stdlib.h>
#include <string.h>

#include "arch/sgx.h"
#include "image/image.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

enum { MEASURE_UP_TO = 1 << 20 };

static void check_plan(const struct cm_plan *plan)
{
    uint64_t end = 0;

    for (size_t i = 0; i < plan->region_count; i++) {
        const struct cm_region *r = &plan->regions[i];
        const uint64_t wx = SGX_SECINFO_W | SGX_SECINFO_X;

        if (r->offset < end || r->length == 0 || (r->offset | r->length) % SGX_PAGE_SIZE != 0 ||
            (r->secinfo_flags & wx) == wx) {
            abort();
        }
        end = r->offset + r->length;
    }
    if (end > plan->enclave_size) {
        abort();
    }
}

static void check_copy(const struct cm_image *image, const struct cm_enclave_props *props,
                       const struct cm_plan *plan)
{
    uint8_t sigstruct[CM_SIGSTRUCT_SIZE];
    uint8_t first[CM_MRENCLAVE_SIZE];
    uint8_t second[CM_MRENCLAVE_SIZE];
    struct cm_image *copy = NULL;
    struct cm_enclave_props p;
    struct cm_plan *q = NULL;
    uint8_t *file = NULL;
    size_t len = 0;

    if (cm_plan_mrenclave(plan, first) != CM_OK ||
        cm_sigstruct_build(props, first, 0x20260101, sigstruct) != CM_OK ||
        cm_image_signed_file(image, props, plan, sigstruct, &file, &len) != CM_OK ||
        cm_image_open(cm_span_make(file, len), &copy, NULL) != CM_OK) {
        abort();
    }
    cm_image_props(copy, &p);
    if (cm_plan_make(copy, &p, &q, NULL) != CM_OK || cm_plan_mrenclave(q, second) != CM_OK ||
        memcmp(first, second, sizeof(first)) != 0 ||
        cm_image_sigstruct(copy).len != sizeof(sigstruct)) {
        abort();
    }
    cm_plan_free(q);
    cm_image_free(copy);
    free(file);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    struct cm_image *image = NULL;
    struct cm_plan *plan = NULL;
    struct cm_enclave_props props;
    struct cm_why why = {{0}};

    if (cm_image_open(cm_span_make(data, size), &image, &why) != CM_OK) {
        return 0;
    }
    (void)cm_image_entry_name(image);
    cm_image_props(image, &props);
    if (cm_plan_make(image, &props, &plan, &why) == CM_OK) {
        check_plan(plan);
        if (plan->enclave_size <= MEASURE_UP_TO) {
            check_copy(image, &props, plan);
        }
    }
    cm_plan_free(plan);
    cm_image_free(image);
    return 0;
}
