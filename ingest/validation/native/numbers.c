/* integer, real, double precision and numeric; boolean. */
#include "values.h"

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

int64_t encode_float(const struct token *token, bool is_double, uint8_t *out) {
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
