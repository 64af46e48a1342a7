/* Every status code has a sentence of its own; the first reason wins. */
#include "harness.h"

#include "common/wipe.h"
#include <casemate/status.h>
#include <stdint.h>

TEST(codes_have_distinct_sentences)
{
    static const int codes[] = {0,  1,  2,  3,  4,  20, 21, 22, 23, 24, 40,
                                41, 42, 43, 44, 45, 60, 61, 62, 63, 64, 65};
    const size_t count = sizeof(codes) / sizeof(codes[0]);

    for (size_t i = 0; i < count; i++) {
        const char *a = cm_status_str((enum cm_status)codes[i]);

        CHECK(strcmp(a, "unknown status code") != 0);
        for (size_t j = 0; j < i; j++) {
            CHECK(strcmp(a, cm_status_str((enum cm_status)codes[j])) != 0);
        }
    }
    CHECK_STR(cm_status_str((enum cm_status)999), "unknown status code");
}

TEST(first_reason_wins_and_is_truncated)
{
    struct cm_why why = {{0}};

    cm_why_set(NULL, "ignored");
    cm_why_set(&why, "%300d", 1);
    CHECK_EQ(strlen(why.text), sizeof(why.text) - 1);
    why.text[0] = '\0';
    cm_why_set(&why, "deep %d", 1);
    cm_why_set(&why, "shallow");
    CHECK_STR(why.text, "deep 1");
}

TEST(constant_time_compare)
{
    uint8_t a[3] = {1, 2, 3};
    uint8_t b[3] = {1, 2, 4};

    CHECK(!cm_ct_equal(a, b, 3));
    CHECK(cm_ct_equal(a, b, 2));
    CHECK(cm_ct_equal(a, b, 0));
    cm_wipe(a, sizeof(a));
    CHECK_EQ(a[0] | a[1] | a[2], 0);
}

TEST_MAIN
