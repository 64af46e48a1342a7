/*
 * int cm_fake_enter(rdi, rsi, rdx, function, r8, r9, run): an "enclave" made of C, behind the vDSO's
 * signature. Calls int cm_fake_enclave(regs, function, run), then returns with RDI and RSI from
 * regs and with everything destroyed that the vDSO does not promise to keep.
 */
    .text
    .globl cm_fake_enter
    .type cm_fake_enter, @function
cm_fake_enter:
    pushq %rbp
    movq %rsp, %rbp
    pushq %rbx
    subq $56, %rsp
    movq %rdi, -24(%rbp)        /* struct cm_regs at -24: rdi, rsi */
    movq %rsi, -16(%rbp)
    leaq -24(%rbp), %rdi
    movl %ecx, %esi
    movq 16(%rbp), %rdx
    call cm_fake_enclave
    movq -24(%rbp), %rdi
    movq -16(%rbp), %rsi
    movl $0x1fbf, -32(%rbp)     /* the enclave's MXCSR: row A3 */
    ldmxcsr -32(%rbp)
    movl $0x077f, -32(%rbp)
    fldcw -32(%rbp)
    movq $-1, %rdx
    movq $-1, %r8
    movq $-1, %r9
    movq $-1, %r10
    movq $-1, %r11
    movq $-1, %r12
    movq $-1, %r13
    movq $-1, %r14
    movq $-1, %r15
    std
    movq -8(%rbp), %rbx
    leave
    ret
    .size cm_fake_enter, .-cm_fake_enter

/*
 * uint64_t cm_kept(int (*f)(void *), void *arg): what a C caller relies on, across f: bit 0 rbx,
 * 1-4 r12-r15, 5 rbp, 6 MXCSR, 7 x87 control word, 8 DF. 0 = all kept.
 */
    .globl cm_kept
    .type cm_kept, @function
cm_kept:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    subq $24, %rsp
    stmxcsr 16(%rsp)
    fnstcw 20(%rsp)
    movl $0x5f80, (%rsp)        /* another rounding mode than the default */
    ldmxcsr (%rsp)
    movl $0x0c7f, 4(%rsp)
    fldcw 4(%rsp)
    movq $0x1111, %rbx
    movq $0x2222, %r12
    movq $0x3333, %r13
    movq $0x4444, %r14
    movq $0x5555, %r15
    movq $0x6666, %rbp
    movq %rdi, %rax
    movq %rsi, %rdi
    call *%rax
    xorl %eax, %eax
    pushfq
    popq %rcx
    testl $0x400, %ecx
    jz 1f
    orl $256, %eax
1:  cld
    cmpq $0x1111, %rbx
    je 1f
    orl $1, %eax
1:  cmpq $0x2222, %r12
    je 1f
    orl $2, %eax
1:  cmpq $0x3333, %r13
    je 1f
    orl $4, %eax
1:  cmpq $0x4444, %r14
    je 1f
    orl $8, %eax
1:  cmpq $0x5555, %r15
    je 1f
    orl $16, %eax
1:  cmpq $0x6666, %rbp
    je 1f
    orl $32, %eax
1:  stmxcsr 8(%rsp)
    movl 8(%rsp), %ecx
    cmpl $0x5f80, %ecx
    je 1f
    orl $64, %eax
1:  fnstcw 8(%rsp)
    movzwl 8(%rsp), %ecx
    cmpl $0x0c7f, %ecx
    je 1f
    orl $128, %eax
1:  ldmxcsr 16(%rsp)
    fldcw 20(%rsp)
    addq $24, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
    .size cm_kept, .-cm_kept
    .section .note.GNU-stack, "", @progbits
