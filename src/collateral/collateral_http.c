/* HTTP over libcurl; see collateral_http.h. Untrusted: status, headers, body. */
#include "collateral/collateral_http.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "collateral/collateral_curl.h"
#include "common/hex.h"
#include "common/try.h"

#define CONNECT_TIMEOUT_MS 10000L
#define RAW_CHAIN_MAX      (3 * CM_HTTP_MAX_CHAIN) /* every byte as %XX */

struct cm_http {
    CURL *curl;
    struct curl_slist *request_headers;
    const char *const *wanted; /* of the request under way */
    uint8_t *body;
    size_t body_len;
    size_t header_len;
    char *chain; /* as received, then decoded in place */
    size_t chain_len;
    bool chain_seen;
    enum cm_status failed; /* why a callback ended the transfer */
    char error[CURL_ERROR_SIZE];
};

/* libcurl's type of callback */
static size_t take_body(char *data, size_t size, size_t count, void *arg)
{
    struct cm_http *h = arg;
    size_t n = size * count; /* size is 1: documented */

    if (n > CM_HTTP_MAX_BODY - h->body_len) {
        h->failed = CM_ERR_LIMIT;
        return 0;
    }
    memcpy(h->body + h->body_len, data, n);
    h->body_len += n;
    return n;
}

/* The value when the line is one of the wanted headers. */
static bool wanted_value(const struct cm_http *h, const char *line, size_t len,
                         struct cm_span *value)
{
    for (size_t i = 0; h->wanted != NULL && h->wanted[i] != NULL; i++) {
        size_t name = strlen(h->wanted[i]);

        if (len > name && line[name] == ':' && strncasecmp(line, h->wanted[i], name) == 0) {
            const char *at = line + name + 1;
            size_t left = len - name - 1;

            while (left != 0 && (*at == ' ' || *at == '\t')) {
                at++;
                left--;
            }
            while (left != 0 && isspace((unsigned char)at[left - 1])) {
                left--;
            }
            value->ptr = (const uint8_t *)at;
            value->len = left;
            return true;
        }
    }
    return false;
}

/* libcurl's type of callback: one line at a time, of every response on the way */
static size_t take_header(char *line, size_t size, size_t count, void *arg)
{
    struct cm_http *h = arg;
    size_t n = size * count;
    struct cm_span value = {NULL, 0};

    if (n >= 5 && memcmp(line, "HTTP/", 5) == 0) { /* a new response: after a redirection */
        h->header_len = 0;
        h->chain_len = 0;
        h->chain_seen = false;
    }
    if (n > CM_HTTP_MAX_HEADERS - h->header_len) {
        h->failed = CM_ERR_LIMIT;
        return 0;
    }
    h->header_len += n;
    if (!wanted_value(h, line, n, &value)) {
        return n;
    }
    if (h->chain_seen || value.len > RAW_CHAIN_MAX) {
        h->failed = h->chain_seen ? CM_ERR_FORMAT : CM_ERR_LIMIT; /* two that may differ */
        return 0;
    }
    memcpy(h->chain, value.ptr, value.len);
    h->chain_len = value.len;
    h->chain_seen = true;
    return n;
}

/* Percent-encoded PEM to PEM, in place: printable ASCII and line ends, nothing else. */
static enum cm_status decode_chain(struct cm_http *h)
{
    size_t used = 0;

    for (size_t i = 0; i < h->chain_len; i++) {
        char c = h->chain[i];

        if (c == '%') {
            int high = i + 2 < h->chain_len ? cm_hex_nibble((uint8_t)h->chain[i + 1]) : -1;
            int low = i + 2 < h->chain_len ? cm_hex_nibble((uint8_t)h->chain[i + 2]) : -1;

            if (high < 0 || low < 0) {
                return CM_ERR_FORMAT;
            }
            c = (char)(high * 16 + low);
            i += 2;
        }
        if ((c < ' ' || c > '~') && c != '\n' && c != '\r') {
            return CM_ERR_FORMAT;
        }
        h->chain[used++] = c;
    }
    h->chain_len = used;
    return used == 0 ? CM_ERR_FORMAT : used > CM_HTTP_MAX_CHAIN ? CM_ERR_LIMIT : CM_OK;
}

/* ------------------------------------------------------------------ client */

static bool add_header(struct cm_http *h, const char *line)
{
    struct curl_slist *longer = cm_curl()->slist_append(h->request_headers, line);

    h->request_headers = longer != NULL ? longer : h->request_headers;
    return longer != NULL;
}

static enum cm_status set_options(struct cm_http *h, const struct cm_http_options *o)
{
    const struct cm_curl *c = cm_curl();
    bool good = true;

