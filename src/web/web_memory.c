/*
 * What libevent gives back is wiped: bodies, headers and answers hold secrets, and lie in its buffers, which are
 * copied and freed wherever it likes. So whatever it frees is taken for a secret.
 */
#include <event2/event.h>
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "common/wipe.h"
#include "web/web_private.h"

static void free_wiped(void *p)
{
    if (p != NULL) {
        cm_wipe(p, malloc_usable_size(p));
        free(p);
    }
}

/* Not realloc(): what it leaves behind when it moves nobody could wipe. */
static void *realloc_wiped(void *p, size_t n)
{
    const size_t had = p == NULL ? 0 : malloc_usable_size(p);
    void *out = malloc(n);

    if (out != NULL && p != NULL) {
        memcpy(out, p, had < n ? had : n);
        free_wiped(p);
    }
    return out;
}

static void set_functions(void)
{
    event_set_mem_functions(malloc, realloc_wiped, free_wiped);
}

void cm_web_memory(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    (void)pthread_once(&once, set_functions);
}
