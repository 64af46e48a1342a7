/* The shared library of an enclave: calls, data and thread-local variables both ways. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "modt_both.h"

static __thread int own_of_thread = 7;
__thread int mod_of_thread[3] = {1, 2, 3};
static __thread __attribute__((tls_model("initial-exec"))) int fast_of_thread = 40;

int mod_counter = 500;
static char text[] = "from the library";
const char *mod_greeting = text;
int (*mod_pointer)(int a) = mod_square;

/* words that are addresses in either image */
static int (*const table[])(int) = {mod_square, img_double, mod_through_image};
static int *const values[] = {&img_value, &mod_counter};

int in_both(void)
{
    return 2;
}

int mod_square(int a)
{
    return a * a;
}

int mod_through_image(int a)
{
    return img_double(a) + 1;
}

int mod_from_table(int which, int a)
{
    return table[which](a);
}

int mod_sum_of_values(void)
{
    return *values[0] + *values[1] + in_both();
}

int *mod_counter_place(void)
{
    return &mod_counter;
}

int mod_next_of_thread(void)
{
    img_of_thread += 100;
    mod_of_thread[1]++;
    fast_of_thread++;
    return ++own_of_thread;
}

int mod_thread_total(void)
{
    return img_of_thread + own_of_thread + mod_of_thread[0] + mod_of_thread[1] + mod_of_thread[2] +
           fast_of_thread;
}

int mod_format(char *to, size_t size, int number)
{
    char *copy = strdup("number");
    int n = snprintf(to, size, "%s %d %.2f", copy, number, number / 4.0);

    free(copy);
    return n;
}

int mod_errno_of_open(void)
{
    return open("/none", O_RDONLY) == -1 ? errno : 0;
}

__attribute__((noinline)) int mod_deep(int depth, int (*last)(void))
{
    int r = depth == 0 ? last() : mod_deep(depth - 1, last);

    __asm__ volatile("" : "+r"(r)); /* no jump instead of the call */
    return r;
}

__attribute__((constructor)) static void first(void)
{
    img_order[img_order_used++] = 1;
}

__attribute__((constructor)) static void second(void)
{
    img_order[img_order_used++] = 2;
}

__attribute__((destructor)) static void last(void)
{
    img_tell("library ends");
}
