/* casemate doctor: from what a machine has to what it says about it. */
#include "cli/cli.h"

#include "harness.h"

/* a machine with everything */
static const struct cm_machine full = {.cpu = "test",
                                       .kernel = "Linux 6.1",
                                       .sgx1 = true,
                                       .sgx2 = true,
                                       .flc = true,
                                       .epc_bytes = 64U << 20,
                                       .node_enclave = true,
                                       .node_enclave_open = true,
                                       .node_provision = true,
                                       .node_provision_open = true,
                                       .vdso_enter = true,
                                       .dcap_quote = true,
                                       .dcap_provider = true,
                                       .dcap_verify = true,
                                       .aesm = true,
                                       .quoting = "libsgx_dcap_ql.so.1 (in process)",
                                       .collateral = "libdcap_quoteprov.so.1",
                                       .fsgsbase = true,
                                       .user_dispatch = true,
                                       .modify_ldt = true,
                                       .emulator_library = true};

static const struct cm_finding *find(const struct cm_diagnosis *d, const char *id)
{
    for (size_t i = 0; i < d->count; i++) {
        if (strcmp(d->findings[i].id, id) == 0) {
            return &d->findings[i];
        }
    }
    return NULL;
}

static enum cm_finding_state state_of(const struct cm_machine *m, const char *id)
{
    struct cm_diagnosis d;
    const struct cm_finding *f = NULL;

    cm_machine_diagnose(m, &d);
    f = find(&d, id);
    if (f == NULL) {
        TEST_FAIL("no finding %s", id);
        return CM_FINDING_NOTE;
    }
    CHECK(f->state != CM_FINDING_MISSING || f->advice != NULL); /* always what to do */
    return f->state;
}

TEST(a_full_machine_lacks_nothing)
{
    struct cm_diagnosis d;

    cm_machine_diagnose(&full, &d);
    CHECK(d.hardware);
    CHECK(d.emulator);
    for (size_t i = 0; i < d.count; i++) {
        CHECK(d.findings[i].state != CM_FINDING_MISSING);
    }
}

TEST(each_gap_is_named)
{
    struct cm_machine m = full;
    struct cm_diagnosis d;
    const struct cm_finding *f = NULL;

    m.node_enclave_open = false;
    CHECK_EQ(state_of(&m, "driver.enclave"), CM_FINDING_MISSING);
    cm_machine_diagnose(&m, &d);
    f = find(&d, "driver.enclave");
    REQUIRE(f != NULL && f->advice != NULL);
    CHECK(strstr(f->advice, "usermod") != NULL);
    CHECK(!d.hardware);
    CHECK(d.emulator);
    m = full;
    m.vdso_enter = false;
    CHECK_EQ(state_of(&m, "driver.vdso"), CM_FINDING_MISSING);
    m = full;
    m.flc = false;
    CHECK_EQ(state_of(&m, "cpu.flc"), CM_FINDING_MISSING);
    m = full;
    m.dcap_quote = false;
    CHECK_EQ(state_of(&m, "dcap.quote"), CM_FINDING_MISSING);
    m = full;
    m.fsgsbase = false;
    CHECK_EQ(state_of(&m, "emulator.fsgsbase"), CM_FINDING_MISSING);
    cm_machine_diagnose(&m, &d);
    CHECK(!d.emulator);
    m = full;
    m.user_dispatch = false;
    CHECK_EQ(state_of(&m, "emulator.dispatch"), CM_FINDING_MISSING);
    cm_machine_diagnose(&m, &d);
    CHECK(!d.emulator);
    m = full;
    m.modify_ldt = false; /* slower, not missing */
    CHECK_EQ(state_of(&m, "emulator.ldt"), CM_FINDING_NOTE);
}

TEST(without_sgx_quoting_is_no_gap)
{
    struct cm_machine m = {.fsgsbase = true, .user_dispatch = true};

    CHECK_EQ(state_of(&m, "cpu.sgx"), CM_FINDING_MISSING);
    CHECK_EQ(state_of(&m, "dcap.quote"), CM_FINDING_NOTE);
}

TEST(prints_text_and_json)
{
    static char text[16384];
    struct cm_machine m = {.fsgsbase = true, .user_dispatch = true};
    struct cm_diagnosis d;
    FILE *f = NULL;
    size_t n = 0;
    size_t column = 0;

    cm_machine_diagnose(&m, &d);
    f = tmpfile();
    REQUIRE(f != NULL);
    CHECK_EQ(cm_diagnosis_print(&m, &d, false, f), CM_OK);
    rewind(f);
    n = fread(text, 1, sizeof(text) - 1, f);
    text[n] = '\0';
    CHECK(strstr(text, "EMULATED") != NULL);
    for (size_t i = 0; i < n; i++) {
        column = text[i] == '\n' ? 0 : column + 1;
        CHECK(column <= 80);
    }
    rewind(f);
    CHECK_EQ(cm_diagnosis_print(&m, &d, true, f), CM_OK);
    n = (size_t)ftell(f);
    rewind(f);
    CHECK_EQ(fread(text, 1, n, f), n);
    text[n] = '\0';
    CHECK(strstr(text, "\"enclaves_emulated\":true") != NULL);
    CHECK(strstr(text, "\"enclaves_on_hardware\":false") != NULL);
    (void)fclose(f);
}

TEST(the_probe_looks_without_failing)
{
    struct cm_machine m;

    cm_machine_probe(&m);
    CHECK(strncmp(m.kernel, "Linux", 5) == 0);
    CHECK(m.sgx1 || m.epc_bytes == 0);
}

TEST_MAIN
