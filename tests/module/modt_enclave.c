/* The image that needs modt_library.c. */
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <casemate/backtrace.h>
#include <openenclave/enclave.h>

#include "modt_both.h"
#include "modt_t.h"

int img_value = 30;
int img_order[4];
int img_order_used;
__thread int img_of_thread = 5;
static __thread int own_of_thread[5] = {9, 9, 9, 9, 9};

/* an address that is no multiple of 8: a word of its own in a RELR table */
struct __attribute__((packed, aligned(2))) odd {
    char before[2];
    int *place;
};
static volatile struct odd odd_places[2] = {{"a", &img_value}, {"b", &img_order_used}};

int in_both(void)
{
    return 1;
}

int img_double(int a)
{
    return 2 * a;
}

void img_tell(const char *text)
{
    (void)modt_told(text);
}

__attribute__((constructor)) static void begin(void)
{
    __asm__ volatile("" ::: "memory"); /* not while compiling */
    img_order[img_order_used++] = 3;
}

__attribute__((destructor)) static void end(void)
{
    img_tell("image ends");
}

/* the number of the first thing that is not as it should be; 0: none */
#define WANT(what)           \
    do {                     \
        if (!(what)) {       \
            return __LINE__; \
        }                    \
    } while (0)

int modt_calls(void)
{
    int (*volatile pointer)(int) = mod_square;

    WANT(mod_square(8) == 64);
    WANT(mod_through_image(20) == 41);
    WANT(mod_from_table(0, 9) == 81);
    WANT(mod_from_table(1, 9) == 18);
    WANT(mod_from_table(2, 9) == 19);
    WANT(pointer(3) == 9 && pointer == mod_pointer); /* one address for one function */
    WANT(mod_absent == NULL);
    WANT(in_both() == 1);
    return 0;
}

int modt_data(void)
{
    WANT(odd_places[0].place == &img_value && odd_places[1].place == &img_order_used);
    WANT(mod_counter == 500);
    WANT(mod_counter_place() == &mod_counter);
    WANT(strcmp(mod_greeting, "from the library") == 0);
    WANT(mod_sum_of_values() == 30 + 500 + 1);
    mod_counter = 600;
    img_value = 31;
    WANT(*mod_counter_place() == 600);
    WANT(mod_sum_of_values() == 31 + 600 + 1);
    mod_counter = 500;
    img_value = 30;
    WANT(oe_is_within_enclave(mod_counter_place(), sizeof(int)));
    WANT(oe_is_within_enclave(mod_greeting, 16));
    return 0;
}

/* each outermost ecall finds the first values */
int modt_threads(int first)
{
    WANT(img_of_thread == 5);
    WANT(mod_thread_total() == 5 + 7 + 6 + 40);
    WANT(mod_next_of_thread() == 8);
    WANT(img_of_thread == 105);
    WANT(mod_thread_total() == 58 + 100 + 3);
    img_of_thread = first;
    WANT(mod_thread_total() == first + 8 + 7 + 41);
    for (size_t i = 0; i < 5; i++) {
        WANT(own_of_thread[i] == 9);
    }
    return 0;
}

int modt_order(void)
{
    WANT(img_order_used == 3);
    WANT(img_order[0] == 1 && img_order[1] == 2 && img_order[2] == 3);
    return 0;
}

int modt_library(void)
{
    char text[64] = "";

    WANT(mod_format(text, sizeof(text), 9) == 13);
    WANT(strcmp(text, "number 9 2.25") == 0);
    WANT(mod_errno_of_open() == ENOSYS);
    WANT(dlopen("libmodt.so", RTLD_NOW) == NULL); /* whatever is measured is there from the start */
    WANT(strstr(dlerror(), "not supported") != NULL);
    WANT(dlsym(RTLD_DEFAULT, "mod_square") == NULL);
    return 0;
}

static char names[2048];

static int take_names(void)
{
    void *addresses[16];
    const int n = oe_backtrace(addresses, 16);
    char **symbols = oe_backtrace_symbols(addresses, n);
    size_t used = 0;

    for (int i = 0; symbols != NULL && i < n && used < sizeof(names); i++) {
        used += (size_t)snprintf(names + used, sizeof(names) - used, "%s\n", symbols[i]);
    }
    oe_backtrace_symbols_free(symbols);
    return n;
}

int modt_names(char *text, size_t size)
{
    const int n = mod_deep(2, take_names);

    (void)snprintf(text, size, "%s", names);
    return n;
}

static int die(void)
{
    oe_abort();
    return 0;
}

void modt_abort(void)
{
    (void)mod_deep(1, die);
}

OE_SET_ENCLAVE_SGX(1, 1, true, 64, 16, 4);
