/* Event logs of our own making: what is proven, what is a hint, and forgeries of both. */
#include "harness.h"

#include "evidence/claims.h"
#include "tpm/tcg_log.h"
#include "tpm_kit.h"

static const uint16_t two_banks[] = {CM_TPM_ALG_SHA1, CM_TPM_ALG_SHA256};
static const uint8_t zeros[4];

/* Values as a TPM would have them after this log. */
static void values_of(const struct kit_log *log, struct cm_tpm_pcrs *out)
{
    memset(out, 0, sizeof(*out));
    for (size_t b = 0; b < (log->alg_count == 0 ? 1 : log->alg_count); b++) {
        for (unsigned i = 0; i < 32; i++) {
            if ((log->mask >> i & 1) != 0) {
                kit_must(cm_tpm_pcrs_set(out, log->alg[b], i,
                                         cm_span_make(log->value[b][i],
                                                      cm_tpm_hash_size(log->alg[b]))) == CM_OK,
                         "values");
            }
        }
    }
}

static void variable(struct kit_log *log, uint32_t pcr, const char *name, uint8_t value)
{
    uint8_t data[256];
    size_t len = kit_variable(name, value, data);

    kit_log_data(log, pcr, CM_TCG_EFI_VARIABLE_CONFIG, cm_span_make(data, len));
}

static void separators(struct kit_log *log)
{
    for (uint32_t i = 0; i < 8; i++) {
        kit_log_data(log, i, CM_TCG_SEPARATOR, cm_span_make(zeros, 4));
    }
}

/* A boot with secure boot on. */
static void good_boot(struct kit_log *log, const uint16_t *algs, size_t count)
{
    kit_log_begin(log, algs, count);
    kit_log_data(log, 0, CM_TCG_S_CRTM_VERSION,
                 cm_span_make("v\0"
                              "1\0\0\0",
                              6));
    variable(log, 7, "SecureBoot", 1);
    variable(log, 7, "PK", 9);
    separators(log);
    kit_log_event(log, 4, CM_TCG_EFI_BOOT_APPLICATION, kit_text("the boot loader's image"),
                  kit_text("device path"));
    kit_log_event(log, 8, CM_TCG_IPL, kit_text("linux /vmlinuz quiet"),
                  cm_span_make("grub_cmd: linux /vmlinuz quiet", 31));
    kit_log_event(log, 9, CM_TCG_IPL, kit_text("the kernel"), cm_span_make("/vmlinuz", 9));
    kit_log_event(log, 8, CM_TCG_IPL, kit_text("/vmlinuz quiet"),
                  cm_span_make("kernel_cmdline: /vmlinuz quiet", 31));
}

static struct cm_evidence *check(const struct kit_log *log, const struct cm_tpm_pcrs *pcrs,
                                 enum cm_status want)
{
    struct cm_evidence *ev = cm_evidence_new("tpm");
    enum cm_status st = CM_OK;

    kit_must(ev != NULL, "evidence");
    st = cm_tcg_check(kit_log_bytes(log), pcrs, (struct cm_tcg_want){CM_AUTHORITY_HARDWARE, true},
                      ev, 0);
    if (st != want) {
        TEST_FAIL("%s, wanted %s", cm_status_str(st), cm_status_str(want));
    }
    return ev;
}

static int authority(const struct cm_evidence *ev, const char *name)
{
    const struct cm_claim *c = cm_evidence_find(ev, 0, name, 0);

    return c == NULL ? -1 : (int)c->authority;
}

/* The authority of what a log says, beside the registers that it leads to. */
static int proven(const struct kit_log *log, const char *name)
{
    static struct cm_tpm_pcrs pcrs;
    struct cm_evidence *ev = NULL;
    int result = -1;

    values_of(log, &pcrs);
    ev = check(log, &pcrs, CM_OK);
    result = authority(ev, name);
    cm_evidence_free(ev);
    return result;
}

