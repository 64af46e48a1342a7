/* Ecalls that throw: around ocalls, where all is handled, and where nothing is. */
#include <cstdlib>
#include <exception>
#include <mutex>
#include <new>
#include <stdexcept>
#include <string>

#include <openenclave/enclave.h>

#include "cxx_case.h"
#include "cxx_t.h"

namespace
{

struct Asking { /* a destructor that calls out while an exception is on its way */
    int &sum;
    ~Asking()
    {
        int doubled = 0;

        if (double_it(&doubled, 4) == OE_OK) {
            sum += doubled;
        }
    }
};

int descend(int depth, int &sum)
{
    Asking asking{sum};
    int doubled = 0;

    if (double_it(&doubled, depth) != OE_OK || doubled != 2 * depth) {
        throw std::runtime_error("the host cannot count");
    }
    if (depth == 0) {
        throw std::string("ground");
    }
    return descend(depth - 1, sum);
}

void throws()
{
    throw std::logic_error("secret-what-text");
}

void never_throws(void (*call)()) noexcept
{
    call();
}

struct Failing {
    bool armed = false;
    ~Failing() noexcept(false)
    {
        if (armed) {
            throw std::runtime_error("secret-what-text");
        }
    }
};

thread_local Failing at_thread_end;

int compare(const void *, const void *)
{
    throw std::runtime_error("secret-what-text");
}

void own_handler()
{
    std::abort();
}

struct Recursive {
    static int make(int n)
    {
        static int value = make(n + 1); /* needs itself */
        return value;
    }
};

} // namespace

extern "C" int throw_and_call(int depth)
{
    int failed = 0;
    int sum = 0;

    for (int i = 0; i < 10; i++) {
        try {
            (void)descend(depth, sum);
            failed++;
        } catch (const std::string &s) {
            CASE_CHECK(failed, s == "ground");
        }
    }
    CASE_CHECK(failed, sum == 10 * 8 * (depth + 1));
    return failed;
}

extern "C" int fail_unhandled(int how)
{
    int numbers[2] = {2, 1};

    switch (how) {
    case 0:
        throw std::runtime_error("secret-what-text"); /* through the generated code, which is C */
    case 1:
        never_throws(throws);
        break;
    case 2:
        at_thread_end.armed = true;
        return 0;
    case 3:
        std::qsort(numbers, 2, sizeof(int), compare); /* through musl, which cannot be unwound */
        break;
    case 4:
        std::terminate();
    case 5:
        throw; /* there is nothing to throw again */
    case 6:
        std::set_terminate(own_handler);
        throw 1;
    case 7:
        return Recursive::make(0);
    default:
        break;
    }
    return -1;
}

#ifdef CM_CXX_REFUSES
namespace
{
struct Refuses {
    Refuses()
    {
        throw std::runtime_error("secret-what-text");
    }
} refuses; /* the enclave cannot be created */
} // namespace
#endif

OE_SET_ENCLAVE_SGX(1, 1, true, 1024, 64, 2);
