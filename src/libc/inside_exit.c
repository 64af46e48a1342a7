/*
 * Ends of a program. An enclave has no process to end: abort, exit and a failed assertion stop the
 * enclave for good; a normal end is the host's call of the enclave's destructor.
 */
#include <stdlib.h>
#include <unistd.h>

#include "abi/call.h"
#include "libc/inside_runtime.h"
#include "libc/inside_td.h"

/* defined by musl when the enclave uses streams */
void __stdio_exit(void);

__attribute__((weak)) void __stdio_exit(void)
{
}

void cm_libc_fini(void)
{
    __stdio_exit();
}

_Noreturn void abort(void)
{
    cm_abort_with(CM_ABORT_ABORT);
}

/* In place of musl's, which ends with an instruction that only a kernel may execute. */
_Noreturn void __stack_chk_fail(void);
void __stack_chk_fail(void)
{
    cm_abort_with(CM_ABORT_SMASHED);
}

_Noreturn void _Exit(int code)
{
    (void)code;
    cm_abort_with(CM_ABORT_EXIT);
}

_Noreturn void _exit(int code)
{
    (void)code;
    cm_abort_with(CM_ABORT_EXIT);
}

/* what was registered with atexit() runs when the host destroys the enclave, and only then */
_Noreturn void exit(int code)
{
    (void)code;
    cm_libc_fini();
    cm_abort_with(CM_ABORT_EXIT);
}