TEST(a_boot_that_is_proven)
{
    static struct kit_log log;
    static struct cm_tpm_pcrs pcrs;
    struct cm_evidence *ev = NULL;

    good_boot(&log, two_banks, 2);
    values_of(&log, &pcrs);
    ev = check(&log, &pcrs, CM_OK);
    CHECK_EQ(cm_evidence_result(ev, 0, "tpm.event_log"), CM_CHECK_PASS);
    CHECK_EQ(authority(ev, "tpm.secure_boot"), CM_AUTHORITY_HARDWARE);
    CHECK_EQ(cm_evidence_find(ev, 0, "tpm.secure_boot", 0)->number, 1);
    CHECK_STR(cm_evidence_find(ev, 0, "tpm.crtm_version", 0)->text, "v1");
    CHECK_EQ(authority(ev, "tpm.crtm_version"), CM_AUTHORITY_HARDWARE);
    CHECK_STR(cm_evidence_find(ev, 0, "tpm.kernel_cmdline", 0)->text, "/vmlinuz quiet");
    CHECK_EQ(authority(ev, "tpm.kernel_cmdline"), CM_AUTHORITY_HARDWARE);
    CHECK_STR(cm_evidence_find(ev, 0, "tpm.boot_string", 0)->text, "linux /vmlinuz quiet");
    CHECK_EQ(authority(ev, "tpm.boot_string"), CM_AUTHORITY_HARDWARE);
    CHECK_STR(cm_evidence_find(ev, 0, "tpm.boot_file", 0)->text, "/vmlinuz");
    CHECK_EQ(authority(ev, "tpm.boot_file"),
             CM_AUTHORITY_SELF); /* the file was hashed, not its name */
    cm_evidence_free(ev);
}

TEST(sha1_logs_prove_nothing_strong)
{
    static struct kit_log log;

    good_boot(&log, NULL, 0);
    CHECK_EQ(proven(&log, "tpm.secure_boot"), CM_AUTHORITY_SELF);
}

TEST(a_log_that_does_not_lead_to_the_quote_is_refused)
{
    static struct kit_log log;
    static struct cm_tpm_pcrs pcrs;
    struct cm_evidence *ev = NULL;

    good_boot(&log, two_banks, 2);
    values_of(&log, &pcrs);
    pcrs.bank[1].value[7][0] ^= 1;
    ev = check(&log, &pcrs, CM_ERR_MISMATCH);
    CHECK_EQ(cm_evidence_result(ev, 0, "tpm.event_log"), CM_CHECK_FAIL);
    CHECK_EQ(authority(ev, "tpm.secure_boot"), CM_AUTHORITY_SELF);
    CHECK_EQ(authority(ev, "tpm.kernel_cmdline"), CM_AUTHORITY_SELF);
    cm_evidence_free(ev);
}

TEST(what_user_space_extended_makes_hints_of_its_register_only)
{
    static struct kit_log log;
    static struct cm_tpm_pcrs pcrs;
    struct cm_evidence *ev = NULL;

    good_boot(&log, two_banks, 2);
    values_of(&log, &pcrs);
    pcrs.bank[1].value[8][0] ^= 1;
    ev = check(&log, &pcrs, CM_OK);
    CHECK_EQ(cm_evidence_result(ev, 0, "tpm.event_log_os"), CM_CHECK_FAIL);
    CHECK_EQ(authority(ev, "tpm.kernel_cmdline"), CM_AUTHORITY_SELF);
    CHECK_EQ(authority(ev, "tpm.boot_string"), CM_AUTHORITY_SELF);
    CHECK_EQ(authority(ev, "tpm.secure_boot"), CM_AUTHORITY_HARDWARE);
    cm_evidence_free(ev);
}

TEST(secure_boot_measured_behind_the_separator_is_a_hint)
{
    static struct kit_log log;

    kit_log_begin(&log, two_banks, 2);
    separators(&log);
    variable(&log, 7, "SecureBoot", 1); /* by whoever runs then */
    CHECK_EQ(proven(&log, "tpm.secure_boot"), -1);
}

