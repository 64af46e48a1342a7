/* URIs that the PCCS is asked for: no input may crash; every answer is one of the documented. */
#include <stdlib.h>
#include <string.h>

#include "cli/cli_pccs.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static struct cm_span text(const char *s)
{
    return cm_span_make(s, strlen(s));
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    static const int known[] = {200, 400, 404, 405, 410, 414};
    struct cm_emuplat_info info = {.root = text("root"),
                                   .pck = text("pck"),
                                   .pck_ca = text("ca\n"),
                                   .tcb_info = text("{3}"),
                                   .tcb_info_v2 = text("{2}"),
                                   .tcb_chain = text("tcb\n"),
                                   .qe_identity = text("{qe}"),
                                   .root_crl = text("0a"),
                                   .pck_crl = text("0b"),
                                   .root_crl_uri = "https://root",
                                   .pck_crl_uri = "https://pck"};
    struct cm_pccs_answer a;
    bool good = false;
    char *uri = NULL;

    if (size > 2 * CM_PCCS_MAX_URI) {
        return 0;
    }
    uri = malloc(size + 1);
    if (uri == NULL) {
        return 0;
    }
    if (size != 0) {
        memcpy(uri, data, size);
    }
    uri[size] = '\0';
    if (cm_pccs_answer(CM_PCCS_READ, uri, &info, &a) == CM_OK) {
        for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
            good = good || a.status == known[i];
        }
        for (size_t i = 0; i < a.header_count; i++) { /* nothing can be put into a header */
            good = good && strpbrk(a.headers[i].value, "\r\n") == NULL;
        }
        if (!good || a.content_type == NULL || a.body == NULL) {
            abort();
        }
        cm_pccs_answer_free(&a);
    }
    free(uri);
    return 0;
}
