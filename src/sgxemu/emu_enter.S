/*
 * The transitions, in a section of their own (with emu_sigentry.S), from which Syscall User Dispatch
 * always lets a syscall through.
 *
 * Sequences (labels cm_emu_seq_*): what hardware does in one instruction takes many here. A signal
 * that lands in one is settled before anything else looks at the thread (cm_emu_settle in
 * emu_aex.c): EENTER and ERESUME roll back to their beginning, EEXIT rolls forward to its end. A
 * change of one of them needs a change there; tests/sgxemu/step_test.c puts a signal on each
 * instruction.
 */
#include "emu_offsets.h"

#define ENCLU   .byte 0x0f, 0x01, 0xd7
#define FN_EENTER  2
#define FN_ERESUME 3
#define FN_EEXIT   4
#define VEC_GP     13
/* what PUSHF shows of it may be a debugger's, and must not be loaded back */
#define FLAG_TF    0x100
/* what ERESUME may load into RFLAGS: status flags, DF, RF, AC, ID */
#define FLAGS_RESUMED 0x250cd5
#define XSAVE_ROOM 4096

        .hidden cm_emu_self, cm_emu_gen, cm_emu_slots, cm_emu_xsave_mask
        .hidden cm_emu_entry_slow, cm_emu_leaf_fast

        .macro LABEL name
        .globl \name
        .hidden \name
\name:
        .endm

        /* save or load a full set of vector state at (%rsp), 64-aligned; eax, edx clobbered */
        .macro VECTORS op
        mov cm_emu_xsave_mask(%rip), %rax
        mov %rax, %rdx
        shr $32, %rdx
        \op (%rsp)
        .endm

        .macro ZERO_XSAVE_HEADER
        xor %eax, %eax
        .set off, 512
        .rept 8
        mov %rax, off(%rsp)
        .set off, off + 8
        .endr
        .endm

        .section cm_emu_text, "ax", @progbits

/*
 * int cm_emu_enter(rdi, rsi, rdx, ecx = function, r8, r9, run on the stack)
 *
 * In:  rdi rsi rdx r8 r9 go into the enclave as they are, and so do all other registers but rax,
 *      rbx, rcx; ecx EENTER or ERESUME.
 * Out: eax 0, -EINVAL or what the user handler returned; rbx rbp rsp kept, the rest is as the
 *      enclave left it (after an asynchronous exit: zero).
 * Duties: 1 refuse bad functions and non-zero reserved bytes, before any other effect
 *         2 find the TCS in this thread's cache, or else by cm_emu_entry_slow
 *         3 EENTER or ERESUME
 *         4 fill run->function and run->exception_*, call the user handler, re-enter if it says so
 */
LABEL cm_emu_enter
        .type cm_emu_enter, @function
        .cfi_startproc
        push %rbp
        .cfi_def_cfa_offset 16
        .cfi_offset %rbp, -16
        mov %rsp, %rbp
        .cfi_def_cfa_register %rbp
        push %rbx
        .cfi_offset %rbx, -24
        mov %ecx, %eax
LABEL cm_emu_again
        lea -FN_EENTER(%rax), %ecx
        cmp $(FN_ERESUME - FN_EENTER), %ecx
        ja .Linvalid
        mov 16(%rbp), %rcx
        mov RUN_RESERVED(%rcx), %rbx
        .set off, RUN_RESERVED + 8
        .rept (RUN_SIZE - RUN_RESERVED) / 8 - 1
        or off(%rcx), %rbx
        .set off, off + 8
        .endr
        test %rbx, %rbx
        jnz .Linvalid
        mov cm_emu_self@gottpoff(%rip), %rbx
        mov %fs:(%rbx), %rbx
        test %rbx, %rbx
        jz .Lslow
        cmp $FN_ERESUME, %eax
        je cm_emu_seq_res_0

/* EENTER. rbx thread, rcx run and then TCS; only rax, rbx, rcx may change. */
LABEL cm_emu_seq_enter_0
        mov RUN_TCS(%rcx), %rax
        cmp %rax, T_LAST(%rbx)
        jne .Lslow_enter
        mov T_GEN(%rbx), %rax
        cmp cm_emu_gen(%rip), %rax
        jne .Lslow_enter
        mov T_LAST_TCS(%rbx), %rcx
        mov $1, %eax
        xchg %eax, TCS_BUSY(%rcx)
