/*
 * Destructors of thread_local objects. A thread of an enclave lives as long as its outermost ecall;
 * then they run, last constructed first, together with the destructors of thread-specific values.
 */
#include <pthread.h>
#include <stdlib.h>

int __cxa_thread_atexit_impl(void (*destroy)(void *), void *object, void *dso);

/* What the compiler passes on to say which image an object belongs to; an enclave has but one. */
extern void *__dso_handle __attribute__((visibility("hidden")));
void *__dso_handle;

struct cm_cxx_object {
    struct cm_cxx_object *next;
    void (*destroy)(void *);
    void *object;
};

static __thread struct cm_cxx_object *objects;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key; /* its value only says that there are objects */

/* A destructor may construct further objects; they are destroyed next. */
static void destroy_all(void *value)
{
    (void)value;
    while (objects != NULL) {
        struct cm_cxx_object *o = objects;

        objects = o->next;
        o->destroy(o->object);
        free(o);
    }
}

static void make_key(void)
{
    if (pthread_key_create(&key, destroy_all) != 0) {
        abort();
    }
}

/* A destructor that could not be remembered may be one that wipes a secret: the enclave stops. */
int __cxa_thread_atexit_impl(void (*destroy)(void *), void *object, void *dso)
{
    struct cm_cxx_object *o = malloc(sizeof(*o));

    (void)dso;
    if (o == NULL || pthread_once(&once, make_key) != 0 || pthread_setspecific(key, &key) != 0) {
        abort();
    }
    o->destroy = destroy;
    o->object = object;
    o->next = objects;
    objects = o;
    return 0;
}
