/* How long the audit log keeps what it was told. */
#include "access_kit.h"

static void thirty_days(struct cm_service_config *config)
{
    access_prepare(config);
    config->audit_days = 30;
}

/* What the configuration calls old is cut off; the log verifies, and says where it begins. */
TEST(old_audit_records_are_cut_off)
{
    struct kit_options options = access_options();
    struct person ada;
    struct person bob;
    int64_t records = 0;

    options.prepare = thirty_days;
    (void)kit_start_with(&options);
    setup_admin(&ada);
    person_with(&ada, "bob", "author", &bob);
    kit_step_clock(29 * 86400);
    cm_service_tick(kit_service());
    CHECK_EQ(log_in("ada", PASSWORD, &ada), 200);
    CHECK_EQ(ask_as(&ada, "POST", "/api/v1/audit/verify", "{}")->status, 200);
    CHECK_EQ(kit_integer("cut"), 0);
    records = kit_integer("records");
    kit_step_clock(2 * 86400);
    cm_service_tick(kit_service());
    CHECK_EQ(log_in("ada", PASSWORD, &ada), 200);
    CHECK_EQ(ask_as(&ada, "POST", "/api/v1/audit/verify", "{}")->status, 200);
    CHECK(json_is_true(kit_json("ok")));
    CHECK(kit_integer("cut") >= records - 2 && kit_integer("records") > records);
    CHECK_EQ(audited(&ada, "audit.cut", ""), 1);
    kit_stop();
}

TEST_MAIN
