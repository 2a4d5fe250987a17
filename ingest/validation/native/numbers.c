/* integer, real, double precision and numeric; boolean. */
#include "values.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A number's parts: -whole.fraction, then perhaps an exponent. */
struct number {
    bool negative;
    const uint8_t *whole, *fraction;
    int whole_size, fraction_size, exponent_size;
};

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

int64_t encode_integer(const struct token *token, int size, uint8_t *out) {
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

/* Return the digit of a number at a power of ten, 0 beyond its digits. */
static int digit_at(const struct number *number, int power) {
    if (power >= 0)
        return power < number->whole_size ? number->whole[number->whole_size - 1 - power] - '0' : 0;
    return -power <= number->fraction_size ? number->fraction[-power - 1] - '0' : 0;
}

__extension__ typedef __int128 wide;

static wide distance(wide one, wide other) { return one < other ? other - one : one - other; }

/* Return whether PostgreSQL writes mantissa / 2^shift as digits / 10^places, whose last digit is not
 * zero: the shortest number that only this value is nearest to, and of several the closest. */
static bool is_shortest(int64_t digits, int places, int64_t mantissa, int shift) {
    if (places > 21 || shift > 66) /* beyond 128 bits */
        return false;
    /* In a common unit: the last digit's place, half the distance of neighbouring values. */
    const wide place = (wide)1 << (shift + 1);
    wide half = 1;
    while (places--)
        half *= 10;
    const wide value = mantissa * 2 * half, sent = digits * place;
    const wide shorter = sent - digits % 10 * place;
    return 2 * distance(sent, value) <= place && distance(sent, value) < half &&
           distance(shorter, value) >= half && distance(shorter + 10 * place, value) >= half;
}

/* A number without its sign and exponent: digits / 10^places. */
struct decimal {
    int64_t digits;
    int places;
};

/* No double is written with more digits. */
#define TOO_LONG INT64_C(100000000000000000)

/* Return whether a number has so few digits that the rest of this file can tell what it is. */
static bool read_decimal(const struct number *number, struct decimal *decimal) {
    decimal->digits = 0;
    decimal->places = number->fraction_size;
    for (int power = number->whole_size - 1; power >= -decimal->places; power--) {
        decimal->digits = 10 * decimal->digits + digit_at(number, power);
        if (decimal->digits >= TOO_LONG)
            return false;
    }
    return true;
}

/* Return whether a value, mantissa / 2^shift, is certainly written as the number that was sent. Below
 * `doubtful` each number of so few digits has a value of its own; a positive shift has each integer
 * be one, and none is half way between two. */
static bool is_kept(
    const struct decimal *sent, bool has_exponent, int64_t doubtful, int64_t mantissa, int shift
) {
    int64_t digits = sent->digits;
    int places = sent->places;
    if (shift < 0)
        return false;
    if (digits < doubtful)
        return true;
    if (has_exponent)
        return false;
    for (; places && digits % 10 == 0; places--)
        digits /= 10;
    const bool is_power = !(mantissa & (mantissa - 1)); /* values are denser below it */
    return !places || (!is_power && is_shortest(digits, places, mantissa, shift));
}

/* What follows a number ends it; a locale with another point is noticed. */
static bool is_end(const struct token *token, const char *end) {
    return (const uint8_t *)end == token->start + token->size;
}

static double read_double(const struct token *token, const struct decimal *decimal, bool is_plain) {
    static const double POWERS[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                    1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                    1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    /* Both are exact, so that their quotient is rounded once. */
    if (is_plain && decimal->digits <= INT64_C(1) << 53 && decimal->places <= 22) {
        const double value = (double)decimal->digits / POWERS[decimal->places];
        return *token->start == '-' ? -value : value;
    }
    char *end;
    const double value = strtod((const char *)token->start, &end);
    return is_end(token, end) ? value : NAN;
}

static int64_t encode_double(
    const struct token *token, bool has_exponent, const struct decimal *decimal, uint8_t *out
) {
    const double value = read_double(token, decimal, !has_exponent);
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    const int exponent = (int)(bits >> 52 & 0x7FF);
    const int64_t mantissa = (int64_t)((bits & ((UINT64_C(1) << 52) - 1)) | UINT64_C(1) << 52);
    if (!is_kept(decimal, has_exponent, INT64_C(1000000000000000), mantissa, 1075 - exponent))
        return -1;
    return put(out, bits, 8);
}

static int64_t encode_real(const struct token *token, const struct decimal *decimal, uint8_t *out) {
    char *end;
    const float value = strtof((const char *)token->start, &end);
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    const int exponent = (int)(bits >> 23 & 0xFF);
    const int64_t mantissa = (int64_t)((bits & 0x7FFFFF) | 0x800000);
    if (!is_end(token, end) || !is_kept(decimal, false, 1000000, mantissa, 150 - exponent))
        return -1;
    return put(out, bits, 4);
}

int64_t encode_float(const struct token *token, bool is_double, uint8_t *out) {
    struct number number;
    struct decimal decimal;
    if (!read_number(token, &number) ||
        !is_modest(&number, is_double ? 35 : 30, is_double ? 2 : 0) ||
        !read_decimal(&number, &decimal))
        return -1;
    return is_double ? encode_double(token, number.exponent_size, &decimal, out)
                     : encode_real(token, &decimal, out);
}

/* Return the digit of base 10,000 with this weight. */
static int group_at(const struct number *number, int weight) {
    int group = 0;
    for (int power = 4 * weight + 3; power >= 4 * weight; power--)
        group = 10 * group + digit_at(number, power);
    return group;
}

/* numeric_recv reads: digits, weight of the first, sign, digits after the point that are shown. */
int64_t encode_numeric(const struct field *field, const struct token *token, uint8_t *out) {
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

int64_t encode_boolean(const struct token *token, uint8_t *out) {
    if (is_word(token, "true") || is_word(token, "t"))
        return put(out, 1, 1);
    return is_word(token, "false") || is_word(token, "f") ? put(out, 0, 1) : -1;
}
