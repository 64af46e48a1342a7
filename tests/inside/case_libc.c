/* The C library inside an enclave: formatting, strings, numbers, heap, time, and calls that need a
 * host which is not there. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <iconv.h>
#include <locale.h>
#include <malloc.h>
#include <math.h>
#include <netdb.h>
#include <regex.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>

#include "inside_case.h"

static int constructed;

__attribute__((constructor)) static void construct(void)
{
    constructed = 42;
}

static __thread int tls_set = 17;
static __thread int tls_zero;

int cm_case_format(unsigned thread, unsigned threads)
{
    int failed = 0;
    char text[256];
    char word[16];
    volatile size_t small = 4;
    char *stream_text = NULL;
    size_t stream_len = 0;
    FILE *f;
    int n;

    (void)thread;
    (void)threads;
    n = snprintf(text, sizeof(text), "%d|%5.2f|%s|%#llx|%zu|%-4c|%e|%p", -7, 3.14159, "text",
                 0xdeadbeefcafeull, (size_t)99, 'c', 12345.678, (void *)0x10);
    CASE_CHECK(failed, strcmp(text, "-7| 3.14|text|0xdeadbeefcafe|99|c   |1.234568e+04|0x10") == 0);
    CASE_CHECK(failed, n == (int)strlen(text));
    (void)snprintf(text, sizeof(text), "%.17g %a %Lf", 0.1, 1.0, 2.5L);
    CASE_CHECK(failed, strcmp(text, "0.10000000000000001 0x1p+0 2.500000") == 0);
    CASE_CHECK(failed, snprintf(text, small, "%s", "truncated") == 9 && strcmp(text, "tru") == 0);
    f = fmemopen(text, sizeof(text), "w+");
    CASE_CHECK(failed, f != NULL);
    if (f != NULL) {
        (void)fprintf(f, "mem %05d", 77);
        CASE_CHECK(failed, fflush(f) == 0);
        rewind(f);
        CASE_CHECK(failed, fscanf(f, "%15s %d", word, &n) == 2 && n == 77);
        CASE_CHECK(failed, strcmp(word, "mem") == 0);
        CASE_CHECK(failed, fclose(f) == 0);
    }
    f = open_memstream(&stream_text, &stream_len);
    CASE_CHECK(failed, f != NULL);
    if (f != NULL) {
        for (n = 0; n < 1000; n++) {
            (void)fputc('a' + n % 26, f);
        }
        CASE_CHECK(failed, fclose(f) == 0 && stream_len == 1000 && stream_text[999] == 'l');
        free(stream_text);
    }
    CASE_CHECK(failed, sscanf("12 0x1f -3.5e2 word", "%d %i %*f %15s", &n, &n, word) == 3);
    CASE_CHECK(failed, n == 31 && strcmp(word, "word") == 0);
    CASE_CHECK(failed, printf("  formatted to the host: %s, %d%%\n", "text", 100) > 0);
    (void)fputs("  not a line", stdout); /* shown when the enclave is destroyed, not lost */
    return failed;
}

static int by_value(const void *a, const void *b)
{
    const int *x = a;
    const int *y = b;

    return (*x > *y) - (*x < *y);
}

static int check_numbers(void)
{
    int failed = 0;
    char *end;

    CASE_CHECK(failed, strtod("3.14159265358979rest", &end) == 3.14159265358979);
    CASE_CHECK(failed, strcmp(end, "rest") == 0);
    errno = 0;
    CASE_CHECK(failed, strtol("99999999999999999999", NULL, 10) == INT64_MAX && errno == ERANGE);
    CASE_CHECK(failed, strtoull("ffffffffffffffff", NULL, 16) == UINT64_MAX);
    CASE_CHECK(failed, fabs(sin(1.0) - 0.8414709848078965) < 1e-15);
    CASE_CHECK(failed, pow(2.0, 0.5) == sqrt(2.0));
    CASE_CHECK(failed, fabs(lgamma(10.0) - 12.801827480081469) < 1e-12);
    CASE_CHECK(failed, isnan(sqrt(-1.0)) && isinf(exp(1000.0)));
    CASE_CHECK(failed, fmod(10.0, 3.0) == 1.0 && floor(-0.5) == -1.0);
    return failed;
}