TEST(a_separator_is_known_by_its_digest_not_by_its_name)
{
    static struct kit_log log;

    kit_log_begin(&log, two_banks, 2);
    kit_log_event(&log, 7, CM_TCG_EFI_VARIABLE_CONFIG, cm_span_make(zeros, 4), kit_text("hidden"));
    variable(&log, 7, "SecureBoot", 1);
    kit_log_data(&log, 7, CM_TCG_SEPARATOR, cm_span_make(zeros, 4));
    CHECK_EQ(proven(&log, "tpm.secure_boot"), -1);
}

TEST(two_states_of_secure_boot_prove_none)
{
    static struct kit_log log;

    kit_log_begin(&log, two_banks, 2);
    variable(&log, 7, "SecureBoot", 0);
    variable(&log, 7, "SecureBoot", 1);
    separators(&log);
    CHECK_EQ(proven(&log, "tpm.secure_boot"), CM_AUTHORITY_SELF);
}

TEST(a_digest_that_nothing_explains_hides_the_state_of_secure_boot)
{
    static struct kit_log log;
    uint8_t off[256];
    uint8_t on[256];
    size_t len = kit_variable("SecureBoot", 0, off);

    (void)kit_variable("SecureBoot", 1, on);
    kit_log_begin(&log, two_banks, 2);
    /* "off" was measured; the log shows "on" */
    kit_log_event(&log, 7, CM_TCG_EFI_VARIABLE_CONFIG, cm_span_make(off, len),
                  cm_span_make(on, len));
    separators(&log);
    CHECK_EQ(proven(&log, "tpm.secure_boot"), -1);
    kit_log_begin(&log, two_banks, 2);
    kit_log_event(&log, 7, CM_TCG_EFI_VARIABLE_CONFIG, cm_span_make(off, len), kit_text("?"));
    variable(&log, 7, "SecureBoot", 1);
    separators(&log);
    CHECK_EQ(proven(&log, "tpm.secure_boot"), CM_AUTHORITY_SELF);
}

TEST(a_log_without_separator_proves_no_state)
{
    static struct kit_log log;

    kit_log_begin(&log, two_banks, 2);
    variable(&log, 7, "SecureBoot", 1);
    CHECK_EQ(proven(&log, "tpm.secure_boot"), CM_AUTHORITY_SELF);
}

TEST(a_command_line_that_was_not_hashed_is_no_claim_but_a_hint)
{
    static struct kit_log log;

    kit_log_begin(&log, two_banks, 2);
    kit_log_event(&log, 8, CM_TCG_IPL, kit_text("init=/bin/sh"), kit_text("kernel_cmdline: quiet"));
    CHECK_EQ(proven(&log, "tpm.kernel_cmdline"), -1);
    CHECK_EQ(proven(&log, "tpm.boot_file"), CM_AUTHORITY_SELF);
    /* the true one relabelled, a nice one extended later */
    kit_log_begin(&log, two_banks, 2);
    kit_log_event(&log, 8, CM_TCG_EVENT_TAG, kit_text("init=/bin/sh"), kit_text("?"));
    kit_log_event(&log, 8, CM_TCG_IPL, kit_text("quiet"), kit_text("kernel_cmdline: quiet"));
    CHECK_EQ(proven(&log, "tpm.kernel_cmdline"), CM_AUTHORITY_SELF);
    /* twice */
    kit_log_begin(&log, two_banks, 2);
    kit_log_event(&log, 8, CM_TCG_IPL, kit_text("a"), kit_text("kernel_cmdline: a"));
    kit_log_event(&log, 8, CM_TCG_IPL, kit_text("b"), kit_text("kernel_cmdline: b"));
    CHECK_EQ(proven(&log, "tpm.kernel_cmdline"), CM_AUTHORITY_SELF);
}

