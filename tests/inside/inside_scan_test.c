/*
 * The images of these tests hold no instruction that an enclave cannot execute, and the check that
 * says so finds one that is there on purpose.
 *   inside_scan_test IMAGE clean|forbidden
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "image/image.h"
#include "image/scan.h"
#include "os/os.h"

static void print_hit(void *context, const struct cm_scan_hit *hit)
{
    (void)context;
    (void)printf("%s in %.*s\n", hit->instruction, (int)hit->function.len,
                 (const char *)hit->function.ptr);
}

int main(int argc, char **argv)
{
    struct cm_scan_result result;
    struct cm_image *image = NULL;
    struct cm_why why = {""};
    uint8_t *file = NULL;
    size_t len = 0;
    bool ok;

    if (argc != 3 || cm_file_read(argv[1], (size_t)1 << 28, &file, &len, &why) != CM_OK ||
        cm_image_open(cm_span_make(file, len), &image, &why) != CM_OK ||
        cm_image_scan(image, print_hit, NULL, &result) != CM_OK) {
        (void)printf("inside_scan_test: %s\n", why.text);
        return 1;
    }
    (void)printf("%llu instructions, %llu of %llu bytes, %llu errors, %llu warnings, %llu waived\n",
                 (unsigned long long)result.instructions, (unsigned long long)result.covered,
                 (unsigned long long)result.executable, (unsigned long long)result.errors,
                 (unsigned long long)result.warnings, (unsigned long long)result.waived);
    ok = result.scanned &&
         (strcmp(argv[2], "clean") == 0 ? result.errors == 0 && result.warnings == 0
                                        : result.errors != 0 && result.warnings != 0);
    cm_image_free(image);
    free(file);
    return ok ? 0 : 1;
}
