/* See cpu_kit.h. */
#include "../saved.inc"

        .text
        .globl cpu_raw, cpu_raw_with_aep, cpu_raw_aep, cpu_raw_end
        .hidden cpu_raw, cpu_raw_with_aep, cpu_raw_aep, cpu_raw_end, cpu_vdso
        .macro ENTER name, clear_flags
        .globl \name
        .hidden \name
        .type \name, @function
\name:
        SAVE
        push %rbp
        push %rbp                       /* keeps the stack aligned */
        push 16(%rbp)                   /* run */
        call *cpu_vdso(%rip)
        .if \clear_flags
        cld
        pushfq
        andl $~0x40000, (%rsp)
        popfq
        .endif
        RESTORE_AND_RETURN
        .endm
        ENTER cpu_enter, 1
        ENTER cpu_enter_plain, 0

/* void cpu_raw(rdi, rsi, rdx, rcx leaf, r8 tcs); cpu_raw_with_aep: r9 AEP */
        .type cpu_raw, @function
cpu_raw:
        lea cpu_raw_aep(%rip), %r9
cpu_raw_with_aep:
        SAVE
        mov %ecx, %eax
        mov %r8, %rbx
        mov %r9, %rcx
        .byte 0x0f, 0x01, 0xd7
        jmp cpu_raw_end
cpu_raw_aep:
        .byte 0x0f, 0x01, 0xd7
cpu_raw_end:
        RESTORE_AND_RETURN
/*
 * A user handler that wants EENTER once more, and then gives -7. Counts in *(int *)run->user_data;
 * in assembly, since what it leaves in rdi is what the enclave gets.
 */
        .globl cpu_handler_twice
        .hidden cpu_handler_twice
        .type cpu_handler_twice, @function
cpu_handler_twice:
        mov 8(%rsp), %rax
        mov 32(%rax), %rcx
        incl (%rcx)
        xor %edi, %edi                  /* OP_NULL */
        mov $2, %eax
        cmpl $1, (%rcx)
        je 1f
        mov $-7, %eax
1:      ret
        .section .note.GNU-stack, "", @progbits
