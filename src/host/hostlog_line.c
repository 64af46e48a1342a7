/*
 * Lines of the host's log; see hostlog_line.h. The format is the user's, the message anybody's; the
 * format is filled in here and not by printf(), which would believe whatever it says.
 */
#include "host/hostlog_line.h"

#include <stdio.h>
#include <string.h>

#include "common/writer.h"

enum { TM_YEAR = 1900 }; /* of struct tm */
enum { FIELDS = 9, TIME_MAX = 80, WIDTH_MAX = 99 };

static bool is_plain(unsigned char c)
{
    return c >= 0x20 && c <= 0x7e;
}

/* One byte, escaped. Returns how many characters that took, at most 6. */
static size_t escape_byte(enum cm_log_escape how, unsigned char c, char out[8])
{
    static const char names[] = "btn?fr"; /* 0x08 to 0x0d; 0x0b has no name */

    if (how == CM_LOG_ESCAPE_TEXT) {
        return is_plain(c) ? (size_t)snprintf(out, 8, "%c", c)
                           : (size_t)snprintf(out, 8, "\\x%02x", c);
    }
    if (c == '"' || c == '\\') {
        return (size_t)snprintf(out, 8, "\\%c", c);
    }
    if (c >= '\b' && c <= '\r' && c != '\v') {
        return (size_t)snprintf(out, 8, "\\%c", names[c - '\b']);
    }
    return is_plain(c) ? (size_t)snprintf(out, 8, "%c", c)
                       : (size_t)snprintf(out, 8, "\\u00%02x", c);
}

void cm_log_escape(enum cm_log_escape how, const char *text, char out[CM_LOG_SAFE_MAX])
{
    size_t len = strnlen(text, CM_LOG_TEXT_MAX);
    size_t used = 0;

    while (len != 0 && text[len - 1] == '\n') {
        len--;
    }
    for (size_t i = 0; i < len; i++) {
        char piece[8];
        const size_t n = escape_byte(how, (unsigned char)text[i], piece);

        memcpy(out + used, piece, n);
        used += n;
    }
    out[used] = '\0';
}

/* One "%..." of a format. */
struct conversion {
    bool zero;
    int width;
    char kind; /* s, d, x, X; '%' is a percent sign; 0: no conversion that there is */
};

/* Reads the conversion behind a percent sign; returns where it ends. */
static const char *read_conversion(const char *p, struct conversion *c)
{
    *c = (struct conversion){*p == '0', 0, 0};
    if (*p == '%') {
        c->kind = '%';
        return p + 1;
    }
    while (*p >= '0' && *p <= '9' && c->width <= WIDTH_MAX) {
        c->width = c->width * 10 + (*p++ - '0');
    }
    while (*p == 'l' || *p == 'h' || *p == 'z' || *p == 'j') {
        p++;
    }
    if (c->width > WIDTH_MAX || *p == '\0') {
        return p;
    }
    switch (*p) {
    case 'd':
    case 'i':
    case 'u':
        c->kind = 'd';
        break;
    case 's':
    case 'x':
    case 'X':
        c->kind = *p;
        break;
    default:
        break;
    }
    return p + 1;
}

/* Whether the field of that number is a number: microseconds and thread are. */
static bool is_number(int field)
{
    return field == 1 || field == 4;
}

/* The fields that a format takes; -1: it is none. */
static int count_fields(const char *format)
{
    int field = 0;

    for (const char *p = format; *p != '\0';) {
        struct conversion c;

        if (*p++ != '%') {
            continue;
        }
        p = read_conversion(p, &c);
        if (c.kind == '%') {
            continue;
        }
        if (c.kind == 0 || field == FIELDS || (c.kind == 's') == is_number(field)) {
            return -1;
        }
        field++;
    }
    return field;
}

bool cm_log_format_good(const char *format)
{
    const size_t len = strlen(format);

    return len != 0 && len <= 1024 && format[len - 1] == '\n' && count_fields(format) >= 0;
}

/* The parts of a message "text [file:function:line]"; where it is not like that, all is text, and
 * also where nobody wants the parts. */
static void split(const char *message, bool wanted, struct cm_span parts[4])
{
    const size_t len = strlen(message);
    const char *open = wanted && len != 0 && message[len - 1] == ']' ? strrchr(message, '[') : NULL;
    const char *line = NULL;
    const char *function = NULL;
    size_t text = len;

    memset(parts, 0, 4 * sizeof(parts[0]));
    for (const char *p = open; p != NULL && *p != '\0'; p++) {
        if (*p == ':') {
            function = line;
            line = p + 1;
        }
    }
    if (function != NULL) {
        const char *file = open + 1;

        text = (size_t)(open - message);
        parts[1] = (struct cm_span){(const uint8_t *)file, (size_t)(function - 1 - file)};
        parts[2] = (struct cm_span){(const uint8_t *)function, (size_t)(line - 1 - function)};
        parts[3] = (struct cm_span){(const uint8_t *)line, (size_t)(message + len - 1 - line)};
    }
    parts[0] = (struct cm_span){(const uint8_t *)message, text};
}