LABEL cm_emu_seq_enter_1                /* the TCS is ours if eax is 0 */
        test %eax, %eax
        jnz .Lslow_enter
LABEL cm_emu_seq_enter_2                /* the TCS is ours */
        mov T_LAST(%rbx), %rax
        cmp %rax, TCS_ADDR(%rcx)
        jne .Lrelease_enter
        mov TCS_CSSA(%rcx), %eax
        cmp TCS_FRAMES_OK(%rcx), %eax
        jae .Lrelease_enter
        mov TCS_GPR(%rcx), %rax
        mov %rsp, GPR_URSP(%rax)
        mov %rbp, GPR_URBP(%rax)
        lea cm_emu_aep(%rip), %rax
        mov %rax, TCS_AEP(%rcx)
        mov %rbx, TCS_THREAD(%rcx)
        rdfsbase %rax
        mov %rax, T_FS(%rbx)
        rdgsbase %rax
        mov %rax, T_GS(%rbx)
        mov %rcx, T_INSIDE(%rbx)        /* from here signal entries load the host's FS and GS */
        movb $1, T_SELECTOR(%rbx)
        mov TCS_ENTRY(%rcx), %rax
        mov %rax, -8(%rsp)
        mov TCS_GSBASE(%rcx), %rax
        wrgsbase %rax
        mov TCS_FSBASE(%rcx), %rax
        wrfsbase %rax
        mov TCS_ADDR(%rcx), %rbx
        mov TCS_CSSA(%rcx), %eax
        lea cm_emu_exit(%rip), %rcx
LABEL cm_emu_seq_enter_last             /* rcx is no longer the TCS */
        jmp *-8(%rsp)
.Lrelease_enter:
        movl $0, TCS_BUSY(%rcx)
LABEL cm_emu_seq_enter_end
.Lslow_enter:
        mov $FN_EENTER, %eax
        jmp .Lslow

/* ERESUME. rbx thread, rcx run and then TCS, rdi GPRSGX of the frame; all else comes from there. */
LABEL cm_emu_seq_res_0
        mov RUN_TCS(%rcx), %rax
        cmp %rax, T_LAST(%rbx)
        jne .Lslow_resume
        mov T_GEN(%rbx), %rax
        cmp cm_emu_gen(%rip), %rax
        jne .Lslow_resume
        mov T_LAST_TCS(%rbx), %rcx
        mov $1, %eax
        xchg %eax, TCS_BUSY(%rcx)
LABEL cm_emu_seq_res_1                  /* the TCS is ours if eax is 0 */
        test %eax, %eax
        jnz .Lslow_resume
LABEL cm_emu_seq_res_2                  /* the TCS is ours */
        mov T_LAST(%rbx), %rax
        cmp %rax, TCS_ADDR(%rcx)
        jne .Lrelease_resume
        mov TCS_CSSA(%rcx), %eax
        sub $1, %eax
        jc .Lrelease_resume
        cmp TCS_FRAMES_OK(%rcx), %eax
        jae .Lrelease_resume
        mov %rdx, T_SAVED + 0(%rbx)
        mov %rsi, T_SAVED + 8(%rbx)
        mov %rdi, T_SAVED + 16(%rbx)
        mov %r8, T_SAVED + 24(%rbx)
        mov %r9, T_SAVED + 32(%rbx)
        mov %r10, T_SAVED + 40(%rbx)
        mov %r11, T_SAVED + 48(%rbx)
        mov %r12, T_SAVED + 56(%rbx)
        mov %r13, T_SAVED + 64(%rbx)
        mov %r14, T_SAVED + 72(%rbx)
        mov %r15, T_SAVED + 80(%rbx)
        mov %rsp, T_RSP(%rbx)
        mov %rbp, T_RBP(%rbx)
