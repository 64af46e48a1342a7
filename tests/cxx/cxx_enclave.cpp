/* Ecalls that throw: around ocalls, where all is handled, and where nothing is. And threads. */
#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <exception>
#include <future>
#include <mutex>
#include <new>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

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
        static int value = n < 2 ? make(n + 1) : n; /* needs itself */
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

namespace
{

std::atomic<int> thread_ends;

struct OfThread {
    int value = 0;
    ~OfThread()
    {
        if (value != 0) {
            thread_ends++;
        }
    }
};

thread_local OfThread of_thread;

} // namespace

extern "C" int make_threads(int count)
{
    std::vector<std::thread> threads;
    std::mutex mutex;
    std::condition_variable changed;
    int turn = 0;
    int failed = 0;

    thread_ends = 0;
    for (int i = 0; i < count; i++) {
        threads.emplace_back([&, i] {
            of_thread.value = i + 1;
            std::unique_lock<std::mutex> lock(mutex);
            changed.wait(lock, [&] { return turn == i; });
            turn++;
            changed.notify_all();
        });
    }
    for (std::thread &t : threads) {
        t.join();
    }
    CASE_CHECK(failed, turn == count && thread_ends == count); /* joined: their objects are gone */
    std::future<int> thrown = std::async(
        std::launch::async, []() -> int { throw std::runtime_error("in another thread"); });
    try {
        (void)thrown.get();
        failed++;
    } catch (const std::runtime_error &e) {
        CASE_CHECK(failed, std::string(e.what()) == "in another thread");
    }
    std::promise<int> promise;
    std::future<int> late = promise.get_future();
    std::thread detached([&promise] { promise.set_value_at_thread_exit(7); });
    detached.detach();
    CASE_CHECK(failed, late.get() == 7);
    try { /* more than there are thread control structures */
        threads.clear();
        std::promise<void> go;
        std::shared_future<void> gone = go.get_future().share();
        try {
            for (int i = 0; i < 64; i++) {
                threads.emplace_back([gone] { gone.wait(); });
            }
            failed++;
        } catch (const std::system_error &e) {
            CASE_CHECK(failed, e.code() == std::errc::resource_unavailable_try_again);
        }
        CASE_CHECK(failed, int(threads.size()) >= count);
        go.set_value();
        for (std::thread &t : threads) {
            t.join();
        }
    } catch (...) {
        failed++;
    }
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
    case 8:
        std::thread([] { throw std::logic_error("secret-what-text"); }).join();
        break;
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

OE_SET_ENCLAVE_SGX(1, 1, true, 1024, 64, 6);
