/*
 * The enclave of the transition tests: code and data, laid out by hand. cpu_kit.c copies the image
 * from here page by page, so all of it is position independent.
 *
 *   page 0     code (RX)
 *   page 1     data (RW)
 *   page 2, 3  TCS 0, TCS 1 (and with dynamic memory nothing else)
 *   page 4-7   SSA of TCS 0: NSSA 4 frames
 *   page 8-11  SSA of TCS 1
 *   page 12,13 FS pages of the TCS; a stack of 3840 bytes below FS + 0xf00
 *   page 14    GS page of both
 *   page 15    read-only (R)
 *
 * Entry: rdi operation, rsi and rdx arguments (cpu_kit.h). CSSA > 0: "exception entry": add rsi to
 * the interrupted frame's RIP and, if rdx is not 0, write EXITINFO, RIP, EXINFO (maddr, errcd),
 * RFLAGS, RSP there as six u64; operations from 0x100 on run as at CSSA 0 instead.
 */
#define ENCLU .byte 0x0f, 0x01, 0xd7
#define PAGE  4096
#define GPR   184

        .section .rodata
        .balign 4096
        .globl cpu_enclave_image, cpu_enclave_end
        .hidden cpu_enclave_image, cpu_enclave_end
cpu_enclave_image:
base:
entry:
        test %eax, %eax
        jnz .Lnested
.Lnormal:
        rdfsbase %r10
        mov %eax, %r11d
        shl $10, %eax                   /* nested entries get a lower part of the stack */
        lea 0xf00(%r10), %rsp
        sub %rax, %rsp
        push %rcx                       /* where to */
        push %r11                       /* CSSA */
        and $0xff, %edi
        lea table(%rip), %r10
        movslq (%r10, %rdi, 4), %r11
        add %r10, %r11
        jmp *%r11

        /* the host's RSP and RBP as the last EENTER or ERESUME of this frame left them; rbx target */
        .macro TO_HOST
        pop %r11
        pop %rbx
        rdfsbase %r10
        lea base(%rip), %rax
        sub %rax, %r10
        sub $(12 * PAGE), %r10
        lea (5 * PAGE)(%rax, %r10, 4), %r10
        shl $12, %r11d
        mov (144 - GPR)(%r10, %r11), %rsp
        mov (152 - GPR)(%r10, %r11), %rbp
        mov $4, %eax
        .endm
leave_now:
        TO_HOST
        jmp site
leave_raw:
        TO_HOST
        ENCLU
        ud2
.Lnested:
        cmp $0x100, %edi
        jae .Lnormal
        lea base(%rip), %r10
        mov %rbx, %r11
        sub %r10, %r11
        sub $(2 * PAGE), %r11
        lea (4 * PAGE)(%r10, %r11, 4), %r10
        shl $12, %eax
        add %rax, %r10                  /* end of frame CSSA - 1 */
        sub $GPR, %r10
        add %rsi, 136(%r10)
        test %rdx, %rdx
        jz 1f
        mov 160(%r10), %eax
        mov %rax, (%rdx)
        mov 136(%r10), %rax
        sub %rsi, %rax
        mov %rax, 8(%rdx)
        mov -16(%r10), %rax
        mov %rax, 16(%rdx)
        mov -8(%r10), %eax
        mov %rax, 24(%rdx)
        mov 128(%r10), %rax
        mov %rax, 32(%rdx)
        mov 32(%r10), %rax
        mov %rax, 40(%rdx)
1:      mov %rcx, %rbx
        mov $4, %eax
        jmp site

        .balign 4
table:
        .long op_null - table, op_raw - table, op_ud2 - table, op_div - table       /* 0 */
        .long op_int3 - table, op_host_fault - table, op_syscall - table, op_hlt - table /* 4 */
        .long op_ac - table, op_ac_ud2 - table, op_count - table, op_spin - table   /* 8 */
        .long op_registers - table, op_exit_address - table, op_leaf - table, op_store - table /* 12 */
        .long op_exit_to - table, op_readonly - table, op_int80 - table, op_mf - table /* 16 */
        .long op_xm - table, op_tf - table, op_leaf_raw - table, op_regs512 - table  /* 20 */
        .long op_flags - table, op_wrap - table, op_far - table                      /* 24 */

