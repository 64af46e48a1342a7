/* casemate audit: what it says of a log that holds, of one that does not, and of what is no store. */
#include <sys/wait.h>

#include "access_kit.h"

static char said[1 << 16];

/* Run `casemate audit ...`; what it printed is in said. @return its exit status */
static int casemate(const char *arguments)
{
    char command[1024] = "";
    FILE *p = NULL;
    size_t n = 0;
    int status = 0;

    (void)snprintf(command, sizeof(command), "%s audit %s 2>&1", CASEMATE, arguments);
    p = popen(command, "r"); /* NOLINT(cert-env33-c): the test's own words */
    if (p == NULL) {
        return -1;
    }
    n = fread(said, 1, sizeof(said) - 1, p);
    said[n] = '\0';
    status = pclose(p);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int audit(const char *command, const char *more)
{
    char arguments[768] = "";

    (void)snprintf(arguments, sizeof(arguments), "%s --store '%s' %s", command, kit_store(), more);
    return casemate(arguments);
}

static void spoil(const char *sql)
{
    struct cm_db *db = NULL;
    struct cm_why why = {""};

    CHECK_EQ(cm_db_open(kit_store(), &db, &why), CM_OK);
    CHECK_EQ(cm_db_run(db, sql, cm_db_none(), cm_db_nowhere(), &why), CM_OK);
    cm_db_close(db);
}

TEST(log_is_verified_and_exported_while_the_service_runs)
{
    struct person ada;
    char last[80] = "";
    char known[128] = "";
    json_t *json = NULL;

    access_start();
    setup_admin(&ada);
    CHECK_EQ(audit("verify", ""), 0);
    CHECK(strstr(said, "records: 2\n") != NULL);
    CHECK_EQ(audit("verify", "--json"), 0);
    json = json_loads(said, 0, NULL);
    REQUIRE(json != NULL);
    CHECK_EQ(json_integer_value(json_object_get(json, "records")), 2);
    CHECK(json_is_null(json_object_get(json, "found")));
    (void)snprintf(last, sizeof(last), "%s", json_string_value(json_object_get(json, "last")));
    json_decref(json);
    CHECK_EQ(log_in("ada", PASSWORD, &ada), 200);
    (void)snprintf(known, sizeof(known), "--known %s", last);
    CHECK_EQ(audit("verify", known), 0);
    CHECK_EQ(audit("export", ""), 0);
    /* the same as the service's own */
    CHECK_EQ(ask_as(&ada, "GET", "/api/v1/audit/export", NULL)->status, 200);
    CHECK_STR(kit_last()->body, said);
    CHECK_EQ(audit("export", "--after 2"), 0);
    CHECK(strncmp(said, "{\"seq\":3,", 9) == 0);
    /* a log that was cut, with its head, holds; but not with what was kept elsewhere */
    (void)snprintf(known, sizeof(known), "--known %.63s%c", last, last[63] == '0' ? '1' : '0');
    CHECK_EQ(audit("verify", known), 8);
    CHECK(strstr(said, "DOES NOT HOLD") != NULL);
    spoil("DELETE FROM audit WHERE seq = 2");
    CHECK_EQ(audit("verify", ""), 8);
    CHECK(strstr(said, "broken at record 2") != NULL);
    kit_stop();
}

TEST(what_is_no_store_or_no_option_is_said)
{
    CHECK_EQ(casemate("verify"), 2);
    CHECK_EQ(casemate(""), 2);
    CHECK_EQ(casemate("shred --store x"), 2);
    CHECK_EQ(casemate("verify --store sqlite:/nowhere/at/all.db"), 1);
    CHECK(strstr(said, "/nowhere/at/all.db") != NULL);
    CHECK_EQ(casemate("verify --store what.db"), 1);
    CHECK_EQ(casemate("verify --store sqlite:x --known 12"), 2);
    CHECK_EQ(casemate("export --store sqlite:x --after -1"), 2);
    CHECK_EQ(casemate("export --store sqlite:x --known 12"), 2);
    CHECK_EQ(casemate("verify --help"), 0);
    CHECK(strstr(said, "Usage: casemate audit verify") == said);
}

TEST_MAIN
