/* Private to the JSON files: characters and names in escaped form. */
#ifndef CM_TOKEN_JSON_TEXT_H
#define CM_TOKEN_JSON_TEXT_H

#include "token/json.h"

/**
 * The character (code point) at the start of the inside of a string, escapes resolved.
 * @return the bytes it takes in the text; 0 when malformed or at the end.
 */
size_t cm_json_char(struct cm_span s, uint32_t *code_point);

/** A hash of a string node, unescaped, for telling different names apart quickly. */
uint32_t cm_json_hash(const struct cm_json *doc, uint32_t at);

/** Whether two string nodes are equal, unescaped. */
bool cm_json_same(const struct cm_json *doc, uint32_t a, uint32_t b);

/** The inside of a string node, without its quotes. */
struct cm_span cm_json_inside(const struct cm_json *doc, uint32_t at);

#endif