static void put(struct cm_wr *w, const char *text, size_t len)
{
    const size_t room = w->cap - w->used;

    cm_wr_bytes(w, text, len < room ? len : room);
}

static void put_number(struct cm_wr *w, const struct conversion *c, uint64_t value)
{
    char digits[WIDTH_MAX + 24];
    const unsigned long long v = value;
    int n;

    if (c->kind == 'x') {
        n = c->zero ? snprintf(digits, sizeof(digits), "%0*llx", c->width, v)
                    : snprintf(digits, sizeof(digits), "%*llx", c->width, v);
    } else if (c->kind == 'X') {
        n = c->zero ? snprintf(digits, sizeof(digits), "%0*llX", c->width, v)
                    : snprintf(digits, sizeof(digits), "%*llX", c->width, v);
    } else {
        n = c->zero ? snprintf(digits, sizeof(digits), "%0*llu", c->width, v)
                    : snprintf(digits, sizeof(digits), "%*llu", c->width, v);
    }
    put(w, digits, n < 0 ? 0 : (size_t)n);
}

static void put_text(struct cm_wr *w, const struct conversion *c, struct cm_span text)
{
    for (size_t i = text.len; i < (size_t)c->width; i++) {
        put(w, " ", 1);
    }
    if (text.len != 0) {
        put(w, (const char *)text.ptr, text.len);
    }
}

static struct cm_span span_of(const char *text)
{
    return (struct cm_span){(const uint8_t *)text, strlen(text)};
}

static bool is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

void cm_log_utc(time_t at, struct tm *out)
{
    enum { DAY = 86400, CYCLE_DAYS = 146097, CYCLE_YEARS = 400, CYCLES_MOST = 1000, THURSDAY = 4 };
    static const int lengths[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const int64_t days = at < 0 ? 0 : at / DAY;
    const int64_t cycles = days / CYCLE_DAYS < CYCLES_MOST ? days / CYCLE_DAYS : CYCLES_MOST;
    const int second = at < 0 ? 0 : (int)(at % DAY);
    int left = (int)(days % CYCLE_DAYS);
    int year = 1970 + (int)cycles * CYCLE_YEARS;
    int month = 0;

    memset(out, 0, sizeof(*out));
    for (; left >= 365 + is_leap(year); year++) {
        left -= 365 + is_leap(year);
    }
    out->tm_yday = left;
    for (; left >= lengths[month] + (month == 1 && is_leap(year)); month++) {
        left -= lengths[month] + (month == 1 && is_leap(year));
    }
    out->tm_year = year - TM_YEAR;
    out->tm_mon = month;
    out->tm_mday = left + 1;
    out->tm_wday = (int)((days + THURSDAY) % 7);
    out->tm_hour = second / 3600;
    out->tm_min = second / 60 % 60;
    out->tm_sec = second % 60;
    out->tm_zone = "GMT";
}

size_t cm_log_line(const char *format, const struct cm_log_entry *entry, char out[CM_LOG_LINE_MAX])
{
    struct cm_wr w = cm_wr_init(out, CM_LOG_LINE_MAX - 1);
    struct cm_span texts[FIELDS] = {{NULL, 0}};
    char when[TIME_MAX] = "";
    int field = 0;

    (void)snprintf(when, sizeof(when), "%04d-%02d-%02dT%02d:%02d:%02d",
                   entry->when.tm_year + TM_YEAR, entry->when.tm_mon + 1, entry->when.tm_mday,
                   entry->when.tm_hour, entry->when.tm_min, entry->when.tm_sec);
    texts[0] = span_of(when);
    texts[2] = span_of(entry->is_enclave ? "E" : "H");
    texts[3] = span_of(oe_log_level_strings[entry->level]);
    split(entry->message, count_fields(format) > 6, texts + 5);
    for (const char *p = format; *p != '\0';) {
        const char *from = p;
        struct conversion c;

        p = strchrnul(p, '%');
        put(&w, from, (size_t)(p - from));
        if (*p == '\0') {
            break;
        }
        p = read_conversion(p + 1, &c);
        if (c.kind == '%') {
            put(&w, "%", 1);
        } else if (field < FIELDS && is_number(field)) {
            put_number(&w, &c, field == 1 ? (uint64_t)entry->usecs : entry->thread);
            field++;
        } else if (field < FIELDS) {
            put_text(&w, &c, texts[field++]);
        }
    }
    if (w.used == 0 || out[w.used - 1] != '\n') {
        out[w.used++] = '\n';
    }
    return w.used;
}