LABEL cm_emu_seq_res_3                  /* T_SAVED, T_RSP, T_RBP hold the host's */
        mov TCS_GPR(%rcx), %rdi
        sub TCS_FRAME(%rcx), %rdi
        mov %rsp, GPR_URSP(%rdi)
        mov %rbp, GPR_URBP(%rdi)
        lea cm_emu_aep(%rip), %rax
        mov %rax, TCS_AEP(%rcx)
        mov %rbx, TCS_THREAD(%rcx)
        movb $0, T_TF(%rbx)
        rdfsbase %rax
        mov %rax, T_FS(%rbx)
        rdgsbase %rax
        mov %rax, T_GS(%rbx)
        mov %rcx, T_INSIDE(%rbx)
        movb $1, T_SELECTOR(%rbx)
LABEL cm_emu_seq_res_4
        decl TCS_CSSA(%rcx)
LABEL cm_emu_seq_res_5                  /* cssa is down */
        mov %rdi, TCS_GPR(%rcx)
LABEL cm_emu_seq_res_6                  /* and so is gpr; from here a fault is ERESUME's #GP */
        mov TCS_XFRM(%rcx), %rax
        mov %rax, %rdx
        shr $32, %rdx
        lea GPR_SIZE(%rdi), %rsi
        sub TCS_FRAME(%rcx), %rsi
        xrstor64 (%rsi)
        mov %cs, %eax
        mov %ss, %ecx
        push %rcx
        push GPR_RSP(%rdi)
        mov GPR_RFLAGS(%rdi), %rcx
        and $FLAGS_RESUMED, %ecx
        or $0x202, %ecx
        push %rcx
        push %rax
        push GPR_RIP(%rdi)
        mov GPR_GSBASE(%rdi), %rax
        wrgsbase %rax
        mov GPR_FSBASE(%rdi), %rax
        wrfsbase %rax
        mov GPR_RAX(%rdi), %rax
        mov GPR_RCX(%rdi), %rcx
        mov GPR_RDX(%rdi), %rdx
        mov GPR_RBX(%rdi), %rbx
        mov GPR_RBP(%rdi), %rbp
        mov GPR_RSI(%rdi), %rsi
        mov GPR_R8(%rdi), %r8
        mov GPR_R9(%rdi), %r9
        mov GPR_R10(%rdi), %r10
        mov GPR_R11(%rdi), %r11
        mov GPR_R12(%rdi), %r12
        mov GPR_R13(%rdi), %r13
        mov GPR_R14(%rdi), %r14
        mov GPR_R15(%rdi), %r15
        mov GPR_RDI(%rdi), %rdi
        iretq
.Lrelease_resume:
        movl $0, TCS_BUSY(%rcx)
LABEL cm_emu_seq_res_end
.Lslow_resume:
        mov $FN_ERESUME, %eax

/*
 * The slow way: register the thread, find and check the TCS, then try again; or an exception.
 * eax function. C must not see the host's DF or AC, and must not spoil what passes through.
 */
.Lslow:
        pushfq
        andl $~FLAG_TF, (%rsp)
        push %rdi
        push %rsi
        push %rdx
        push %r8
        push %r9
        push %r10
        push %r11
        push %rax                       /* struct emu_entry_regs at rsp */
        push $0x202
        popfq
        mov %rsp, %rbx
        and $-64, %rsp
        sub $XSAVE_ROOM, %rsp
        ZERO_XSAVE_HEADER
        VECTORS xsave64
        mov %rbx, %rdi
        mov 16(%rbp), %rsi
        mov RUN_TCS(%rsi), %rsi
        call cm_emu_entry_slow
        mov %eax, %ecx
        VECTORS xrstor64
        mov %rbx, %rsp
        pop %rax
        pop %r11
        pop %r10
        pop %r9
        pop %r8
        pop %rdx
        pop %rsi
        pop %rdi
        popfq
        jrcxz .Ltry_again               /* keeps the flags */
        jmp cm_emu_exception
.Ltry_again:
        jmp cm_emu_again

/*
 * Three bytes, where the kernel's vDSO has its ENCLU: the AEP. After an asynchronous exit: rax 3,
 * rbx TCS, rcx AEP. EENTER hands out AEP + 3, to which EEXIT comes.
 */
.Laep_resume:
        mov $FN_ERESUME, %eax
        jmp cm_emu_again
LABEL cm_emu_aep
        .byte 0xeb, .Laep_resume - cm_emu_aep - 2
        nop