static int check_jump(void)
{
    static jmp_buf env;
    volatile int jumps = 0;
    volatile int failed = 0;

    if (setjmp(env) < 3) {
        jumps++;
        longjmp(env, jumps);
    }
    CASE_CHECK(failed, jumps == 3);
    return failed;
}

int cm_case_strings(unsigned thread, unsigned threads)
{
    static const int sorted[6] = {-5, 0, 1, 3, 7, 9};
    int values[6] = {3, 9, -5, 1, 7, 0};
    int failed = check_numbers() + check_jump();
    char text[64] = "a,b;c";
    char *save = NULL;
    regmatch_t match;
    const int *found;
    regex_t re;
    int key = 7;
    wchar_t wide[8];
    iconv_t cd;

    (void)thread;
    (void)threads;
    qsort(values, 6, sizeof(values[0]), by_value);
    CASE_CHECK(failed, memcmp(values, sorted, sizeof(values)) == 0);
    found = bsearch(&key, values, 6, sizeof(values[0]), by_value);
    CASE_CHECK(failed, found == &values[4]);
    CASE_CHECK(failed, strcmp(strtok_r(text, ",;", &save), "a") == 0);
    CASE_CHECK(failed, strcmp(strtok_r(NULL, ",;", &save), "b") == 0);
    CASE_CHECK(failed, strcmp(strerror(ENOENT), "No such file or directory") == 0);
    CASE_CHECK(failed, strstr("haystack with needle", "needle") != NULL);
    CASE_CHECK(failed, strcasecmp("HeLLo", "hEllO") == 0 && toupper('x') == 'X');
    CASE_CHECK(failed, regcomp(&re, "^([a-z]+)=[0-9]{2,3}$", REG_EXTENDED) == 0);
    CASE_CHECK(failed, regexec(&re, "key=123", 1, &match, 0) == 0 && match.rm_eo == 7);
    CASE_CHECK(failed, regexec(&re, "key=1", 1, &match, 0) == REG_NOMATCH);
    regfree(&re);
    CASE_CHECK(failed, strcmp(setlocale(LC_ALL, NULL), "C") == 0);
    CASE_CHECK(failed, mbstowcs(wide, "wide", 8) == 4 && wide[3] == L'e');
    cd = iconv_open("UTF-16LE", "UTF-8");
    CASE_CHECK(failed, cd != (iconv_t)-1 && iconv_close(cd) == 0);
    errno = 5;
    CASE_CHECK(failed, errno == 5 && tls_set == 17 && tls_zero == 0 && constructed == 42);
    tls_zero = 3;
    CASE_CHECK(failed, tls_zero == 3);
    CASE_CHECK(failed, getenv("PATH") == NULL);
    return failed;
}

/* G1: the loader fills the heap with 0xA5, as a host may do with unmeasured pages. */
int cm_case_heap(unsigned thread, unsigned threads)
{
    int failed = 0;
    unsigned char *p = calloc(1000, 3);
    volatile size_t huge = (size_t)1 << 40;
    volatile size_t small = 8;
    void *aligned = NULL;
    void *volatile kept; /* a compiler may take away allocations that nobody looks at */
    size_t i;

    (void)thread;
    (void)threads;
    CASE_CHECK(failed, p != NULL);
    for (i = 0; p != NULL && i < 3000; i++) {
        CASE_CHECK(failed, p[i] == 0);
        p[i] = (unsigned char)i;
    }
    p = realloc(p, 100000);
    CASE_CHECK(failed, p != NULL && malloc_usable_size(p) >= 100000);
    for (i = 0; p != NULL && i < 3000; i++) {
        CASE_CHECK(failed, p[i] == (unsigned char)i);
    }
    errno = 7;
    free(p);
    CASE_CHECK(failed, errno == 7);
    errno = 0;
    kept = malloc(huge << 10);
    CASE_CHECK(failed, kept == NULL && *(volatile int *)&errno == ENOMEM); /* clang trusts malloc */
    kept = calloc(huge, huge);
    CASE_CHECK(failed, kept == NULL);
    for (i = 8; i <= 4096; i *= 2) {
        CASE_CHECK(failed, posix_memalign(&aligned, i, 100) == 0 && (uintptr_t)aligned % i == 0);
        memset(aligned, 1, 100);
        free(aligned);
        aligned = aligned_alloc(i, 2 * i);
        CASE_CHECK(failed, aligned != NULL && (uintptr_t)aligned % i == 0);
        free(aligned);
    }
    CASE_CHECK(failed, posix_memalign(&aligned, 3, 100) == EINVAL);
    kept = aligned_alloc(3 * small, 48);
    CASE_CHECK(failed, kept == NULL && errno == EINVAL);
    return failed;
}

