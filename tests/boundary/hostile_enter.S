/*
 * int hh_enter_raw(struct hh_regs *regs, uint32_t function, struct sgx_enclave_run *run)
 * Poisons what it is told to, calls hh_device_enter (the vDSO contract), keeps what comes back.
 */
#include "../saved.inc"

#define RDI 0
#define RSI 8
#define RDX 16
#define R8 24
#define R9 32
#define R10 40
#define R11 48
#define R12 56
#define R13 64
#define R14 72
#define R15 80
#define FLAGS 88
#define RAX 96
#define RCX 104
#define MXCSR 112
#define FCW 116
#define POISON 118
#define ZMM 128
#define K 2176
#define FX 2240
        .text
        .globl  hh_enter_raw
        .type   hh_enter_raw, @function
hh_enter_raw:
        SAVE
        sub     $40, %rsp
        mov     %rdi, -48(%rbp)
        stmxcsr -56(%rbp)
        fnstcw  -52(%rbp)
        mov     %rdi, %rbx
        cmpw    $0, POISON(%rbx)
        je      1f
        cmpl    $0, hh_have_avx512(%rip)
        je      2f
        .irp    n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
        vmovdqu64 ZMM + \n * 64(%rbx), %zmm\n
        .endr
        .irp    n,0,1,2,3,4,5,6,7
        kmovq   K + \n * 8(%rbx), %k\n
        .endr
        jmp     3f
2:      .irp    n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
        vmovdqu ZMM + \n * 64(%rbx), %ymm\n
        .endr
3:      .irp    n,0,1,2,3,4,5,6,7
        movq    ZMM + \n * 8(%rbx), %mm\n       /* tags full: x87 code would now overflow */
        .endr
1:      ldmxcsr MXCSR(%rbx)
        fldcw   FCW(%rbx)
        mov     %esi, %ecx
        mov     %rdx, %rax
        mov     RDI(%rbx), %rdi
        mov     RSI(%rbx), %rsi
        mov     RDX(%rbx), %rdx
        mov     R8(%rbx), %r8
        mov     R9(%rbx), %r9
        mov     R10(%rbx), %r10
        mov     R11(%rbx), %r11
        mov     R12(%rbx), %r12
        mov     R13(%rbx), %r13
        mov     R14(%rbx), %r14
        mov     R15(%rbx), %r15
        sub     $8, %rsp
        push    %rax                            /* the seventh argument; RSP is 16-aligned here */
        push    FLAGS(%rbx)
        popfq
        call    *hh_device_enter(%rip)
        pushfq
        pop     -64(%rbp)
        push    $2
        popfq
        mov     -48(%rbp), %rbx
        mov     %rdi, RDI(%rbx)
        mov     %rsi, RSI(%rbx)
        mov     %rdx, RDX(%rbx)
        mov     %r8, R8(%rbx)
        mov     %r9, R9(%rbx)
        mov     %r10, R10(%rbx)
        mov     %r11, R11(%rbx)
        mov     %r12, R12(%rbx)
        mov     %r13, R13(%rbx)
        mov     %r14, R14(%rbx)
        mov     %r15, R15(%rbx)
        mov     %rcx, RCX(%rbx)
        mov     -64(%rbp), %rcx
        mov     %rcx, FLAGS(%rbx)
        mov     %rax, RAX(%rbx)
        stmxcsr MXCSR(%rbx)
        fnstcw  FCW(%rbx)
        cmpw    $0, POISON(%rbx)
        je      4f
        fxsave64 FX(%rbx)
        cmpl    $0, hh_have_avx512(%rip)
        je      5f
        .irp    n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
        vmovdqu64 %zmm\n, ZMM + \n * 64(%rbx)
        .endr
        .irp    n,0,1,2,3,4,5,6,7
        kmovq   %k\n, K + \n * 8(%rbx)
        .endr
        jmp     6f
5:      .irp    n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
        vmovdqu %ymm\n, ZMM + \n * 64(%rbx)
        .endr
6:      vzeroupper
        fninit
4:      ldmxcsr -56(%rbp)
        fldcw   -52(%rbp)
        RESTORE_AND_RETURN
        .size   hh_enter_raw, . - hh_enter_raw
        .section .note.GNU-stack, "", @progbits
