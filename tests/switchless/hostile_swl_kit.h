/* What the D6 tests share: a fresh enclave, and the lines, which are the host's. One file a program. */
#ifndef CM_TESTS_HOSTILE_SWL_KIT_H
#define CM_TESTS_HOSTILE_SWL_KIT_H

#include <pthread.h>
#include <stdatomic.h>

#include "abi/line.h"
#include "hostile_host.h"
#include "hostile_swl.h"

static struct hh e;
static struct cm_line line[4] __attribute__((aligned(128)));
static atomic_bool over; /* for threads of a test */

static bool fresh(void)
{
    hh_unload(&e);
    hh_oret_result = OE_OK;
    hh_function = NULL;
    memset(line, 0, sizeof(line));
    return hh_load(&e, 0xa5) && hh_init(&e) == OE_OK;
}

static uint64_t peek(const struct cm_line *l)
{
    return __atomic_load_n(&l->word, __ATOMIC_SEQ_CST);
}

static void poke(struct cm_line *l, uint64_t word)
{
    __atomic_store_n(&l->word, word, __ATOMIC_SEQ_CST);
}

#endif
