/*
 * __sigsetjmp and getcontext, which return twice: a note of the host's mask first (emu_wait.c), then
 * a jump into the C library's own, which so sees the caller's stack and return address.
 */
#include "sgxemu/emu_keep.inc"

        .macro NOTED name, note, next
        .globl \name
        .type \name, @function
\name:
        .cfi_startproc
        endbr64
        CALL_KEEPING_ARGUMENTS \note
        jmp     *\next(%rip)
        .cfi_endproc
        .size \name, . - \name
        .endm
        .hidden cm_emu_note_jump, cm_emu_note_context
        .hidden cm_emu_next_sigsetjmp, cm_emu_next_getcontext
        .text
        NOTED   __sigsetjmp, cm_emu_note_jump, cm_emu_next_sigsetjmp
        NOTED   getcontext, cm_emu_note_context, cm_emu_next_getcontext
        .section .note.GNU-stack,"",@progbits
