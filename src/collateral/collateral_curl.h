/* Private to src/collateral: libcurl's functions, found at run time so that hosts link without it. */
#ifndef CM_COLLATERAL_CURL_H
#define CM_COLLATERAL_CURL_H

#include <casemate/status.h>
#include <curl/curl.h>

struct cm_curl {
    CURLcode (*global_init)(long flags);
    CURL *(*init)(void);
    CURLcode (*setopt)(CURL *curl, CURLoption option, ...);
    CURLcode (*perform)(CURL *curl);
    CURLcode (*getinfo)(CURL *curl, CURLINFO info, ...);
    void (*cleanup)(CURL *curl);
    const char *(*strerror)(CURLcode code);
    struct curl_slist *(*slist_append)(struct curl_slist *list, const char *text);
    void (*slist_free)(struct curl_slist *list);
    CURLU *(*url)(void);
    CURLUcode (*url_set)(CURLU *u, CURLUPart part, const char *text, unsigned flags);
    CURLUcode (*url_get)(const CURLU *u, CURLUPart part, char **text, unsigned flags);
    void (*url_cleanup)(CURLU *u);
    void (*free)(void *p);
};

/** Load libcurl, once. Thread-safe. @retval CM_ERR_NOTFOUND why says what to install */
CM_MUST_USE enum cm_status cm_curl_load(struct cm_why *why);

/** Its functions; only after cm_curl_load(). */
const struct cm_curl *cm_curl(void);

#endif
