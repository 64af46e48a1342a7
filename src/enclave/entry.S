/*
 * The one way into the enclave and the one way out (rows A1 to A9 and E1 of the boundary table;
 * docs/abi.md has the state table). Everything in a register at entry is the host's word.
 *
 * cm_enclave_entry, by EENTER
 *   in      RAX = CSSA, RBX = TCS, RCX = address behind EENTER: from the processor, true
 *           FS = GS = thread data: from the measured TCS, true
 *           RDI = call word, RSI = argument, all else: UNTRUSTED, RFLAGS and vectors included
 *   out     by EEXIT: RDI = call word, RSI = argument, RSP and RBP as the host had them
 *   clobbers everything else: it is zero or the initial state when the host sees it
 *   duties   1 clear DF before anything could use it (A1)
 *            2 refuse when the enclave has aborted, before any stack is touched (A9)
 *            3 refuse every code, function and CSSA that the thread's state does not allow (A6, E1)
 *            4 take the stack from the TCS, or from a live call site (A5)
 *            5 clear RFLAGS, AC above all, on the enclave's own stack (A2)
 *            6 keep RCX as the only address to leave to (A7)
 *            7 reset x87, MXCSR, vector and mask registers, then fence (A3)
 *            8 hand the C code no register that the host filled
 *
 * cm_ocall_switch(RDI = call word, RSI = argument, RDX = where the answer's argument goes)
 *   leaves for an ocall; returns the answer's call word in RAX when the host comes back with ORET.
 *
 * cm_leave: the exit. RDI, RSI = to show the host, RBX = host address, R8 = GPR part of the SSA frame
 *   duties  9 reset the extended state and zero the general registers (A4)
 *          10 give the host its RSP and RBP back, which the processor kept in the SSA
 */
#include "abi/layout.h"
#include "enclave/entry_xstate.h"

#define FCW_INITIAL   0x37f

        .text

        .macro  zero_volatile
        xor     %eax, %eax
        xor     %ecx, %ecx
        xor     %r9d, %r9d
        xor     %r10d, %r10d
        xor     %r11d, %r11d
        .endm

        .globl  _start
        .type   _start, @function
        .type   cm_enclave_entry, @function
        .balign 64
_start:                                         /* the name that linkers expect */
cm_enclave_entry:
        .cfi_startproc
        .cfi_undefined rip
        cld                                     /* duty 1 */
        lea     TCS_TO_GPR0(%rbx), %r8
        test    %rax, %rax
        jnz     .Lcssa_1
        cmpl    $0, cm_abort_latch(%rip)        /* duty 2 */
        jne     .Laborted
        mov     %rdi, %r9
        shr     $32, %r9                        /* code << 16 | function */
        test    %edi, %edi                      /* flags and result: nothing is defined */
        jnz     .Lunexpected_unless_oret
        lea     -(CODE_ECALL << 16)(%r9), %eax
        cmp     $ECALL_FUNCS, %eax
        jae     .Lunexpected_unless_oret
        mov     $STATE_RUNNING, %edx
        mov     $STATE_IDLE, %eax
        lock cmpxchg %edx, %gs:TD_STATE         /* duty 3; the barrier also serves ecall.c */
        jne     .Lnot_idle
        lea     -CM_GUARD_SIZE(%rbx), %rsp      /* duty 4: a guard page lies above the stack */
        push    $0
        popfq                                   /* duty 5 */
        mov     %rcx, %gs:TD_HOST_RETURN        /* duty 6 */
        reset_xstate                            /* duty 7 */
        lfence
        mov     %rbx, %rdx
        xor     %ebx, %ebx
        xor     %ebp, %ebp
        xor     %r8d, %r8d
        xor     %r12d, %r12d
        xor     %r13d, %r13d
        xor     %r14d, %r14d
        xor     %r15d, %r15d
        zero_volatile                           /* duty 8 */
        call    cm_ecall_main                   /* word, argument, TCS -> RAX = word, RDX = argument */
        mov     %rax, %r12
        mov     %rdx, %r13