/* A terminal that prints a claim must not be spoken to by it: of every byte, at every place. */
TEST(text_is_printable_or_no_text)
{
    static struct kit_log log;

    for (unsigned c = 0; c < 256; c++) {
        const bool good = (c >= 0x20 && c <= 0x7e) || c == '\n' || c == '\t';

        for (size_t i = 0; i < 19; i++) {
            char text[] = "linux /vmlinuz root";

            if (c == 0 && (i == 1 || i == 18)) {
                continue; /* UTF-16, or the end */
            }
            text[i] = (char)c;
            kit_log_begin(&log, two_banks, 2);
            kit_log_data(&log, 8, CM_TCG_IPL, cm_span_make(text, 19));
            if (proven(&log, "tpm.boot_string") != (good ? CM_AUTHORITY_HARDWARE : -1)) {
                TEST_FAIL("byte 0x%02x at %zu", c, i);
            }
        }
    }
}

/* However many ways a string's digest may be made, it is of its own event's data. */
TEST(what_a_digest_may_be_of)
{
    static const struct {
        const char *hashed;
        const char *data;
        size_t len;
        bool good;
    } cases[] = {
        {"set x", "set x", 5, true},
        {"set x", "set x", 6, true},
        {"set x", "grub_cmd: set x", 15, true},
        {"set x", "grub_cmd: set x", 16, true},
        {"grub_cmd: set x", "grub_cmd: set x", 15, true},
        {"grub_cmd: set x", "grub_cmd: set x", 16, true},
        {"set x", "grub_cmd: set y", 15, false},
        {"set x", "Grub: set x", 11, false},
        {"set x", "a grub_cmd: set x", 17, false},
        {"set x", "set x ", 6, false},
    };
    static struct kit_log log;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        kit_log_begin(&log, two_banks, 2);
        kit_log_event(&log, 8, CM_TCG_IPL, kit_text(cases[i].hashed),
                      cm_span_make(cases[i].data, cases[i].len));
        if (proven(&log, "tpm.boot_string") != (cases[i].good ? CM_AUTHORITY_HARDWARE : -1)) {
            TEST_FAIL("case %zu", i);
        }
    }
}

TEST(no_action_is_not_extended_and_sets_the_locality)
{
    static struct kit_log log;
    struct cm_tcg_log parsed;
    struct cm_tpm_bank bank;
    uint8_t event[17] = "StartupLocality";

    event[16] = 3;
    kit_log_begin(&log, two_banks, 2);
    kit_log_data(&log, 0, CM_TCG_NO_ACTION, cm_span_make(event, 17));
    log.value[1][0][31] = 3;
    kit_log_text(&log, 0, CM_TCG_S_CRTM_VERSION, "x");
    REQUIRE(cm_tcg_log_parse(kit_log_bytes(&log), &parsed, NULL) == CM_OK);
    CHECK_EQ(parsed.locality, 3);
    REQUIRE(kit_replay(&parsed, CM_TPM_ALG_SHA256, &bank) == CM_OK);
    CHECK_MEM(bank.value[0], log.value[1][0], 32);
    CHECK_EQ(bank.mask, 1);
    /* too late, and twice */
    kit_log_data(&log, 0, CM_TCG_NO_ACTION, cm_span_make(event, 17));
    CHECK_EQ(cm_tcg_log_parse(kit_log_bytes(&log), &parsed, NULL), CM_ERR_FORMAT);
    kit_log_begin(&log, two_banks, 2);
    kit_log_data(&log, 0, CM_TCG_NO_ACTION, cm_span_make(event, 17));
    kit_log_data(&log, 0, CM_TCG_NO_ACTION, cm_span_make(event, 17));
    CHECK_EQ(cm_tcg_log_parse(kit_log_bytes(&log), &parsed, NULL), CM_ERR_FORMAT);
}

TEST(a_locality_behind_the_first_extension_is_refused)
{
    static struct kit_log log;
    struct cm_tcg_log parsed;
    uint8_t event[17] = "StartupLocality";

    event[16] = 3;
    kit_log_begin(&log, two_banks, 2);
    kit_log_text(&log, 0, CM_TCG_S_CRTM_VERSION, "x");
    kit_log_data(&log, 0, CM_TCG_NO_ACTION, cm_span_make(event, 17));
    CHECK_EQ(cm_tcg_log_parse(kit_log_bytes(&log), &parsed, NULL), CM_ERR_FORMAT);
}

