/*
 * Where Debian's libc++, which was compiled for glibc, wants something else than musl gives. Its calls
 * of these functions come here (cmake/inside_cxx.cmake renames them).
 *
 * std::ctype<char> reads its tables straight out of the object that newlocale(LC_ALL_MASK, "C", 0)
 * returned: that one locale is an object that begins like musl's and has glibc's tables where glibc has
 * them. And glibc's strerror_r returns the text.
 */
#include <errno.h>
#include <locale.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

locale_t cm_cxx_newlocale(int mask, const char *name, locale_t base);
void cm_cxx_freelocale(locale_t locale);
char *cm_cxx_strerror_r(int error, char *text, size_t size);
long long strtoll_l(const char *restrict text, char **restrict end, int radix, locale_t locale);
unsigned long long strtoull_l(const char *restrict text, char **restrict end, int radix,
                              locale_t locale);

/* musl has them for programs that were compiled for glibc, and no header for them */
const unsigned short **__ctype_b_loc(void);
const int32_t **__ctype_tolower_loc(void);
const int32_t **__ctype_toupper_loc(void);

/* the categories that glibc's LC_ALL_MASK has; musl's has more bits */
#define GLIBC_LC_ALL_MASK 0x1fbf

enum { CATEGORIES = 13 };

struct cm_cxx_locale {
    const void *categories[CATEGORIES]; /* the first six are musl's; NULL is the C locale */
    const unsigned short *ctype_b;
    const int32_t *ctype_tolower;
    const int32_t *ctype_toupper;
    const char *names[CATEGORIES];
};
_Static_assert(offsetof(struct cm_cxx_locale, ctype_b) == 0x68, "glibc's struct __locale_struct");

static struct cm_cxx_locale c_locale;

static locale_t as_locale(struct cm_cxx_locale *l)
{
    return (locale_t)(void *)l;
}

locale_t cm_cxx_newlocale(int mask, const char *name, locale_t base)
{
    if (base == as_locale(&c_locale)) {
        errno = EINVAL; /* newlocale would change it in place; libc++ never asks for that */
        return NULL;
    }
    if ((mask & GLIBC_LC_ALL_MASK) != GLIBC_LC_ALL_MASK || base != NULL || strcmp(name, "C") != 0) {
        return newlocale(mask, name, base);
    }
    /* threads that come at the same time write the same */
    __atomic_store_n(&c_locale.ctype_b, *__ctype_b_loc(), __ATOMIC_RELAXED);
    __atomic_store_n(&c_locale.ctype_tolower, *__ctype_tolower_loc(), __ATOMIC_RELAXED);
    __atomic_store_n(&c_locale.ctype_toupper, *__ctype_toupper_loc(), __ATOMIC_RELAXED);
    return as_locale(&c_locale);
}

void cm_cxx_freelocale(locale_t locale)
{
    if (locale != as_locale(&c_locale)) {
        freelocale(locale);
    }
}

char *cm_cxx_strerror_r(int error, char *text, size_t size)
{
    (void)strerror_r(error, text, size); /* cut short rather than nothing */
    return text;
}

/* numbers look the same in all of musl's locales */
long long strtoll_l(const char *restrict text, char **restrict end, int radix, locale_t locale)
{
    (void)locale;
    return strtoll(text, end, radix);
}

unsigned long long strtoull_l(const char *restrict text, char **restrict end, int radix,
                              locale_t locale)
{
    (void)locale;
    return strtoull(text, end, radix);
}