/*
 * The ecall has ended: no frame is left on the stack. Zero what it used (D4): from the lowest stack
 * pointer that was seen or that its function ever reached, and on while there is anything within the
 * next 2 KiB. What lies below such a hole is found by looking at all of the stack: after the first
 * calls of each function, and a slice at a time after every other call (docs/abi.md).
 */
#define GAP   2048
#define BLOCK 512
#define SLICE 128
        movl    $STATE_LEAVING, %gs:TD_STATE    /* no handler runs on a stack that is being wiped */
        mov     %gs:TD_STACK_LOW, %rdx
        mov     %rsp, %r8                       /* all above R8 is zero or was not used */
        mov     %gs:TD_STACK_BASE, %r9
        mov     %gs:TD_STACK_SHAPE, %r10
        and     $-128, %rdx
.Lwipe: pxor    %xmm0, %xmm0
        mov     %rdx, %rcx
.Lzero: cmp     %r8, %rcx
        jae     .Lprobe
        movaps  %xmm0, (%rcx)                   /* REP STOS takes longer to start than this */
        movaps  %xmm0, 16(%rcx)
        movaps  %xmm0, 32(%rcx)
        movaps  %xmm0, 48(%rcx)
        movaps  %xmm0, 64(%rcx)
        movaps  %xmm0, 80(%rcx)
        movaps  %xmm0, 96(%rcx)
        movaps  %xmm0, 112(%rcx)
        sub     $-128, %rcx
        jmp     .Lzero
.Lprobe:
        mov     %rdx, %r8
        lea     -GAP(%rdx), %rcx
        cmp     %r9, %rcx
        cmovb   %r9, %rcx
        sub     $BLOCK, %rdx                    /* all of the first block: frames are small */
        cmp     %rcx, %rdx
        jb      .Lrest
        movdqa  (%rdx), %xmm0
        movdqa  16(%rdx), %xmm1
        .irp    n, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448, 480
        por     \n(%rdx), %xmm0
        por     \n + 16(%rdx), %xmm1
        .endr
        por     %xmm1, %xmm0
        ptest   %xmm0, %xmm0
        jnz     .Lwipe
.Lnext: sub     $BLOCK, %rdx                    /* then 16 of each 128 bytes of a block */
        cmp     %rcx, %rdx
        jb      .Lrest
        movdqa  (%rdx), %xmm0
        .irp    n, 128, 256, 384
        por     \n(%rdx), %xmm0
        .endr
        ptest   %xmm0, %xmm0
        jz      .Lnext
        jmp     .Lwipe
.Lrest: test    %r10, %r10
        jnz     .Lall
        mov     %gs:TD_STACK_LOOK, %rdx         /* a slice, which the last call has prefetched */
        movdqa  (%rdx), %xmm0
        .irp    n, 16, 32, 48, 64, 80, 96, 112
        por     \n(%rdx), %xmm0
        .endr
        add     $SLICE, %rdx
        cmp     %r8, %rdx
        cmovae  %r9, %rdx
        mov     %rdx, %gs:TD_STACK_LOOK
        .irp    n, 0, 64
        prefetcht0 \n(%rdx)
        .endr
        ptest   %xmm0, %xmm0
        jz      .Lwiped
        lea     cm_stack_shapes(%rip), %rcx     /* some call went deeper than its function ever had */
        mov     $STACK_SHAPES, %eax
.Lforget:
        movl    $0, SHAPE_CALLS(%rcx)
        add     $SHAPE_SIZE, %rcx
        dec     %eax
        jnz     .Lforget
.Lall:  mov     %r9, %rdx                       /* the lowest trace, bottom up */
.Lfind: cmp     %r8, %rdx
        jae     .Llearn
        movdqa  (%rdx), %xmm0
        .irp    n, 16, 32, 48, 64, 80, 96, 112
        por     \n(%rdx), %xmm0
        .endr
        ptest   %xmm0, %xmm0
        jnz     .Lwipe
        sub     $-128, %rdx
        jmp     .Lfind
.Llearn:
        test    %r10, %r10
        jz      .Lwiped
        mov     %rsp, %rcx
        sub     %r8, %rcx                       /* how deep this call was */
        mov     SHAPE_DEPTH(%r10), %eax
