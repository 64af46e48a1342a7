/* What was collected; see collect.h. */
#include <stdlib.h>
#include <string.h>

#include "collect/collect.h"

void cm_collected_free(struct cm_collected *c)
{
    for (size_t i = 0; i < c->count; i++) {
        free(c->part[i].bytes);
    }
    memset(c, 0, sizeof(*c));
}

enum cm_status cm_collected_add(struct cm_collected *c, enum cm_material_kind kind,
                                const char *suffix, struct cm_span bytes)
{
    uint8_t *copy = NULL;

    if (c->count == CM_COLLECT_PARTS) {
        return CM_ERR_LIMIT;
    }
    copy = malloc(bytes.len == 0 ? 1 : bytes.len);
    if (copy == NULL) {
        return CM_ERR_NOMEM;
    }
    if (bytes.len != 0) {
        memcpy(copy, bytes.ptr, bytes.len);
    }
    c->part[c->count].kind = kind;
    c->part[c->count].suffix = suffix;
    c->part[c->count].bytes = copy;
    c->part[c->count].len = bytes.len;
    c->count++;
    return CM_OK;
}
