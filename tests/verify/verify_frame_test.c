/* What holds for the evidence of every format: recognising, text, the rule for composites, roots. */
#include "verdict.h"

#include "expect.h"

#include <casemate/verify.h>

#include "evidence/claims.h"
#include "token/base64.h"
#include "verify/unwrap.h"
#include "verify/whole.h"

/* A submodule whose one required check has that status; its one claim is raised. */
static void fill(struct cm_evidence *ev, size_t submod, enum cm_status st)
{
    cm_claim_uint(ev, submod, "number", 7);
    cm_evidence_raise(ev, submod, 0, CM_AUTHORITY_HARDWARE);
    cm_check_status(ev, submod, "signature", st, "%s", "");
}

static enum cm_authority authority(const struct cm_evidence *ev, size_t submod)
{
    return cm_evidence_find(ev, submod, "number", 0)->authority;
}

TEST(whole_bound_submodules_are_genuine)
{
    struct cm_evidence *ev = cm_evidence_new("cpu");
    size_t vtpm = cm_evidence_add_submod(ev, "vtpm");
    size_t log = cm_evidence_add_submod(ev, "log");

    fill(ev, 0, CM_OK);
    fill(ev, vtpm, CM_OK);
    fill(ev, log, CM_OK);
    cm_evidence_bind(ev, "second", vtpm, log, CM_CHECK_PASS); /* in any order */
    cm_evidence_bind(ev, "first", 0, vtpm, CM_CHECK_PASS);
    CHECK_EQ(cm_verify_whole(ev, CM_OK), CM_OK);
    CHECK(cm_evidence_genuine(ev, log));
    CHECK_EQ(authority(ev, log), CM_AUTHORITY_HARDWARE);
    cm_evidence_free(ev);
}

TEST(whole_unbound_submodule_does_not_raise_the_whole)
{
    for (int how = 0; how < 4; how++) {
        struct cm_evidence *ev = cm_evidence_new("cpu");
        size_t vtpm = cm_evidence_add_submod(ev, "vtpm");

        fill(ev, 0, CM_OK);
        fill(ev, vtpm, CM_OK);
        if (how == 1) {
            cm_evidence_bind(ev, "failed", 0, vtpm, CM_CHECK_FAIL);
        } else if (how == 2) {
            cm_evidence_bind(ev, "itself", vtpm, vtpm, CM_CHECK_PASS);
        } else if (how == 3) {
            cm_evidence_bind(ev, "not looked at", 0, vtpm, CM_CHECK_NOT_CHECKED);
        }
        CHECK_EQ(cm_verify_whole(ev, CM_OK), CM_ERR_MISMATCH);
        CHECK(cm_evidence_genuine(ev, 0));
        CHECK(!cm_evidence_genuine(ev, vtpm));
        CHECK_EQ(cm_evidence_result(ev, vtpm, "bound"), CM_CHECK_FAIL);
        CHECK_EQ(authority(ev, 0), CM_AUTHORITY_HARDWARE);
        CHECK_EQ(authority(ev, vtpm), CM_AUTHORITY_SELF);
        cm_evidence_free(ev);
    }
}

TEST(whole_bound_to_what_is_not_genuine)
{
    struct cm_evidence *ev = cm_evidence_new("cpu");
    size_t vtpm = cm_evidence_add_submod(ev, "vtpm");

    fill(ev, 0, CM_ERR_SIGNATURE);
    fill(ev, vtpm, CM_OK);
    cm_evidence_bind(ev, "first", 0, vtpm, CM_CHECK_PASS);
    CHECK_EQ(cm_verify_whole(ev, CM_OK),
             CM_ERR_SIGNATURE); /* the first that failed, not the last */
    CHECK(!cm_evidence_genuine(ev, vtpm));
    CHECK_EQ(authority(ev, vtpm), CM_AUTHORITY_SELF);
    cm_evidence_free(ev);
}

TEST(whole_a_part_that_fails_refuses_all)
{
    struct cm_evidence *ev = cm_evidence_new("cpu");
    size_t gpu = cm_evidence_add_submod(ev, "gpu0");

    fill(ev, 0, CM_OK);
    fill(ev, gpu, CM_ERR_EXPIRED);
    cm_evidence_bind(ev, "first", 0, gpu, CM_CHECK_PASS);
    CHECK_EQ(cm_verify_whole(ev, CM_OK), CM_ERR_EXPIRED);
    CHECK_EQ(cm_verify_whole(ev, CM_ERR_REVOKED), CM_ERR_REVOKED); /* a verifier's word stands */
    cm_evidence_free(ev);
}

