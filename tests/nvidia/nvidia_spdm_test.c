/* SPDM measurements as bytes: exactly request and response, every field in its range. */
#include "harness.h"

#include "common/span.h"
#include "nvidia/spdm.h"
#include "nvkit.h"

TEST(nvidia_reports_are_exactly_their_bytes)
{
    static struct nv_device d;
    static struct cm_spdm_report r;
    struct cm_why why;
    struct nv_spec s;

    nv_defaults(&s);
    s.blocks = 3;
    nv_make(&s, &d);
    for (size_t n = 0; n < d.report_len; n++) { /* every truncation */
        uint8_t *exact = malloc(n == 0 ? 1 : n);

        REQUIRE(exact != NULL);
        memcpy(exact, d.report, n);
        why.text[0] = '\0';
        CHECK_EQ(cm_spdm_parse(cm_span_make(exact, n), &r, &why), CM_ERR_FORMAT);
        CHECK(why.text[0] != '\0');
        free(exact);
    }
    CHECK_EQ(cm_spdm_parse(cm_span_make(d.report, d.report_len), &r, &why), CM_OK);
    for (int end = 0; end < 256; end++) { /* one byte behind: only what one tool writes */
        d.report[d.report_len] = (uint8_t)end;
        CHECK_EQ(cm_spdm_parse(cm_span_make(d.report, d.report_len + 1), &r, &why),
                 end == 0 || end == '\n' ? CM_OK : CM_ERR_FORMAT);
    }
    d.report[d.report_len] = 0;
    d.report[d.report_len + 1] = 0;
    CHECK_EQ(cm_spdm_parse(cm_span_make(d.report, d.report_len + 2), &r, &why), CM_ERR_FORMAT);
}

/* One byte of a report changed; what the parser says. */
static enum cm_status patched(size_t at, uint8_t value)
{
    static struct nv_device d;
    static struct cm_spdm_report r;
    struct nv_spec s;

    nv_defaults(&s);
    nv_make(&s, &d);
    d.report[at] = value;
    return cm_spdm_parse(cm_span_make(d.report, d.report_len), &r, NULL);
}

TEST(nvidia_fields_of_a_report)
{
    const size_t block = 45; /* the first measurement block */
    const size_t second = block + 55;

    CHECK_EQ(patched(0, 0x12), CM_ERR_UNSUPPORTED);      /* SPDM 1.2 signs otherwise */
    CHECK_EQ(patched(1, 0xe1), CM_ERR_FORMAT);           /* another request */
    CHECK_EQ(patched(2, 0x00), CM_ERR_FORMAT);           /* no signature asked for */
    CHECK_EQ(patched(3, 0x01), CM_ERR_FORMAT);           /* one measurement only */
    CHECK_EQ(patched(37, 0x12), CM_ERR_FORMAT);          /* the response's version */
    CHECK_EQ(patched(38, 0x61), CM_ERR_FORMAT);          /* another response */
    CHECK_EQ(patched(41, 39), CM_ERR_FORMAT);            /* fewer blocks than bytes */
    CHECK_EQ(patched(41, 41), CM_ERR_FORMAT);            /* more */
    CHECK_EQ(patched(44, 1), CM_ERR_FORMAT);             /* a length of 24 bits that is not there */
    CHECK_EQ(patched(block, 0), CM_ERR_FORMAT);          /* index 0 */
    CHECK_EQ(patched(block + 1, 2), CM_ERR_UNSUPPORTED); /* not DMTF's specification */
    CHECK_EQ(patched(block + 2, 50), CM_ERR_FORMAT);     /* block and value disagree */
    CHECK_EQ(patched(block + 5, 47), CM_ERR_FORMAT);
    CHECK_EQ(patched(second, 1), CM_ERR_FORMAT); /* the same index twice */
    CHECK_EQ(patched(second, 9), CM_ERR_FORMAT); /* out of order */
}

TEST(nvidia_opaque_data)
{
    static struct nv_device d;
    static struct cm_spdm_report r;
    struct nv_spec s;

    nv_defaults(&s);
    s.header = true;
    nv_make(&s, &d);
    uint8_t *magic = memmem(d.report, d.report_len, "NVDAOD", 6);

    REQUIRE(magic != NULL);
    CHECK_EQ(cm_spdm_parse(cm_span_make(d.report, d.report_len), &r, NULL), CM_OK);
    CHECK_EQ(r.fields[0].value_type, 0x81);
    magic[8] = 3; /* major version */
    CHECK_EQ(cm_spdm_parse(cm_span_make(d.report, d.report_len), &r, NULL), CM_ERR_UNSUPPORTED);
    magic[8] = 1;
    magic[6] = 1; /* profile */
    CHECK_EQ(cm_spdm_parse(cm_span_make(d.report, d.report_len), &r, NULL), CM_ERR_UNSUPPORTED);
    magic[6] = 0;
    magic[16] = 0xff; /* a field's length */
    CHECK_EQ(cm_spdm_parse(cm_span_make(d.report, d.report_len), &r, NULL), CM_ERR_FORMAT);
}

TEST_MAIN