op_null: jmp leave_now
op_raw: jmp leave_raw
op_ud2: ud2
        jmp leave_now
op_div: xor %eax, %eax
        xor %edx, %edx
        div %eax
        jmp leave_now
op_int3: int3
        jmp leave_now
op_host_fault:
        movb $1, 0x123
        jmp leave_now
op_syscall:
        mov $39, %eax
        syscall
        jmp leave_now
op_int80:
        mov $20, %eax
        int $0x80
        jmp leave_now
op_hlt: hlt
        jmp leave_now
op_ac:                                  /* 5 bytes fault */
        pushfq
        orl $0x40000, (%rsp)
        popfq
        mov 1(%rsp), %rax
        pushfq
        andl $~0x40000, (%rsp)
        popfq
        jmp leave_now
op_ac_ud2:
        pushfq
        orl $0x40000, (%rsp)
        popfq
        ud2
        pushfq
        andl $~0x40000, (%rsp)
        popfq
        jmp leave_now
op_mf:                                  /* x87: 1/0 unmasked, seen by the next instruction */
        fninit
        push $0x0370
        fldcw (%rsp)
        fld1
        fldz
        fdivrp
        fwait                           /* 1 byte */
        fnclex
        fninit
        pop %rax
        jmp leave_now
op_xm:
        push $0x1d80                    /* MXCSR: division by zero not masked */
        ldmxcsr (%rsp)
        xorps %xmm0, %xmm0
        mov $1, %eax
        cvtsi2ss %eax, %xmm1
        divss %xmm0, %xmm1              /* 4 bytes */
        movl $0x1f80, (%rsp)
        ldmxcsr (%rsp)
        pop %rax
        jmp leave_now
op_readonly:                            /* the page is R: EPCM denies the write; 7 bytes */
        lea base + 15 * PAGE(%rip), %rax
        movb $1, 0x123(%rax)
        jmp leave_now
op_count:                               /* a counter in the FS page; its value to *rdx */
        incq %fs:0
        mov %fs:0, %rax
        mov %rax, (%rdx)
        jmp leave_now
op_spin:                                /* until *rsi is not 0; counts in *rdx */
2:      pause
        incq (%rdx)
        cmpl $0, (%rsi)
        je 2b
        jmp leave_now
op_store:                               /* *rsi = rdx, inside or out */
        mov %rdx, (%rsi)                /* 3 bytes */
        jmp leave_now
op_exit_to:                             /* EEXIT to rsi; rdx 0 by the site, 1 raw */
        TO_HOST
        mov %rsi, %rbx
        test %edx, %edx
        jz site
        ENCLU
        ud2
op_tf:                                  /* opt-out: POPF cannot set TF for long */
        pushfq
        orl $0x100, (%rsp)
        popfq
        nop
        nop
        jmp leave_now
op_flags:                               /* RFLAGS at entry to *rdx */
        pushfq
        pop %rax
        mov %rax, (%rdx)
        pushfq
        andl $~0x40500, (%rsp)
        popfq
        cld
        jmp leave_now
op_wrap:                                /* FS base changed inside survives asynchronous exits */
        rdfsbase %r8
        lea base + PAGE(%rip), %r9
        wrfsbase %r9
3:      rdfsbase %r10
        cmp %r9, %r10
        jne 4f
        dec %rsi
        jnz 3b
        movq $1, (%rdx)
4:      wrfsbase %r8
        jmp leave_now

op_leaf:                                /* ENCLU[rax] by the site: rsi -> rax, rbx, rcx, rdx in and out */
        push %rsi
        mov 8(%rsi), %rbx
        mov 16(%rsi), %rcx
        mov 24(%rsi), %rdx
        mov (%rsi), %rax
        mov $0x5151, %r12d
        pxor %xmm9, %xmm9
        pcmpeqd %xmm9, %xmm9
        call site
        jmp .Lleaf_out
