/*
 * Who had something fetched in this minute that nobody vouches for, and how often. Private to src/decide; not
 * thread-safe.
 */
#ifndef CM_DECIDE_DECIDE_SPEND_H
#define CM_DECIDE_DECIDE_SPEND_H

#include "decide/decide_keeper.h"

struct cm_spender {
    char client[128];
    unsigned count;
};

/** All zero at first. */
struct cm_spending {
    uint64_t minute;
    unsigned in_minute;
    struct cm_spender spenders[CM_KEEPER_UNVOUCHED]; /* each has at least one: there are no more */
    size_t spender_count;
};

/** One more fetch of what nobody vouches for. @return false: too many already, of all or of this client */
bool cm_spend(struct cm_spending *k, uint64_t now, const char *client);

#endif
