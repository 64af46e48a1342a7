/* See tcg_parts.h. */
#include "tpm/tcg_parts.h"

#include <string.h>

#define SEPARATORS 3

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

void cm_tcg_separators_make(uint16_t alg, struct cm_tcg_separators *out)
{
    static const uint8_t values[SEPARATORS][4] = {
        {0, 0, 0, 0}, {0xff, 0xff, 0xff, 0xff}, {1, 0, 0, 0} /* an error */};

    memset(out, 0, sizeof(*out));
    for (size_t i = 0; i < SEPARATORS; i++) {
        struct cm_span part = cm_span_make(values[i], 4);

        out->have = cm_tpm_hash(alg, &part, 1, out->digest[i]) == CM_OK;
    }
}

bool cm_tcg_is_separator(const struct cm_tcg_separators *separators, const struct cm_tcg_log *log,
                         const struct cm_tcg_event *e, uint16_t alg)
{
    struct cm_span digest = cm_tcg_digest(log, e, alg);

    for (size_t i = 0; i < SEPARATORS && digest.ptr != NULL && separators->have; i++) {
        if (memcmp(separators->digest[i], digest.ptr, digest.len) == 0) {
            return true;
        }
    }
    return false;
}
