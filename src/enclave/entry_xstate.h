/* Assembler macro of entry.S and exception_entry.S: duty 7 and 9 of entry.S. */
#ifndef CM_ENCLAVE_ENTRY_XSTATE_H
#define CM_ENCLAVE_ENTRY_XSTATE_H

#include "td_offsets.h"

/* clang-format off */
/*
 * x87, MXCSR, vectors, masks to their initial state, MXCSR with its flags set. XINUSE bit 0 clear is
 * the processor's promise that x87 is initial, down to data registers and last addresses; where it
 * can be asked (XGETBV with ECX = 1), that costs a third of resetting it.
 * Clobbers RAX, RCX, RDX and flags.
 */
        .macro  reset_xstate
        cmpl    $0, cm_xstate_xinuse(%rip)
        je      1f
        mov     $1, %ecx
        xgetbv
        test    $1, %al
        jz      2f
1:      mov     $1, %eax
        xor     %edx, %edx
        xrstor64 cm_xstate_initial(%rip)        /* x87 alone; fires no pending exception */
2:      ldmxcsr cm_mxcsr_initial(%rip)
        mov     cm_xstate_mode(%rip), %eax
        cmp     $XSTATE_AVX, %eax
        jb      3f
        vzeroall
        je      5f
        .irp    n, 16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
        vpxord  %xmm\n, %xmm\n, %xmm\n          /* EVEX: zeroes the whole register */
        .endr
        .irp    n, 0,1,2,3,4,5,6,7
        kxorw   %k\n, %k\n, %k\n
        .endr
        jmp     5f
3:      cmp     $XSTATE_SSE, %eax
        je      4f
        mov     cm_xstate_mask(%rip), %eax
        mov     cm_xstate_mask+4(%rip), %edx
        xrstor64 cm_xstate_initial(%rip)
        ldmxcsr cm_mxcsr_initial(%rip)
        jmp     5f
4:      .irp    n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
        pxor    %xmm\n, %xmm\n
        .endr
5:
        .endm
/* clang-format on */

#endif
