/* What the image and its shared library of this test give each other. */
#ifndef CM_TESTS_MODT_BOTH_H
#define CM_TESTS_MODT_BOTH_H

#include <stddef.h>

#define SHARED __attribute__((visibility("default")))

/* of the shared library */
int mod_square(int a);
int mod_through_image(int a);
int mod_from_table(int which, int a);
int mod_sum_of_values(void);
int *mod_counter_place(void);
int mod_next_of_thread(void);
int mod_thread_total(void);
int mod_format(char *text, size_t size, int number);
int mod_errno_of_open(void);
int mod_deep(int depth, int (*last)(void));
extern int mod_counter;                      /* 500; the image has a copy of it */
extern const char *mod_greeting;             /* points into the library */
extern int (*mod_pointer)(int a);            /* mod_square */
int mod_absent(int a) __attribute__((weak)); /* nowhere */

/* of the image */
SHARED int img_double(int a);
SHARED int img_who(void);
SHARED void img_tell(const char *text);
SHARED extern int img_value;
SHARED extern int img_order[4];
SHARED extern int img_order_used;
SHARED extern __thread int img_of_thread;

/* both have one; the image's counts for both */
SHARED int in_both(void);

#endif
