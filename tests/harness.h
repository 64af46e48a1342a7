/*
 * The unit-test harness: one program a module, a plain main() through TEST_MAIN.
 *
 *   TEST(name) { CHECK(x == 1); CHECK_EQ(a, b); CHECK_STR(s, "text"); }
 *   TEST_MAIN
 *
 * fail_alloc_at(k) makes the k-th allocation from now (1 = the next) fail, and with it every later
 * one when fail_alloc_sticky is set; the program must be linked with
 * -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc (tests/CMakeLists.txt does).
 * A test that cannot run here calls SKIP("why"): its name is printed and counted.
 */
#ifndef CM_TESTS_HARNESS_H
#define CM_TESTS_HARNESS_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct test_case {
    const char *name;
    void (*run)(void);
    struct test_case *next;
};

static struct test_case *test_first;
static struct test_case **test_last = &test_first;
static int test_failed_checks;
static const char *test_skip_reason;

#define TEST(id)                                                      \
    static void test_##id(void);                                      \
    __attribute__((constructor)) static void test_register_##id(void) \
    {                                                                 \
        static struct test_case entry = {#id, test_##id, NULL};       \
        *test_last = &entry;                                          \
        test_last = &entry.next;                                      \
    }                                                                 \
    static void test_##id(void)

#define TEST_FAIL(...)                                 \
    do {                                               \
        (void)printf("  %s:%d: ", __FILE__, __LINE__); \
        (void)printf(__VA_ARGS__);                     \
        (void)printf("\n");                            \
        test_failed_checks++;                          \
    } while (0)

#define CHECK(cond)                               \
    do {                                          \
        if (!(cond)) {                            \
            TEST_FAIL("check failed: %s", #cond); \
        }                                         \
    } while (0)

/* leaves the test when it fails: for what the rest stands on */
#define REQUIRE(cond)                                   \
    do {                                                \
        if (!(cond)) {                                  \
            TEST_FAIL("requirement failed: %s", #cond); \
            return;                                     \
        }                                               \
    } while (0)

#define CHECK_EQ(a, b)                                                                             \
    do {                                                                                           \
        long long left_ = (long long)(a);                                                          \
        long long right_ = (long long)(b);                                                         \
        if (left_ != right_) {                                                                     \
            TEST_FAIL("%s is %lld (0x%llx), not %s = %lld (0x%llx)", #a, left_, left_, #b, right_, \
                      right_);                                                                     \
        }                                                                                          \
    } while (0)

#define CHECK_STR(a, b)                                                         \
    do {                                                                        \
        const char *left_ = (a);                                                \
        const char *right_ = (b);                                               \
        if (left_ == NULL || right_ == NULL || strcmp(left_, right_) != 0) {    \
            TEST_FAIL("%s is \"%s\", not \"%s\"", #a, left_ ? left_ : "(null)", \
                      right_ ? right_ : "(null)");                              \
        }                                                                       \
    } while (0)

#define CHECK_MEM(a, b, n)                           \
    do {                                             \
        if (memcmp((a), (b), (n)) != 0) {            \
            TEST_FAIL("%s differs from %s", #a, #b); \
        }                                            \
    } while (0)

#define SKIP(why)                 \
    do {                          \
        test_skip_reason = (why); \
        return;                   \
    } while (0)

/* allocation failure; counted per program, so tests that use it run single-threaded */
static long test_alloc_countdown = -1;
static bool fail_alloc_sticky;

static inline void fail_alloc_at(long k)
{
    test_alloc_countdown = k;
}

static inline bool test_alloc_fails(void)
{
    if (test_alloc_countdown < 0) {
        return false;
    }
    if (test_alloc_countdown > 1) {
        test_alloc_countdown--;
        return false;
    }
    if (!fail_alloc_sticky) {
        test_alloc_countdown = -1;
    }
    return true;
}

/* whether the failure armed by fail_alloc_at() has happened */
static inline bool fail_alloc_hit(void)
{
    return test_alloc_countdown < 0 || (fail_alloc_sticky && test_alloc_countdown <= 1);
}

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t m);
void *__real_realloc(void *p, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t m);
void *__wrap_realloc(void *p, size_t n);

void *__wrap_malloc(size_t n)
{
    return test_alloc_fails() ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t m)
{
    return test_alloc_fails() ? NULL : __real_calloc(n, m);
}

void *__wrap_realloc(void *p, size_t n)
{
    return test_alloc_fails() ? NULL : __real_realloc(p, n);
}

/* exit code 0 passed, 1 failed, 77 every test was skipped; argv[1] selects tests by prefix */
static inline int test_main(int argc, char **argv)
{
    int run = 0;
    int failed = 0;
    int skipped = 0;

    for (struct test_case *t = test_first; t != NULL; t = t->next) {
        if (argc > 1 && strncmp(t->name, argv[1], strlen(argv[1])) != 0) {
            continue;
        }
        test_failed_checks = 0;
        test_skip_reason = NULL;
        test_alloc_countdown = -1;
        t->run();
        test_alloc_countdown = -1;
        run++;
        if (test_skip_reason != NULL && test_failed_checks == 0) {
            (void)printf("skip %s: %s\n", t->name, test_skip_reason);
            skipped++;
        } else {
            (void)printf("%s %s\n", test_failed_checks == 0 ? "ok  " : "FAIL", t->name);
            failed += test_failed_checks != 0;
        }
        (void)fflush(stdout);
    }
    (void)printf("%d passed, %d failed, %d skipped\n", run - failed - skipped, failed, skipped);
    if (failed != 0 || run == 0) {
        return 1;
    }
    return run == skipped ? 77 : 0;
}

#define TEST_MAIN                     \
    int main(int argc, char **argv)   \
    {                                 \
        return test_main(argc, argv); \
    }

#endif
