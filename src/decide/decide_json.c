/* See decide_json.h. */
#include "decide/decide_json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/span.h"
#include "token/utf8.h"

#define OUTCOME_MAX (16u << 20)

const char *cm_json_text(const struct cm_db_value *column)
{
    return column->type == CM_DB_TEXT ? (const char *)column->bytes.ptr : "";
}

json_t *cm_json_text_or_null(const struct cm_db_value *column)
{
    const char *text = cm_json_text(column);

    return text[0] == '\0' ? json_null() : json_string(text);
}

/* Of a status that is only counted in whole microseconds: milliseconds with three places. */
static json_t *milliseconds(int64_t us)
{
    return json_real((double)us / 1000.0);
}

json_t *cm_log_item(const struct cm_db_value *c, size_t count)
{
    const bool typed = count >= CM_LOG_COLUMN_COUNT && cm_json_text(&c[11])[0] != '\0';
    const char *tee = cm_json_text(&c[4]);

    return json_pack("{s:s, s:I, s:o, s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:b, s:o}", "id",
                     cm_json_text(&c[2]), "time", (json_int_t)c[1].number, "tee",
                     strcmp(tee, "unknown") == 0 ? json_null() : json_string(tee), "result",
                     c[5].number != 0 ? "accepted" : "refused", "stage", cm_json_text(&c[6]),
                     "reason", cm_json_text(&c[7]), "client", cm_json_text(&c[8]), "api",
                     cm_json_text(&c[3]), "policy_type", cm_json_text_or_null(&c[11]),
                     "policy_version", typed ? json_integer(c[12].number) : json_null(),
                     "measurement", cm_json_text_or_null(&c[9]), "measurement_label",
                     cm_json_text_or_null(&c[10]), "emulated", c[13].number != 0, "took_ms",
                     milliseconds(c[14].number));
}

json_t *cm_log_page(json_t *items, int64_t next)
{
    char text[24] = "";

    (void)snprintf(text, sizeof(text), "%" PRId64, next);
    return json_pack("{s:o, s:o}", "items", items, "next",
                     next == 0 ? json_null() : json_string(text));
}

json_t *cm_json_of_outcome(const struct cm_policy_outcome *outcome)
{
    json_t *out = NULL;
    enum cm_status st = CM_ERR_SPACE;

    for (size_t cap = 16384; st == CM_ERR_SPACE && cap <= OUTCOME_MAX; cap *= 4) {
        char *text = malloc(cap);
        size_t len = 0;

        st = text == NULL ? CM_ERR_NOMEM : cm_policy_outcome_json(outcome, text, cap, &len);
        if (st == CM_OK) {
            out = json_loadb(text, len, 0, NULL);
        }
        free(text);
    }
    return out;
}

bool cm_json_is_text(const char *text)
{
    for (const char *p = text; *p != '\0'; p++) {
        if ((unsigned char)*p < ' ' || *p == 0x7f) {
            return false;
        }
    }
    return cm_utf8_valid(cm_span_make(text, strlen(text)));
}
