/*
 * Where a thread goes on after its exception was judged worth a handler: the first level has made
 * ERESUME come here instead of to the interrupted instruction.
 *
 * cm_exception_enter
 *   in      RSP = RDI = struct cm_exception_frame on this thread's stack, 16-aligned, zone and gap
 *           above it; extended state as the interrupted code had it; RFLAGS clear
 *   out     the interrupted code, with the registers that the handlers left in the frame
 *   duties  1 save the extended state, then reset it for the C code as every entry does
 *           2 give control back without touching the interrupted code's red zone
 */
#include "enclave/entry_xstate.h"

        .text
        .globl  cm_exception_enter
        .hidden cm_exception_enter
        .type   cm_exception_enter, @function
        .balign 64
cm_exception_enter:
        .cfi_startproc
        .cfi_undefined rip
        mov     %rdi, %rbx
        sub     $XSAVE_AREA, %rsp
        and     $-64, %rsp
        lea     512(%rsp), %rdi                 /* the header must be zero beforehand */
        xor     %eax, %eax
        mov     $8, %ecx
        rep stosq
        mov     cm_xstate_mask(%rip), %eax
        mov     cm_xstate_mask+4(%rip), %edx
        xsave64 (%rsp)                          /* duty 1 */
        reset_xstate
        lfence
        mov     %rsp, %r12
        mov     %rbx, %rdi
        mov     %rsp, %rsi
        xor     %ebp, %ebp
        call    cm_exception_second_level       /* frame, XSAVE area; returns to resume */
        mov     cm_xstate_mask(%rip), %eax
        mov     cm_xstate_mask+4(%rip), %edx
        xrstor64 (%r12)
        /*
         * Duty 2: RIP, RFLAGS and RBX go below the red zone of the stack to return to. An exception
         * may come at any instruction and puts its own frame below RSP, so RSP stays below this one
         * until all that is needed stands above where it goes.
         */
        mov     GPR_RSP(%rbx), %rax
        sub     $(RED_ZONE + 24), %rax
        mov     GPR_RIP(%rbx), %rcx
        mov     %rcx, 16(%rax)
        mov     GPR_RFLAGS(%rbx), %rcx
        mov     %rcx, 8(%rax)
        mov     GPR_RBX(%rbx), %rcx
        mov     %rcx, (%rax)
        mov     %rax, GPR_RSP(%rbx)
        mov     GPR_RAX(%rbx), %rax
        mov     GPR_RCX(%rbx), %rcx
        mov     GPR_RDX(%rbx), %rdx
        mov     GPR_RBP(%rbx), %rbp
        mov     GPR_RSI(%rbx), %rsi
        mov     GPR_RDI(%rbx), %rdi
        mov     GPR_R8(%rbx), %r8
        mov     GPR_R9(%rbx), %r9
        mov     GPR_R10(%rbx), %r10
        mov     GPR_R11(%rbx), %r11
        mov     GPR_R12(%rbx), %r12
        mov     GPR_R13(%rbx), %r13
        mov     GPR_R14(%rbx), %r14
        mov     GPR_R15(%rbx), %r15
        mov     GPR_RSP(%rbx), %rsp
        pop     %rbx
        popfq
        ret     $RED_ZONE
        .cfi_endproc
        .size   cm_exception_enter, . - cm_exception_enter

        .section .note.GNU-stack, "", @progbits
