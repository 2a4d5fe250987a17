/* date and timestamp, with and without time zone. */
#include "values.h"

#define UNIX_TO_POSTGRES_DAYS 10957 /* 1970-01-01 to 2000-01-01 */
#define DAY_US 86400000000
#define MOST_FRACTION_DIGITS 30 /* of a second */

static bool read_digits(const uint8_t **at, const uint8_t *end, int count, int *value) {
    *value = 0;
    if (end - *at < count)
        return false;
    for (; count; count--, ++*at) {
        if (!is_digit(**at))
            return false;
        *value = 10 * *value + (**at - '0');
    }
    return true;
}

static bool read_sign(const uint8_t **at, const uint8_t *end, uint8_t sign) {
    if (*at >= end || **at != sign)
        return false;
    ++*at;
    return true;
}

static int days_of_month(int year, int month) {
    static const int8_t DAYS[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const bool leaps = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return DAYS[month - 1] + (month == 2 && leaps);
}

/* Read YYYY-MM-DD as days since 2000-01-01, in the Gregorian calendar. */
static bool read_day(const uint8_t **at, const uint8_t *end, int *year, int64_t *days) {
    int month, day;
    if (!read_digits(at, end, 4, year) || !read_sign(at, end, '-') ||
        !read_digits(at, end, 2, &month) || !read_sign(at, end, '-') ||
        !read_digits(at, end, 2, &day))
        return false;
    if (*year < 1 || month < 1 || month > 12 || day < 1 || day > days_of_month(*year, month))
        return false;
    /* Years that begin in March have their leap day last. */
    const int64_t from_march = *year - (month <= 2);
    const int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    *days = from_march * 365 + from_march / 4 - from_march / 100 + from_march / 400 + day_of_year -
            719468 - UNIX_TO_POSTGRES_DAYS;
    return true;
}

/* Read HH:MM[:SS[.f…]] as microseconds; digits of a fraction that the type does not keep are 0. */
static bool read_clock(const uint8_t **at, const uint8_t *end, int kept_digits, int64_t *clock) {
    int hour, minute, second = 0;
    if (!read_digits(at, end, 2, &hour) || !read_sign(at, end, ':') ||
        !read_digits(at, end, 2, &minute) || hour > 23 || minute > 59)
        return false;
    int64_t fraction = 0;
    if (read_sign(at, end, ':')) {
        if (!read_digits(at, end, 2, &second) || second > 59)
            return false;
        if (read_sign(at, end, '.')) {
            const int digits = count_digits(*at, end);
            /* PostgreSQL refuses endless ones. */
            if (!digits || digits > MOST_FRACTION_DIGITS)
                return false;
            for (int place = 0; place < (digits > 6 ? digits : 6); place++) {
                const int digit = place < digits ? (*at)[place] - '0' : 0;
                if (digit && place >= kept_digits)
                    return false;
                fraction = place < 6 ? 10 * fraction + digit : fraction;
            }
            *at += digits;
        }
    }
    *clock = ((hour * 60 + minute) * INT64_C(60) + second) * 1000000 + fraction;
    return true;
}

/* Read Z or ±HH[[:]MM] as the microseconds that local time is ahead. */
static bool read_zone(const uint8_t **at, const uint8_t *end, int64_t *ahead) {
    *ahead = 0;
    if (read_sign(at, end, 'Z') || read_sign(at, end, 'z'))
        return true;
    const bool is_behind = read_sign(at, end, '-');
    int hours, minutes = 0;
    if (!(is_behind || read_sign(at, end, '+')) || !read_digits(at, end, 2, &hours) || hours > 15)
        return false;
    if (*at < end) {
        read_sign(at, end, ':');
        if (!read_digits(at, end, 2, &minutes) || minutes > 59)
            return false;
    }
    *ahead = (is_behind ? -1 : 1) * (hours * 60 + minutes) * INT64_C(60000000);
    return true;
}

int64_t encode_date(const struct token *token, uint8_t *out) {
    const uint8_t *at = token->start, *end = at + token->size;
    int year;
    int64_t days;
    if (!read_day(&at, end, &year, &days) || at != end)
        return -1;
    return put(out, (uint64_t)days, 4);
}

int64_t encode_timestamp(const struct field *field, const struct token *token, uint8_t *out) {
    const uint8_t *at = token->start, *end = at + token->size;
    int year;
    int64_t days, clock, ahead = 0;
    if (!read_day(&at, end, &year, &days) ||
        !(read_sign(&at, end, 'T') || read_sign(&at, end, 't') || read_sign(&at, end, ' ')) ||
        !read_clock(&at, end, field->limit, &clock))
        return -1;
    if (field->kind == TIMESTAMPTZ) {
        /* At the ends of the calendar the offset may lead out of it. */
        if (year == 1 || year == 9999 || !read_zone(&at, end, &ahead))
            return -1;
    }
    if (at != end)
        return -1;
    return put(out, (uint64_t)(days * DAY_US + clock - ahead), 8);
}
