/* The sticky reader and writer: over-reads first, then the values. */
#include "harness.h"

#include "common/reader.h"
#include "common/writer.h"

TEST(take_past_the_end_is_refused_and_sticks)
{
    uint8_t bytes[4] = {1, 2, 3, 4};
    struct cm_rd r = cm_rd_init(cm_span_make(bytes, 4));

    CHECK(cm_rd_take(&r, 5).ptr == NULL);
    CHECK(r.bad);
    CHECK_EQ(cm_rd_u8(&r), 0);
    CHECK_EQ(cm_rd_finish(&r), CM_ERR_FORMAT);
}

TEST(huge_length_does_not_wrap)
{
    uint8_t bytes[4] = {0};
    struct cm_rd r = cm_rd_init(cm_span_make(bytes, 4));

    (void)cm_rd_take(&r, SIZE_MAX);
    CHECK(r.bad);
}

TEST(leftover_bytes_are_refused)
{
    uint8_t bytes[3] = {1, 0, 9};
    struct cm_rd r = cm_rd_init(cm_span_make(bytes, 3));

    CHECK_EQ(cm_rd_u16le(&r), 1);
    CHECK_EQ(cm_rd_finish(&r), CM_ERR_FORMAT);
    CHECK_EQ(cm_rd_u8(&r), 9);
    CHECK_EQ(cm_rd_finish(&r), CM_OK);
}

TEST(copy_zero_fills_on_failure)
{
    uint8_t bytes[2] = {1, 2};
    uint8_t out[4] = {9, 9, 9, 9};
    uint8_t zero[4] = {0};
    struct cm_rd r = cm_rd_init(cm_span_make(bytes, 2));

    cm_rd_copy(&r, out, 4);
    CHECK_MEM(out, zero, 4);
}

TEST(reserved_bytes_must_be_zero)
{
    uint8_t bytes[4] = {0, 0, 0, 1};
    struct cm_rd r = cm_rd_init(cm_span_make(bytes, 4));

    cm_rd_zero(&r, 3);
    CHECK(!r.bad);
    cm_rd_zero(&r, 1);
    CHECK(r.bad);
}

TEST(sub_reader_of_a_bad_reader_is_bad)
{
    uint8_t bytes[2] = {1, 2};
    struct cm_rd r = cm_rd_init(cm_span_make(bytes, 2));
    struct cm_rd sub = cm_rd_sub(&r, 3);

    CHECK(sub.bad);
    CHECK(r.bad);
}

TEST(integers_in_both_orders)
{
    uint8_t buf[28] = {0};
    struct cm_wr w = cm_wr_init(buf, sizeof(buf));
    struct cm_rd r = {0};

    cm_wr_u16le(&w, 0x1234);
    cm_wr_u32le(&w, 0x12345678);
    cm_wr_u64le(&w, 0x123456789abcdef0ull);
    cm_wr_u16be(&w, 0x1234);
    cm_wr_u32be(&w, 0x12345678);
    cm_wr_u64be(&w, 0x123456789abcdef0ull);
    CHECK_EQ(cm_wr_finish(&w), CM_OK);
    CHECK_EQ(buf[0], 0x34);
    CHECK_EQ(buf[14], 0x12);
    r = cm_rd_init(cm_span_make(buf, w.used));
    CHECK_EQ(cm_rd_u16le(&r), 0x1234);
    CHECK_EQ(cm_rd_u32le(&r), 0x12345678);
    CHECK(cm_rd_u64le(&r) == 0x123456789abcdef0ull);
    CHECK_EQ(cm_rd_u16be(&r), 0x1234);
    CHECK_EQ(cm_rd_u32be(&r), 0x12345678);
    CHECK(cm_rd_u64be(&r) == 0x123456789abcdef0ull);
    CHECK_EQ(cm_rd_finish(&r), CM_OK);
}

TEST(writer_never_passes_its_end)
{
    uint8_t buf[5] = {7, 7, 7, 7, 7};
    struct cm_wr w = cm_wr_init(buf, 3);

    cm_wr_u32le(&w, 1);
    CHECK(w.bad);
    cm_wr_u8(&w, 1); /* would fit, but the error sticks */
    CHECK_EQ(buf[0], 7);
    CHECK_EQ(buf[3], 7);
    CHECK_EQ(cm_wr_finish(&w), CM_ERR_SPACE);
}

TEST_MAIN
