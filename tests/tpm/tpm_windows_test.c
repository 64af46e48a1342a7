/*
 * What Windows measured about its own start, as claims. The attacks keep the registers' values, as only such logs
 * are believed: data that was not hashed, a register left out of the quote, a second statement that contradicts.
 */
#include "harness.h"

#include "evidence/claims.h"
#include "tpm/tcg_log.h"
#include "tpm_kit.h"

#define BOOTDEBUGGING 0x00040001u
#define KERNELDEBUG   0x00050001u
#define TESTSIGNING   0x00050003u
#define HVCI          0x000a0007u

static const uint16_t bank[] = {CM_TPM_ALG_SHA256};
static struct kit_log boot;

static void put(struct cm_wr *w, uint32_t type, uint8_t value)
{
    cm_wr_u32le(w, type);
    cm_wr_u32le(w, 1);
    cm_wr_u8(w, value);
}

/* One statement inside of a trust boundary. */
static size_t statement(uint32_t type, uint8_t value, uint8_t out[64])
{
    struct cm_wr w = cm_wr_init(out, 64);

    cm_wr_u32le(&w, 0x40010001u);
    cm_wr_u32le(&w, 9);
    put(&w, type, value);
    return w.used;
}

static void measure(uint32_t pcr, uint32_t type, uint8_t value)
{
    uint8_t bytes[64];

    kit_log_data(&boot, pcr, CM_TCG_EVENT_TAG, cm_span_make(bytes, statement(type, value, bytes)));
}

static void begin(void)
{
    static const uint8_t zeros[4];

    kit_log_begin(&boot, bank, 1);
    for (uint32_t i = 0; i < 8; i++) {
        kit_log_data(&boot, i, CM_TCG_SEPARATOR, cm_span_make(zeros, 4));
    }
    measure(12, BOOTDEBUGGING, 0);
    measure(12, KERNELDEBUG, 0);
    measure(13, TESTSIGNING, 0);
}

/* What a quote of these registers makes of the log. The caller frees it. */
static struct cm_evidence *judged(uint32_t quoted)
{
    static struct cm_tpm_pcrs pcrs;
    struct cm_evidence *ev = cm_evidence_new("tpm");
    const struct cm_tcg_want asked = {CM_AUTHORITY_KEY, false};

    memset(&pcrs, 0, sizeof(pcrs));
    for (unsigned i = 0; i < CM_TPM_PCRS; i++) {
        if ((boot.mask & quoted) >> i & 1) {
            kit_must(cm_tpm_pcrs_set(&pcrs, bank[0], i, cm_span_make(boot.value[0][i], 32)) ==
                         CM_OK,
                     "values");
        }
    }
    kit_must(ev != NULL && cm_tcg_check(kit_log_bytes(&boot), &pcrs, asked, ev, 0) == CM_OK,
             "the log");
    return ev;
}

/* -1: not said; and by whom it is known */
static int said(const struct cm_evidence *ev, const char *name)
{
    const struct cm_claim *c = cm_evidence_find(ev, 0, name, 0);

    return c == NULL || c->authority != CM_AUTHORITY_KEY ? -1 : (int)c->number;
}

static int quoted_says(uint32_t quoted, const char *name)
{
    struct cm_evidence *ev = judged(quoted);
    int out = said(ev, name);

    cm_evidence_free(ev);
    return out;
}

#define ALL 0xffffffu

TEST(a_plain_boot_says_what_is_off)
{
    begin();
    measure(12, HVCI, 1);
    CHECK_EQ(quoted_says(ALL, "tpm.windows"), 1);
    CHECK_EQ(quoted_says(ALL, "tpm.windows.boot_debug"), 0);
    CHECK_EQ(quoted_says(ALL, "tpm.windows.kernel_debug"), 0);
    CHECK_EQ(quoted_says(ALL, "tpm.windows.test_signing"), 0);
    CHECK_EQ(quoted_says(ALL, "tpm.windows.elam"), 0);
    CHECK_EQ(quoted_says(ALL, "tpm.windows.hvci_policy"), 1);
    CHECK_EQ(quoted_says(ALL, "tpm.windows.flight_signing"), -1); /* nothing was said */
}

TEST(of_two_statements_the_worse_counts)
{
    begin();
    measure(12, BOOTDEBUGGING, 1);
    measure(12, BOOTDEBUGGING, 0);
    measure(13, TESTSIGNING, 7); /* no answer is no "off" */
    measure(12, HVCI, 1);
    measure(12, HVCI, 0);
    CHECK_EQ(quoted_says(ALL, "tpm.windows.boot_debug"), 1);
    CHECK_EQ(quoted_says(ALL, "tpm.windows.test_signing"), 1);
    CHECK_EQ(quoted_says(ALL, "tpm.windows.hvci_policy"), 0);
}

TEST(a_statement_whose_data_was_changed_voids_all_of_them)
{
    uint8_t on[64];
    uint8_t off[64];
    size_t len = statement(BOOTDEBUGGING, 1, on);

    begin();
    CHECK_EQ(statement(BOOTDEBUGGING, 0, off), len);
    kit_log_event(&boot, 12, CM_TCG_EVENT_TAG, cm_span_make(on, len), cm_span_make(off, len));
    CHECK_EQ(quoted_says(ALL, "tpm.windows.boot_debug"), -1);
    CHECK_EQ(quoted_says(ALL, "tpm.windows"), -1);
    begin(); /* and under another type it is what its data say */
    kit_log_data(&boot, 12, CM_TCG_IPL, cm_span_make(on, len));
    CHECK_EQ(quoted_says(ALL, "tpm.windows.boot_debug"), 1);
}

TEST(registers_that_are_not_quoted_void_all_of_them)
{
    begin();
    measure(12, BOOTDEBUGGING, 1);
    CHECK_EQ(quoted_says(ALL & ~(1u << 12), "tpm.windows"), -1);
    CHECK_EQ(quoted_says(ALL & ~(1u << 13), "tpm.windows"), -1);
    CHECK_EQ(quoted_says(0xff, "tpm.windows"), -1);
}

TEST(a_machine_that_measured_none_of_it_is_not_called_windows)
{
    static const uint8_t zeros[4];

    kit_log_begin(&boot, bank, 1);
    for (uint32_t i = 0; i < 16; i++) {
        kit_log_data(&boot, i, CM_TCG_SEPARATOR, cm_span_make(zeros, 4));
    }
    CHECK_EQ(quoted_says(ALL, "tpm.windows"), -1);
    kit_log_text(&boot, 12, CM_TCG_IPL, "a command line");
    CHECK_EQ(quoted_says(ALL, "tpm.windows"), -1);
}

TEST_MAIN