TEST(whole_nothing_checked_is_refused)
{
    struct cm_evidence *ev = cm_evidence_new("cpu");

    cm_check_note(ev, 0, "nonce", CM_CHECK_PASS, "%s", ""); /* nothing that is required */
    CHECK_EQ(cm_verify_whole(ev, CM_OK), CM_ERR_POLICY);
    CHECK(!cm_evidence_genuine(ev, 0));
    cm_evidence_free(ev);
}

TEST(what_is_allowed_is_allowed_one_by_one)
{
    const unsigned flags[] = {CM_VERIFY_ALLOW_DEBUG, CM_VERIFY_ALLOW_EMULATED,
                              CM_VERIFY_ALLOW_MASKED_ID, CM_VERIFY_ALLOW_MIGRATION,
                              CM_VERIFY_ALLOW_SHA1};
    unsigned seen = 0;

    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
        CHECK(flags[i] != 0 && (flags[i] & (flags[i] - 1)) == 0 && (seen & flags[i]) == 0);
        seen |= flags[i];
    }
}

TEST(formats_have_names_and_roots_are_known)
{
    size_t count = 0;
    const struct cm_trust_root *roots = cm_verify_roots(&count);

    for (int f = CM_FORMAT_ANY; f <= CM_FORMAT_NVIDIA; f++) {
        CHECK(cm_format_name((enum cm_format)f) != NULL);
    }
    CHECK(cm_format_name((enum cm_format)99) == NULL);
    CHECK(count >= 9);
    for (size_t i = 0; i < count; i++) {
        CHECK(!roots[i].emulated); /* an emulator's is never trusted unasked */
        for (size_t j = 0; j < i; j++) {
            CHECK(memcmp(roots[i].spki_sha256, roots[j].spki_sha256, 32) != 0);
        }
    }
    CHECK_STR(roots[0].family, "sgx");
    CHECK_MEM(roots[0].spki_sha256, cm_dcap_intel_root()->spki_sha256, 32);
}

/* The same verdict as the format's own function, claim by claim and check by check. */
TEST(a_quote_through_the_table)
{
    for (unsigned version = 3; version <= 5; version++) {
        struct pki_spec s;
        struct pki_bundle *b = NULL;
        struct cm_evidence *ev = NULL;
        struct cm_evidence *own = NULL;
        static char left[1 << 17];
        static char right[1 << 17];
        size_t left_len = 0;
        size_t right_len = 0;

        pki_defaults(&s, version, version == 3 ? 1 : 2);
        b = pki_make(&s);
        struct cm_verify_input in = {.now = PKI_NOW, .roots = &b->root, .root_count = 1};
        struct cm_verify_job job = {.evidence = b->quote, .dcap = &b->col, .in = &in};

        CHECK_EQ(cm_verify_recognise(b->quote), CM_FORMAT_DCAP);
        CHECK_EQ(cm_verify(&job, &ev), CM_OK);
        CHECK_EQ(cm_dcap_verify(b->quote, &b->col, &in, 0, NULL, &own), CM_OK);
        REQUIRE(ev != NULL && own != NULL);
        CHECK_EQ(cm_evidence_json(ev, left, sizeof(left), &left_len), CM_OK);
        CHECK_EQ(cm_evidence_json(own, right, sizeof(right), &right_len), CM_OK);
        CHECK(left_len == right_len && memcmp(left, right, left_len) == 0);
        cm_evidence_free(ev);
        cm_evidence_free(own);
        job.dcap = NULL; /* nothing to verify with: refused, and it says what is missing */
        CHECK(cm_verify(&job, &ev) != CM_OK);
        CHECK_EQ(cm_evidence_result(ev, 0, "tcb_info.signature"), CM_CHECK_FAIL);
        cm_evidence_free(ev);
        job.dcap = &b->col;
        job.evidence.len--; /* malformed: the check says so */
        CHECK_EQ(cm_verify(&job, &ev), CM_ERR_FORMAT);
        CHECK_EQ(cm_evidence_result(ev, 0, "quote.format"), CM_CHECK_FAIL);
        cm_evidence_free(ev);
        pki_free(b);
    }
}

