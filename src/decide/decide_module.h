/* The module's state, for its own files. Private to src/decide. */
#ifndef CM_DECIDE_DECIDE_MODULE_H
#define CM_DECIDE_DECIDE_MODULE_H

#include <pthread.h>

#include "decide/decide_engine.h"
#include "decide/decide_stats.h"

#define CM_TOPIC_COLLATERAL  "collateral"
#define CM_TOPIC_FLOORS      "collateral.floors"
#define CM_TOPIC_ENROLLED    "enrolled"

#define CM_RETENTION_DAYS    90u
#define CM_RETENTION_ROWS    1000000u
#define CM_RETENTION_REFUSED 10u /* refused evidence has this part of the rows */

struct cm_decide_module_state {
    struct cm_service *service;
    struct cm_engine *engine;
    struct cm_bases *bases;
    struct cm_stats *stats;
    struct cm_record_ids ids;
    atomic_bool floors_writing; /* floors are on their way to the store */
    struct cm_change floors_change;
    uint64_t retired; /* when rows were last retired; on the tick's thread */
    uint64_t marked;  /* when it was last said what is used */
    pthread_mutex_t lock;
    pthread_cond_t idle;
    size_t pending; /* changes at the writer: the module does not end before them; under lock */
};

/** A change of the module's goes to the writer, and has come back; nothing of it is used behind that. */
void cm_decide_begin(struct cm_decide_module_state *m);
void cm_decide_end(struct cm_decide_module_state *m);

/** The module's state of a service; it must have the module. */
struct cm_decide_module_state *cm_decide_state(struct cm_service *s);

/* decide_store.c: collateral in the store; the engine's ops */
CM_MUST_USE enum cm_status cm_decide_load(void *arg, const char *name, struct cm_kept **out,
                                          struct cm_why *why);
CM_MUST_USE enum cm_status cm_decide_save(void *arg, const struct cm_kept *kept,
                                          struct cm_why *why);
/** Take from the store what is newer there. */
CM_MUST_USE enum cm_status cm_decide_load_all(struct cm_decide_module_state *m, struct cm_why *why);
/** What was used since a time stays for as long again; what no instance used is taken away. Waits. */
CM_MUST_USE enum cm_status cm_decide_mark_used(struct cm_decide_module_state *m, uint64_t since,
                                               uint64_t now, struct cm_why *why);
/** Floors that rose, into the store, without waiting. */
void cm_decide_save_floors(struct cm_decide_module_state *m);
CM_MUST_USE enum cm_status cm_decide_load_floors(struct cm_decide_module_state *m,
                                                 struct cm_why *why);
CM_MUST_USE enum cm_status cm_decide_load_enrolled(struct cm_decide_module_state *m,
                                                   struct cm_why *why);
/** Sums into the store, without waiting; and waiting. */
void cm_decide_flush(struct cm_decide_module_state *m);
CM_MUST_USE enum cm_status cm_decide_flush_now(struct cm_decide_module_state *m,
                                               struct cm_why *why);

#endif
