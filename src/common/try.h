/* CM_TRY: the only macro that jumps. st is the function's status, out its one exit label. */
#ifndef CM_COMMON_TRY_H
#define CM_COMMON_TRY_H

#include <casemate/status.h>

#define CM_TRY(call)       \
    do {                   \
        st = (call);       \
        if (st != CM_OK) { \
            goto out;      \
        }                  \
    } while (0)

#endif
