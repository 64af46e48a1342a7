/*
 * The configuration file of `oesign`. Called by the tool. UNTRUSTED: the text;
 * every complaint names the line and the key.
 */
#include <string.h>

#include "arch/sgx.h"
#include "common/checked.h"
#include "sign/sign.h"

enum { UUID_TEXT = 36, UUID_BYTES = 16, NAME_SHOWN = 64, SECONDS_A_DAY = 86400 };

enum kind { NUMBER, UUID, DATE };

struct key {
    const char *name;
    enum kind kind;
    uint64_t max;
};

static const struct key keys[CM_SIGN_KEY_COUNT] = {
    [CM_SIGN_DEBUG] = {"Debug", NUMBER, 1},
    [CM_SIGN_NUM_HEAP_PAGES] = {"NumHeapPages", NUMBER, UINT64_MAX},
    [CM_SIGN_NUM_STACK_PAGES] = {"NumStackPages", NUMBER, UINT64_MAX},
    [CM_SIGN_NUM_TCS] = {"NumTCS", NUMBER, UINT64_MAX},
    [CM_SIGN_PRODUCT_ID] = {"ProductID", NUMBER, UINT16_MAX},
    [CM_SIGN_SECURITY_VERSION] = {"SecurityVersion", NUMBER, UINT16_MAX},
    [CM_SIGN_FAMILY_ID] = {"FamilyID", UUID, 0},
    [CM_SIGN_EXTENDED_PRODUCT_ID] = {"ExtendedProductID", UUID, 0},
    [CM_SIGN_CAPTURE_PF_GP] = {"CapturePFGPExceptions", NUMBER, 1},
    [CM_SIGN_ZERO_BASE] = {"CreateZeroBaseEnclave", NUMBER, 1},
    [CM_SIGN_START_ADDRESS] = {"StartAddress", NUMBER, UINT64_MAX},
    [CM_SIGN_DATE] = {"SigningDate", DATE, 0},
};

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static struct cm_span trim(struct cm_span s)
{
    while (s.len != 0 && is_blank(s.ptr[0])) {
        s.ptr++;
        s.len--;
    }
    while (s.len != 0 && is_blank(s.ptr[s.len - 1])) {
        s.len--;
    }
    return s;
}

/* The value of a digit, or 16. */
static unsigned int digit(uint8_t c)
{
    if (c >= '0' && c <= '9') {
        return (unsigned int)(c - '0');
    }
    if (c >= 'a' && c <= 'f') {
        return (unsigned int)(c - 'a') + 10;
    }
    if (c >= 'A' && c <= 'F') {
        return (unsigned int)(c - 'A') + 10;
    }
    return 16;
}

static bool parse_number(struct cm_span s, uint64_t *out)
{
    unsigned int base = 10;
    uint64_t v = 0;

    if (s.len > 2 && s.ptr[0] == '0' && (s.ptr[1] == 'x' || s.ptr[1] == 'X')) {
        base = 16;
        s = cm_span_make(s.ptr + 2, s.len - 2);
    }
    if (s.len == 0) {
        return false;
    }
    for (size_t i = 0; i < s.len; i++) {
        const unsigned int d = digit(s.ptr[i]);

        if (d >= base || cm_mul_ovf(v, (uint64_t)base, &v) || cm_add_ovf(v, (uint64_t)d, &v)) {
            return false;
        }
    }
    *out = v;
    return true;
}

/* 8-4-4-4-12 hexadecimal digits */
static bool parse_uuid(struct cm_span s, uint8_t out[UUID_BYTES])
{
    size_t used = 0;

    if (s.len != UUID_TEXT) {
        return false;
    }
    for (size_t i = 0; i < UUID_TEXT;) {
        if (i == 8 || i == 13 || i == 18 || i == 23) {
            if (s.ptr[i] != '-') {
                return false;
            }
            i++;
            continue;
        }
        const unsigned int high = digit(s.ptr[i]);
        const unsigned int low = digit(s.ptr[i + 1]);

        if (high > 15 || low > 15) {
            return false;
        }
        out[used++] = (uint8_t)(high << 4 | low);
        i += 2;
    }
    return used == UUID_BYTES;
}

