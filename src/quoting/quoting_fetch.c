/* Collateral on a machine without emulation: whoever has it. */
#include "common/try.h"
#include "quoting/quoting_backend.h"

enum cm_status cm_quoting_fetch(struct cm_span quote, struct cm_collateral_parts **out,
                                struct cm_why *why)
{
    struct cm_collateral_key key;
    enum cm_status st = CM_OK;

    *out = NULL;
    CM_TRY(cm_collateral_key_of(quote, &key, why));
    CM_TRY(cm_quoting_provider(&key, out, why));
out:
    return st;
}
