/* Values: from text to what the receive functions of PostgreSQL's types read. */
#include "batch.h"

#include <stdlib.h>
#include <string.h>

#define UNIX_TO_POSTGRES_DAYS 10957 /* 1970-01-01 to 2000-01-01 */
#define DAY_US 86400000000
#define MOST_DIGITS 300 /* of a number, on either side of its point */
#define MOST_FRACTION_DIGITS 30 /* of a second */

static int64_t put(uint8_t *out, uint64_t value, int size) {
    for (int at = size - 1; at >= 0; at--, value >>= 8)
        out[at] = (uint8_t)value;
    return size;
}

static bool is_digit(uint8_t character) { return character >= '0' && character <= '9'; }

/* Numbers. */

/* A number's parts: -whole.fraction, then perhaps an exponent. */
struct number {
    bool negative;
    const uint8_t *whole, *fraction;
    int whole_size, fraction_size, exponent_size;
};

static int count_digits(const uint8_t *at, const uint8_t *end) {
    const uint8_t *start = at;
    while (at < end && is_digit(*at))
        at++;
    return (int)(at - start);
}

/* Take a JSON number apart (RFC 8259, section 6); return whether it is one. */
static bool read_number(const struct token *token, struct number *number) {
    const uint8_t *at = token->start, *end = at + token->size;
    memset(number, 0, sizeof *number);
    if (token->size > 3 * MOST_DIGITS)
        return false;
    number->negative = at < end && *at == '-';
    at += number->negative;
    number->whole = at;
    number->whole_size = count_digits(at, end);
    if (!number->whole_size || (*at == '0' && number->whole_size > 1))
        return false;
    at += number->whole_size;
    if (at < end && *at == '.') {
        number->fraction = ++at;
        number->fraction_size = count_digits(at, end);
        if (!number->fraction_size)
            return false;
        at += number->fraction_size;
    }
    if (at < end && (*at == 'e' || *at == 'E')) {
        at++;
        at += at < end && (*at == '+' || *at == '-');
        number->exponent_size = count_digits(at, end);
        if (!number->exponent_size)
            return false;
        at += number->exponent_size;
    }
    return at == end && number->whole_size <= MOST_DIGITS && number->fraction_size <= MOST_DIGITS;
}

static int64_t encode_integer(const struct token *token, int size, uint8_t *out) {
    struct number number;
    if (!read_number(token, &number) || number.fraction_size || number.exponent_size ||
        number.whole_size > 19)
        return -1;
    uint64_t value = 0;
    for (int at = 0; at < number.whole_size; at++)
        value = value * 10 + (uint64_t)(number.whole[at] - '0');
    const uint64_t largest = (UINT64_C(1) << (8 * size - 1)) - 1;
    /* Zero is not written with a sign: it would be another text for the same value. */
    if (value > largest + number.negative || (number.negative && !value))
        return -1;
    return put(out, number.negative ? -value : value, size);
}

/* Within these digits a number is certainly in range, and neither infinite nor next to zero. */
static bool is_modest(const struct number *number, int most_fraction, int most_exponent) {
    return number->whole_size <= 36 && number->fraction_size <= most_fraction &&
           number->exponent_size <= most_exponent;
}

static int64_t encode_float(const struct token *token, bool is_double, uint8_t *out) {
    struct number number;
    if (!read_number(token, &number) ||
        !is_modest(&number, is_double ? 35 : 30, is_double ? 2 : 0))
        return -1;
    /* What follows a number ends it for these, and a locale with another point is noticed. */
    char *end;
    if (is_double) {
        const double value = strtod((const char *)token->start, &end);
        uint64_t bits;
        memcpy(&bits, &value, sizeof bits);
        put(out, bits, 8);
    } else {
        const float value = strtof((const char *)token->start, &end);
        uint32_t bits;
        memcpy(&bits, &value, sizeof bits);
        put(out, bits, 4);
    }
    if ((const uint8_t *)end != token->start + token->size)
        return -1;
    return is_double ? 8 : 4;
}

