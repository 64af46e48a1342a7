/* What programs ran on: Intel's platforms by FMSPC, chips by their number. */
#include <string.h>

#include "common/try.h"
#include "decide/decide_inventory.h"

#define LATELY 1000 /* a measurement's rows that are looked through */

/* How bad a status is: the worst come first. */
static int badness(const char *tcb)
{
    static const char *const names[] = {"UpToDate",
                                        "SWHardeningNeeded",
                                        "ConfigurationNeeded",
                                        "ConfigurationAndSWHardeningNeeded",
                                        "TDRelaunchAdvised",
                                        "TDRelaunchAdvisedConfigurationNeeded",
                                        "OutOfDate",
                                        "OutOfDateConfigurationNeeded",
                                        "Revoked"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(tcb, names[i]) == 0) {
            return (int)i;
        }
    }
    return -1; /* nothing says */
}

/* Into the list at its place. */
static bool take_platform(void *arg, const struct cm_db_value *c, size_t count)
{
    json_t *list = arg;
    const char *value = cm_json_text(&c[0]);
    const bool fmspc = strncmp(value, "fmspc:", 6) == 0;
    const int own = badness(cm_json_text(&c[6]));
    json_t *advisories = json_loads(cm_json_text(&c[8]), 0, NULL);
    json_t *item = NULL;
    size_t at = 0;

    if (count != 9) {
        json_decref(advisories);
        return false;
    }
    item = json_pack(
        "{s:s, s:s, s:s, s:s, s:o, s:n, s:o, s:b, s:I, s:I, s:I}", "id", value, "tee",
        cm_json_text(&c[1]), "name", fmspc ? "fmspc" : "chip_id", "value",
        fmspc ? value + 6 : value, "tcb_status", cm_json_text_or_null(&c[6]), "tcb_date",
        "advisories", json_is_array(advisories) ? advisories : json_array(), "emulated",
        c[7].number != 0, "first_seen", (json_int_t)c[2].number, "last_seen",
        (json_int_t)c[3].number, "count", (json_int_t)c[4].number + (json_int_t)c[5].number);
    while (at < json_array_size(list)) {
        const json_t *tcb = json_object_get(json_array_get(list, at), "tcb_status");

        if (badness(json_is_string(tcb) ? json_string_value(tcb) : "") < own) {
            break;
        }
        at++;
    }
    return item != NULL && json_array_insert_new(list, at, item) == 0;
}

#define PLATFORM_COLUMNS                                                                    \
    "i.value, i.tee, i.first_seen, i.last_seen, i.permitted, i.refused, i.tcb, i.emulated," \
    " i.advisories"

enum cm_status cm_inventory_platforms(struct cm_db *db, const char *measurement, json_t **out,
                                      struct cm_why *why)
{
    const struct cm_db_value v[] = {cm_db_text(measurement == NULL ? "" : measurement),
                                    cm_db_int(LATELY)};
    json_t *list = json_array();
    enum cm_status st = CM_OK;

    *out = NULL;
    CM_TRY(list == NULL ? CM_ERR_NOMEM : CM_OK);
    if (measurement == NULL) {
        CM_TRY(cm_db_run(db,
                         "SELECT " PLATFORM_COLUMNS " FROM inventory i WHERE i.kind = 'platform'"
                         " ORDER BY i.last_seen DESC LIMIT 1000",
                         cm_db_none(), cm_db_into(take_platform, list), why));
    } else {
        CM_TRY(cm_db_run(db,
                         "SELECT " PLATFORM_COLUMNS " FROM inventory i WHERE i.kind = 'platform'"
                         " AND i.value IN (SELECT platform FROM (SELECT platform FROM attestation"
                         " WHERE measurement = ? ORDER BY id DESC LIMIT ?) lately)"
                         " ORDER BY i.last_seen DESC LIMIT 100",
                         cm_db_with(v, 2), cm_db_into(take_platform, list), why));
    }
    *out = json_incref(list);
out:
    json_decref(list);
    return st;
}

enum cm_status cm_decide_platforms(struct cm_db *db, json_t **out, struct cm_why *why)
{
    json_t *list = NULL;
    enum cm_status st = CM_OK;

    *out = NULL;
    CM_TRY(cm_inventory_platforms(db, NULL, &list, why));
    *out = cm_log_page(json_incref(list), 0);
    st = *out == NULL ? CM_ERR_NOMEM : CM_OK;
out:
    json_decref(list);
    return st;
}
