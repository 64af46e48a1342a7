/*
 * How many system calls a piece of code makes: it runs in a traced child between two marks.
 * Single-threaded programs only.
 */
#ifndef CM_TESTS_E2E_SYSCOUNT_H
#define CM_TESTS_E2E_SYSCOUNT_H

/**
 * @param prepare  Runs in the child before counting begins; its result goes to body. May be NULL.
 * @param body     What is counted.
 * @return System calls of body, or -1 when the child could not be traced or failed.
 */
long cm_syscalls_of(void *(*prepare)(void), void (*body)(void *));

#endif