cm_emu_exit:
        .if cm_emu_exit - cm_emu_aep - 3
        .error "the AEP must be three bytes"
        .endif
        mov 16(%rbp), %rbx
        movl $FN_EEXIT, RUN_FUNCTION(%rbx)
.Lhandle_exit:
        cmpq $0, RUN_HANDLER(%rbx)
        jne .Luser_handler
        xor %eax, %eax
.Lout:
        pop %rbx
        leave
        .cfi_remember_state
        .cfi_def_cfa %rsp, 8
        ret
        .cfi_restore_state
.Linvalid:
        mov $-EMU_EINVAL, %eax
        jmp .Lout

/* An exception of ENCLU or of the enclave: eax function, edi vector, esi error code, rdx address */
LABEL cm_emu_exception
        mov 16(%rbp), %rbx
        mov %eax, RUN_FUNCTION(%rbx)
        mov %di, RUN_VECTOR(%rbx)
        mov %si, RUN_ERROR(%rbx)
        mov %rdx, RUN_ADDR(%rbx)
        jmp .Lhandle_exit

/* int handler(rdi, rsi, rdx, rcx = the enclave's RSP, r8, r9, run); > 0: enter again */
.Luser_handler:
        mov %rsp, %rcx
        mov %rbx, %rax
        mov %rsp, %rbx
        and $15, %ebx
        and $-16, %rsp
        push %rax                       /* aligned, run on top */
        push %rax
        cld
        call *RUN_HANDLER(%rax)
        lea 16(%rsp, %rbx), %rsp
        test %eax, %eax
        jle .Lout
        jmp cm_emu_again
        .cfi_endproc
        .size cm_emu_enter, . - cm_emu_enter

/*
 * Where a patched ENCLU site jumps to. Everything is the enclave's: stack, FS, GS, flags; the
 * thread is known from ES alone. In: eax leaf. Status flags may change.
 * EEXIT (rbx target): out rcx AEP, rax 4, rip target.
 */
        .balign 64
LABEL cm_emu_leaf_entry
        cmp $FN_EEXIT, %eax
        jne .Lleaf_other
        mov %es, %ecx
        test $4, %cl                    /* in the LDT? */
        jz cm_emu_enclu
        shl $6, %ecx
        add cm_emu_slots(%rip), %rcx
        mov T_INSIDE(%rcx), %rax
LABEL cm_emu_seq_exit_a                 /* rax no longer the leaf */
        cmpb $0, T_TF(%rcx)
        jne .Lexit_slow
        mov %rbx, %rcx
        sub TCS_BASE(%rax), %rcx
        cmp TCS_SIZE(%rax), %rcx
        jb .Lexit_slow                  /* A7: a target inside is for the slow way to refuse */
        mov TCS_THREAD(%rax), %rcx
LABEL cm_emu_seq_exit_0
        mov T_FS(%rcx), %rax
        wrfsbase %rax
        mov T_GS(%rcx), %rax
        wrgsbase %rax
        mov T_INSIDE(%rcx), %rax
        movb $0, T_SELECTOR(%rcx)
        movq $0, T_INSIDE(%rcx)
        mov TCS_AEP(%rax), %rcx
        movl $0, TCS_BUSY(%rax)
LABEL cm_emu_seq_exit_last
        mov $FN_EEXIT, %eax
        jmp *%rbx
LABEL cm_emu_seq_exit_end
.Lexit_slow:
        mov $FN_EEXIT, %eax
        jmp cm_emu_enclu
LABEL cm_emu_seq_exit_c
.Lleaf_other:
        test %rax, %rax
        jz cm_emu_leaf_0
        cmp $1, %rax
        je cm_emu_leaf_1
        cmp $5, %rax
        je cm_emu_leaf_5
LABEL cm_emu_enclu                      /* the slow way: SIGILL */
        ENCLU
        ret

/*
 * EREPORT, EGETKEY, EACCEPT in C, on the thread's signal stack, with the host's FS and GS.
 * A signal before cm_emu_leaf_in rolls back to the site; one while T_IN_LEAF is set waits; one
 * after cm_emu_leaf_out rolls forward to the RET of the site.
 */
        .macro LEAF n
