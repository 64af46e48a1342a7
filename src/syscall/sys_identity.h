/* Who the host process is and what its system is called; and what the enclave itself answers. */
#ifndef CM_SYSCALL_SYS_IDENTITY_H
#define CM_SYSCALL_SYS_IDENTITY_H

/* Linux numbers and conventions; -ENOSYS for what is not served. errno stays as it is. */
long cm_sys_identity_call(long number, const long args[6]);

#endif
