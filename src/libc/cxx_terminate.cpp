/*
 * What happens when a C++ exception has no handler, in place of libc++abi's default handlers. Those
 * print what() of the exception, and the host reads what an enclave prints; here its type is named and
 * nothing that it holds.
 */
#include <cstdio>
#include <cstdlib>
#include <cxxabi.h>
#include <exception>
#include <new>
#include <typeinfo>

namespace
{

[[noreturn]] void say_and_abort()
{
    const std::type_info *type = abi::__cxa_current_exception_type();

    (void)std::fprintf(stderr, "enclave aborted: %s%s\n",
                       type == nullptr ? "std::terminate() was called"
                                       : "no handler for a C++ exception of type ",
                       type == nullptr ? "" : type->name());
    std::abort();
}

} // namespace

extern "C" {

/* libc++abi's own: what std::get_terminate() and its like read */
extern std::terminate_handler __cxa_terminate_handler;
extern std::unexpected_handler __cxa_unexpected_handler;
extern std::new_handler __cxa_new_handler;

std::terminate_handler __cxa_terminate_handler = say_and_abort;
std::unexpected_handler __cxa_unexpected_handler = std::terminate;
std::new_handler __cxa_new_handler = nullptr;
}

namespace std
{

terminate_handler set_terminate(terminate_handler handler) noexcept
{
    return __atomic_exchange_n(&__cxa_terminate_handler,
                               handler == nullptr ? say_and_abort : handler, __ATOMIC_ACQ_REL);
}

unexpected_handler set_unexpected(unexpected_handler handler) noexcept
{
    return __atomic_exchange_n(&__cxa_unexpected_handler, handler == nullptr ? terminate : handler,
                               __ATOMIC_ACQ_REL);
}

new_handler set_new_handler(new_handler handler) noexcept
{
    return __atomic_exchange_n(&__cxa_new_handler, handler, __ATOMIC_ACQ_REL);
}

} // namespace std
