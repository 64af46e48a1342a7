/*
 * The enclave. Each call is a thread of its own, so the rules have a lock; each exception ends at the
 * boundary. Lines have a limit: std::regex needs stack for each character, and the line is the host's.
 */
#include "redact_t.h"

#include <cstring>
#include <iterator>
#include <mutex>
#include <new>
#include <regex>
#include <string>
#include <vector>

namespace
{

constexpr std::size_t longest_line = 256;

struct Rule {
    std::string mark;
    std::regex pattern;
};

std::mutex rules_lock;
std::vector<Rule> rules;

std::string without(const std::string &line, const Rule &rule, uint32_t &removed)
{
    const std::sregex_iterator first(line.begin(), line.end(), rule.pattern);

    removed += static_cast<uint32_t>(std::distance(first, std::sregex_iterator()));
    return std::regex_replace(line, rule.pattern, rule.mark);
}

/* Runs work, and makes an answer of whatever it throws. */
template <class Work> redact_result answer(Work work)
{
    try {
        return work();
    } catch (const std::regex_error &e) {
        (void)redact_log(e.what());
        return REDACT_BAD_RULE;
    } catch (const std::bad_alloc &) {
        return REDACT_NO_MEMORY;
    }
}

} // namespace

redact_result redact_rule(const char *name, const char *pattern)
{
    return answer([&] {
        if (name == nullptr || pattern == nullptr) {
            return REDACT_BAD_RULE;
        }
        Rule rule{"<" + std::string(name) + ">", std::regex(pattern, std::regex::icase)};
        const std::lock_guard<std::mutex> lock(rules_lock);

        rules.push_back(std::move(rule));
        return REDACT_OK;
    });
}

redact_result redact_line(const char *line, char *clean, size_t size, uint32_t *removed)
{
    return answer([&] {
        if (line == nullptr || clean == nullptr || removed == nullptr ||
            std::strlen(line) > longest_line) {
            return REDACT_TOO_LONG;
        }
        std::string text(line);
        const std::lock_guard<std::mutex> lock(rules_lock);

        for (const Rule &rule : rules) {
            text = without(text, rule, *removed);
        }
        if (text.size() >= size) {
            return REDACT_TOO_LONG;
        }
        std::memcpy(clean, text.c_str(), text.size() + 1);
        return REDACT_OK;
    });
}

/* heap 1 MiB, stack 512 KiB in pages of 4 KiB, two threads */
OE_SET_ENCLAVE_SGX(1, 1, true, 256, 128, 2);
