/* What is enrolled, in memory: as decisions use it. Private to src/decide. */
#ifndef CM_DECIDE_DECIDE_ENROLLED_H
#define CM_DECIDE_DECIDE_ENROLLED_H

#include <casemate/verify.h>
#include <stdatomic.h>

#include "store/db.h"

/* All of it at one moment; immutable, counted. */
struct cm_enrolled_set {
    atomic_uint refs;
    size_t count;
    struct cm_enrolled {
        const char *type; /* of policies: a constant of src/rules */
        struct cm_material material;
        uint8_t *owned; /* content; name behind it */
    } item[];
};

/** Accepts NULL. */
void cm_enrolled_drop(struct cm_enrolled_set *set);
struct cm_enrolled_set *cm_enrolled_hold(struct cm_enrolled_set *set);

/** All of the store. @param out  one reference */
CM_MUST_USE enum cm_status cm_enrolled_read(struct cm_db *db, struct cm_enrolled_set **out,
                                            struct cm_why *why);

#endif