op_leaf_raw:
        push %rsi
        mov 8(%rsi), %rbx
        mov 16(%rsi), %rcx
        mov 24(%rsi), %rdx
        mov (%rsi), %rax
        mov $0x5151, %r12d
        pcmpeqd %xmm9, %xmm9
        ENCLU
.Lleaf_out:
        pushfq
        pop %r8
        pop %rsi
        mov %rax, (%rsi)
        mov %rbx, 8(%rsi)
        mov %rcx, 16(%rsi)
        mov %rdx, 24(%rsi)
        mov %r8, 32(%rsi)
        movq %xmm9, %rax
        mov %rax, 40(%rsi)
        mov %r12, 48(%rsi)
        rdfsbase %rax
        mov %rax, 56(%rsi)
        jmp leave_now

        /* every register known across asynchronous exits: rsi rounds, *rdx = bits that differed */
        .macro EXPECT reg, value
        cmp $\value, \reg
        jne 6f
        .endm
        .macro LOOP_BODY
        mov $0x1111, %r8d
        mov $0x2222, %r9d
        mov $0x3333, %r12d
        mov $0x4444, %r13d
        mov $0x5555, %r14d
        mov $0x6666, %r15d
        mov $0x7777, %ebp
        xor %edi, %edi
        .endm
        .macro LOOP_CHECK
        EXPECT %r8, 0x1111
        EXPECT %r9, 0x2222
        EXPECT %r12, 0x3333
        EXPECT %r13, 0x4444
        EXPECT %r14, 0x5555
        EXPECT %r15, 0x6666
        EXPECT %rbp, 0x7777
        rdfsbase %rax
        lea base(%rip), %rcx
        sub %rcx, %rax
        sub $(12 * PAGE), %rax
        test $~PAGE, %rax
        jnz 6f
        rdgsbase %rax
        sub %rcx, %rax
        cmp $(14 * PAGE), %rax
        jne 6f
        .endm
op_registers:
        push %rdx
        LOOP_BODY
        vpcmpeqd %ymm7, %ymm7, %ymm7
        vpcmpeqd %ymm15, %ymm15, %ymm15
5:      vpxor %ymm7, %ymm15, %ymm0
        vptest %ymm0, %ymm0
        jz 7f
        or $1, %edi
7:      LOOP_CHECK
        dec %rsi
        jnz 5b
        jmp 8f
6:      or $2, %edi
8:      pop %rdx
        mov %rdi, (%rdx)
        vzeroupper
        jmp leave_now
op_regs512:                             /* the same with ZMM and mask registers */
        push %rdx
        LOOP_BODY
        vpternlogd $0xff, %zmm3, %zmm3, %zmm3
        vpternlogd $0xff, %zmm31, %zmm31, %zmm31
        mov $0x5a5a, %eax
        kmovw %eax, %k5
5:      vpcmpeqd %zmm3, %zmm31, %k1
        kmovw %k1, %eax
        cmp $0xffff, %eax
        jne 9f
        kmovw %k5, %eax
        cmp $0x5a5a, %eax
        je 7f
9:      or $1, %edi
7:      LOOP_CHECK
        dec %rsi
        jnz 5b
        jmp 8f
6:      or $2, %edi
8:      pop %rdx
        mov %rdi, (%rdx)
        vzeroall
        jmp leave_now
op_exit_address:                        /* RCX of the entry to *rdx */
        mov 8(%rsp), %rax
        mov %rax, (%rdx)
        jmp leave_now
op_far:                                 /* leave by the site of the copy at base + rsi */
        TO_HOST
        lea site(%rip), %r11
        add %rsi, %r11
        jmp *%r11

        .balign 16
site:   ENCLU
        ret
        .ascii "CASEMATE"
        .long 0
        .balign 4096
cpu_enclave_end:
        .section .note.GNU-stack, "", @progbits