/* Return the digit of a number at a power of ten, 0 beyond its digits. */
static int digit_at(const struct number *number, int power) {
    if (power >= 0)
        return power < number->whole_size ? number->whole[number->whole_size - 1 - power] - '0' : 0;
    return -power <= number->fraction_size ? number->fraction[-power - 1] - '0' : 0;
}

/* Return the digit of base 10,000 with this weight. */
static int group_at(const struct number *number, int weight) {
    int group = 0;
    for (int power = 4 * weight + 3; power >= 4 * weight; power--)
        group = 10 * group + digit_at(number, power);
    return group;
}

/* numeric_recv reads: digits, weight of the first, sign, digits after the point that are shown. */
static int64_t encode_numeric(const struct field *field, const struct token *token, uint8_t *out) {
    struct number number;
    if (!read_number(token, &number) || number.exponent_size || number.whole_size > field->limit ||
        number.fraction_size > field->scale)
        return -1;
    int first = (number.whole_size - 1) / 4, last = -((number.fraction_size + 3) / 4);
    while (first >= last && !group_at(&number, first))
        first--;
    while (last <= first && !group_at(&number, last))
        last++;
    const int groups = first < last ? 0 : first - last + 1;
    put(out, (uint64_t)groups, 2);
    put(out + 2, groups ? (uint64_t)first : 0, 2);
    put(out + 4, groups && number.negative ? 0x4000 : 0, 2);
    put(out + 6, (uint64_t)number.fraction_size, 2);
    for (int at = 0; at < groups; at++)
        put(out + 8 + 2 * at, (uint64_t)group_at(&number, first - at), 2);
    return 8 + 2 * groups;
}

static bool is_word(const struct token *token, const char *word) {
    return token->size == (int32_t)strlen(word) &&
           !memcmp(token->start, word, (size_t)token->size);
}

static int64_t encode_boolean(const struct token *token, uint8_t *out) {
    if (is_word(token, "true") || is_word(token, "t"))
        return put(out, 1, 1);
    return is_word(token, "false") || is_word(token, "f") ? put(out, 0, 1) : -1;
}

/* Dates and times. */

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

static int64_t encode_date(const struct token *token, uint8_t *out) {
    const uint8_t *at = token->start, *end = at + token->size;
    int year;
    int64_t days;
    if (!read_day(&at, end, &year, &days) || at != end)
        return -1;
    return put(out, (uint64_t)days, 4);
}