.Ldeeper:
        cmp     %eax, %ecx
        jbe     .Lwiped
        lock cmpxchg %ecx, SHAPE_DEPTH(%r10)
        jne     .Ldeeper
.Lwiped:
        mov     %rsp, %gs:TD_STACK_LOW
        movq    $0, %gs:TD_STACK_SHAPE
        mov     %r12, %rdi
        mov     %r13, %rsi
        mov     %gs:TD_TCS, %r8
        add     $TCS_TO_GPR0, %r8
        mov     %gs:TD_HOST_RETURN, %rbx
        movl    $STATE_IDLE, %gs:TD_STATE
        jmp     cm_leave

/* Answers that need no stack and change nothing. R8 = SSA registers, RCX = way back. */
.Lnot_idle:
        cmp     $STATE_IN_OCALL, %eax
        jne     .Lunexpected
        movabs  $ERET_REENTRANT, %rax           /* an ecall inside an ocall (D1) */
        jmp     .Lrefuse
.Laborted:
        movabs  $ERET_ABORTED, %rax
        jmp     .Lrefuse
.Lunexpected:
        movabs  $ERET_UNEXPECTED, %rax
.Lrefuse:
        shl     $16, %rdi                       /* name the function that was asked for */
        shr     $48, %rdi
        shl     $32, %rdi
        or      %rax, %rdi
        xor     %esi, %esi
        mov     %rcx, %rbx
        jmp     cm_leave

/* The host answers an ocall: code ORET, no flags, and a live call site for that very ocall. */
.Lunexpected_unless_oret:
        mov     %r9d, %eax
        shr     $16, %eax
        cmp     $CODE_ORET, %eax
        jne     .Lunexpected
        cmpl    $STATE_IN_OCALL, %gs:TD_STATE
        jne     .Lunexpected
        mov     %gs:TD_CALLSITE, %r11
        test    %r11, %r11
        jz      .Lunexpected
        movabs  $CALLSITE_MARK, %rax
        xor     %r11, %rax
        cmp     %rax, SITE_MARK(%r11)
        jne     .Lunexpected
        movzwl  %r9w, %eax
        cmp     %eax, SITE_FUNC(%r11)
        jne     .Lunexpected
        test    $0xffff0000, %edi
        jnz     .Lunexpected
        mov     %r11, %rsp                      /* duty 4 */
        push    $0
        popfq                                   /* duty 5, before the stack is used for more */
        mov     %rcx, %gs:TD_HOST_RETURN        /* duty 6 */
        mov     SITE_PREVIOUS(%rsp), %rax
        mov     %rax, %gs:TD_CALLSITE
        movq    $0, SITE_MARK(%rsp)             /* a call site serves once */
        mov     SITE_STATE(%rsp), %eax
        mov     %eax, %gs:TD_STATE
        mov     SITE_ANSWER(%rsp), %rax
        mov     %rsi, (%rax)
        reset_xstate                            /* duty 7 */
        ldmxcsr SITE_MXCSR(%rsp)                /* what the caller's own code had chosen */
        fldcw   SITE_FCW(%rsp)
        lfence
        zero_volatile                           /* duty 8 */
        mov     %rdi, %rax
        xor     %edx, %edx
        xor     %esi, %esi
        xor     %edi, %edi
        xor     %r8d, %r8d
        add     $SITE_RFLAGS, %rsp
        popfq
        add     $8, %rsp
        pop     %r15
        pop     %r14
        pop     %r13
        pop     %r12
        pop     %rbx
        pop     %rbp
        ret

/* An entry on top of an interrupted one: only to judge an exception. */
.Lcssa_1:
        cmp     $1, %rax
        jne     .Limpossible                    /* NSSA is 2 */
        lea     TCS_TO_GPR1(%rbx), %r8
        cmpl    $0, cm_abort_latch(%rip)        /* duty 2 */
        jne     .Laborted
        movabs  $(WORD_EXCEPTION_HIGH << 32), %rax
        cmp     %rax, %rdi                      /* duty 3 */
        jne     .Lunexpected
        mov     %gs:TD_STATE, %eax
        cmp     $STATE_RUNNING, %eax
        je      .Lexception
        cmp     $STATE_SECOND_LEVEL, %eax
        jne     .Lunexpected
