/* Times; see timefmt.h. */
#include "evidence/timefmt.h"

static bool leap(uint64_t y)
{
    return (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
}

static uint64_t month_days(uint64_t y, uint64_t m)
{
    static const uint8_t days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    return m == 2 && leap(y) ? 29 : days[m - 1];
}

uint64_t cm_days_from_date(uint64_t year, uint64_t month, uint64_t day)
{
    uint64_t before = year - 1; /* complete years of the calendar */
    uint64_t days = before * 365 + before / 4 - before / 100 + before / 400;

    for (uint64_t m = 1; m < month; m++) {
        days += month_days(year, m);
    }
    return days + day - 1 - 719162; /* days from 0001-01-01 to 1970-01-01 */
}

static bool digits(const uint8_t *p, size_t n, uint64_t *out)
{
    *out = 0;
    for (size_t i = 0; i < n; i++) {
        if (p[i] < '0' || p[i] > '9') {
            return false;
        }
        *out = *out * 10 + (uint64_t)(p[i] - '0');
    }
    return true;
}

enum cm_status cm_time_parse(struct cm_json_value text, uint64_t *out)
{
    struct cm_span s = {NULL, 0};
    uint64_t year = 0;
    uint64_t month = 0;
    uint64_t day = 0;
    uint64_t hour = 0;
    uint64_t minute = 0;
    uint64_t second = 0;

    if (cm_json_plain(text, &s) != CM_OK || s.len != 20) {
        return CM_ERR_FORMAT;
    }
    if (!digits(s.ptr, 4, &year) || s.ptr[4] != '-' || !digits(s.ptr + 5, 2, &month) ||
        s.ptr[7] != '-' || !digits(s.ptr + 8, 2, &day) || s.ptr[10] != 'T' ||
        !digits(s.ptr + 11, 2, &hour) || s.ptr[13] != ':' || !digits(s.ptr + 14, 2, &minute) ||
        s.ptr[16] != ':' || !digits(s.ptr + 17, 2, &second) || s.ptr[19] != 'Z') {
        return CM_ERR_FORMAT;
    }
    if (year < 1970 || month < 1 || month > 12 || day < 1 || day > month_days(year, month) ||
        hour > 23 || minute > 59 || second > 59) {
        return CM_ERR_FORMAT;
    }
    *out = ((cm_days_from_date(year, month, day) * 24 + hour) * 60 + minute) * 60 + second;
    return CM_OK;
}