TEST(one_digest_a_bank)
{
    static const uint16_t same[] = {CM_TPM_ALG_SHA256, CM_TPM_ALG_SHA256};
    static struct kit_log log;
    struct cm_tcg_log parsed;

    kit_log_begin(&log, two_banks, 2);
    memcpy(log.alg, same, sizeof(same)); /* the event has two digests of one bank */
    kit_log_text(&log, 3, CM_TCG_ACTION, "x");
    CHECK_EQ(cm_tcg_log_parse(kit_log_bytes(&log), &parsed, NULL), CM_ERR_FORMAT);
}

TEST(registers_banks_and_counts_are_bounded)
{
    static struct kit_log log;
    static struct kit_log copy;
    struct cm_tcg_log parsed;
    const size_t count_at = 32 + 24; /* number of banks in the header */

    kit_log_begin(&log, two_banks, 2);
    kit_log_text(&log, 3, CM_TCG_ACTION, "x");
    REQUIRE(cm_tcg_log_parse(kit_log_bytes(&log), &parsed, NULL) == CM_OK);
    CHECK(parsed.agile);
    CHECK_EQ(parsed.event_count, 1);
    copy = log;
    copy.bytes[count_at] = 200;
    CHECK_EQ(cm_tcg_log_parse(kit_log_bytes(&copy), &parsed, NULL), CM_ERR_FORMAT);
    copy = log;
    copy.bytes[count_at + 4] = 0x99;
    CHECK_EQ(cm_tcg_log_parse(kit_log_bytes(&copy), &parsed, NULL), CM_ERR_UNSUPPORTED);
    copy = log;
    copy.bytes[count_at + 6] = 21; /* SHA-1 of 21 bytes */
    CHECK_EQ(cm_tcg_log_parse(kit_log_bytes(&copy), &parsed, NULL), CM_ERR_FORMAT);
    copy = log;
    copy.bytes[count_at + 8] = 4; /* the same bank twice */
    copy.bytes[count_at + 10] = 20;
    CHECK_EQ(cm_tcg_log_parse(kit_log_bytes(&copy), &parsed, NULL), CM_ERR_FORMAT);
    copy = log;
    copy.bytes[32 + 37] = 32; /* register of the first event */
    CHECK_EQ(cm_tcg_log_parse(kit_log_bytes(&copy), &parsed, NULL), CM_ERR_FORMAT);
    copy = log;
    copy.bytes[32 + 37 + 8] = 3; /* more digests than banks */
    CHECK_EQ(cm_tcg_log_parse(kit_log_bytes(&copy), &parsed, NULL), CM_ERR_FORMAT);
}

TEST(an_event_without_a_digest_of_the_bank_stops_its_replay)
{
    static struct kit_log log;
    struct cm_tcg_log parsed;
    struct cm_tpm_bank bank;

    kit_log_begin(&log, two_banks, 2);
    log.alg_count = 1; /* from here on only SHA-1 digests are written */
    kit_log_text(&log, 3, CM_TCG_ACTION, "x");
    REQUIRE(cm_tcg_log_parse(kit_log_bytes(&log), &parsed, NULL) == CM_OK);
    CHECK_EQ(kit_replay(&parsed, CM_TPM_ALG_SHA1, &bank), CM_OK);
    CHECK_EQ(kit_replay(&parsed, CM_TPM_ALG_SHA256, &bank), CM_ERR_NOTFOUND);
}

