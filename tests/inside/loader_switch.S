/*
 * Crossing between the loader and an image, both ways. While the image runs, FS is the image's and
 * the selector of Syscall User Dispatch is BLOCK, so any system call of the image ends the test.
 */
#include "inside_boot.h"

    .text

/* uint64_t cm_test_enter(void *entry, uint64_t op, void *arg, void *stack, void *td)
 * in: RDI, RSI, RDX, RCX, R8; out: RAX; keeps what a C function keeps */
    .globl cm_test_enter
    .type cm_test_enter, @function
cm_test_enter:
    .cfi_startproc
    push %rbp
    push %rbx
    push %r12
    push %r13
    push %r14
    push %r15
    mov %rsp, %rbp
    mov %rcx, %rsp
    mov %r8, %rbx
    rdfsbase %r12
    mov %r12, CM_TEST_TD_HOST_FS(%rbx)
    mov CM_TEST_TD_SELECTOR(%rbx), %r13
    mov %rdi, %rax
    mov %rsi, %rdi
    mov %rdx, %rsi
    wrfsbase %rbx
    movb $1, (%r13)
    call *%rax
    movb $0, (%r13)
    wrfsbase %r12
    mov %rbp, %rsp
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbx
    pop %rbp
    ret
    .cfi_endproc
    .size cm_test_enter, . - cm_test_enter

/* uint64_t cm_test_ocall(what, a, b, c), called by the image: the loader's side of it with the
 * host's FS, then back */
    .globl cm_test_ocall
    .type cm_test_ocall, @function
cm_test_ocall:
    .cfi_startproc
    push %rbp
    mov %rsp, %rbp
    push %rbx
    push %r12
    and $-16, %rsp
    rdfsbase %r12
    mov CM_TEST_TD_SELECTOR(%r12), %rbx
    movb $0, (%rbx)
    mov CM_TEST_TD_HOST_FS(%r12), %rax
    mov %r12, %r8
    wrfsbase %rax
    call cm_test_serve
    wrfsbase %r12
    movb $1, (%rbx)
    lea -16(%rbp), %rsp
    pop %r12
    pop %rbx
    pop %rbp
    ret
    .cfi_endproc
    .size cm_test_ocall, . - cm_test_ocall

    .section .note.GNU-stack, "", @progbits
