/* The standard's names without the standard's headers: what OE_NEED_STDC_NAMES is for. */
#define OE_NEED_STDC_NAMES
#include <openenclave/corelibc/errno.h>
#include <openenclave/corelibc/stdlib.h>
#include <openenclave/corelibc/string.h>
#include <openenclave/corelibc/wchar.h>

int api_stdcnames(void);

int api_stdcnames(void)
{
    size_t (*length)(const char *) = strlen; /* they are functions */
    char *copy = strdup("12 apples");
    char text[4];
    char *end = NULL;
    int bad = copy == NULL || length(copy) != 9 || strtoul(copy, &end, 10) != 12;

    bad |= strlcpy(text, "abc", sizeof(text)) != 3 || strcmp(text, "abc") != 0;
    bad |= strlcat(text, "d", sizeof(text)) != 4 || strncmp(text, "abc", 3) != 0;
    bad |=
        strchr(text, 'c') != text + 2 || strrchr(text, 'a') != text || *strchrnul(text, 'x') != 0;
    bad |= strstr(text, "bc") != text + 1 || strspn(text, "ba") != 2 || strcspn(text, "c") != 2;
    bad |= wcslen(L"ab") != 2 || strerror(ENOENT) == NULL || strerror_r(EPERM, text, 1) != ERANGE;
    free(copy);
    copy = calloc(2, 8);
    copy = realloc(copy, 64);
    bad |= copy == NULL;
    free(copy);
    errno = EAGAIN;
    bad |= oe_errno != OE_EWOULDBLOCK;
    return bad;
}
