/* The kit's client; see service_kit.h. */
#include <arpa/inet.h>
#include <curl/curl.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "service_kit.h"

static _Thread_local CURL *curl;
static _Thread_local struct kit_answer last;

struct text {
    char *bytes;
    size_t len;
};

static size_t take(char *bytes, size_t size, size_t count, void *arg)
{
    struct text *t = arg;
    char *more = realloc(t->bytes, t->len + size * count + 1);

    if (more == NULL) {
        return 0;
    }
    memcpy(more + t->len, bytes, size * count);
    t->bytes = more;
    t->len += size * count;
    more[t->len] = '\0';
    return size * count;
}

static struct curl_slist *all_headers(const char *token, const char *type,
                                      const char *const *headers)
{
    struct curl_slist *list = NULL;
    char line[4096] = "";

    if (token != NULL) {
        (void)snprintf(line, sizeof(line), "Authorization: Bearer %s", token);
        list = curl_slist_append(list, line);
    }
    if (type != NULL) {
        (void)snprintf(line, sizeof(line), "Content-Type: %s", type);
        list = curl_slist_append(list, line);
    }
    for (size_t i = 0; headers != NULL && headers[i] != NULL; i++) {
        list = curl_slist_append(list, headers[i]);
    }
    return curl_slist_append(list, "Expect:");
}

static void forget(void)
{
    free(last.body);
    free(last.head);
    json_decref(last.json);
    memset(&last, 0, sizeof(last));
}

struct kit_answer *kit_ask(const char *method, const char *path, const char *token,
                           const char *type, struct cm_span body, const char *const *headers)
{
    const char *colon = strrchr(kit_url(), ':');
    char url[4096] = "";
    char connect[64] = "";
    struct text head = {NULL, 0};
    struct text answer = {NULL, 0};
    struct curl_slist *list = all_headers(token, type, headers);
    struct curl_slist *to = NULL;
    CURLcode code = CURLE_OK;
    long status = 0;

    forget();
    if (curl == NULL) {
        curl = curl_easy_init();
    }
    (void)snprintf(url, sizeof(url), "%s%s", path[0] == '/' ? kit_url() : "", path);
    (void)snprintf(connect, sizeof(connect), "::127.0.0.1:%s", colon + 1);
    to = curl_slist_append(NULL, connect);
    curl_easy_reset(curl);
    (void)curl_easy_setopt(curl, CURLOPT_URL, url);
    (void)curl_easy_setopt(curl, CURLOPT_CONNECT_TO, to);
    (void)curl_easy_setopt(curl, CURLOPT_PROXY, "");
    (void)curl_easy_setopt(curl, CURLOPT_CAINFO, kit_ca_file());
    (void)curl_easy_setopt(curl, CURLOPT_TIMEOUT, 60L);
    (void)curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_HTTPHEADER, list);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer);
    (void)curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take);
    (void)curl_easy_setopt(curl, CURLOPT_HEADERDATA, &head);
    if (type != NULL || strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0) {
        (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.len);
        (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDS,
                               body.len == 0 ? "" : (const char *)body.ptr);
    }
    if (strcmp(method, "HEAD") == 0) {
        (void)curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
    } else {
        (void)curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
    }
    code = curl_easy_perform(curl);
    if (code == CURLE_OK) {
        (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    } else {
        (void)printf("  %s %s: %s\n", method, path, curl_easy_strerror(code));
    }
    curl_slist_free_all(list);
    curl_slist_free_all(to);
    last.status = (int)status;
    last.body = answer.bytes == NULL ? strdup("") : answer.bytes;
    last.len = answer.len;
    last.head = head.bytes == NULL ? strdup("") : head.bytes;
    last.json = json_loadb(last.body, last.len, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
    return &last;
}

struct kit_answer *kit_get(const char *path, const char *token)
{
    return kit_ask("GET", path, token, NULL, cm_span_make(NULL, 0), NULL);
}

struct kit_answer *kit_delete(const char *path, const char *token)
{
    return kit_ask("DELETE", path, token, NULL, cm_span_make(NULL, 0), NULL);
}

static struct kit_answer *send_json(const char *method, const char *path, const char *token,
                                    const char *json)
{
    return kit_ask(method, path, token, "application/json", cm_span_make(json, strlen(json)), NULL);
}

struct kit_answer *kit_post(const char *path, const char *token, const char *json)
{
    return send_json("POST", path, token, json);
}

struct kit_answer *kit_put(const char *path, const char *token, const char *json)
{
    return send_json("PUT", path, token, json);
}

struct kit_answer *kit_patch(const char *path, const char *token, const char *json)
{
    return send_json("PATCH", path, token, json);
}

struct kit_answer *kit_post_json(const char *path, const char *token, json_t *json)
{
    char *text = json_dumps(json, JSON_COMPACT);
    struct kit_answer *out = kit_post(path, token, text);

    free(text);
    json_decref(json);
    return out;
}

struct kit_answer *kit_last(void)
{
    return &last;
}

const char *kit_header(const char *name)
{
    const size_t len = strlen(name);

    for (const char *line = last.head; line != NULL && *line != '\0';) {
        const char *end = strstr(line, "\r\n");

        if (strncasecmp(line, name, len) == 0 && line[len] == ':' && end != NULL) {
            const char *value = line + len + 1;

            value += strspn(value, " ");
            (void)snprintf(last.header_value, sizeof(last.header_value), "%.*s", (int)(end - value),
                           value);
            return last.header_value;
        }
        line = end == NULL ? NULL : end + 2;
    }
    return NULL;
}

json_t *kit_json(const char *path)
{
    json_t *at = last.json;

    while (at != NULL && *path != '\0') {
        const size_t len = strcspn(path, ".");
        char name[128] = "";

        (void)snprintf(name, sizeof(name), "%.*s", (int)len, path);
        at = json_is_array(at) ? json_array_get(at, strtoul(name, NULL, 10))
                               : json_object_get(at, name);
        path += len + (path[len] == '.' ? 1 : 0);
    }
    return at;
}

const char *kit_string(const char *path)
{
    return json_string_value(kit_json(path));
}

int64_t kit_integer(const char *path)
{
    return json_integer_value(kit_json(path));
}

size_t kit_raw(struct cm_span request, char *out, size_t cap, unsigned seconds)
{
    const struct sockaddr_in a = {.sin_family = AF_INET,
                                  .sin_port = htons(cm_service_port(kit_service())),
                                  .sin_addr = {htonl(INADDR_LOOPBACK)}};
    const struct timeval limit = {seconds, 0};
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    SSL *ssl = SSL_new(ctx);
    size_t len = 0;
    int n = 0;

    if (connect(fd, (const struct sockaddr *)&a, sizeof(a)) == 0 &&
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) == 0 &&
        SSL_set_fd(ssl, fd) == 1 && SSL_connect(ssl) == 1 &&
        SSL_write(ssl, request.ptr, (int)request.len) == (int)request.len) {
        while (len + 1 < cap && (n = SSL_read(ssl, out + len, (int)(cap - len - 1))) > 0) {
            len += (size_t)n;
        }
    }
    out[len] = '\0';
    SSL_free(ssl);
    SSL_CTX_free(ctx);
    (void)close(fd);
    return len;
}
