/* Any bytes as code: the input becomes the text of an otherwise correct image, with two function
 * symbols whose places the first bytes choose. */
#include <stdlib.h>
#include <string.h>

#include "image/scan.h"
#include "sign/elf_fixture.h"
#include "sign/sign.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void count(void *context, const struct cm_scan_hit *hit)
{
    if (hit->address < FX_TEXT || hit->address >= FX_TEXT + 0x100 || hit->instruction == NULL) {
        abort();
    }
    (*(uint64_t *)context)++;
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    static struct fixture f;
    struct cm_image *image = NULL;
    struct cm_scan_result result;
    uint64_t hits = 0;

    if (size < 4 || size > 0x104) {
        return 0;
    }
    fx_make(&f);
    fx_sym(&f, 2, 15, FX_S_TEXT, FX_TEXT + data[0], data[1]);
    fx_sym(&f, 3, 22, FX_S_TEXT, FX_TEXT + data[2], data[3]);
    memcpy(f.b + FX_TEXT, data + 4, size - 4);
    if (cm_image_open(cm_span_make(f.b, sizeof(f.b)), &image, NULL) != CM_OK) {
        abort();
    }
    if (cm_image_scan(image, count, &hits, &result) != CM_OK ||
        hits != result.errors + result.warnings || result.covered > result.executable) {
        abort();
    }
    cm_image_free(image);
    return 0;
}