/* The text of bytes in a form; the caller frees it. */
/* What was given to be compared is compared, or the evidence is refused: never passed over in silence. */
TEST(materials_are_not_ignored)
{
    static const enum cm_material_kind kinds[] = {
        CM_MATERIAL_SIGNATURE, CM_MATERIAL_PCRS,     CM_MATERIAL_TPM_PUBLIC, CM_MATERIAL_QUOTE,
        CM_MATERIAL_REQUEST,   CM_MATERIAL_FIRMWARE, CM_MATERIAL_KEY};
    static const char *const references[] = {"",
                                             "junk",
                                             "\xef\xbb\xbf{\"measurements\":[]}",
                                             "[{\"measurements\":[]}]",
                                             "<SoftwareIdentity/>",
                                             "measurements: []",
                                             "\xd9\xd9\xf7\xa0"};
    struct pki_spec s;
    struct pki_bundle *b = NULL;
    struct cm_evidence *ev = NULL;
    struct cm_material m = {CM_MATERIAL_FIRMWARE, "given", {(const uint8_t *)"junk", 4}};

    pki_defaults(&s, 3, 1);
    b = pki_make(&s);
    struct cm_verify_input in = {.now = PKI_NOW, .roots = &b->root, .root_count = 1};
    struct cm_verify_job job = {.evidence = b->quote, .dcap = &b->col, .in = &in};

    CHECK_EQ(cm_verify(&job, &ev), CM_OK);
    CHECK_EQ(cm_evidence_result(ev, 0, "materials"), CM_CHECK_NOT_CHECKED);
    cm_evidence_free(ev);
    job.materials = &m;
    job.material_count = 1;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        m.kind = kinds[i];
        CHECK_EQ(cm_verify(&job, &ev), CM_ERR_UNSUPPORTED);
        CHECK_EQ(cm_evidence_result(ev, 0, "materials"), CM_CHECK_FAIL);
        cm_evidence_free(ev);
    }
    m.kind = CM_MATERIAL_EVENT_LOG; /* a TD's quote has registers for it, an enclave's has none */
    CHECK_EQ(cm_verify(&job, &ev), CM_ERR_UNSUPPORTED);
    CHECK_EQ(cm_evidence_result(ev, 0, "ccel.event_log"), CM_CHECK_FAIL);
    cm_evidence_free(ev);
    m.kind = CM_MATERIAL_REFERENCE;
    for (size_t i = 0; i < sizeof(references) / sizeof(references[0]); i++) {
        m.bytes = cm_span_make(references[i], strlen(references[i]));
        CHECK_EQ(cm_verify(&job, &ev), CM_ERR_FORMAT);
        CHECK_EQ(cm_evidence_result(ev, 0, "reference.file"), CM_CHECK_FAIL);
        cm_evidence_free(ev);
    }
    pki_free(b);
}

static char *text_of(struct cm_span bytes, enum cm_wrapping form, size_t line)
{
    char *flat = calloc(4, bytes.len + 100);
    char *text = calloc(4, bytes.len + 100);
    size_t len = 0;
    size_t at = 0;

    if (form == CM_WRAPPING_HEX) {
        for (size_t i = 0; i < bytes.len; i++) {
            (void)snprintf(flat + 2 * i, 3, i % 2 == 0 ? "%02x" : "%02X", bytes.ptr[i]);
        }
    } else if (form == CM_WRAPPING_BASE64URL) {
        CHECK_EQ(cm_base64url_encode(bytes, flat, 4 * bytes.len, &len), CM_OK);
    } else {
        CHECK_EQ(cm_base64_encode(bytes, flat, 4 * bytes.len, &len), CM_OK);
    }
    if (form == CM_WRAPPING_ARMOUR) {
        at = (size_t)sprintf(text, "-----BEGIN QUOTE-----\n");
    }
    for (size_t i = 0; flat[i] != '\0'; i++) {
        if (line != 0 && i != 0 && i % line == 0) {
            text[at++] = '\n';
        }
        text[at++] = flat[i];
    }
    text[at++] = '\n';
    if (form == CM_WRAPPING_ARMOUR) {
        (void)sprintf(text + at, "-----END QUOTE-----\n");
    }
    free(flat);
    return text;
}

