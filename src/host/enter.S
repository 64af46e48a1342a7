/*
 * int cm_enter(sgx_enter_enclave_t enter, struct cm_regs *regs, uint32_t function,
 *              struct sgx_enclave_run *run)
 *
 * Calls the device's entry (the kernel's vDSO function or the emulator's) with regs->rdi and
 * regs->rsi, and stores what RDI and RSI hold when it returns: the enclave's call word.
 *
 * in:   rdi enter, rsi regs, edx function (EENTER or ERESUME), rcx run
 * out:  eax what enter returned; regs
 * Duties, since neither the vDSO nor an enclave keeps the C calling convention:
 *   1. save and restore rbx, rbp and r12-r15 (an asynchronous exit clears them);
 *   2. save and restore MXCSR and the x87 control word (the enclave has its own, row A3);
 *   3. hand over nothing else: rdx, r8 and r9 are zero;
 *   4. clear DF for the C code behind.
 * Nothing above the frame depends on a register that the enclave could have changed: the vDSO
 * contract gives back RSP and RBP, everything else is read from the stack.
 */
#define REGS_RDI 0 /* invoke.h checks both */
#define REGS_RSI 8

    .text
    .globl cm_enter
    .hidden cm_enter
    .type cm_enter, @function
    .p2align 4
cm_enter:
    .cfi_startproc
    endbr64
    pushq %rbp
    .cfi_def_cfa_offset 16
    .cfi_offset %rbp, -16
    movq %rsp, %rbp
    .cfi_def_cfa_register %rbp
    pushq %rbx
    .cfi_offset %rbx, -24
    pushq %r12
    .cfi_offset %r12, -32
    pushq %r13
    .cfi_offset %r13, -40
    pushq %r14
    .cfi_offset %r14, -48
    pushq %r15
    .cfi_offset %r15, -56
    pushq %rsi                  /* -48(%rbp): regs */
    subq $24, %rsp
    stmxcsr -56(%rbp)
    fnstcw -64(%rbp)

    movq %rdi, %rax
    movl %edx, %r10d
    pushq %rcx                  /* the seventh argument; RSP is 16-aligned here */
    movq REGS_RDI(%rsi), %rdi
    movq REGS_RSI(%rsi), %rsi
    xorl %edx, %edx
    movl %r10d, %ecx
    xorl %r8d, %r8d
    xorl %r9d, %r9d
    call *%rax

    cld
    movq -48(%rbp), %rdx
    movq %rdi, REGS_RDI(%rdx)
    movq %rsi, REGS_RSI(%rdx)
    ldmxcsr -56(%rbp)
    fldcw -64(%rbp)
    movq -40(%rbp), %r15
    movq -32(%rbp), %r14
    movq -24(%rbp), %r13
    movq -16(%rbp), %r12
    movq -8(%rbp), %rbx
    leave
    .cfi_def_cfa %rsp, 8
    ret
    .cfi_endproc
    .size cm_enter, .-cm_enter

    .section .note.GNU-stack, "", @progbits
