/* See bank_http.h. */
#include "bank_http.h"

#include <curl/curl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../common/bank_text.h"

struct body {
    char *text;
    size_t len;
};

/* libcurl's type of callback; a number other than size * n ends the transfer */
static size_t take(char *data, size_t size, size_t n, void *arg)
{
    struct body *b = arg;
    const size_t len = size * n;
    char *text = len < BANK_HTTP_MAX - b->len ? realloc(b->text, b->len + len + 1) : NULL;

    if (text == NULL) {
        return 0;
    }
    memcpy(text + b->len, data, len);
    b->text = text;
    b->len += len;
    b->text[b->len] = '\0';
    return len;
}

static struct curl_slist *header(struct curl_slist *list, const char *name, const char *value)
{
    const size_t cap = strlen(name) + strlen(value) + 3;
    char *line = malloc(cap);
    struct curl_slist *more = NULL;

    if (line != NULL) {
        (void)snprintf(line, cap, "%s: %s", name, value);
        more = curl_slist_append(list, line);
    }
    free(line);
    return more != NULL ? more : list;
}

static bool prepare(CURL *curl, const struct bank_request *q, struct curl_slist *headers,
                    struct body *b)
{
    return curl_easy_setopt(curl, CURLOPT_URL, q->url) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "https") == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_CAINFO, q->ca) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, q->method) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_POSTFIELDS, q->body) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_TIMEOUT, 30L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_WRITEDATA, b) == CURLE_OK;
}

/* what the service said, as one line that a terminal may be shown */
static enum bank_status refused(const struct body *b, long status, struct bank_why *why)
{
    char said[2048] = ""; /* a reason is cut to what it may hold */

    if (b->text == NULL || bank_http_text(b->text, "message", said, sizeof(said)) == 0) {
        (void)snprintf(said, sizeof(said), "status %ld", status);
    }
    for (char *p = said; *p != '\0'; p++) {
        *p = *p >= ' ' && *p <= '~' ? *p : '?';
    }
    return bank_fail(why, BANK_REFUSED, "the service refuses: %s", said);
}

enum bank_status bank_http(const struct bank_request *q, char **answer, struct bank_why *why)
{
    CURL *curl = curl_easy_init();
    struct curl_slist *headers = header(NULL, "Content-Type", q->type);
    struct body b = {NULL, 0};
    enum bank_status st = BANK_OK;
    CURLcode code = CURLE_FAILED_INIT;
    long status = 0;
    char bearer[1024] = "";

    *answer = NULL;
    if (q->token != NULL) {
        (void)snprintf(bearer, sizeof(bearer), "Bearer %s", q->token);
        headers = header(headers, "Authorization", bearer);
    }
    if (curl != NULL && prepare(curl, q, headers, &b)) {
        code = curl_easy_perform(curl);
        (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    }
    if (code != CURLE_OK) {
        st = bank_fail(why, BANK_IO, "%s: %s", q->url, curl_easy_strerror(code));
    } else if (status != 200) {
        st = refused(&b, status, why);
    } else if (b.text == NULL) {
        st = bank_fail(why, BANK_IO, "%s: an empty answer", q->url);
    }
    bank_wipe(bearer, sizeof(bearer));
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    if (st != BANK_OK) {
        free(b.text);
        return st;
    }
    *answer = b.text;
    return BANK_OK;
}

/* A JSON text from behind its first quote, into out. Returns characters; 0: it does not fit. */
static size_t copy_text(const char *at, char *out, size_t cap)
{
    size_t n = 0;

    for (; *at != '\0' && *at != '"'; at++) {
        if (*at == '\\' && *++at != '"' && *at != '\\' && *at != '/') {
            break; /* control characters and the like: nothing that is needed holds them */
        }
        if (n + 1 == cap) {
            return 0;
        }
        out[n++] = *at;
    }
    out[n] = '\0';
    return n;
}

size_t bank_http_text(const char *json, const char *name, char *out, size_t cap)
{
    const size_t name_len = strlen(name);

    for (const char *p = strchr(json, '"'); p != NULL; p = strchr(p + 1, '"')) {
        const char *at = p + 1 + name_len;

        if (strncmp(p + 1, name, name_len) != 0 || *at != '"') {
            continue;
        }
        at += 1 + strspn(at + 1, " \t\r\n");
        if (*at == ':') {
            at += 1 + strspn(at + 1, " \t\r\n");
        }
        if (*at == '"') {
            return copy_text(at + 1, out, cap);
        }
    }
    return 0;
}
