/* The library itself: containers, algorithms, streams, locales, regular expressions. */
#include <algorithm>
#include <any>
#include <bitset>
#include <cctype>
#include <charconv>
#include <chrono>
#include <cmath>
#include <complex>
#include <cstring>
#include <deque>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iomanip>
#include <iostream>
#include <iterator>
#include <list>
#include <locale>
#include <map>
#include <memory>
#include <numeric>
#include <optional>
#include <queue>
#include <random>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <system_error>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <valarray>
#include <variant>
#include <vector>

#include "cxx_case.h"

namespace
{

template <class T> struct Shared {
    static inline T value{}; /* gcc makes such a symbol unique in a process, unless told not to */
};

int containers()
{
    int failed = 0;
    std::vector<int> v(10000);
    std::map<std::string, int> m;
    std::unordered_map<int, std::string> um;
    std::set<std::pair<int, int>> s;
    std::priority_queue<int> q;
    std::deque<int> d;
    std::list<int> l{3, 1, 2};

    std::iota(v.begin(), v.end(), 0);
    std::shuffle(v.begin(), v.end(), std::mt19937(42));
    CASE_CHECK(failed, !std::is_sorted(v.begin(), v.end()));
    std::stable_sort(v.begin(), v.end());
    CASE_CHECK(failed, std::is_sorted(v.begin(), v.end()) && v[9999] == 9999);
    for (int i : v) {
        m[std::to_string(i)] = i;
        um.emplace(i, std::to_string(i));
        s.emplace(i % 10, i);
        q.push(i);
        d.push_front(i);
    }
    CASE_CHECK(failed, m.size() == 10000 && m.at("777") == 777 && m.begin()->first == "0");
    CASE_CHECK(failed, um.size() == 10000 && um[4321] == "4321");
    CASE_CHECK(failed, std::distance(s.lower_bound({3, 0}), s.lower_bound({4, 0})) == 1000);
    CASE_CHECK(failed, q.top() == 9999 && d.front() == 9999 && d.back() == 0);
    l.sort();
    CASE_CHECK(failed, l.front() == 1 && l.back() == 3);
    CASE_CHECK(failed, std::accumulate(v.begin(), v.end(), 0LL) == 49995000);
    Shared<int>::value = 3;
    CASE_CHECK(failed, Shared<int>::value == 3 && Shared<long>::value == 0);
    return failed;
}

int vocabulary()
{
    int failed = 0;
    std::variant<int, std::string> v = std::string("text");
    std::optional<double> none;
    std::any a = 12;
    auto p = std::make_shared<std::string>("shared");
    std::weak_ptr<std::string> w = p;
    char text[32];

    CASE_CHECK(failed, std::get<std::string>(v) == "text" && v.index() == 1);
    CASE_CHECK(failed, !none.has_value() && none.value_or(2.5) == 2.5);
    CASE_CHECK(failed, std::any_cast<int>(a) == 12);
    CASE_CHECK(failed, w.lock()->size() == 6);
    CASE_CHECK(failed, p.use_count() == 1);
    p.reset();
    CASE_CHECK(failed, w.expired());
    auto end = std::to_chars(text, text + sizeof(text), 0.1);
    CASE_CHECK(failed, std::string_view(text, size_t(end.ptr - text)) == "0.1");
    int number = 0;
    std::string_view digits = "-123x";
    CASE_CHECK(failed, *std::from_chars(digits.begin(), digits.end(), number).ptr == 'x');
    CASE_CHECK(failed, number == -123);
    CASE_CHECK(failed, std::abs(std::exp(std::complex<double>(0, M_PI)) + 1.0) < 1e-12);
    CASE_CHECK(failed, std::bitset<70>("1011").to_ulong() == 11);
    CASE_CHECK(failed, std::valarray<int>({1, 2, 3}).sum() == 6);
    CASE_CHECK(failed, std::apply([](int x, int y) { return x * y; }, std::tuple(6, 7)) == 42);
    CASE_CHECK(failed, std::isnan(std::sqrt(-1.0)) && std::hypot(3.0, 4.0) == 5.0);
    CASE_CHECK(failed, std::error_code(ENOENT, std::generic_category()).message().size() > 4);
    return failed;
}

std::tm some_day()
{
    std::tm t{};

    t.tm_year = 124;
    t.tm_mon = 1;
    t.tm_mday = 29;
    t.tm_hour = 13;
    return t;
}

} // namespace

