/* Loading libcurl; see collateral_curl.h. */
#include "collateral/collateral_curl.h"

#include <pthread.h>
#include <stdbool.h>

#include "os/os.h"

static struct cm_curl curl;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bool loaded;

const struct cm_curl *cm_curl(void)
{
    return &curl;
}

enum cm_status cm_curl_load(struct cm_why *why)
{
    const struct cm_library_symbol symbols[] = {
        {"curl_global_init", &curl.global_init, true},
        {"curl_easy_init", &curl.init, true},
        {"curl_easy_setopt", &curl.setopt, true},
        {"curl_easy_perform", &curl.perform, true},
        {"curl_easy_getinfo", &curl.getinfo, true},
        {"curl_easy_cleanup", &curl.cleanup, true},
        {"curl_easy_strerror", &curl.strerror, true},
        {"curl_slist_append", &curl.slist_append, true},
        {"curl_slist_free_all", &curl.slist_free, true},
        {"curl_url", &curl.url, true},
        {"curl_url_set", &curl.url_set, true},
        {"curl_url_get", &curl.url_get, true},
        {"curl_url_cleanup", &curl.url_cleanup, true},
        {"curl_free", &curl.free, true},
    };
    enum cm_status st = CM_OK;

    (void)pthread_mutex_lock(&lock);
    if (!loaded) {
        st = cm_library_load("libcurl.so.4", "libcurl4", symbols,
                             sizeof(symbols) / sizeof(symbols[0]), why);
        if (st == CM_OK && curl.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
            cm_why_set(why, "libcurl cannot be initialised");
            st = CM_ERR_PLATFORM;
        }
        loaded = st == CM_OK;
    }
    (void)pthread_mutex_unlock(&lock);
    return st;
}
