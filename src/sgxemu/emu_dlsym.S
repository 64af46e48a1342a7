/*
 * dlsym for the preloaded library. The real one looks at its caller (RTLD_NEXT means "after the
 * caller's object"), so for RTLD_NEXT it is entered by a jump, with the caller's return address.
 * For any other handle the result is looked at (cm_emu_dlsym_fix): a program that asks libc.so for
 * "ioctl" gets ours.
 *
 * In: rdi handle, rsi name. Out: rax. Clobbers what a call may.
 */
#include "sgxemu/emu_keep.inc"

        .text
        .globl dlsym
        .type dlsym, @function
dlsym:
        .cfi_startproc
        endbr64
        cmpq    $0, cm_emu_next_dlsym(%rip)
        jne     1f
        CALL_KEEPING_ARGUMENTS cm_emu_find_dlsym
1:
        cmp     $-1, %rdi               /* RTLD_NEXT */
        jne     2f
        jmp     *cm_emu_next_dlsym(%rip)
2:      push    %rsi
        .cfi_adjust_cfa_offset 8
        call    *cm_emu_next_dlsym(%rip)
        pop     %rdi
        .cfi_adjust_cfa_offset -8
        mov     %rax, %rsi
        jmp     cm_emu_dlsym_fix
        .cfi_endproc
        .size dlsym, . - dlsym
        .section .note.GNU-stack,"",@progbits