static int64_t encode_timestamp(const struct field *field, const struct token *token, uint8_t *out) {
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

/* Texts. */

static int hex_digit(uint8_t character) {
    if (is_digit(character))
        return character - '0';
    const int letter = (character | 32) - 'a';
    return letter >= 0 && letter < 6 ? letter + 10 : -1;
}

static int64_t encode_uuid(const struct token *token, uint8_t *out) {
    const bool has_hyphens = token->size == 36;
    if (!has_hyphens && token->size != 32)
        return -1;
    const uint8_t *at = token->start;
    for (int byte = 0; byte < 16; byte++) {
        if (has_hyphens && (byte == 4 || byte == 6 || byte == 8 || byte == 10) && *at++ != '-')
            return -1;
        const int high = hex_digit(at[0]), low = hex_digit(at[1]);
        if (high < 0 || low < 0)
            return -1;
        out[byte] = (uint8_t)(high << 4 | low);
        at += 2;
    }
    return 16;
}

/* Read the four digits of \uXXXX, -1 where they are none. */
static int32_t read_unit(const uint8_t *at, const uint8_t *end) {
    int32_t unit = 0;
    if (end - at < 4)
        return -1;
    for (int place = 0; place < 4; place++) {
        const int digit = hex_digit(at[place]);
        if (digit < 0)
            return -1;
        unit = unit << 4 | digit;
    }
    return unit;
}

static uint8_t *put_utf8(uint8_t *out, int32_t point) {
    if (point < 0x80) {
        *out++ = (uint8_t)point;
        return out;
    }
    const int more = point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
    static const uint8_t LEADS[] = {0, 0xC0, 0xE0, 0xF0};
    *out++ = (uint8_t)(LEADS[more] | point >> 6 * more);
    for (int left = more - 1; left >= 0; left--)
        *out++ = (uint8_t)(0x80 | (point >> 6 * left & 0x3F));
    return out;
}

/* Undo \uXXXX, a pair of them beyond the basic plane; NULL where PostgreSQL has no such character. */
static const uint8_t *undo_unit(const uint8_t *at, const uint8_t *end, uint8_t **out) {
    int32_t point = read_unit(at, end);
    at += 4;
    if (point >= 0xD800 && point < 0xDC00 && end - at >= 6 && at[0] == '\\' && at[1] == 'u') {
        const int32_t low = read_unit(at + 2, end);
        if (low < 0xDC00 || low > 0xDFFF)
            return NULL;
        point = 0x10000 + ((point - 0xD800) << 10) + (low - 0xDC00);
        at += 6;
    } else if (point <= 0 || (point >= 0xD800 && point <= 0xDFFF)) {
        return NULL;
    }
    *out = put_utf8(*out, point);
    return at;
}

/* Undo the escapes of a JSON string (RFC 8259, section 7). */
static int64_t undo_escapes(const struct token *token, uint8_t *out) {
    static const char LETTERS[] = "\"\\/bfnrt", MEANT[] = "\"\\/\b\f\n\r\t";
    const uint8_t *at = token->start, *end = at + token->size;
    uint8_t *start = out;
    while (at < end) {
        if (*at != '\\') {
            *out++ = *at++;
            continue;
        }
        at++;
        const char *letter = *at ? strchr(LETTERS, *at) : NULL;
        if (letter) {
            *out++ = (uint8_t)MEANT[letter - LETTERS];
            at++;
        } else if (*at != 'u' || !(at = undo_unit(at + 1, end, &out))) {
            return -1;
        }
    }
    return out - start;
}

/* Undo the doubled quotes of a CSV field (RFC 4180, section 2.7). */
static int64_t undo_doubling(const struct token *token, uint8_t *out) {
    uint8_t *start = out;
    for (int32_t at = 0; at < token->size; at++) {
        *out++ = token->start[at];
        at += token->start[at] == '"';
    }
    return out - start;
}

static int64_t copy_text(const struct token *token, uint8_t *out) {
    if (token->escaped)
        return token->type == CSV_FIELD ? undo_doubling(token, out) : undo_escapes(token, out);
    memcpy(out, token->start, (size_t)token->size);
    return token->size;
}

static int64_t count_characters(const uint8_t *text, int64_t size) {
    int64_t count = 0;
    for (int64_t at = 0; at < size; at++)
        count += (text[at] & 0xC0) != 0x80;
    return count;
}

static int64_t encode_text(const struct field *field, const struct token *token, uint8_t *out) {
    const int64_t size = copy_text(token, out);
    if (size < 0 || (!size && field->required))
        return -1;
    if (field->limit >= 0 && size > field->limit && count_characters(out, size) > field->limit)
        return -1;
    return size;
}

static bool is_of_kind(const struct field *field, const struct token *token) {
    switch (token->type) {
    case NUMBER:
        return field->kind <= NUMERIC;
    case BOOLEAN:
        return field->kind == BOOL;
    case STRING:
        return field->kind == TEXT || (field->kind != BOOL && !token->escaped);
    default:
        return field->kind == TEXT || !token->escaped;
    }
}

int64_t encode_value(const struct field *field, const struct token *token, uint8_t *out) {
    if (!is_of_kind(field, token))
        return -1;
    switch (field->kind) {
    case INT2:
        return encode_integer(token, 2, out);
    case INT4:
        return encode_integer(token, 4, out);
    case INT8:
        return encode_integer(token, 8, out);
    case FLOAT4:
        return encode_float(token, false, out);
    case FLOAT8:
        return encode_float(token, true, out);
    case NUMERIC:
        return encode_numeric(field, token, out);
    case BOOL:
        return encode_boolean(token, out);
    case TEXT:
        return encode_text(field, token, out);
    case UUID:
        return encode_uuid(token, out);
    case DATE:
        return encode_date(token, out);
    default:
        return encode_timestamp(field, token, out);
    }
}
