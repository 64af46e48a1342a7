/* Thread-specific values: what the end of a thread needs to know of inside_key.c. */
#ifndef CM_LIBC_INSIDE_KEY_H
#define CM_LIBC_INSIDE_KEY_H

/* Calls the destructor of each non-NULL value of the calling thread and forgets the values. */
void cm_key_run_destructors(void);

#endif
