/*
 * An HTTP server for the tests, in a thread of this process, on 127.0.0.1. What it says is the
 * test's: an answer is a function that writes bytes, true or hostile.
 */
#ifndef CM_TESTS_SERVE_H
#define CM_TESTS_SERVE_H

#include <stdbool.h>
#include <stddef.h>

struct serve;
struct serve_connection;

/**
 * @param request  the head of the request, NUL-terminated.
 * @param path     its path with query.
 * @return whether to wait for another request on this connection.
 */
typedef bool serve_answer_fn(struct serve_connection *c, const char *request, const char *path,
                             void *arg);

/** Ends the process when it cannot start. tls: with a certificate for "localhost" of its own. */
struct serve *serve_start(bool tls, serve_answer_fn *answer, void *arg);
void serve_stop(struct serve *s);

unsigned serve_port(const struct serve *s);
/** Requests so far. */
unsigned serve_requests(const struct serve *s);
/** The server's certificate in PEM (with tls). */
const char *serve_certificate(const struct serve *s);
/** Whether the server is to end: for answers without an end. */
bool serve_stopping(const struct serve_connection *c);

/** False when the client has gone. */
bool serve_write(struct serve_connection *c, const void *data, size_t len);
bool serve_text(struct serve_connection *c, const char *text);

/** A whole answer; headers are lines that end with \r\n, or "". */
bool serve_whole(struct serve_connection *c, int status, const char *headers, const void *body,
                 size_t len);

#endif
