/* openenclave/corelibc inside: every name does what its namesake does, with both in one file. */
#define OE_NEED_STDC_NAMES
#include <openenclave/corelibc/errno.h>
#include <openenclave/corelibc/stdlib.h>
#include <openenclave/corelibc/string.h>
#include <openenclave/corelibc/wchar.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "api_t.h"

#define EXPECT(COND)         \
    do {                     \
        if (!(COND)) {       \
            return __LINE__; \
        }                    \
    } while (0)

static int strings(void)
{
    static const char text[] = "one, two";
    char buf[8] = "ab";
    char parts[] = "a-b";
    char *state = NULL;
    char *copy;

    EXPECT(oe_strlen(text) == 8 && oe_strcmp("a", "b") < 0 && oe_strcmp(text, text) == 0);
    EXPECT(oe_strncmp("abc", "abd", 2) == 0 && oe_strncmp("abc", "abd", 3) < 0);
    EXPECT(oe_strstr(text, "two") == text + 5 && oe_strstr(text, "six") == NULL);
    EXPECT(oe_strspn(text, "eno") == 3 && oe_strcspn(text, ",") == 3);
    EXPECT(oe_strchr(text, 'o') == text && oe_strrchr(text, 'o') == text + 7);
    EXPECT(oe_strchr(text, 'x') == NULL && oe_strchrnul(text, 'x') == text + 8);
    EXPECT(oe_strlcpy(buf, text, sizeof(buf)) == 8 && strcmp(buf, "one, tw") == 0);
    EXPECT(oe_strlcpy(buf, "no", 0) == 2 && strcmp(buf, "one, tw") == 0);
    EXPECT(oe_strlcpy(buf, "ab", sizeof(buf)) == 2 && oe_strlcat(buf, "cdefghi", sizeof(buf)) == 9);
    EXPECT(strcmp(buf, "abcdefg") == 0);
    EXPECT(strcmp(oe_strtok_r(parts, "-", &state), "a") == 0);
    EXPECT(strcmp(oe_strtok_r(NULL, "-", &state), "b") == 0);
    EXPECT(oe_strtok_r(NULL, "-", &state) == NULL);
    copy = oe_strdup(text);
    EXPECT(copy != NULL && copy != text && strcmp(copy, text) == 0);
    oe_free(copy);
    EXPECT(strcmp(oe_strerror(OE_ENOENT), strerror(ENOENT)) == 0);
    EXPECT(oe_strerror_r(OE_ENOENT, buf, sizeof(buf)) == OE_ERANGE);
    EXPECT(oe_wcslen(L"four") == 4);
    return 0;
}

static int numbers(void)
{
    static const char text[] = "0x1fz";
    char *end = NULL;

    errno = 0;
    EXPECT(oe_strtoul(text, &end, 0) == 0x1f && *end == 'z' && oe_errno == 0);
    EXPECT(oe_strtoul("99999999999999999999", NULL, 10) == OE_ULONG_MAX);
    EXPECT(oe_errno == OE_ERANGE && errno == ERANGE && &oe_errno == &errno);
    oe_errno = OE_EAGAIN;
    EXPECT(errno == EWOULDBLOCK && OE_ENOTSUP == EOPNOTSUPP && OE_EHWPOISON == 133);
    EXPECT(OE_EDEADLOCK == EDEADLK && OE_EOWNERDEAD == EOWNERDEAD && OE_EILSEQ == EILSEQ);
    return 0;
}

static int blocks(void)
{
    void *block = oe_calloc(3, 5);
    void *aligned = NULL;

    EXPECT(block != NULL && memcmp(block, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 15) == 0);
    block = oe_realloc(block, 4000);
    EXPECT(block != NULL);
    free(block); /* one heap, whatever the name */
    block = malloc(20);
    oe_free(block);
    EXPECT(oe_posix_memalign(&aligned, 64, 10) == 0 && (uintptr_t)aligned % 64 == 0);
    oe_free(aligned);
    EXPECT(oe_posix_memalign(&aligned, 3, 10) == OE_EINVAL);
    aligned = oe_memalign(256, 10);
    EXPECT(aligned != NULL && (uintptr_t)aligned % 256 == 0);
    oe_free(aligned);
    EXPECT(oe_calloc(OE_SIZE_MAX, 2) == NULL && oe_malloc(OE_SIZE_MAX) == NULL);
    oe_free(NULL);
    return 0;
}

int api_stdcnames(void);

int api_corelibc(void)
{
    int line = strings();

    line = line != 0 ? line : numbers();
    line = line != 0 ? line : blocks();
    return line != 0 ? line : api_stdcnames();
}
