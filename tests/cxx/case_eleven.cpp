/* Compiled as C++11, the oldest that is promised; also the public header in C++. */
#include <openenclave/bits/result.h>

#include <algorithm>
#include <array>
#include <initializer_list>
#include <iostream>
#include <locale>
#include <mutex>
#include <regex>
#include <sstream>
#include <string>
#include <type_traits>
#include <unordered_set>
#include <vector>

#include "cxx_case.h"

static_assert(__cplusplus == 201103L, "this file is compiled as C++11");
static_assert(std::is_same<decltype(OE_OK), oe_result_t>::value, "a C++ user sees the C types");

int cm_cxx_eleven(unsigned thread, unsigned threads)
{
    int failed = 0;
    std::array<int, 3> a = {{3, 1, 2}};
    std::unordered_set<std::string> s = {"one", "two", "two"};
    std::ostringstream out;
    std::once_flag once;
    int calls = 0;

    (void)thread;
    (void)threads;
    std::sort(a.begin(), a.end(), [](int x, int y) { return x > y; });
    for (auto i : a) {
        out << i << ',';
    }
    std::call_once(once, [&calls] { calls++; });
    std::call_once(once, [&calls] { calls++; });
    CASE_CHECK(failed, out.str() == "3,2,1," && s.size() == 2 && calls == 1);
    CASE_CHECK(failed, std::regex_match("abc42", std::regex("[a-c]+\\d{2}")));
    return failed;
}
