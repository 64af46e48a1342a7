/*
 * The emulator's inner interface. Two halves share it:
 *
 *   processor  emu_enter.S emu_sigentry.S emu_thread.c emu_tcs.c emu_signal.c emu_frame.c
 *              emu_aex.c emu_patch.c emu_interpose.c emu_wait.c emu_jump.S: EENTER, EEXIT, AEX, ERESUME, threads, signals
 *   kernel     all other files: pages, ioctls and mmap rules, EINIT, keys, the other ENCLU leaves,
 *              and what a preloaded program sees
 *
 * Rules for both: nothing here may assume anything of a host or a runtime of ours; functions
 * marked "in signals" run on the emulator's signal stack, with all signals blocked and with the
 * host's FS and GS: no malloc, no stdio, no lock but cm_emu_lock.
 */
#ifndef CM_SGXEMU_EMU_H
#define CM_SGXEMU_EMU_H

#include <casemate/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arch/sgx.h"

struct sgx_enclave_run;
struct emu_tcs;

/* ------------------------------------------------------------------ options */

/* The words of the variable CASEMATE_SGXEMU, separated by commas (docs/emulator.md). */
struct emu_options {
    bool unchecked; /* "unchecked": syscalls inside are not caught (no Syscall User Dispatch) */
    bool no_patch;  /* "nopatch": every ENCLU goes through SIGILL */
    bool no_ldt;    /* "noldt": behave as if modify_ldt were refused */
    bool cpuid;     /* "cpuid": answer CPUID of the main program (preloaded only) */
    bool dbgoptin;  /* "dbgoptin": entries into DEBUG enclaves are opt-in (TCS.FLAGS.DBGOPTIN) */
    bool verbose;   /* "verbose": say why an ioctl or a leaf fails, on stderr */
};

/* Read once, before anything else of this page returns. Thread-safe. */
const struct emu_options *cm_emu_options(void);

/* One line on stderr, "casemate sgxemu: ...", if verbose. Not in signals. */
void cm_emu_log(const char *fmt, ...) CM_PRINTF(1, 2);

/* ------------------------------------------------------------------ enclaves (kernel half) */

/*
 * One enclave. Memory is type-stable: a freed enclave's struct may only become another enclave,
 * so that a lock-free reader never sees anything else.
 *
 * The processor half reads the first block and writes the second; all else is the kernel half's.
 */
struct emu_encl {
    /* set by ECREATE, constant while the enclave lives */
    uint64_t base;
    uint64_t size;
    uint64_t ssa_frame; /* bytes */
    uint64_t xfrm;
    uint64_t attributes; /* SGX_ATTR_INIT appears with EINIT */
    uint32_t misc;
    uint8_t *epc; /* all of ELRANGE a second time, always readable and writable (or a hole) */
    bool initialised;

    /* the processor half's */
    uint64_t site_ret;   /* address of a RET inside a patched ENCLU site; 0 = none patched */
    struct emu_tcs *tcs; /* all its TCS; for the walk when the enclave goes */

    struct emu_encl_kernel *k; /* the kernel half's own part (emu_epcm.c and friends) */
};

/* What an access, a leaf or an entry runs into. vector 0 = nothing (there is no #DE from these). */
struct emu_fault {
    uint32_t vector; /* SGX_VEC_GP or SGX_VEC_PF */
    uint32_t errcode;
    uint64_t addr; /* #PF only */
};

/*
 * The living, created enclave whose ELRANGE holds addr, or NULL.
 * In signals; lock-free and without a syscall.
 */
struct emu_encl *cm_emu_encl_find(uint64_t addr);

/*
 * May the processor itself use this page now: mapped (VMA) with `need`, valid, of type `type`, not
 * PENDING, not MODIFIED, and for SGX_PT_REG with `need` in the EPCM's permissions?
 * need: SGX_SECINFO_R | W | X. Returns false and fills f (vector 14 with the error code that the
 * SDM gives: plain for the VMA, bit 15 for the EPCM; vector 13 where it says #GP).
 * addr lies in ELRANGE. In signals; lock-free and without a syscall.
 */
bool cm_emu_page_usable(const struct emu_encl *e, uint64_t addr, enum sgx_page_type type,
                        unsigned need, struct emu_fault *f);

/*
 * A page fault of code inside e, at an address in ELRANGE. May add a page (EAUG).
 * True: run the instruction again. False: report it, with *errcode as the SDM says (bit 15 set
 * when the EPCM denies). In signals; takes the lock itself.
 */
