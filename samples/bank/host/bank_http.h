/* One HTTPS request to the attestation and key release service, bounded in size and time. */
#ifndef BANK_HTTP_H
#define BANK_HTTP_H

#include "../common/bank_types.h"

#define BANK_HTTP_MAX 262144U /* bytes of an answer */

struct bank_request {
    const char *method;
    const char *url;
    const char *ca;    /* file with the service's CA in PEM: nobody else is believed */
    const char *token; /* bearer; NULL: none */
    const char *type;  /* of the body */
    const char *body;
};

/**
 * @param answer  zero terminated, the caller's to free; UNTRUSTED
 * @retval BANK_IO       no connection, or no answer in time
 * @retval BANK_REFUSED  the service refused: why says what it said
 */
enum bank_status bank_http(const struct bank_request *q, char **answer, struct bank_why *why);

/**
 * The text of a member of a JSON object, wherever it stands. For answers whose texts are tokens, names and
 * sentences: escapes other than of quotes and slashes end the text.
 * @return characters; 0: it is not there, or does not fit
 */
size_t bank_http_text(const char *json, const char *name, char *out, size_t cap);

#endif
