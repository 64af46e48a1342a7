/* The table of ecall names; see names.h. Entries live as long as the process. */
#include "host/names.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char **names;
static uint64_t name_count;
static uint64_t name_cap;

static uint64_t find_locked(const char *name)
{
    for (uint64_t i = 0; i < name_count; i++) {
        if (strcmp(names[i], name) == 0) {
            return i;
        }
    }
    return CM_NAME_NONE;
}

static enum cm_status add_locked(const char *name, uint64_t *id)
{
    char *copy = NULL;
    size_t len = strlen(name) + 1;

    if (name_count == name_cap) {
        uint64_t cap = name_cap == 0 ? 32 : name_cap * 2;
        char **grown = realloc(names, cap * sizeof(*names));

        if (grown == NULL) {
            return CM_ERR_NOMEM;
        }
        names = grown;
        name_cap = cap;
    }
    copy = malloc(len);
    if (copy == NULL) {
        return CM_ERR_NOMEM;
    }
    memcpy(copy, name, len);
    names[name_count] = copy;
    *id = name_count++;
    return CM_OK;
}

enum cm_status cm_name_add(const char *name, uint64_t *id)
{
    enum cm_status st = CM_OK;
    uint64_t found = 0;

    (void)pthread_mutex_lock(&lock);
    found = find_locked(name);
    if (found != CM_NAME_NONE) {
        *id = found;
    } else {
        st = add_locked(name, id);
    }
    (void)pthread_mutex_unlock(&lock);
    return st;
}

uint64_t cm_name_find(const char *name)
{
    uint64_t found = 0;

    (void)pthread_mutex_lock(&lock);
    found = find_locked(name);
    (void)pthread_mutex_unlock(&lock);
    return found;
}

uint64_t cm_name_count(void)
{
    uint64_t count = 0;

    (void)pthread_mutex_lock(&lock);
    count = name_count;
    (void)pthread_mutex_unlock(&lock);
    return count;
}
