/*
 * Signals: the entry of every one that the emulator owns, and the ends of signal frames. Same
 * section as emu_enter.S: the syscalls here are always let through.
 */
#include "emu_offsets.h"

#define SYS_SIGPROCMASK  14
#define SYS_SIGRETURN    15
#define SYS_SIGALTSTACK  131
#define SYS_GETTID       186

        .hidden cm_emu_slots, cm_emu_threads, cm_emu_tids, cm_emu_tids_used, cm_emu_without_ldt
        .hidden cm_emu_signal, cm_emu_before_sigreturn

        .macro LABEL name
        .globl \name
        .hidden \name
\name:
        .endm

        .section cm_emu_text, "ax", @progbits
/*
 * Every signal that the emulator owns comes here, on the thread's signal stack, all signals
 * blocked. No C, no TLS and no stack protector before FS is the host's.
 * Duties: 1 clear AC (it survives into handlers)  2 find the thread: ES, checked against gettid,
 *         since new threads inherit ES            3 load the host's FS and GS if it was inside
 */
LABEL cm_emu_signal_entry
        pushfq
        andq $~0x40500, (%rsp)          /* AC, DF, and TF, which may be a debugger's */
        popfq
        mov %rdi, %r12
        mov %rsi, %r13
        mov %rdx, %r14
        sub $(CTX_SIZE + 16), %rsp      /* keeps the stack aligned for the call */
        .if (CTX_SIZE + 16 + 8) % 16
        .error "signal stack misaligned"
        .endif
        rdfsbase %rax
        mov %rax, CTX_FS(%rsp)
        rdgsbase %rax
        mov %rax, CTX_GS(%rsp)
        movq $0, CTX_SELECTOR(%rsp)
        mov $SYS_GETTID, %eax
        syscall
        xor %ebx, %ebx
        mov %es, %ecx
        test $4, %cl
        jz .Lscan
        shl $6, %ecx
        add cm_emu_slots(%rip), %rcx
        cmp T_TID(%rcx), %eax
        je .Lfound
.Lscan:
        cmpl $0, cm_emu_without_ldt(%rip)
        je .Lknown
        mov cm_emu_tids_used(%rip), %ecx
        jrcxz .Lknown
        mov %ecx, %edx
        lea cm_emu_tids(%rip), %rdi
        cld
        repne scasl
        jne .Lknown
        sub %ecx, %edx
        lea -1(%rdx), %ecx              /* index */
        shl $9, %rcx
        lea cm_emu_threads(%rip), %rdx
        add %rdx, %rcx
.Lfound:
        mov %rcx, %rbx
        movzbl T_SELECTOR(%rbx), %eax
        mov %rax, CTX_SELECTOR(%rsp)
        movb $0, T_SELECTOR(%rbx)
        cmpq $0, T_INSIDE(%rbx)
        je .Lknown
        mov T_FS(%rbx), %rax
        wrfsbase %rax
        mov T_GS(%rbx), %rax
        wrgsbase %rax
.Lknown:
        mov %r12, %rdi
        mov %r13, %rsi
        mov %r14, %rdx
        mov %rbx, %rcx
        mov %rsp, %r8
        call cm_emu_signal
        mov CTX_FS(%rsp), %rax
        wrfsbase %rax
        mov CTX_GS(%rsp), %rax
        wrgsbase %rax
        test %rbx, %rbx
        jz .Lreturn
        mov CTX_SELECTOR(%rsp), %rax
        mov %al, T_SELECTOR(%rbx)
.Lreturn:
        add $(CTX_SIZE + 16), %rsp
        ret

/* The emulator's own frames return here; the bytes are those by which unwinders know the place. */
        .balign 16
LABEL cm_emu_restorer
        mov $SYS_SIGRETURN, %rax
        syscall

/*
 * Copied frames return here: the mask and the alternate stack that the host sees in them are its
 * own, the kernel's differ. Debuggers, exceptions and pthread_cancel unwind through it.
 */
        .macro SAVED_AT dwarf, greg
        .cfi_escape 0x10, \dwarf, 3, 0x77, ((UC_GREGS + 8 * \greg) & 0x7f) | 0x80, (UC_GREGS + 8 * \greg) >> 7
        .endm
        .cfi_startproc simple
        .cfi_signal_frame
        .cfi_escape 0x0f, 4, 0x77, ((UC_GREGS + 8 * 15) & 0x7f) | 0x80, (UC_GREGS + 8 * 15) >> 7, 0x06
        SAVED_AT 8, 0
        SAVED_AT 9, 1
        SAVED_AT 10, 2
        SAVED_AT 11, 3
        SAVED_AT 12, 4
        SAVED_AT 13, 5
        SAVED_AT 14, 6
        SAVED_AT 15, 7
        SAVED_AT 5, 8
        SAVED_AT 4, 9
        SAVED_AT 6, 10
        SAVED_AT 3, 11
        SAVED_AT 1, 12
        SAVED_AT 0, 13
        SAVED_AT 2, 14
        SAVED_AT 7, 15
        SAVED_AT 16, 16
        nop                             /* unwinders look one byte before a return address */
LABEL cm_emu_host_restorer
        mov %rsp, %rbx
        mov %rsp, %rdi
        and $-16, %rsp
        cld
        call cm_emu_before_sigreturn
        mov %rbx, %rsp
        mov $SYS_SIGRETURN, %eax
        syscall
        .cfi_endproc

/*
 * cm_emu_call_handler(rdi frame, esi signal, rdx info, rcx uc, r8 handler, r9 mask): first leave
 * the signal stack, then unblock, so that the next signal finds the signal stack empty.
 */
LABEL cm_emu_call_handler
        mov %rdi, %rsp
        mov %esi, %r12d
        mov %rdx, %r13
        mov %rcx, %r14
        mov %r8, %r15
        mov $SYS_SIGPROCMASK, %eax      /* (SIG_SETMASK, mask, NULL, 8) */
        mov $2, %edi
        mov %r9, %rsi
        xor %edx, %edx
        mov $8, %r10d
        syscall
        mov %r12d, %edi
        mov %r13, %rsi
        mov %r14, %rdx
        xor %eax, %eax
        jmp *%r15

/* long cm_emu_sigaltstack_on(rdi set, rsi old, rdx stack) */
LABEL cm_emu_sigaltstack_on
        mov %rsp, %r8
        mov %rdx, %rsp
        mov $SYS_SIGALTSTACK, %eax
        syscall
        mov %r8, %rsp
        ret

        .section .note.GNU-stack, "", @progbits
