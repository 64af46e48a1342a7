/* The instruction check as the tools show it. UNTRUSTED: names from the image. */
#include <inttypes.h>

#include "common/try.h"
#include "image/scan.h"
#include "os/os.h"
#include "sign/sign.h"

enum { SHOWN = 50, NAME_MAX = 120 };

struct report {
    FILE *to;
    bool strict;
    uint64_t printed;
};

static void print_hit(void *context, const struct cm_scan_hit *hit)
{
    struct report *r = context;
    const bool error = hit->level == CM_SCAN_ERROR || r->strict;
    const size_t shown = hit->function.len < NAME_MAX ? hit->function.len : NAME_MAX;
    char text[512] = "";

    if (r->printed++ >= SHOWN) {
        return;
    }
    (void)snprintf(
        text, sizeof(text), "%s at 0x%" PRIx64 " in %.*s+0x%" PRIx64 "%s", hit->instruction,
        hit->address, (int)shown, (const char *)hit->function.ptr, hit->offset,
        hit->level == CM_SCAN_ERROR ? "" : " (may fault inside an enclave; see docs/image.md)");
    cm_print_wrapped(r->to, error ? "error: " : "warning: ", text);
}

enum cm_status cm_sign_scan(FILE *to, const struct cm_image *image, bool strict, struct cm_why *why)
{
    enum cm_status st = CM_OK;
    struct report r = {to, strict, 0};
    struct cm_scan_result result = {0};

    CM_TRY(cm_image_scan(image, print_hit, &r, &result));
    if (r.printed > SHOWN) {
        (void)fprintf(to, "... and %" PRIu64 " more\n", r.printed - SHOWN);
    }
    if (!result.scanned) {
        (void)fprintf(to, "%s: instructions not scanned: the image%s has no function symbols\n",
                      strict ? "error" : "warning",
                      cm_image_needed(image).len != 0 ? ", or its shared library," : "");
    }
    if (result.errors != 0 || (strict && (result.warnings != 0 || !result.scanned))) {
        cm_why_set(why,
                   "the image holds instructions that an enclave must not execute (%" PRIu64
                   " errors, %" PRIu64 " warnings%s)",
                   result.errors, result.warnings, strict ? ", --strict" : "");
        st = CM_ERR_POLICY;
    }
out:
    return st;
}
