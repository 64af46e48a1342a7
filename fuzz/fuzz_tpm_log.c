/* Event logs: no input may crash, and what is walked is what was counted and lies inside. */
#include <stdlib.h>

#include "evidence/claims.h"
#include "inside.h"
#include "tpm/tcg_index.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    struct cm_span whole = {data, size};
    struct cm_tcg_log log;
    struct cm_tcg_event e;
    struct cm_why why = {{0}};
    struct cm_tpm_pcrs pcrs = {.count = 0};
    struct cm_evidence *ev = NULL;
    struct cm_rd at;
    size_t events = 0;

    if (cm_tcg_log_parse(whole, &log, &why) != CM_OK) {
        if (why.text[0] == '\0') {
            abort(); /* a refusal names its cause */
        }
        return 0;
    }
    at = cm_rd_init(log.events);
    while (cm_tcg_next(&log, &at, &e)) {
        inside(whole, e.data);
        events++;
    }
    if (at.bad || events != log.event_count) {
        abort();
    }
    ev = cm_evidence_new("tpm");
    for (size_t i = 0; ev != NULL && i < log.alg_count; i++) {
        struct cm_tcg_index index;
        struct cm_tpm_bank bank;

        if (cm_tcg_index_make(&log, log.alg[i], &index) != CM_OK) {
            continue;
        }
        if (cm_tcg_replay(&index, false, &bank) == CM_OK && bank.mask != 0) {
            pcrs.bank[pcrs.count++] = bank;
        }
        cm_tcg_index_free(&index);
    }
    if (ev != NULL && pcrs.count != 0) {
        /* its own values: the log leads to them */
        if (cm_tcg_check(whole, &pcrs, (struct cm_tcg_want){CM_AUTHORITY_HARDWARE, true}, ev, 0) !=
            CM_OK) {
            abort();
        }
    }
    cm_evidence_free(ev);
    return 0;
}