bool cm_emu_page_fault(struct emu_encl *e, uint64_t addr, uint32_t *errcode);

/* The registers that ENCLU leaves see. */
struct emu_leaf_regs {
    uint64_t rax, rbx, rcx, rdx, r8;
    uint64_t
        rflags; /* status flags out: the leaf sets ZF and clears CF PF AF OF SF where it says */
};

/*
 * EREPORT, EGETKEY, EACCEPT, EMODPE, EACCEPTCOPY (RAX = 0, 1, 5, 6, 7; any other: #GP) by code
 * inside e. True: done, registers updated. False: f says which fault; registers untouched.
 * In signals; takes the lock itself where it needs it. Called on a 128 KiB stack; the vector state
 * is saved by the caller; memory of the enclave only through e->epc.
 */
bool cm_emu_leaf(struct emu_encl *e, struct emu_leaf_regs *r, struct emu_fault *f);

/* ------------------------------------------------------------------ processor half, for the kernel
 */

/*
 * Check the machine (FSGSBASE, Syscall User Dispatch), take over signal dispositions, prepare for
 * threads. Idempotent and thread-safe; the first open of the device calls it.
 * @retval CM_ERR_PLATFORM something is missing; why names it and what can be done
 */
CM_MUST_USE enum cm_status cm_emu_start(struct cm_why *why);

/* __vdso_sgx_enter_enclave's contract. */
int cm_emu_enter(unsigned long rdi, unsigned long rsi, unsigned long rdx, unsigned int function,
                 unsigned long r8, unsigned long r9, struct sgx_enclave_run *run);

/*
 * The one lock of the kernel half: blocks all signals of this thread first, so that no host handler
 * ever runs while it is held. Not recursive. In signals. Fork-safe. Keep the time short: a long
 * ADD_PAGES should drop and retake it.
 */
struct emu_lock_state {
    uint64_t sigmask;
};
void cm_emu_lock(struct emu_lock_state *st);
void cm_emu_unlock(const struct emu_lock_state *st);

/*
 * Call after any change of the EPCM, of a VMA over ELRANGE or of a TCS: what threads have cached
 * about TCS and SSA pages is checked again at the next entry. Cheap. Lock held.
 */
void cm_emu_pages_changed(void);

/* Is this a TCS page that EADD or EACCEPT may accept? (SDM: EADD's checks; size = SECS.SIZE.) */
bool cm_emu_tcs_valid(const struct sgx_tcs *tcs, uint64_t size);

/*
 * A TCS page has become usable: at EINIT for each TCS page, at EACCEPT for a new one. Decodes
 * e->epc + offset. Lock held. False when out of memory.
 */
CM_MUST_USE bool cm_emu_tcs_add(struct emu_encl *e, uint64_t offset);

/*
 * The TCS page at offset goes (EMODT to TRIM). Lock held. False: a thread is inside or has an
 * unfinished SSA frame (CSSA > 0 is allowed to go; only "busy" refuses): report EBUSY-like.
 */
bool cm_emu_tcs_remove(struct emu_encl *e, uint64_t offset);

/*
 * The enclave goes: forget all its TCS. Lock held. False: a thread is inside; the struct and its
 * memory must stay, and be tried again at the next open or close.
 */
CM_MUST_USE bool cm_emu_tcs_remove_all(struct emu_encl *e);

/*
 * After EINIT: replace the self-describing ENCLU sites (emu_patch.c) in [offset, offset + len), one
 * run of readable and executable pages, through e->epc. Before this, an enclave works too, slower.
 * Lock held.
 */
void cm_emu_patch(struct emu_encl *e, uint64_t offset, uint64_t len);

/* Bytes of an XSAVE area (standard format) that holds these components; for ECREATE's check. */
uint32_t cm_emu_xsave_size(uint64_t xfrm);
/* XCR0: what XFRM may ask for. */
uint64_t cm_emu_xcr0(void);

/* Replace CPUID in the main program (option cpuid); answers come from cm_emu_cpuid. */
void cm_emu_patch_cpuid(void);
/* CPUID as the emulated processor answers it (leaf 7 and 0x12 differ). Kernel half. In signals. */
void cm_emu_cpuid(uint32_t leaf, uint32_t subleaf, uint32_t out[4]);

/* ------------------------------------------------------------------ vDSO image (kernel half) */

/* An ELF image like the vDSO's whose __vdso_sgx_enter_enclave is cm_emu_enter. */
const void *cm_emu_vdso_image(void);

#endif
