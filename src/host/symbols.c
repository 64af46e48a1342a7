/* See symbols.h. The file is parsed by src/image, like any image. */
#include "host/symbols.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "host/hostlog.h"
#include "image/image.h"
#include "os/os.h"

static void find(const struct cm_image *image, uint64_t address, char name[CM_SYMBOL_SIZE],
                 uint64_t *offset)
{
    struct cm_span text = {NULL, 0};
    size_t len = 0;

    /* of the call, not of what stands behind it: that may be the next function */
    if (cm_image_function_at(image, address - 1, &text, offset)) {
        len = text.len < CM_SYMBOL_SIZE - 1 ? text.len : CM_SYMBOL_SIZE - 1;
        memcpy(name, text.ptr, len);
        *offset += 1;
    }
    name[len] = '\0';
}

/* Without the shared library its functions have no names; the image's have. */
static void join(struct cm_image *image, const char *path, uint8_t **module)
{
    const struct cm_span name = cm_image_needed(image);
    size_t len = 0;

    if (name.len != 0 &&
        cm_file_read_beside(path, name, CM_IMAGE_FILE_MAX, module, &len, NULL) == CM_OK) {
        (void)!cm_image_join(image, cm_span_make(*module, len), NULL);
    }
}

void cm_symbols_find(const oe_enclave_t *enclave, const uint64_t *addresses, size_t count,
                     char (*names)[CM_SYMBOL_SIZE], uint64_t *offsets)
{
    struct cm_image *image = NULL;
    uint8_t *file = NULL;
    uint8_t *module = NULL;
    size_t len = 0;

    for (size_t i = 0; i < count; i++) {
        names[i][0] = '\0';
        if (offsets != NULL) {
            offsets[i] = 0;
        }
    }
    if (enclave->path != NULL &&
        cm_file_read(enclave->path, CM_IMAGE_FILE_MAX, &file, &len, NULL) == CM_OK &&
        cm_image_open(cm_span_make(file, len), &image, NULL) == CM_OK) {
        join(image, enclave->path, &module);
        for (size_t i = 0; i < count; i++) {
            uint64_t offset = 0;

            find(image, addresses[i] - enclave->reserved, names[i], &offset);
            if (offsets != NULL) {
                offsets[i] = offset;
            }
        }
    }
    cm_image_free(image);
    free(module);
    free(file);
}

void cm_symbols_log(const oe_enclave_t *enclave, const uint64_t *addresses, size_t count)
{
    char names[CM_ABORT_FRAMES_MAX][CM_SYMBOL_SIZE];
    uint64_t offsets[CM_ABORT_FRAMES_MAX];

    if (count > CM_ABORT_FRAMES_MAX) {
        count = CM_ABORT_FRAMES_MAX;
    }
    cm_symbols_find(enclave, addresses, count, names, offsets);
    for (size_t i = 0; i < count; i++) {
        cm_host_log(CM_LOG_ERROR, "  #%zu %s+0x%" PRIx64 " (address 0x%" PRIx64 " of the image)", i,
                    names[i][0] != '\0' ? names[i] : "?", offsets[i],
                    addresses[i] - enclave->reserved);
    }
}