.Lexception:
        mov     %gs:TD_SELF, %r9
        test    %r9, %r9                        /* the first ecall has not got far enough */
        jz      .Lunexpected
        lea     TD_SIZE(%r9), %rsp              /* duty 4: the exception stack ends the page */
        push    $0
        popfq                                   /* duty 5 */
        mov     %eax, %gs:TD_SAVED_STATE
        movl    $STATE_FIRST_LEVEL, %gs:TD_STATE
        mov     %rcx, %gs:TD_HOST_RETURN_1      /* duty 6 */
        reset_xstate                            /* duty 7 */
        lfence
        xor     %ebp, %ebp
        xor     %edx, %edx
        xor     %esi, %esi
        xor     %r8d, %r8d
        xor     %r12d, %r12d
        xor     %r13d, %r13d
        xor     %r14d, %r14d
        xor     %r15d, %r15d
        mov     %r9, %rdi
        mov     %rbx, %r12                      /* TCS */
        mov     %r9, %r13
        zero_volatile                           /* duty 8 */
        xor     %ebx, %ebx
        call    cm_exception_first_level        /* thread data -> EAX = oe_result_t */
        movabs  $ERET_EXCEPTION, %rdx
        mov     %eax, %eax
        or      %rax, %rdx
        lea     TD_SIZE - TD_EXCEPTION_STACK(%r13), %rdi
        mov     $(TD_EXCEPTION_STACK / 8), %ecx
        xor     %eax, %eax
        rep stosq                               /* copies of the interrupted registers */
        mov     %rdx, %rdi
        xor     %esi, %esi
        lea     TCS_TO_GPR1(%r12), %r8
        mov     %gs:TD_HOST_RETURN_1, %rbx
        mov     %gs:TD_SAVED_STATE, %eax        /* what the handler decided on */
        mov     %eax, %gs:TD_STATE
        jmp     cm_leave
.Limpossible:
        ud2
        .cfi_endproc
        .size   cm_enclave_entry, . - cm_enclave_entry

/* uint64_t cm_ocall_switch(uint64_t word, uint64_t arg, uint64_t *answer) */
        .globl  cm_ocall_switch
        .type   cm_ocall_switch, @function
        .balign 64
cm_ocall_switch:
        .cfi_startproc
        push    %rbp
        .cfi_adjust_cfa_offset 8
        .cfi_offset %rbp, -16
        push    %rbx
        push    %r12
        push    %r13
        push    %r14
        push    %r15
        .cfi_adjust_cfa_offset 40
        .cfi_offset %rbx, -24
        .cfi_offset %r12, -32
        .cfi_offset %r13, -40
        .cfi_offset %r14, -48
        .cfi_offset %r15, -56
        push    %rdx
        pushfq
        sub     $SITE_RFLAGS, %rsp
        .cfi_adjust_cfa_offset 16 + SITE_RFLAGS
        mov     %rdi, %rax
        shr     $32, %rax
        movzwl  %ax, %eax
        mov     %eax, SITE_FUNC(%rsp)
        mov     %gs:TD_STATE, %eax
        mov     %eax, SITE_STATE(%rsp)
        stmxcsr SITE_MXCSR(%rsp)
        fnstcw  SITE_FCW(%rsp)
        mov     %gs:TD_CALLSITE, %rax
        mov     %rax, SITE_PREVIOUS(%rsp)
        movabs  $CALLSITE_MARK, %rax
        xor     %rsp, %rax
        mov     %rax, SITE_MARK(%rsp)
        cmp     %gs:TD_STACK_LOW, %rsp
        jae     1f
        mov     %rsp, %gs:TD_STACK_LOW
1:      mov     %rsp, %gs:TD_CALLSITE
        mov     %gs:TD_TCS, %r8
        add     $TCS_TO_GPR0, %r8
        mov     %gs:TD_HOST_RETURN, %rbx
        push    $0
        popfq
        movl    $STATE_IN_OCALL, %gs:TD_STATE
        .globl  cm_ocall_left