TEST(every_truncation_of_a_log)
{
    static struct kit_log log;
    struct cm_tcg_log parsed;
    struct cm_span whole = {NULL, 0};
    size_t accepted = 0;

    good_boot(&log, two_banks, 2);
    whole = kit_log_bytes(&log);
    REQUIRE(cm_tcg_log_parse(whole, &parsed, NULL) == CM_OK);
    for (size_t n = 0; n < whole.len; n++) {
        uint8_t *exact = malloc(n == 0 ? 1 : n);

        REQUIRE(exact != NULL);
        memcpy(exact, whole.ptr, n);
        accepted += cm_tcg_log_parse(cm_span_make(exact, n), &parsed, NULL) == CM_OK;
        free(exact);
    }
    /* between two events it is a log; and where only zeros of the next one are there */
    CHECK(accepted >= 15);
    CHECK(accepted < 100);
}

TEST(a_padded_log_ends_before_its_padding)
{
    static struct kit_log log;
    struct cm_tcg_log parsed;
    size_t events = 0;

    good_boot(&log, two_banks, 2);
    REQUIRE(cm_tcg_log_parse(kit_log_bytes(&log), &parsed, NULL) == CM_OK);
    events = parsed.event_count;
    for (int fill = 0; fill <= 0xff; fill += 0xff) {
        static struct kit_log padded;

        padded = log;
        padded.out = cm_wr_init(padded.bytes, sizeof(padded.bytes));
        padded.out.used = log.out.used;
        cm_wr_fill(&padded.out, (uint8_t)fill, 1000);
        REQUIRE(cm_tcg_log_parse(kit_log_bytes(&padded), &parsed, NULL) == CM_OK);
        CHECK_EQ(parsed.event_count, events);
    }
}

static const uint16_t sha384[] = {CM_TPM_ALG_SHA384};

TEST(ccel_leads_to_runtime_registers)
{
    static struct kit_log log;
    uint8_t rtmr[4][48];
    struct cm_evidence *ev = cm_evidence_new("cpu");

    REQUIRE(ev != NULL);
    kit_log_begin(&log, sha384, 1);
    variable(&log, 1, "SecureBoot", 1);
    kit_log_data(&log, 1, CM_TCG_SEPARATOR, cm_span_make(zeros, 4));
    kit_log_event(&log, 3, CM_TCG_IPL, kit_text("quiet"), kit_text("kernel_cmdline: quiet"));
    for (size_t i = 0; i < 4; i++) {
        memcpy(rtmr[i], log.value[0][i + 1], 48);
    }
    CHECK_EQ(cm_ccel_check(kit_log_bytes(&log), (const uint8_t(*)[48])rtmr, CM_AUTHORITY_HARDWARE,
                           ev, 0),
             CM_OK);
    CHECK_EQ(authority(ev, "ccel.secure_boot"), CM_AUTHORITY_HARDWARE);
    CHECK_EQ(authority(ev, "ccel.kernel_cmdline"), CM_AUTHORITY_HARDWARE);
    cm_evidence_free(ev);
    ev = cm_evidence_new("cpu");
    rtmr[2][0] ^= 1;
    CHECK_EQ(cm_ccel_check(kit_log_bytes(&log), (const uint8_t(*)[48])rtmr, CM_AUTHORITY_HARDWARE,
                           ev, 0),
             CM_OK);
    CHECK_EQ(cm_evidence_result(ev, 0, "ccel.event_log_os"), CM_CHECK_FAIL);
    CHECK_EQ(authority(ev, "ccel.kernel_cmdline"), CM_AUTHORITY_SELF);
    CHECK_EQ(authority(ev, "ccel.secure_boot"), CM_AUTHORITY_HARDWARE);
    cm_evidence_free(ev);
    ev = cm_evidence_new("cpu");
    rtmr[0][0] ^= 1;
    CHECK_EQ(cm_ccel_check(kit_log_bytes(&log), (const uint8_t(*)[48])rtmr, CM_AUTHORITY_HARDWARE,
                           ev, 0),
             CM_ERR_MISMATCH);
    CHECK_EQ(cm_evidence_result(ev, 0, "ccel.event_log"), CM_CHECK_FAIL);
    CHECK_EQ(authority(ev, "ccel.secure_boot"), CM_AUTHORITY_SELF);
    cm_evidence_free(ev);
}

TEST_MAIN