    /* the older, numeric form of CURLOPT_PROTOCOLS_STR: known to every version */
    good = good && c->setopt(h->curl, (CURLoption)181, CURLPROTO_HTTP | CURLPROTO_HTTPS) == 0;
    good = good && c->setopt(h->curl, (CURLoption)182, CURLPROTO_HTTPS) == 0; /* redirections */
    good = good && c->setopt(h->curl, CURLOPT_MAXREDIRS, (long)CM_HTTP_REDIRECTS) == 0;
    good = good && c->setopt(h->curl, CURLOPT_SSL_VERIFYPEER, 1L) == 0;
    good = good && c->setopt(h->curl, CURLOPT_SSL_VERIFYHOST, 2L) == 0;
    good = good && c->setopt(h->curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) == 0;
    good = good && c->setopt(h->curl, CURLOPT_NOSIGNAL, 1L) == 0;
    good = good && c->setopt(h->curl, CURLOPT_TIMEOUT_MS, (long)o->timeout_ms) == 0;
    good = good && c->setopt(h->curl, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS) == 0;
    good = good && c->setopt(h->curl, CURLOPT_USERAGENT, "casemate") == 0;
    good = good && c->setopt(h->curl, CURLOPT_ERRORBUFFER, h->error) == 0;
    good = good && c->setopt(h->curl, CURLOPT_WRITEFUNCTION, take_body) == 0;
    good = good && c->setopt(h->curl, CURLOPT_WRITEDATA, h) == 0;
    good = good && c->setopt(h->curl, CURLOPT_HEADERFUNCTION, take_header) == 0;
    good = good && c->setopt(h->curl, CURLOPT_HEADERDATA, h) == 0;
    if (o->ca_file != NULL) {
        good = good && c->setopt(h->curl, CURLOPT_CAINFO, o->ca_file) == 0;
        good = good && c->setopt(h->curl, CURLOPT_CAPATH, (char *)NULL) == 0;
    }
    if (o->metadata) {
        good = good && add_header(h, "Metadata: true");
    }
    if (o->subscription != NULL) {
        char line[160] = "";

        (void)snprintf(line, sizeof(line), "Ocp-Apim-Subscription-Key: %.100s", o->subscription);
        good = good && add_header(h, line);
    }
    good = good && c->setopt(h->curl, CURLOPT_HTTPHEADER, h->request_headers) == 0;
    return good ? CM_OK : CM_ERR_PLATFORM;
}

enum cm_status cm_http_create(const struct cm_http_options *options, struct cm_http **out,
                              struct cm_why *why)
{
    struct cm_http *h = NULL;
    enum cm_status st = CM_OK;

    *out = NULL;
    CM_TRY(cm_curl_load(why));
    h = calloc(1, sizeof(*h));
    st = CM_ERR_NOMEM;
    if (h == NULL || (h->body = malloc(CM_HTTP_MAX_BODY)) == NULL ||
        (h->chain = malloc(RAW_CHAIN_MAX)) == NULL || (h->curl = cm_curl()->init()) == NULL) {
        goto out;
    }
    st = set_options(h, options);
    if (st != CM_OK) {
        cm_why_set(why, "libcurl refuses an option that security needs: update it");
        goto out;
    }
    *out = h;
    h = NULL;
out:
    cm_http_free(h);
    return st;
}

void cm_http_free(struct cm_http *h)
{
    if (h == NULL) {
        return;
    }
    if (h->curl != NULL) {
        cm_curl()->cleanup(h->curl);
        cm_curl()->slist_free(h->request_headers);
    }
    free(h->chain);
    free(h->body);
    free(h);
}

/* ----------------------------------------------------------------- address */

/* This machine, or the address where clouds answer their own machines only. */
static bool near(const char *host)
{
    struct in_addr v4;
    uint8_t bytes[4];

    if (strcmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0) {
        return true;
    }
    if (inet_pton(AF_INET, host, &v4) != 1) {
        return false;
    }
    memcpy(bytes, &v4, sizeof(bytes));
    return bytes[0] == 127 || (bytes[0] == 169 && bytes[1] == 254);
}

/* A part of the address that must not be there. */
static bool has(CURLU *u, CURLUPart part)
{
    char *text = NULL;
    bool there = cm_curl()->url_get(u, part, &text, 0) == CURLUE_OK;

    cm_curl()->free(text);
    return there;
}

enum cm_status cm_http_check_url(const char *url, struct cm_why *why)
{
    CURLU *u = NULL;
    char *scheme = NULL;
    char *host = NULL;
    enum cm_status st = CM_OK;

