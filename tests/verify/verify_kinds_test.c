/* What a file beside evidence is: told by its content, or not at all. */
#include "harness.h"

#include "common/span.h"
#include "verify/material_kind.h"

/* The word for what bytes look like; "" when like nothing. */
static const char *looks(const void *bytes, size_t len)
{
    enum cm_material_kind kind = CM_MATERIAL_CERTS;
    uint8_t *exact = malloc(len == 0 ? 1 : len);
    const char *word = "";

    if (exact != NULL) {
        memcpy(exact, bytes, len); /* so that reading beyond it is noticed */
        word = cm_material_recognise(cm_span_make(exact, len), &kind) ? cm_material_word(kind) : "";
    }
    free(exact);
    return word;
}

#define LOOKS(text, want) CHECK_STR(looks(text, sizeof(text) - 1), want)

TEST(kinds_by_content)
{
    uint8_t pcrs[200] = {1, 0, 0, 0, 0x0b, 0, 3};
    uint8_t request[37] = {0x11, 0xe0};
    uint8_t table[48] = {0x63, 0xda, 0x75, 0x8d, 0xe6, 0x64, 0x45, 0x64,
                         0xad, 0xc5, 0xf4, 0xb9, 0x3b, 0xe8, 0xac, 0xcd};
    uint8_t log[32 + 29] = {0, 0, 0, 0, 3};
    uint8_t sha1_log[64] = {0, 0, 0, 0, 8};

    LOOKS("-----BEGIN CERTIFICATE-----\n", "certs");
    LOOKS("-----BEGIN X509 CRL-----\n", "crl");
    LOOKS("-----BEGIN PUBLIC KEY-----\n", "key");
    LOOKS("-----BEGIN PRIVATE KEY-----\n", "");
    LOOKS("\x30\x82\x00\x08\x30\x82\x00\x04\xa0\x03\x02\x01", "certs");
    LOOKS("\x30\x82\x00\x08\x30\x82\x00\x04\x02\x01\x01\x30", "crl");
    LOOKS("\x30\x07\x30\x05\x06\x03\x2a\x03\x04", "key");
    LOOKS("\x30\x06\x02\x01\x01\x02\x01\x02", "signature");
    LOOKS("\x30\x06\x02\x01\x01\x02\x01\x02\x00", "");
    LOOKS("\x30\x82\xff\xff\x30", "");
    LOOKS("\x00\x14\x00\x0b\x00\x02\x01\x02", "signature");
    LOOKS("\x00\x18\x00\x0b\x00\x01\x01\x00\x01\x02", "signature");
    LOOKS("\x00\x14\x00\x0b\x00\x02\x01", "");
    LOOKS("\x00\x15\x00\x0b\x00\x02\x01\x02", "");
    LOOKS("\x00\x23\x00\x0b\x00\x05\x00\x72\x00\x00\x00\x10\x00\x18\x00\x0b", "tpm-public");
    LOOKS("\x00\x10\x00\x23\x00\x0b\x00\x05\x00\x72\x00\x00\x00\x10\x00\x18\x00\x0b", "tpm-public");
    LOOKS(" {\"measurements\":[]}", "reference");
    LOOKS("{\"vcekCert\":\"\",\"certificateChain\":\"\"}", "certs");
    LOOKS("{\"signature\":\"00\",\"message\":\"ff\",\"pcrs\":[]}", "quote");
    LOOKS("\xd9\x01\xf5\xa1", "reference");
    LOOKS("", "");
    LOOKS("hello", "");
    CHECK_STR(looks(pcrs, sizeof(pcrs)), "pcrs");
    CHECK_STR(looks(pcrs, 100), "");
    CHECK_STR(looks(request, sizeof(request)), "request");
    CHECK_STR(looks(request, 36), "");
    CHECK_STR(looks(table, sizeof(table)), "certs");
    log[28] = 29;
    memcpy(log + 32, "Spec ID Event03", 16);
    CHECK_STR(looks(log, sizeof(log)), "event-log");
    CHECK_STR(looks(log, 40), "");
    CHECK_STR(looks(sha1_log, sizeof(sha1_log)), "event-log"); /* two empty events of SHA-1 */
    CHECK_STR(looks(sha1_log, 63), "");
    CHECK_STR(looks(sha1_log, 32), "");
}

TEST(kinds_have_words)
{
    enum cm_material_kind kind = CM_MATERIAL_CERTS;

    for (int k = CM_MATERIAL_CERTS; k <= CM_MATERIAL_FIRMWARE; k++) {
        const char *word = cm_material_word((enum cm_material_kind)k);

        REQUIRE(word != NULL);
        CHECK(cm_material_named(word, strlen(word), &kind));
        CHECK_EQ(kind, k);
        CHECK(!cm_material_named(word, strlen(word) - 1, &kind));
    }
    CHECK(cm_material_named("eventlog", 8, &kind));
    CHECK_EQ(kind, CM_MATERIAL_EVENT_LOG);
    CHECK(!cm_material_named("eventlog", 7, &kind) && !cm_material_named("eventlog-", 9, &kind));
    CHECK_STR(cm_material_word(CM_MATERIAL_EVENT_LOG), "event-log"); /* the one word of answers */
    CHECK(cm_material_word((enum cm_material_kind)0) == NULL);
    CHECK(cm_material_word((enum cm_material_kind)99) == NULL);
}

/* I1: what is trusted is never brought by whoever asks. */
TEST(kinds_that_are_trusted_are_not_brought)
{
    static const char *const no[] = {"key", "reference", "firmware", "nonsense", ""};
    static const char *const yes[] = {"certs",    "crl",        "signature", "pcrs",   "event-log",
                                      "eventlog", "tpm-public", "quote",     "request"};

    for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++) {
        enum cm_material_kind kind = CM_MATERIAL_CRL;

        CHECK(!cm_material_brought(no[i], strlen(no[i]), &kind));
        CHECK_EQ(kind, CM_MATERIAL_CRL);
    }
    for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
        enum cm_material_kind kind = CM_MATERIAL_KEY;
        enum cm_material_kind named = CM_MATERIAL_REFERENCE;

        CHECK(cm_material_brought(yes[i], strlen(yes[i]), &kind));
        CHECK(cm_material_named(yes[i], strlen(yes[i]), &named));
        CHECK_EQ(kind, named);
        CHECK(!cm_material_brought(yes[i], strlen(yes[i]) - 1, &kind));
    }
}

TEST_MAIN