cm_ocall_left:                                  /* where debuggers say that the thread is */
        jmp     cm_leave
        .cfi_endproc
        .size   cm_ocall_switch, . - cm_ocall_switch

/* _Noreturn void cm_leave_aborted(uint64_t why): the latch is set; this thread never comes back. */
        .globl  cm_leave_aborted
        .type   cm_leave_aborted, @function
cm_leave_aborted:
        .cfi_startproc
        .cfi_undefined rip
        push    $0
        popfq
        mov     %gs:TD_TCS, %r8
        mov     %gs:TD_HOST_RETURN, %rbx
        mov     %gs:TD_STATE, %eax
        movl    $STATE_ABORTED, %gs:TD_STATE
        mov     %rdi, %rsi
        movabs  $ERET_ABORTED, %rdi
        cmp     $STATE_FIRST_LEVEL, %eax
        je      1f
        add     $TCS_TO_GPR0, %r8
        jmp     cm_leave
1:      add     $TCS_TO_GPR1, %r8
        mov     %gs:TD_HOST_RETURN_1, %rbx
        movabs  $(ERET_EXCEPTION | ERET_ABORTED), %rdi
        jmp     cm_leave
        .cfi_endproc
        .size   cm_leave_aborted, . - cm_leave_aborted

        .type   cm_leave, @function
        .balign 64
cm_leave:
        .cfi_startproc
        .cfi_undefined rip
        reset_xstate                            /* duty 9 */
        mov     GPR_URBP(%r8), %rbp             /* duty 10 */
        mov     GPR_URSP(%r8), %rsp
        xor     %edx, %edx
        xor     %r8d, %r8d
        xor     %r12d, %r12d
        xor     %r13d, %r13d
        xor     %r14d, %r14d
        xor     %r15d, %r15d
        zero_volatile                           /* and fixes the arithmetic flags */
        mov     $LEAF_EEXIT, %eax
        jmp     cm_enclu
        .cfi_endproc
        .size   cm_leave, . - cm_leave

/* uint64_t cm_enclu_call(leaf, RBX, RCX, RDX): EREPORT, EGETKEY, EACCEPT... Returns RAX. */
        .globl  cm_enclu_call
        .type   cm_enclu_call, @function
        .balign 16
cm_enclu_call:
        .cfi_startproc
        push    %rbx
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset rbx, 0
        mov     %rdi, %rax
        mov     %rsi, %rbx
        xchg    %rdx, %rcx
        call    cm_enclu
        pop     %rbx
        .cfi_adjust_cfa_offset -8
        ret
        .cfi_endproc
        .size   cm_enclu_call, . - cm_enclu_call

/* The only ENCLU of the image. It says what it is, so that the emulator can put a jump here. */
        .globl  cm_enclu
        .type   cm_enclu, @function
        .balign CM_ENCLU_SITE_SIZE
cm_enclu:
        .cfi_startproc
        .byte   0x0f, 0x01, 0xd7
        ret
        .ascii  CM_ENCLU_SITE_MARK
        .long   0
        .cfi_endproc
        .size   cm_enclu, . - cm_enclu

        .section .rodata
        .balign 64
        .globl  cm_xstate_initial, cm_mxcsr_initial
        .hidden cm_xstate_initial, cm_mxcsr_initial
cm_xstate_initial:                              /* XSAVE image whose XSTATE_BV is 0 */
        .value  FCW_INITIAL
        .fill   22, 1, 0
        .long   0x1fbf
        .fill   512 - 28, 1, 0
        .fill   64, 1, 0
        .balign 4
cm_mxcsr_initial:
        .long   0x1fbf                          /* all exceptions masked, flags set (MCDT: A3) */

/* What a debugger has to know of the thread data (deploy/debugger). */
        .globl  cm_debug_layout
        .hidden cm_debug_layout
cm_debug_layout:
        .long   TD_STATE, STATE_IN_OCALL, TD_CALLSITE, TD_HOST_RETURN, TCS_TO_GPR0

        .section .note.GNU-stack, "", @progbits