int cm_cxx_library(unsigned thread, unsigned threads)
{
    (void)thread;
    (void)threads;
    return containers() + vocabulary();
}

int cm_cxx_iostream(unsigned thread, unsigned threads)
{
    int failed = 0;
    std::ostringstream out;
    std::istringstream in("17 2.5 word 0x1f\nline two");
    int a = 0;
    double d = 0;
    std::string word;
    unsigned hex = 0;
    const std::tm day = some_day();

    (void)thread;
    (void)threads;
    out << std::hex << 255 << ' ' << std::dec << std::setprecision(4) << 3.14159 << ' '
        << std::boolalpha << true << ' ' << std::setw(6) << std::setfill('.') << 42 << ' '
        << std::scientific << 12345.678 << ' ' << std::put_time(&day, "%Y-%m-%d %A") << ' '
        << std::quoted("q");
    CASE_CHECK(failed, out.str() == "ff 3.142 true ....42 1.2346e+04 2024-02-29 Sunday \"q\"");
    in >> a >> d >> word >> std::hex >> hex;
    CASE_CHECK(failed, a == 17 && d == 2.5 && word == "word" && hex == 0x1f);
    in.ignore();
    std::getline(in, word);
    CASE_CHECK(failed, word == "line two" && in.eof());
    CASE_CHECK(failed, !(in >> a) && in.fail());
    std::tm parsed{};
    std::istringstream date("2031-12-24");
    date >> std::get_time(&parsed, "%Y-%m-%d");
    CASE_CHECK(failed, parsed.tm_year == 131 && parsed.tm_mon == 11 && parsed.tm_mday == 24);
    in.clear();
    in.exceptions(std::ios::badbit | std::ios::failbit);
    try {
        in >> a;
        failed++;
    } catch (const std::ios_base::failure &) {
    }
    std::wostringstream wide;
    wide << L"w" << 12 << std::setw(4) << 3.5;
    CASE_CHECK(failed, wide.str() == L"w12 3.5");
    std::cout << "  streamed to the host: " << 12.5 << std::endl;
    std::cerr << "  and to its stderr\n";
    std::cout << "  no newline"; /* shown when the enclave is destroyed, not lost */
    CASE_CHECK(failed, std::cout.good() && std::cerr.good());
    return failed;
}

int cm_cxx_locale(unsigned thread, unsigned threads)
{
    int failed = 0;
    const std::locale c = std::locale::classic();
    const auto &narrow = std::use_facet<std::ctype<char>>(c);
    const auto &wide = std::use_facet<std::ctype<wchar_t>>(c);
    const std::pair<std::ctype_base::mask, int (*)(int)> classes[] = {
        {std::ctype_base::alpha, isalpha},   {std::ctype_base::digit, isdigit},
        {std::ctype_base::space, isspace},   {std::ctype_base::punct, ispunct},
        {std::ctype_base::upper, isupper},   {std::ctype_base::lower, islower},
        {std::ctype_base::cntrl, iscntrl},   {std::ctype_base::print, isprint},
        {std::ctype_base::xdigit, isxdigit}, {std::ctype_base::alnum, isalnum},
        {std::ctype_base::graph, isgraph},   {std::ctype_base::blank, isblank}};

    (void)thread;
    (void)threads;
    for (int i = 0; i < 256; i++) {
        const char ch = static_cast<char>(i);

        for (const auto &[mask, is] : classes) {
            CASE_CHECK(failed, narrow.is(mask, ch) == (is(i) != 0));
            CASE_CHECK(failed, i > 127 || wide.is(mask, wchar_t(i)) == (is(i) != 0));
        }
        CASE_CHECK(failed, narrow.toupper(ch) == static_cast<char>(std::toupper(i)));
        CASE_CHECK(failed, narrow.tolower(ch) == static_cast<char>(std::tolower(i)));
    }
    CASE_CHECK(failed, std::use_facet<std::numpunct<char>>(c).decimal_point() == '.');
    const char order[] = {'a', 'b'};
    CASE_CHECK(failed, std::use_facet<std::collate<char>>(c).compare(&order[0], &order[1],
                                                                     &order[1], order + 2) < 0);
    CASE_CHECK(failed, std::isalpha('x', c) && std::toupper(L'x', c) == L'X');
    for (int i = 0; i < 3; i++) {
        const std::locale named("C.UTF-8"); /* made and freed */

        CASE_CHECK(failed, std::has_facet<std::ctype<char>>(named) && named.name() == "C.UTF-8");
        CASE_CHECK(failed, std::locale("C") == std::locale::classic());
    }
    struct Dots : std::numpunct<char> {
        char do_thousands_sep() const override
        {
            return '.';
        }
        std::string do_grouping() const override
        {
            return "\3";
        }
    };
    std::ostringstream out;
    out.imbue(std::locale(c, new Dots));
    out << 1234567;
    CASE_CHECK(failed, out.str() == "1.234.567");
    return failed;
}