int cm_case_time(unsigned thread, unsigned threads)
{
    int failed = 0;
    struct timespec before;
    struct timespec after;
    char text[64];
    time_t day = 86400 * 365;
    struct tm tm;
    int i;

    (void)thread;
    (void)threads;
    CASE_CHECK(failed, gmtime_r(&day, &tm) != NULL && tm.tm_year == 71);
    CASE_CHECK(failed, strftime(text, sizeof(text), "%F %T %A", &tm) != 0);
    CASE_CHECK(failed, strcmp(text, "1971-01-01 00:00:00 Friday") == 0);
    CASE_CHECK(failed, localtime_r(&day, &tm) != NULL && tm.tm_hour == 0); /* UTC: no zone files */
    CASE_CHECK(failed, mktime(&tm) == day);
    CASE_CHECK(failed, strptime("2024-02-29", "%Y-%m-%d", &tm) != NULL && tm.tm_mday == 29);
    CASE_CHECK(failed, time(NULL) > 1700000000);
    CASE_CHECK(failed, clock_gettime(CLOCK_MONOTONIC, &before) == 0);
    for (i = 0; i < 100; i++) {
        CASE_CHECK(failed, clock_gettime(CLOCK_MONOTONIC, &after) == 0);
        CASE_CHECK(failed, after.tv_sec > before.tv_sec ||
                               (after.tv_sec == before.tv_sec && after.tv_nsec >= before.tv_nsec));
        before = after;
    }
    errno = 0;
    CASE_CHECK(failed, clock_gettime(12345, &after) == -1 && errno == EINVAL);
    return failed;
}

/* Everything that would need a file system, a network or a process fails cleanly. */
int cm_case_no_host(unsigned thread, unsigned threads)
{
    struct addrinfo *list = NULL;
    unsigned char bytes[32] = {0};
    unsigned char zeros[32] = {0};
    struct stat st;
    int failed = 0;

    (void)thread;
    (void)threads;
    errno = 0;
    CASE_CHECK(failed, open("/etc/passwd", O_RDONLY) == -1 && errno == ENOSYS);
    CASE_CHECK(failed, fopen("/etc/passwd", "r") == NULL && errno == ENOSYS);
    CASE_CHECK(failed, fopen("/etc/passwd", "x") == NULL && errno == EINVAL);
    errno = 0;
    CASE_CHECK(failed, stat("/", &st) == -1 && errno == ENOSYS);
    errno = 0;
    CASE_CHECK(failed, socket(AF_INET, SOCK_STREAM, 0) == -1 && errno == ENOSYS);
    errno = 0;
    CASE_CHECK(failed, read(0, bytes, 1) == -1 && errno == ENOSYS);
    errno = 0;
    CASE_CHECK(failed, write(7, bytes, 1) == -1 && errno == EBADF);
    errno = 0;
    CASE_CHECK(failed, syscall(SYS_getcwd, bytes, sizeof(bytes)) == -1 && errno == ENOSYS);
    CASE_CHECK(failed, getaddrinfo("localhost", "80", NULL, &list) == EAI_SYSTEM);
    CASE_CHECK(failed, getrandom(bytes, sizeof(bytes), 0) == sizeof(bytes));
    CASE_CHECK(failed, memcmp(bytes, zeros, sizeof(bytes)) != 0);
    CASE_CHECK(failed, getentropy(zeros, 257) == -1 && errno == EIO);
    return failed;
}

/* C5: without random bytes from the processor the calls fail; they never hand out zeros. */
int cm_case_getentropy(unsigned thread, unsigned threads)
{
    unsigned char bytes[32] = {0};
    int failed = 0;

    (void)thread;
    (void)threads;
    cm_case_random_fails = true;
    CASE_CHECK(failed, getentropy(bytes, 32) == -1);
    CASE_CHECK(failed, getrandom(bytes, 32, 0) == -1 && errno == EIO);
    cm_case_random_fails = false;
    CASE_CHECK(failed, getentropy(bytes, 32) == 0);
    return failed;
}