/* YYYYMMDD; whether it is a day is cm_sigstruct_build's to say, except for what can't be BCD */
static bool parse_date(struct cm_span s, uint64_t *out)
{
    uint64_t bcd = 0;

    if (s.len != 8) {
        return false;
    }
    for (size_t i = 0; i < s.len; i++) {
        if (digit(s.ptr[i]) > 9) {
            return false;
        }
        bcd = bcd << 4 | digit(s.ptr[i]);
    }
    const uint64_t month = (bcd >> 12 & 0xf) * 10 + (bcd >> 8 & 0xf);
    const uint64_t day = (bcd >> 4 & 0xf) * 10 + (bcd & 0xf);

    *out = bcd;
    return month >= 1 && month <= 12 && day >= 1 && day <= 31;
}

static int shown(struct cm_span s)
{
    return s.len < NAME_SHOWN ? (int)s.len : NAME_SHOWN;
}

static bool set_value(struct cm_sign_config *c, size_t key, struct cm_span value)
{
    switch (keys[key].kind) {
    case UUID:
        return parse_uuid(value, key == CM_SIGN_FAMILY_ID ? c->family_id : c->extended_product_id);
    case DATE:
        return parse_date(value, &c->value[key]);
    case NUMBER:
        return parse_number(value, &c->value[key]) && c->value[key] <= keys[key].max;
    }
    return false;
}

static size_t find_key(struct cm_span name)
{
    size_t i = 0;

    while (i < CM_SIGN_KEY_COUNT &&
           (strlen(keys[i].name) != name.len || memcmp(keys[i].name, name.ptr, name.len) != 0)) {
        i++;
    }
    return i;
}

static enum cm_status parse_line(struct cm_sign_config *c, struct cm_span line, size_t number,
                                 struct cm_why *why)
{
    const uint8_t *equals = NULL;

    line = trim(line);
    if (line.len == 0 || line.ptr[0] == '#') {
        return CM_OK;
    }
    equals = memchr(line.ptr, '=', line.len);
    if (equals == NULL) {
        cm_why_set(why, "line %zu: not NAME=VALUE: '%.*s'", number, shown(line),
                   (const char *)line.ptr);
        return CM_ERR_SYNTAX;
    }
    const struct cm_span name = trim(cm_span_make(line.ptr, (size_t)(equals - line.ptr)));
    const struct cm_span value =
        trim(cm_span_make(equals + 1, line.len - (size_t)(equals - line.ptr) - 1));
    const size_t key = find_key(name);

    if (key == CM_SIGN_KEY_COUNT) {
        cm_why_set(why, "line %zu: unknown setting '%.*s'", number, shown(name),
                   (const char *)name.ptr);
        return CM_ERR_SYNTAX;
    }
    if ((c->present >> key & 1U) != 0) {
        cm_why_set(why, "line %zu: duplicate setting '%s'", number, keys[key].name);
        return CM_ERR_SYNTAX;
    }
    if (!set_value(c, key, value)) {
        cm_why_set(why, "line %zu: bad value for '%s': '%.*s'", number, keys[key].name,
                   shown(value), (const char *)value.ptr);
        return CM_ERR_SYNTAX;
    }
    c->present |= 1U << key;
    return CM_OK;
}

static bool given(const struct cm_sign_config *c, enum cm_sign_key key)
{
    return (c->present >> (unsigned int)key & 1U) != 0;
}

enum cm_status cm_sign_config_parse(struct cm_span text, struct cm_sign_config *out,
                                    struct cm_why *why)
{
    struct cm_sign_config c = {0};
    size_t number = 1;

    memset(out, 0, sizeof(*out));
    if (text.len != 0 && memchr(text.ptr, 0, text.len) != NULL) {
        cm_why_set(why, "the configuration is not a text file");
        return CM_ERR_SYNTAX;
    }
    for (; text.len != 0; number++) {
        const uint8_t *end = memchr(text.ptr, '\n', text.len);
        const size_t len = end == NULL ? text.len : (size_t)(end - text.ptr);
        const enum cm_status st = parse_line(&c, cm_span_make(text.ptr, len), number, why);

        if (st != CM_OK) {
            return st;
        }
        text = end == NULL ? cm_span_make(NULL, 0) : cm_span_make(end + 1, text.len - len - 1);
    }
    if (given(&c, CM_SIGN_START_ADDRESS) && c.value[CM_SIGN_ZERO_BASE] == 0) {
        cm_why_set(why, "StartAddress is for zero-based enclaves only: add "
                        "CreateZeroBaseEnclave=1, or take it out");
        return CM_ERR_SYNTAX;
    }
    *out = c;
    return CM_OK;
}

