/*
 * What a debugger finds in a host program: a list of the enclaves that it may look into, and functions to
 * set a breakpoint on. The names, and the first eleven members, are those that debuggers know from Open
 * Enclave (its debugger contract, version 2); deploy/debugger/casemate_gdb.py is ours. Only enclaves with
 * the DEBUG attribute are listed.
 */
#ifndef CM_HOST_DEBUGGER_H
#define CM_HOST_DEBUGGER_H

#include <stdbool.h>
#include <stdint.h>

#include "host/handle.h"
#include "host/loader.h"

#define CM_DEBUG_ENCLAVE_MAGIC   0xabc540ee14fa48ceull
#define CM_DEBUG_ENCLAVE_VERSION 2
#define CM_DEBUG_MODULE_MAGIC    0xf67ae6230a18a2ceull
#define CM_DEBUG_MODULE_VERSION  1
#define CM_DEBUG_FLAG_DEBUG      1u
#define CM_DEBUG_FLAG_SIMULATE   2u

/* The shared library that is part of an enclave. */
struct cm_debug_module {
    uint64_t magic;
    uint64_t version;
    struct cm_debug_module *next; /* NULL: there is one */
    const char *path;
    uint64_t path_length;
    uint64_t base; /* its address 0 */
    uint64_t size;
    const struct cm_debug_enclave *enclave;
};

struct cm_debug_enclave {
    uint64_t magic;
    uint64_t version;
    struct cm_debug_enclave *next;
    const char *path;
    uint64_t path_length;
    uint64_t base; /* of the enclave's address space */
    uint64_t size;
    const uint64_t *tcs; /* addresses */
    uint64_t tcs_count;
    uint64_t flags;                        /* CM_DEBUG_FLAG_* */
    const struct cm_debug_module *modules; /* NULL: none */
    /* ours */
    uint64_t image; /* where the image's address 0 is; differs from base with a base of 0 */
};

extern uint32_t oe_debugger_contract_version;
extern struct cm_debug_enclave *oe_debug_enclaves_list;

/* Called with the list as it is then; empty, for breakpoints. */
void oe_debug_enclave_created_hook(struct cm_debug_enclave *enclave);
void oe_debug_enclave_terminated_hook(struct cm_debug_enclave *enclave);

/**
 * List an enclave that is about to run for the first time.
 * @return What cm_debugger_forget() takes; NULL when memory ran out: a debugger does not see it then.
 */
struct cm_debug_enclave *cm_debugger_list(const oe_enclave_t *enclave,
                                          const struct cm_loaded *loaded);

/** Its code will not run again. Accepts NULL. */
void cm_debugger_forget(struct cm_debug_enclave *listed);

#endif
