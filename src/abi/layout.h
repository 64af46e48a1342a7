/*
 * What WE define about an enclave's address space. Shared by the signer, the loader and the
 * runtime: the runtime finds everything from its TCS address and its measured properties.
 *
 *   base                                                                             base + size
 *   | image segments | heap | thread 0 | thread 1 | ... | (not added)                          |
 *   thread: | guard | stack ... | guard | TCS | SSA 0 | SSA 1 | guard | static TLS .. TD |
 *                                       ^RBX at entry                     FS = GS = TD ^
 * Guards are addresses without a page. Stack, SSA and TLS/TD pages are zero and measured; heap
 * pages are added without measurement and are hostile until written.
 */
#ifndef CM_ABI_LAYOUT_H
#define CM_ABI_LAYOUT_H

#include <casemate/enclusite.h> /* the format of ENCLU sites */

#define CM_PAGE_SIZE       4096
#define CM_GUARD_SIZE      CM_PAGE_SIZE
#define CM_SSA_FRAME_PAGES 1 /* holds XSAVE with AVX-512 (2,696 bytes), EXINFO and GPRSGX */
#define CM_NSSA            2
/* TCS page, then the SSA frames directly behind it */
#define CM_TCS_TO_SSA 4096
/*
 * Thread data: musl's struct pthread at offset 0 (FS:0), the runtime's own state from
 * CM_TD_RUNTIME_OFF on. TD begins a page; the static TLS block ends where it begins.
 */
#define CM_TD_SIZE        CM_PAGE_SIZE
#define CM_TD_MUSL_SIZE   512
#define CM_TD_RUNTIME_OFF 512

/* limits on what a signature may ask for */
#define CM_MAX_TCS         1024
#define CM_MAX_STACK_PAGES 0x40000ull    /* 1 GiB */
#define CM_MAX_HEAP_PAGES  0x4000000ull  /* 256 GiB */
#define CM_MAX_IMAGE_SIZE  0x40000000ull /* 1 GiB of ELF segments */

#endif