int cm_cxx_regex(unsigned thread, unsigned threads)
{
    int failed = 0;
    const std::string text = "  hello 123, World_9 x@y.org ";
    std::smatch m;

    (void)thread;
    (void)threads;
    CASE_CHECK(failed, std::regex_search(text, m, std::regex("([a-z]+)\\s+(\\d+)")));
    CASE_CHECK(failed, m.size() == 3 && m[1] == "hello" && m[2] == "123");
    CASE_CHECK(failed,
               std::regex_search(text, m, std::regex("\\bworld_\\w\\b", std::regex::icase)));
    CASE_CHECK(failed, m.str() == "World_9" && m.position() == 13);
    CASE_CHECK(failed,
               std::regex_match("x@y.org", std::regex("[[:alnum:]]+@[^[:space:].]+\\.org")));
    CASE_CHECK(failed, !std::regex_match("x y", std::regex("\\S+")));
    CASE_CHECK(failed, std::regex_replace(text, std::regex("[[:punct:]]"), "#") ==
                           "  hello 123# World#9 x#y#org ");
    const std::regex words("\\w+");
    CASE_CHECK(failed,
               std::distance(std::sregex_iterator(text.begin(), text.end(), words), {}) == 6);
    CASE_CHECK(failed, std::regex_match(L"wide 7", std::wregex(L"[[:lower:]]+ \\d")));
    CASE_CHECK(failed, std::regex_match("aXbXc", std::regex("a(X)b\\1c")));
    CASE_CHECK(failed, std::regex_match(
                           "ab12", std::regex("[[:alpha:]]*[[:digit:]]*", std::regex::extended)));
    try {
        std::regex bad("(unclosed");
        failed++;
    } catch (const std::regex_error &e) {
        CASE_CHECK(failed, e.code() == std::regex_constants::error_paren);
    }
    return failed;
}

int cm_cxx_random(unsigned thread, unsigned threads)
{
    int failed = 0;
    std::random_device device("any name");
    std::set<unsigned> seen;
    std::mt19937 twister;

    (void)thread;
    (void)threads;
    for (int i = 0; i < 1000; i++) {
        seen.insert(device());
    }
    CASE_CHECK(failed, seen.size() > 990 && device.entropy() == 32);
    twister.discard(9999);
    CASE_CHECK(failed, twister() == 4123659995u); /* the standard's own number */
    return failed;
}

/* What needs a host that is not there fails like a call that fails, and says how. */
int cm_cxx_host(unsigned thread, unsigned threads)
{
    int failed = 0;
    namespace fs = std::filesystem;
    using namespace std::chrono;
    std::error_code error;

    (void)thread;
    (void)threads;
    CASE_CHECK(failed, fs::path("/a/b/../c.txt").lexically_normal() == "/a/c.txt");
    CASE_CHECK(failed, fs::path("/a/c.txt").extension() == ".txt");
    CASE_CHECK(failed, !fs::exists("/etc/passwd", error) && error);
    try {
        (void)fs::space("/");
        failed++;
    } catch (const fs::filesystem_error &e) {
        CASE_CHECK(failed, e.code().value() == ENOSYS);
    }
    std::ifstream file("/etc/passwd");
    CASE_CHECK(failed, !file.is_open() && !file.good());
    const auto begin = steady_clock::now();
    CASE_CHECK(failed, system_clock::now() > system_clock::from_time_t(1600000000));
    CASE_CHECK(failed, steady_clock::now() >= begin);
    return failed;
}
