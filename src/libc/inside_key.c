/*
 * pthread keys and thread-specific values. The values of a thread live in one heap block that its
 * struct pthread points to; it is made at the first non-NULL value, so threads that use none pay
 * nothing, and it ends with the thread (its outermost ecall).
 */
#include "libc/inside_key.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <threads.h>

#include "libc/inside_lock.h"
#include "libc/inside_musl.h"

/* One key; a fresh generation for each pthread_key_create so that old values are not seen. */
struct key {
    unsigned generation; /* odd: in use */
    void (*destructor)(void *);
};

struct value {
    unsigned generation;
    void *ptr;
};

static struct key keys[PTHREAD_KEYS_MAX];
static int keys_lock;

static struct value *values_of_thread(void)
{
    struct value *values;

    __builtin_memcpy(&values, (char *)__builtin_thread_pointer() + CM_MUSL_PTHREAD_TSD,
                     sizeof(void *));
    return values;
}

static void set_values_of_thread(struct value *values)
{
    memcpy((char *)__builtin_thread_pointer() + CM_MUSL_PTHREAD_TSD, &values, sizeof(void *));
}

int pthread_key_create(pthread_key_t *key, void (*destructor)(void *))
{
    unsigned i;
    int err = EAGAIN;

    cm_lock(&keys_lock);
    for (i = 0; i < PTHREAD_KEYS_MAX; i++) {
        if (keys[i].generation % 2 == 0) {
            keys[i].destructor = destructor;
            __atomic_store_n(&keys[i].generation, keys[i].generation + 1, __ATOMIC_RELEASE);
            *key = i;
            err = 0;
            break;
        }
    }
    cm_unlock(&keys_lock);
    return err;
}

int pthread_key_delete(pthread_key_t key)
{
    int err = EINVAL;

    if (key >= PTHREAD_KEYS_MAX) {
        return EINVAL;
    }
    cm_lock(&keys_lock);
    if (keys[key].generation % 2 == 1) {
        __atomic_store_n(&keys[key].generation, keys[key].generation + 1, __ATOMIC_RELEASE);
        keys[key].destructor = NULL;
        err = 0;
    }
    cm_unlock(&keys_lock);
    return err;
}

void *pthread_getspecific(pthread_key_t key)
{
    const struct value *values = values_of_thread();

    if (key >= PTHREAD_KEYS_MAX || values == NULL ||
        values[key].generation != __atomic_load_n(&keys[key].generation, __ATOMIC_ACQUIRE)) {
        return NULL;
    }
    return values[key].ptr;
}

int pthread_setspecific(pthread_key_t key, const void *ptr)
{
    struct value *values = values_of_thread();
    unsigned generation;

    if (key >= PTHREAD_KEYS_MAX) {
        return EINVAL;
    }
    generation = __atomic_load_n(&keys[key].generation, __ATOMIC_ACQUIRE);
    if (generation % 2 == 0) {
        return EINVAL;
    }
    if (values == NULL) {
        if (ptr == NULL) {
            return 0;
        }
        values = calloc(PTHREAD_KEYS_MAX, sizeof(*values));
        if (values == NULL) {
            return ENOMEM;
        }
        set_values_of_thread(values);
    }
    values[key].generation = generation;
    memcpy(&values[key].ptr, &ptr, sizeof(ptr)); /* POSIX takes const and gives it back without */
    return 0;
}

/* Runs the destructor of one key, if it has one and the thread has a value. */
static int destroy_value(struct value *values, unsigned key)
{
    void (*destructor)(void *) = NULL;
    void *ptr = values[key].ptr;

    cm_lock(&keys_lock);
    if (keys[key].generation == values[key].generation) {
        destructor = keys[key].destructor;
    }
    cm_unlock(&keys_lock);
    values[key].ptr = NULL;
    if (ptr == NULL || destructor == NULL) {
        return 0;
    }
    destructor(ptr);
    return 1;
}

void cm_key_run_destructors(void)
{
    struct value *values = values_of_thread();
    unsigned round;

    if (values == NULL) {
        return;
    }
    for (round = 0; round < PTHREAD_DESTRUCTOR_ITERATIONS; round++) {
        int ran = 0;
        unsigned i;

        for (i = 0; i < PTHREAD_KEYS_MAX; i++) {
            ran |= destroy_value(values, i);
        }
        if (ran == 0) {
            break;
        }
    }
    set_values_of_thread(NULL);
    free(values);
}

int tss_create(tss_t *key, tss_dtor_t destructor)
{
    return pthread_key_create(key, destructor) == 0 ? thrd_success : thrd_error;
}

void tss_delete(tss_t key)
{
    (void)pthread_key_delete(key);
}

void *tss_get(tss_t key)
{
    return pthread_getspecific(key);
}

int tss_set(tss_t key, void *ptr)
{
    return pthread_setspecific(key, ptr) == 0 ? thrd_success : thrd_error;
}