void cm_sign_config_apply(const struct cm_sign_config *config, struct cm_enclave_props *props)
{
    const uint64_t *v = config->value;

    if (given(config, CM_SIGN_DEBUG)) {
        props->attributes &= ~SGX_ATTR_DEBUG;
        props->attributes |= v[CM_SIGN_DEBUG] != 0 ? SGX_ATTR_DEBUG : 0;
    }
    if (given(config, CM_SIGN_NUM_HEAP_PAGES)) {
        props->heap_pages = v[CM_SIGN_NUM_HEAP_PAGES];
    }
    if (given(config, CM_SIGN_NUM_STACK_PAGES)) {
        props->stack_pages = v[CM_SIGN_NUM_STACK_PAGES];
    }
    if (given(config, CM_SIGN_NUM_TCS)) {
        props->tcs_count = v[CM_SIGN_NUM_TCS];
    }
    if (given(config, CM_SIGN_PRODUCT_ID)) {
        props->product_id = (uint16_t)v[CM_SIGN_PRODUCT_ID];
    }
    if (given(config, CM_SIGN_SECURITY_VERSION)) {
        props->security_version = (uint16_t)v[CM_SIGN_SECURITY_VERSION];
    }
    memcpy(props->family_id, config->family_id, sizeof(props->family_id));
    memcpy(props->extended_product_id, config->extended_product_id,
           sizeof(props->extended_product_id));
    props->attributes &= ~SGX_ATTR_KSS;
    if (given(config, CM_SIGN_FAMILY_ID) || given(config, CM_SIGN_EXTENDED_PRODUCT_ID)) {
        props->attributes |= SGX_ATTR_KSS;
    }
    props->capture_pf_gp = v[CM_SIGN_CAPTURE_PF_GP] != 0;
    props->zero_base = v[CM_SIGN_ZERO_BASE] != 0;
    if (given(config, CM_SIGN_START_ADDRESS)) {
        props->start_address = v[CM_SIGN_START_ADDRESS];
    }
}

/* Days since 1970 to a BCD date: Gregorian calendar, eras of 400 years that begin on March 1. */
static uint64_t date_of_day(uint64_t day)
{
    const uint64_t z = day + 719468; /* days from March 1 of year 0 */
    const uint64_t era = z / 146097;
    const uint64_t day_of_era = z % 146097;
    const uint64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    const uint64_t day_of_year =
        day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const uint64_t from_march = (5 * day_of_year + 2) / 153;
    const uint64_t month = from_march < 10 ? from_march + 3 : from_march - 9;
    const uint64_t year = year_of_era + era * 400 + (month <= 2 ? 1 : 0);
    const uint64_t decimal =
        year * 10000 + month * 100 + (day_of_year - (153 * from_march + 2) / 5 + 1);
    uint64_t bcd = 0;

    for (uint64_t rest = decimal, shift = 0; rest != 0; rest /= 10, shift += 4) {
        bcd |= rest % 10 << shift;
    }
    return bcd;
}

enum cm_status cm_sign_date(const struct cm_sign_config *config, const char *source_date_epoch,
                            uint32_t *out, struct cm_why *why)
{
    const uint64_t year_10000 = UINT64_C(253402300800);
    uint64_t seconds = 0;

    *out = CM_SIGSTRUCT_DEFAULT_DATE;
    if (config != NULL && given(config, CM_SIGN_DATE)) {
        *out = (uint32_t)config->value[CM_SIGN_DATE];
        return CM_OK;
    }
    if (source_date_epoch == NULL || source_date_epoch[0] == '\0') {
        return CM_OK;
    }
    if (!parse_number(cm_span_make(source_date_epoch, strlen(source_date_epoch)), &seconds) ||
        seconds >= year_10000) {
        cm_why_set(why, "SOURCE_DATE_EPOCH is not a number of seconds: '%.*s'", NAME_SHOWN,
                   source_date_epoch);
        return CM_ERR_SYNTAX;
    }
    *out = (uint32_t)date_of_day(seconds / SECONDS_A_DAY);
    return CM_OK;
}
