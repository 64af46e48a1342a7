/*
 * Asks the installed libc++ whether it still is what src/libc/cxx_*.c and the cured headers take it
 * for. Linked by the build against the prepared archive and the installed, unchanged musl, and run on
 * the building machine; exit 1 and one sentence when something changed.
 */
#include <cctype>
#include <clocale>
#include <cstdio>
#include <ctime>
#include <locale>
#include <mutex>
#include <pthread.h>
#include <regex>
#include <sstream>
#include <stdexcept>
#include <string>
#include <system_error>

extern "C" {
/* the enclave's waiting, which a program with one thread never needs */
int cm_futex_wait(const int *word, int expected, clockid_t clock, const struct timespec *deadline);
void cm_futex_wake(const int *word, int count);
const unsigned short **__ctype_b_loc(void);
}

int cm_futex_wait(const int *, int, clockid_t, const struct timespec *)
{
    return 0;
}

void cm_futex_wake(const int *, int)
{
}

namespace
{

int failures;

void expect(bool ok, const char *what)
{
    if (!ok && failures++ == 0) {
        (void)std::fprintf(stderr, "package libc++-14-dev changed: %s\n", what);
    }
}

bool masks_fit()
{
    const auto &ctype = std::use_facet<std::ctype<char>>(std::locale::classic());

    for (int i = 0; i < 256; i++) {
        const char c = static_cast<char>(i);

        if (ctype.is(std::ctype_base::alpha, c) != (std::isalpha(i) != 0) ||
            ctype.is(std::ctype_base::digit, c) != (std::isdigit(i) != 0) ||
            ctype.is(std::ctype_base::space, c) != (std::isspace(i) != 0) ||
            ctype.is(std::ctype_base::punct, c) != (std::ispunct(i) != 0) ||
            ctype.is(std::ctype_base::cntrl, c) != (std::iscntrl(i) != 0) ||
            ctype.toupper(c) != static_cast<char>(std::toupper(i))) {
            return false;
        }
    }
    return true;
}

int guarded()
{
    static const int value = std::atoi("42");

    return value;
}

bool exceptions_work()
{
    try {
        throw std::runtime_error("thrown");
    } catch (const std::exception &e) {
        return std::string(e.what()) == "thrown";
    }
}

} // namespace

int main()
{
    std::ostringstream out;

    expect(std::ctype<char>::classic_table() == *__ctype_b_loc(),
           "std::ctype<char> does not find its table in the locale object (cxx_glibc.c)");
    if (failures == 0) {
        expect(masks_fit(), "the masks of std::ctype_base are others (cmake/inside_cxx.cmake)");
        expect(std::regex_match("a_1 b", std::regex("\\w+\\s[[:alpha:]]")), "std::regex fails");
        out << 12.5 << ' ' << std::hex << 255;
        expect(out.str() == "12.5 ff", "streams do not format numbers");
    }
    expect(std::generic_category().message(2).size() > 4,
           "it wants another strerror_r (cxx_glibc.c)");
    expect(sizeof(std::mutex) == sizeof(pthread_mutex_t), "std::mutex is not a mutex of musl's");
    expect(guarded() == 42 && exceptions_work(), "exceptions or guards of static objects fail");
    return failures == 0 ? 0 : 1;
}