TEST(text_of_evidence_is_taken_strictly)
{
    struct pki_spec s;
    struct pki_bundle *b = NULL;
    static const struct {
        enum cm_wrapping form;
        size_t line;
    } forms[] = {{CM_WRAPPING_HEX, 0},     {CM_WRAPPING_HEX, 60},    {CM_WRAPPING_HEX, 64},
                 {CM_WRAPPING_BASE64, 0},  {CM_WRAPPING_BASE64, 64}, {CM_WRAPPING_BASE64, 76},
                 {CM_WRAPPING_ARMOUR, 64}, {CM_WRAPPING_ARMOUR, 0},  {CM_WRAPPING_BASE64URL, 0}};

    pki_defaults(&s, 4, 2);
    b = pki_make(&s);
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        char *text = text_of(b->quote, forms[i].form, forms[i].line);
        size_t len = strlen(text);
        struct cm_verify_input in = {.now = PKI_NOW, .roots = &b->root, .root_count = 1};
        struct cm_verify_job job = {
            .evidence = cm_span_make(text, len), .dcap = &b->col, .in = &in};
        struct cm_evidence *ev = NULL;

        CHECK_EQ(cm_verify(&job, &ev), CM_OK);
        cm_evidence_free(ev);
        job.format = CM_FORMAT_DCAP;
        CHECK_EQ(cm_verify(&job, &ev), CM_OK);
        cm_evidence_free(ev);
        job.format = CM_FORMAT_ANY;
        job.evidence = cm_span_make(text, len + 1); /* a C string's NUL */
        CHECK_EQ(cm_verify(&job, &ev), CM_OK);
        cm_evidence_free(ev);
        text[len / 2] = '!'; /* a character of no alphabet */
        job.evidence.len = len;
        CHECK_EQ(cm_verify(&job, &ev), CM_ERR_UNSUPPORTED);
        CHECK(ev == NULL);
        text[len / 2] = ' '; /* white space within */
        CHECK_EQ(cm_verify(&job, &ev), CM_ERR_UNSUPPORTED);
        free(text);
    }
    pki_free(b);
}

/* What editors and shells put before text: taken once, before text only, and in front of everything. */
TEST(marks_before_text)
{
    static const struct {
        const char *before;
        enum cm_wrapping form;
        bool ok;
    } cases[] = {
        {"\xef\xbb\xbf", CM_WRAPPING_HEX, true},
        {"\xef\xbb\xbf", CM_WRAPPING_BASE64, true},
        {"\xef\xbb\xbf", CM_WRAPPING_BASE64URL, true},
        {"\xef\xbb\xbf", CM_WRAPPING_ARMOUR, true},
        {"0x", CM_WRAPPING_HEX, true},
        {"0X", CM_WRAPPING_HEX, true},
        {"\xef\xbb\xbf"
         "0x",
         CM_WRAPPING_HEX, true},
        {"\xef\xbb\xbf\xef\xbb\xbf", CM_WRAPPING_HEX, false},
        {"0x0x", CM_WRAPPING_HEX, false},
        {"0x\xef\xbb\xbf", CM_WRAPPING_HEX, false},
        {"\xfe\xff", CM_WRAPPING_HEX, false},
        {"x", CM_WRAPPING_HEX, false},
        {"0x", CM_WRAPPING_BASE64, false},
    };
    struct pki_spec s;
    struct pki_bundle *b = NULL;
    struct cm_verify_input in = {.now = PKI_NOW, .root_count = 1};
    struct cm_verify_job job = {.in = &in};
    struct cm_evidence *ev = NULL;

    pki_defaults(&s, 4, 2);
    b = pki_make(&s);
    in.roots = &b->root;
    job.dcap = &b->col;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *text = text_of(b->quote, cases[i].form, 60);
        char *marked = NULL;

        if (cases[i].form == CM_WRAPPING_BASE64URL) {
            free(text);
            text = text_of(b->quote, cases[i].form, 0);
        }
        REQUIRE(asprintf(&marked, "%s%s", cases[i].before, text) > 0);
        job.evidence = cm_span_make(marked, strlen(marked));
        CHECK_EQ(cm_verify(&job, &ev), cases[i].ok ? CM_OK : CM_ERR_UNSUPPORTED);
        cm_evidence_free(ev);
        free(marked);
        free(text);
    }
    /* a quote is no text: its bytes begin with the quote */
    uint8_t *bytes = malloc(b->quote.len + 3);

    REQUIRE(bytes != NULL);
    memcpy(bytes, "\xef\xbb\xbf", 3);
    memcpy(bytes + 3, b->quote.ptr, b->quote.len);
    job.evidence = cm_span_make(bytes, b->quote.len + 3);
    CHECK_EQ(cm_verify(&job, &ev), CM_ERR_UNSUPPORTED);
    free(bytes);
    pki_free(b);
    CHECK_EQ(cm_unmarked(cm_span_make("\xef\xbb\xbf{}", 5)).len, 2);
    CHECK_EQ(cm_unmarked(cm_span_make("\xef\xbb\xbf", 3)).len, 3);
    CHECK_EQ(cm_unmarked(cm_span_make("\xef\xbb{}", 4)).len, 4);
    CHECK_EQ(cm_unmarked(cm_span_make(NULL, 0)).len, 0);
}

