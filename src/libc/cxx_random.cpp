/*
 * std::random_device over the enclave's own random bytes, in place of libc++'s, which opens
 * /dev/urandom: an enclave must not take randomness from its host.
 */
#include <cerrno>
#include <random>
#include <system_error>

#include <sys/random.h>
#include <unistd.h>

_LIBCPP_BEGIN_NAMESPACE_STD

/* There is one source, whatever its name. */
random_device::random_device(const string &)
{
}

random_device::~random_device()
{
}

unsigned random_device::operator()()
{
    unsigned value = 0;

    if (getentropy(&value, sizeof(value)) != 0) {
        __throw_system_error(errno, "random_device: no random bytes");
    }
    return value;
}

double random_device::entropy() const _NOEXCEPT
{
    return 32;
}

_LIBCPP_END_NAMESPACE_STD
