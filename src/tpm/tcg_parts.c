/* See tcg_parts.h. */
#include "tpm/tcg_parts.h"

bool cm_tcg_variable_read(struct cm_span in, struct cm_tcg_variable *out)
{
    struct cm_rd r = cm_rd_init(in);
    uint64_t name_len = 0;
    uint64_t data_len = 0;

    out->guid = cm_rd_take(&r, 16).ptr;
    name_len = cm_rd_u64le(&r);
    data_len = cm_rd_u64le(&r);
    if (r.bad || name_len > r.left / 2 || data_len > r.left) {
        return false;
    }
    out->name = cm_rd_take(&r, 2 * (size_t)name_len);
    out->data = cm_rd_take(&r, (size_t)data_len);
    return cm_rd_finish(&r) == CM_OK;
}