static enum cm_status unwrapped(const char *text, enum cm_wrapping form, size_t *len)
{
    uint8_t *out = NULL;
    enum cm_status st = cm_unwrap(cm_span_make(text, strlen(text)), form, &out, len);

    free(out);
    return st;
}

TEST(text_forms_one_by_one)
{
    static const struct {
        enum cm_wrapping form;
        const char *text;
        size_t len; /* 0: refused */
    } cases[] = {
        {CM_WRAPPING_HEX, "0aFf\r\n", 2},
        {CM_WRAPPING_HEX, "0aF", 0},
        {CM_WRAPPING_HEX, "0a ff", 0},
        {CM_WRAPPING_HEX, "0x0aFf", 2},
        {CM_WRAPPING_HEX, "0x", 0},
        {CM_WRAPPING_HEX, "0aff\n0102\n03\n", 5},
        {CM_WRAPPING_HEX, "0X0aff\r\n0102\r\n", 4},
        {CM_WRAPPING_HEX, "0aff\n010\n2", 0}, /* lines of whole bytes */
        {CM_WRAPPING_HEX, "0a\n0aff\n", 0},   /* the first line is the longest */
        {CM_WRAPPING_HEX, "0aff\n0a\n0a\n", 0},
        {CM_WRAPPING_HEX, "0aff\n\n0a\n", 0},
        {CM_WRAPPING_HEX, "0aff\n0x0a\n", 0},
        {CM_WRAPPING_HEX, "\n", 0},
        {CM_WRAPPING_HEX, "", 0},
        {CM_WRAPPING_BASE64, "QUJD", 3},
        {CM_WRAPPING_BASE64, "QUJDQUJD\nQUJDQUJD\nQUI=\n", 14},
        {CM_WRAPPING_BASE64, "QUJDQUJD\r\nQUJD\r\n", 9},
        {CM_WRAPPING_BASE64, "QUJD\nQUJDQUJD\n", 0},   /* the first line is the longest */
        {CM_WRAPPING_BASE64, "QUJDQUJD\nQU\nJD\n", 0}, /* lines of whole groups */
        {CM_WRAPPING_BASE64, "QUJDQUJD\nQUJD\nQUJD\n", 0},
        {CM_WRAPPING_BASE64, "QUJD\n\nQUJD\n", 0},
        {CM_WRAPPING_BASE64, "QUI=\nQUI=", 0}, /* padding within */
        {CM_WRAPPING_BASE64, "QUK=", 0},       /* bits that are not zero */
        {CM_WRAPPING_BASE64, "QUI", 0},
        {CM_WRAPPING_BASE64URL, "QU-_", 3},
        {CM_WRAPPING_BASE64URL, "QUI=", 0},
        {CM_WRAPPING_ARMOUR, "-----BEGIN A-----\nQUJD\n-----END A-----\n", 3},
        {CM_WRAPPING_ARMOUR, "-----BEGIN A-----\r\nQUJD\r\n-----END A-----", 3},
        {CM_WRAPPING_ARMOUR, "-----BEGIN A-----\nQUJD\n-----END B-----\n", 0},
        {CM_WRAPPING_ARMOUR, "-----BEGIN A-----\nQUJD\n", 0},
        {CM_WRAPPING_ARMOUR, "-----BEGIN A-----\n-----END A-----\n", 0},
        {CM_WRAPPING_ARMOUR, "-----BEGIN -----\nQUJD\n-----END -----\n", 0},
        {CM_WRAPPING_ARMOUR, "x\n-----BEGIN A-----\nQUJD\n-----END A-----\n", 0},
        {CM_WRAPPING_ARMOUR, "-----BEGIN A-----\nQUJD\n-----END A-----\nx\n", 0},
        {CM_WRAPPING_ARMOUR,
         "-----BEGIN A-----\nQUJD\n-----END A-----\n-----BEGIN A-----\nQUJD\n-----END A-----\n", 0},
        {CM_WRAPPING_NONE, "QUJD", 0},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        size_t len = 0;
        enum cm_status st = unwrapped(cases[i].text, cases[i].form, &len);

        if (st != (cases[i].len != 0 ? CM_OK : CM_ERR_FORMAT) ||
            len * (st == CM_OK) != cases[i].len) {
            TEST_FAIL("case %zu: %s, %zu bytes", i, cm_status_str(st), len);
        }
    }
}

