/* Times; see timefmt.h. */
#include "evidence/timefmt.h"

#include <stdio.h>

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

/* year, month, day, hour, minute, second */
static enum cm_status seconds(const uint64_t f[6], uint64_t *out)
{
    if (f[0] < 1970 || f[1] < 1 || f[1] > 12 || f[2] < 1 || f[2] > month_days(f[0], f[1]) ||
        f[3] > 23 || f[4] > 59 || f[5] > 59) {
        return CM_ERR_FORMAT;
    }
    *out = ((cm_days_from_date(f[0], f[1], f[2]) * 24 + f[3]) * 60 + f[4]) * 60 + f[5];
    return CM_OK;
}

enum cm_status cm_time_parse(struct cm_span s, uint64_t *out)
{
    uint64_t f[6] = {0};

    if (s.len != 20 || !digits(s.ptr, 4, &f[0]) || s.ptr[4] != '-' ||
        !digits(s.ptr + 5, 2, &f[1]) || s.ptr[7] != '-' || !digits(s.ptr + 8, 2, &f[2]) ||
        s.ptr[10] != 'T' || !digits(s.ptr + 11, 2, &f[3]) || s.ptr[13] != ':' ||
        !digits(s.ptr + 14, 2, &f[4]) || s.ptr[16] != ':' || !digits(s.ptr + 17, 2, &f[5]) ||
        s.ptr[19] != 'Z') {
        return CM_ERR_FORMAT;
    }
    return seconds(f, out);
}

enum cm_status cm_time_parse_der(struct cm_span s, bool utc, uint64_t *out)
{
    size_t year_len = utc ? 2 : 4;
    uint64_t f[6] = {0};

    if (s.len != year_len + 11 || s.ptr[s.len - 1] != 'Z' || !digits(s.ptr, year_len, &f[0])) {
        return CM_ERR_FORMAT;
    }
    for (size_t i = 1; i < 6; i++) {
        if (!digits(s.ptr + year_len + 2 * (i - 1), 2, &f[i])) {
            return CM_ERR_FORMAT;
        }
    }
    if (utc) {
        f[0] += f[0] < 50 ? 2000 : 1900; /* RFC 5280 section 4.1.2.5.1 */
    }
    return seconds(f, out);
}

void cm_time_text(uint64_t t, char out[24])
{
    uint64_t days = t / 86400;
    uint64_t year = 1970;
    uint64_t month = 1;

    if (t > UINT64_C(253402300799)) { /* the year 9999 */
        (void)snprintf(out, 24, "beyond the year 9999");
        return;
    }
    while (days >= (leap(year) ? 366u : 365u)) {
        days -= leap(year) ? 366 : 365;
        year++;
    }
    while (days >= month_days(year, month)) {
        days -= month_days(year, month);
        month++;
    }
    (void)snprintf(out, 24, "%04u-%02u-%02uT%02u:%02u:%02uZ", (unsigned)year, (unsigned)month,
                   (unsigned)days + 1, (unsigned)(t / 3600 % 24), (unsigned)(t / 60 % 60),
                   (unsigned)(t % 60));
}
