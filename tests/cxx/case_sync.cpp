/* Objects of threads, and threads that wait for each other. A thread is an ecall. */
#include <atomic>
#include <barrier>
#include <chrono>
#include <condition_variable>
#include <latch>
#include <mutex>
#include <semaphore>
#include <shared_mutex>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "cxx_case.h"

namespace
{

std::atomic<int> constructed;
std::atomic<int> destroyed;

struct Traced {
    std::string text = "each thread has its own";
    int value = 0;
    Traced()
    {
        constructed++;
    }
    ~Traced();
};

thread_local Traced traced;
thread_local int plain = 41;
thread_local std::string late_name;

Traced::~Traced()
{
    text.clear();
    destroyed++;
    late_name = "an object that a destructor constructs is destroyed as well";
}

/* A constructor before main, and what the end of the enclave destroys. */
struct Global {
    std::vector<int> values;
    Global() : values{1, 2, 3}
    {
    }
    ~Global()
    {
        (void)std::printf("  destroyed with the enclave: %zu\n", values.size());
    }
};
Global global;

/* All threads meet here; one that came early yields. */
void meet(unsigned threads, std::atomic<unsigned> &count)
{
    const unsigned target = (count.fetch_add(1) / threads + 1) * threads;

    while (count.load() < target) {
        std::this_thread::yield();
    }
}

int slow_value(std::atomic<int> &calls)
{
    calls++;
    for (int i = 0; i < 100000; i++) {
        std::atomic_signal_fence(std::memory_order_seq_cst);
    }
    return 99;
}

} // namespace

int cm_cxx_statics(unsigned thread, unsigned threads)
{
    static std::atomic<unsigned> met;
    static std::atomic<int> calls;
    int failed = 0;

    (void)thread;
    CASE_CHECK(failed, global.values.size() == 3);
    meet(threads, met);
    static const int value = slow_value(calls); /* one thread runs it, the others wait */
    CASE_CHECK(failed, value == 99 && calls == 1);
    static int tries;
    for (int i = 0; threads == 1 && i < 3; i++) {
        try {
            static int second = [] {
                if (tries++ < 2) {
                    throw tries;
                }
                return 5;
            }();
            CASE_CHECK(failed, second == 5 && i == 2);
        } catch (int n) {
            CASE_CHECK(failed, n == i + 1);
        }
    }
    return failed;
}

int cm_cxx_thread_local(unsigned thread, unsigned threads)
{
    static std::atomic<unsigned> met;
    int failed = 0;
    const int ended = destroyed;

    CASE_CHECK(failed, plain == 41 && traced.value == 0 && traced.text.size() == 23);
    CASE_CHECK(failed, late_name.empty());
    plain = int(thread);
    traced.value = int(thread) + 100;
    meet(threads, met);
    CASE_CHECK(failed, plain == int(thread) && traced.value == int(thread) + 100);
    CASE_CHECK(failed, constructed >= int(threads));
    CASE_CHECK(failed, ended <= constructed - 1);
    if (threads == 1) { /* called again and again: whoever came before has been destroyed */
        CASE_CHECK(failed, destroyed == constructed - 1);
    }
    return failed;
}

int cm_cxx_locks(unsigned thread, unsigned threads)
{
    static std::mutex mutex;
    static std::shared_mutex shared;
    static std::condition_variable changed;
    static std::recursive_mutex recursive;
    static std::timed_mutex timed;
    static unsigned turn;
    static long counter;
    int failed = 0;

    for (int i = 0; i < 2000; i++) {
        std::lock_guard<std::mutex> lock(mutex);
        counter++;
    }
    for (unsigned round = 0; round < 50; round++) {
        std::unique_lock<std::mutex> lock(mutex);
        changed.wait(lock, [&] { return turn % threads == thread; });
        turn++;
        changed.notify_all();
    }
    {
        std::shared_lock<std::shared_mutex> lock(shared);
        std::scoped_lock both(recursive, timed);
        std::lock_guard<std::recursive_mutex> again(recursive);
        CASE_CHECK(failed, counter >= 2000);
    }
    {
        std::unique_lock<std::mutex> lock(mutex);
        CASE_CHECK(failed,
                   !changed.wait_for(lock, std::chrono::milliseconds(5), [] { return false; }));
    }
    try { /* a thread of the enclave's own, if the runtime can make one; else a clear answer */
        int done = 0;
        std::thread t([&] { done = 1; });
        t.join();
        CASE_CHECK(failed, done == 1);
    } catch (const std::system_error &e) {
        CASE_CHECK(failed, e.code().value() == ENOSYS || e.code().value() == EAGAIN);
    }
    return failed;
}

int cm_cxx_atomics(unsigned thread, unsigned threads)
{
    static std::atomic<unsigned> turn;
    static std::atomic<unsigned char> small;
    static std::latch begun(std::ptrdiff_t{threads});
    static std::barrier<> round(std::ptrdiff_t{threads});
    static std::counting_semaphore<4> semaphore(2);
    static std::atomic<int> inside;
    int failed = 0;

    begun.arrive_and_wait();
    for (unsigned i = 0; i < 50; i++) {
        unsigned seen = turn.load();

        while (seen % threads != thread) {
            turn.wait(seen);
            seen = turn.load();
        }
        turn.store(seen + 1);
        turn.notify_all();
    }
    if (thread == 0) {
        small = 1;
        small.notify_all();
    } else {
        small.wait(0);
    }
    CASE_CHECK(failed, small == 1);
    for (int i = 0; i < 20; i++) {
        round.arrive_and_wait();
        semaphore.acquire();
        CASE_CHECK(failed, inside.fetch_add(1) < 2);
        inside--;
        semaphore.release();
    }
    return failed;
}