    CM_TRY(cm_curl_load(why));
    u = cm_curl()->url();
    if (u == NULL) {
        return CM_ERR_NOMEM;
    }
    st = CM_ERR_PARAM;
    if (cm_curl()->url_set(u, CURLUPART_URL, url, 0) != CURLUE_OK ||
        cm_curl()->url_get(u, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
        cm_curl()->url_get(u, CURLUPART_HOST, &host, 0) != CURLUE_OK) {
        cm_why_set(why, "the service's address is no URL");
    } else if (has(u, CURLUPART_USER) || has(u, CURLUPART_PASSWORD) || has(u, CURLUPART_QUERY) ||
               has(u, CURLUPART_FRAGMENT)) {
        cm_why_set(why, "the service's address must end with its path, and name no user");
    } else if (strcmp(scheme, "https") != 0 && (strcmp(scheme, "http") != 0 || !near(host))) {
        cm_why_set(why, "the service's address must be https; http is for this machine only");
    } else {
        st = CM_OK;
    }
out:
    if (u != NULL) {
        cm_curl()->free(scheme);
        cm_curl()->free(host);
        cm_curl()->url_cleanup(u);
    }
    return st;
}

/* --------------------------------------------------------------------- get */

/* libcurl's sentence may quote the server's certificate */
static const char *printable(char *text)
{
    for (char *p = text; *p != '\0'; p++) {
        if (*p < ' ' || *p > '~') {
            *p = '?';
        }
    }
    return text;
}

static enum cm_status judge_transfer(struct cm_http *h, CURLcode code, const char *url,
                                     struct cm_why *why)
{
    enum cm_status st = CM_ERR_IO;

    if (code == CURLE_OK) {
        return CM_OK;
    }
    if (h->failed != CM_OK) {
        cm_why_set(why, "%.160s: %s", url,
                   h->failed == CM_ERR_LIMIT ? "the answer is larger than it may be"
                                             : "the answer holds a header twice");
        return h->failed;
    }
    if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE) {
        st = CM_ERR_DENIED;
    } else if (code == CURLE_OUT_OF_MEMORY) {
        st = CM_ERR_NOMEM;
    }
    cm_why_set(why, "%.160s: %.80s", url,
               h->error[0] != '\0' ? printable(h->error) : cm_curl()->strerror(code));
    return st;
}

static enum cm_status judge_status(long status, const char *url, struct cm_why *why)
{
    switch (status) {
    case 200:
        return CM_OK;
    case 404:
    case 410:
        cm_why_set(why, "%.160s: the service does not have it (%ld)", url, status);
        return CM_ERR_NOTFOUND;
    case 401:
    case 403:
        cm_why_set(why, "%.160s: the service refused (%ld)", url, status);
        return CM_ERR_DENIED;
    case 429:
    case 503:
        cm_why_set(why, "%.160s: the service is busy (%ld): try again later", url, status);
        return CM_ERR_BUSY;
    default:
        cm_why_set(why, "%.160s: the service answered with status %ld", url, status);
        return CM_ERR_IO;
    }
}

enum cm_status cm_http_get(struct cm_http *h, const char *url, const char *const *headers,
                           struct cm_http_answer *out, struct cm_why *why)
{
    const struct cm_curl *c = cm_curl();
    bool far = strncmp(url, "https:", 6) == 0; /* else this machine: no proxy, no redirection */
    long status = 0;
    enum cm_status st = CM_OK;

    memset(out, 0, sizeof(*out));
    h->wanted = headers;
    h->body_len = 0;
    h->header_len = 0;
    h->chain_len = 0;
    h->chain_seen = false;
    h->failed = CM_OK;
    h->error[0] = '\0';
    if (c->setopt(h->curl, CURLOPT_URL, url) != CURLE_OK ||
        c->setopt(h->curl, CURLOPT_FOLLOWLOCATION, far ? 1L : 0L) != CURLE_OK ||
        c->setopt(h->curl, CURLOPT_NOPROXY, far ? NULL : "*") != CURLE_OK) {
        return CM_ERR_NOMEM;
    }
    CM_TRY(judge_transfer(h, c->perform(h->curl), url, why));
    if (c->getinfo(h->curl, CURLINFO_RESPONSE_CODE, &status) != CURLE_OK) {
        return CM_ERR_IO;
    }
    CM_TRY(judge_status(status, url, why));
    if (h->body_len == 0) {
        cm_why_set(why, "%.160s: the answer is empty", url);
        return CM_ERR_FORMAT;
    }
    if (h->chain_seen) {
        st = decode_chain(h);
        if (st != CM_OK) {
            cm_why_set(why, "%.160s: the issuer chain in the header is no PEM", url);
            goto out;
        }
        out->chain = cm_span_make(h->chain, h->chain_len);
    }
    out->body = cm_span_make(h->body, h->body_len);
out:
    return st;
}