LABEL cm_emu_leaf_\n
        mov %es, %eax
        test $4, %al
        jz .Lleaf_slow_\n
        shl $6, %eax
        add cm_emu_slots(%rip), %rax
        movq $\n, T_LEAF + GPR_RAX(%rax)
        jmp cm_emu_leaf_save
.Lleaf_slow_\n:
        mov $\n, %eax
        jmp cm_emu_enclu
        .endm
        LEAF 0
        LEAF 1
        LEAF 5
LABEL cm_emu_leaf_save
        mov %rcx, T_LEAF + GPR_RCX(%rax)
        mov %rdx, T_LEAF + GPR_RDX(%rax)
        mov %rbx, T_LEAF + GPR_RBX(%rax)
        mov %rsp, T_LEAF + GPR_RSP(%rax)
        mov %rbp, T_LEAF + GPR_RBP(%rax)
        mov %rsi, T_LEAF + GPR_RSI(%rax)
        mov %rdi, T_LEAF + GPR_RDI(%rax)
        mov %r8, T_LEAF + GPR_R8(%rax)
        mov %r9, T_LEAF + GPR_R9(%rax)
        mov %r10, T_LEAF + GPR_R10(%rax)
        mov %r11, T_LEAF + GPR_R11(%rax)
        mov %r12, T_LEAF + GPR_R12(%rax)
        mov %r13, T_LEAF + GPR_R13(%rax)
        mov %r14, T_LEAF + GPR_R14(%rax)
        mov %r15, T_LEAF + GPR_R15(%rax)
        movb $1, T_IN_LEAF(%rax)
LABEL cm_emu_leaf_in
        mov %rax, %rbx
        rdfsbase %rax
        mov %rax, T_LEAF_FS(%rbx)
        rdgsbase %rax
        mov %rax, T_LEAF_GS(%rbx)
        mov T_FS(%rbx), %rax
        wrfsbase %rax
        mov T_GS(%rbx), %rax
        wrgsbase %rax
        movb $0, T_SELECTOR(%rbx)
        mov T_LEAF_STACK(%rbx), %rsp
        pushfq
        pop T_LEAF_FLAGS(%rbx)
        andl $~FLAG_TF, T_LEAF_FLAGS(%rbx)
        push $0x202
        popfq
        sub $XSAVE_ROOM, %rsp
        ZERO_XSAVE_HEADER
        VECTORS xsave64
        mov %rbx, %rdi
        call cm_emu_leaf_fast
        VECTORS xrstor64
        push T_LEAF_FLAGS(%rbx)
        popfq                           /* no instruction below changes flags */
        movb $1, T_SELECTOR(%rbx)
        mov T_LEAF_GS(%rbx), %rax
        wrgsbase %rax
        mov T_LEAF_FS(%rbx), %rax
        wrfsbase %rax
        mov %rbx, %rax
        mov T_LEAF + GPR_RDX(%rax), %rdx
        mov T_LEAF + GPR_RBX(%rax), %rbx
        mov T_LEAF + GPR_RSP(%rax), %rsp
        mov T_LEAF + GPR_RBP(%rax), %rbp
        mov T_LEAF + GPR_RSI(%rax), %rsi
        mov T_LEAF + GPR_RDI(%rax), %rdi
        mov T_LEAF + GPR_R8(%rax), %r8
        mov T_LEAF + GPR_R9(%rax), %r9
        mov T_LEAF + GPR_R10(%rax), %r10
        mov T_LEAF + GPR_R11(%rax), %r11
        mov T_LEAF + GPR_R12(%rax), %r12
        mov T_LEAF + GPR_R13(%rax), %r13
        mov T_LEAF + GPR_R14(%rax), %r14
        mov T_LEAF + GPR_R15(%rax), %r15
        movb $0, T_IN_LEAF(%rax)
LABEL cm_emu_leaf_out
        movzbl T_DEFERRED(%rax), %ecx
        jecxz .Lleaf_done
LABEL cm_emu_leaf_fix                   /* a waiting signal or a fault: settled in the handler */
        ud2
.Lleaf_done:
        mov T_LEAF + GPR_RCX(%rax), %rcx
        mov T_LEAF + GPR_RAX(%rax), %rax
        ret
LABEL cm_emu_leaf_end

        .section .note.GNU-stack, "", @progbits
