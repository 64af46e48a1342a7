/* Exceptions, run-time types and memory that runs out. */
#include <cstring>
#include <exception>
#include <functional>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <typeinfo>
#include <vector>

#include "cxx_case.h"

namespace
{

struct Count {
    int &n;
    explicit Count(int &counter) : n(counter)
    {
    }
    ~Count()
    {
        n++;
    }
};

__attribute__((noinline)) int deep(int depth, int &unwound)
{
    Count count(unwound);

    if (depth == 0) {
        throw std::runtime_error("from the bottom");
    }
    return deep(depth - 1, unwound) + 1;
}

struct Member {
    int &destroyed;
    ~Member()
    {
        destroyed++;
    }
};

struct Refusing {
    Member first;
    std::string text;
    explicit Refusing(int &destroyed) : first{destroyed}, text(100, 'x')
    {
        throw std::invalid_argument(text);
    }
    ~Refusing()
    {
        first.destroyed += 100; /* never constructed, so never destroyed */
    }
};

struct Odd {
    int value;
    Odd(const Odd &other) : value(other.value + 1)
    {
    }
    explicit Odd(int v) : value(v)
    {
    }
};

int thrown_through_frames()
{
    int failed = 0;
    int unwound = 0;

    try {
        (void)deep(20, unwound);
        failed++;
    } catch (const std::exception &e) {
        CASE_CHECK(failed, std::strcmp(e.what(), "from the bottom") == 0);
        CASE_CHECK(failed, typeid(e) == typeid(std::runtime_error));
    }
    CASE_CHECK(failed, unwound == 21);
    return failed;
}

int nested_and_rethrown()
{
    int failed = 0;
    std::exception_ptr kept;
    std::string told;

    try {
        try {
            throw 5;
        } catch (...) {
            try {
                throw std::string("inner");
            } catch (const std::string &s) {
                told = s;
            }
            kept = std::current_exception();
            throw;
        }
    } catch (int i) {
        CASE_CHECK(failed, i == 5);
    }
    CASE_CHECK(failed, told == "inner");
    try {
        std::rethrow_exception(kept);
    } catch (int i) {
        CASE_CHECK(failed, i == 5);
    }
    try {
        try {
            throw std::out_of_range("cause");
        } catch (...) {
            std::throw_with_nested(std::logic_error("effect"));
        }
    } catch (const std::logic_error &e) {
        CASE_CHECK(failed, std::strcmp(e.what(), "effect") == 0);
        try {
            std::rethrow_if_nested(e);
            failed++;
        } catch (const std::out_of_range &cause) {
            CASE_CHECK(failed, std::strcmp(cause.what(), "cause") == 0);
        }
    }
    CASE_CHECK(failed, std::uncaught_exceptions() == 0 && std::current_exception() == nullptr);
    return failed;
}

int from_constructors()
{
    int failed = 0;
    int destroyed = 0;

    try {
        auto refused = std::make_unique<Refusing>(destroyed);
        failed++;
    } catch (const std::invalid_argument &e) {
        CASE_CHECK(failed, std::strlen(e.what()) == 100);
    }
    CASE_CHECK(failed, destroyed == 1);
    try {
        throw Odd(1);
    } catch (Odd o) {
        CASE_CHECK(failed, o.value >= 2);
    }
    return failed;
}

struct Base {
    virtual ~Base() = default;
    virtual int id() const
    {
        return 1;
    }
};
struct Left : virtual Base {
    int id() const override
    {
        return 2;
    }
};
struct Right : virtual Base {
    int right = 7;
};
struct Both : Left, Right {
    int id() const override
    {
        return 4;
    }
};

} // namespace

int cm_cxx_exceptions(unsigned thread, unsigned threads)
{
    int failed = thrown_through_frames() + nested_and_rethrown() + from_constructors();

    (void)thread;
    (void)threads;
    for (int i = 0; i < 1000; i++) { /* many, and in several threads at once */
        int unwound = 0;

        try {
            (void)deep(i % 13, unwound);
        } catch (const std::runtime_error &) {
            unwound += 1000;
        }
        CASE_CHECK(failed, unwound == 1000 + i % 13 + 1);
    }
    try {
        std::vector<int> v(3);
        v.at(5) = 1;
        failed++;
    } catch (const std::out_of_range &) {
    }
    try {
        std::function<int()> empty;
        (void)empty();
        failed++;
    } catch (const std::bad_function_call &) {
    }
    try {
        (void)std::stoi("no number");
        failed++;
    } catch (const std::invalid_argument &) {
    }
    return failed;
}

int cm_cxx_types(unsigned thread, unsigned threads)
{
    int failed = 0;
    Both both;
    Base *base = &both;
    Base plain;
    Base *volatile hidden = &plain; /* the compiler must not know what it is */

    (void)thread;
    (void)threads;
    CASE_CHECK(failed, base->id() == 4 && dynamic_cast<Left *>(base)->id() == 4);
    CASE_CHECK(failed, dynamic_cast<Right *>(dynamic_cast<Left *>(base))->right == 7);
    CASE_CHECK(failed, dynamic_cast<void *>(base) == &both);
    CASE_CHECK(failed, dynamic_cast<Left *>(hidden) == nullptr);
    CASE_CHECK(failed, typeid(*base) == typeid(Both) && typeid(*base) != typeid(Left));
    CASE_CHECK(failed, typeid(*base).hash_code() == typeid(Both).hash_code());
    try {
        (void)dynamic_cast<Both &>(*hidden);
        failed++;
    } catch (const std::bad_cast &) {
    }
    try {
        hidden = nullptr;
        Base *none = hidden;
        (void)typeid(*none).name();
        failed++;
    } catch (const std::bad_typeid &) {
    }
    return failed;
}

/* Containers that grow until there is no memory, and all of it back afterwards. */
int cm_cxx_memory(unsigned thread, unsigned threads)
{
    int failed = 0;
    size_t total[2] = {0, 0};
    struct alignas(256) Wide {
        char bytes[300];
    };
    std::vector<Wide> wide(17);

    (void)thread;
    (void)threads;
    CASE_CHECK(failed, reinterpret_cast<uintptr_t>(wide.data()) % 256 == 0);
    try {
        std::string s;
        s.resize(size_t(-1));
        failed++;
    } catch (const std::length_error &) {
    }
    try {
        volatile int negative = -1;
        int *volatile array = new int[size_t(negative)];
        delete[] array;
        failed++;
    } catch (const std::bad_array_new_length &) {
    } catch (const std::bad_alloc &) {
    }
    for (int round = 0; round < 2; round++) {
        std::vector<std::unique_ptr<std::string>> held;

        try {
            for (;;) {
                held.push_back(std::make_unique<std::string>(size_t(256) << 10, 'm'));
            }
        } catch (const std::bad_alloc &) {
            total[round] = held.size();
        }
        CASE_CHECK(failed, total[round] > 16);
        CASE_CHECK(failed, held.back()->back() == 'm');
        char *volatile huge = new (std::nothrow) char[size_t(1) << 40];
        CASE_CHECK(failed, huge == nullptr);
    }
    CASE_CHECK(failed, total[1] + 2 >= total[0]);
    return failed;
}
