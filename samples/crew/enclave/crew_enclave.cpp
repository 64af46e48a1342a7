/* C++ threads inside: std::thread, a mutex, and what each thread has for itself. */
#include <openenclave/enclave.h>

#include <iostream>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#include "crew_t.h"

namespace
{
std::mutex lock; /* over the total and the console */

/* What a thread has done; it says so when it ends. */
struct Share {
    std::uint64_t sum = 0;
    std::uint32_t numbers = 0;
    Share() = default;
    Share(const Share &) = delete;
    Share &operator=(const Share &) = delete;
    ~Share()
    {
        if (numbers != 0) {
            const std::lock_guard<std::mutex> guard(lock);
            std::cout << "a thread summed " << numbers << " squares" << std::endl;
        }
    }
};
thread_local Share share;

void work(std::uint32_t first, std::uint32_t step, std::uint32_t count, std::uint64_t &total)
{
    for (std::uint32_t i = first; i <= count; i += step) {
        share.sum += static_cast<std::uint64_t>(i) * i;
        share.numbers++;
    }
    const std::lock_guard<std::mutex> guard(lock);
    total += share.sum;
}
} // namespace

crew_result crew_sum(std::uint32_t count, std::uint32_t threads, std::uint64_t *sum)
{
    std::vector<std::thread> crew;
    crew_result result = CREW_OK;

    *sum = 0;
    try {
        for (std::uint32_t i = 0; i < threads; i++) {
            crew.emplace_back(work, i + 1, threads, count, std::ref(*sum));
        }
    } catch (const std::system_error &) {
        result = CREW_NO_THREAD; /* no TCS is free, or the host lends none */
    }
    for (std::thread &t : crew) {
        t.join();
    }
    return result;
}

OE_SET_ENCLAVE_SGX(1, 1, 1, 512, 64, 4);
