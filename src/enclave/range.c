/* See range.h. No branch depends on anything but the four numbers; nothing can wrap. */
#include "enclave/range.h"

bool cm_range_within(CM_ADDR base, CM_ADDR size, CM_ADDR p, CM_ADDR n)
{
    const CM_ADDR len = n == 0 ? (CM_ADDR)1 : n;

    if (p == 0 || p < base || len > size) {
        return false;
    }
    /* p - base <= size - len, with both differences at least 0 */
    return (CM_ADDR)(p - base) <= (CM_ADDR)(size - len);
}

bool cm_range_outside(CM_ADDR base, CM_ADDR size, CM_ADDR p, CM_ADDR n)
{
    const CM_ADDR len = n == 0 ? (CM_ADDR)1 : n;
    const CM_ADDR top = (CM_ADDR)-1;

    if (p == 0 || (CM_ADDR)(len - 1) > (CM_ADDR)(top - p)) {
        return false; /* its last byte would lie beyond the address space */
    }
    if (p < base) {
        return len <= (CM_ADDR)(base - p);
    }
    return (CM_ADDR)(p - base) >= size;
}