TEST(what_nothing_recognises)
{
    static const char *const texts[] = {"", "hello", "{}", "QUJD", "-----BEGIN A-----\n"};

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct cm_verify_input in = {.now = PKI_NOW};
        struct cm_verify_job job = {.evidence = cm_span_make(texts[i], strlen(texts[i])),
                                    .in = &in};
        struct cm_evidence *ev = NULL;

        CHECK_EQ(cm_verify_recognise(job.evidence), CM_FORMAT_ANY);
        CHECK_EQ(cm_verify(&job, &ev), CM_ERR_UNSUPPORTED);
        CHECK(ev == NULL);
        job.format = CM_FORMAT_DCAP; /* the caller says what it is: the format's verifier judges */
        CHECK_EQ(cm_verify(&job, &ev), CM_ERR_FORMAT);
        CHECK(ev != NULL);
        cm_evidence_free(ev);
    }
}

TEST(parameters)
{
    static const uint8_t one = 1;
    struct cm_verify_input in = {.now = PKI_NOW};
    struct cm_material odd = {CM_MATERIAL_CERTS, "x", {NULL, 1}};
    struct cm_verify_job job = {.evidence = {&one, 1}, .in = &in};
    struct cm_evidence *ev = NULL;

    CHECK_EQ(cm_verify(&job, NULL), CM_ERR_PARAM);
    CHECK_EQ(cm_verify(NULL, &ev), CM_ERR_PARAM);
    job.in = NULL;
    CHECK_EQ(cm_verify(&job, &ev), CM_ERR_PARAM);
    job.in = &in;
    job.format = (enum cm_format)99;
    CHECK_EQ(cm_verify(&job, &ev), CM_ERR_PARAM);
    job.format = CM_FORMAT_ANY;
    job.material_count = 1;
    CHECK_EQ(cm_verify(&job, &ev), CM_ERR_PARAM);
    job.materials = &odd;
    CHECK_EQ(cm_verify(&job, &ev), CM_ERR_PARAM);
    job.material_count = 0;
    in.root_count = 1;
    CHECK_EQ(cm_verify(&job, &ev), CM_ERR_PARAM);
    in.root_count = 0;
    in.report_data.len = 1;
    CHECK_EQ(cm_verify(&job, &ev), CM_ERR_PARAM);
    in.report_data.len = 0;
    job.evidence.ptr = NULL;
    CHECK_EQ(cm_verify(&job, &ev), CM_ERR_PARAM);
}

TEST(out_of_memory_is_no_verdict)
{
    struct pki_spec s;
    struct pki_bundle *b = NULL;

    pki_defaults(&s, 4, 2);
    b = pki_make(&s);
    char *text = text_of(b->quote, CM_WRAPPING_BASE64, 64);
    struct cm_verify_input in = {.now = PKI_NOW, .roots = &b->root, .root_count = 1};
    struct cm_verify_job job = {
        .evidence = cm_span_make(text, strlen(text)), .dcap = &b->col, .in = &in};

    expect_out_of_memory(&job);
    free(text);
    pki_free(b);
}

TEST_MAIN
