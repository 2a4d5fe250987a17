/* Values: from text to what the receive functions of PostgreSQL's types read.
 *
 * Each function writes one value at `out`, in network byte order, and returns its size, -1 where the
 * text is in doubt.
 */
#ifndef ROWHOUSE_VALUES_H
#define ROWHOUSE_VALUES_H

#include "encode.h"

/* values.c; TEXT takes up to the token's size, anything else up to MOST_VALUE_BYTES. */
#define MOST_VALUE_BYTES 512
int64_t encode_value(const struct field *field, const struct token *token, uint8_t *out);

/* numbers.c; an integer has `size` bytes. */
int64_t encode_integer(const struct token *token, int size, uint8_t *out);
int64_t encode_float(const struct token *token, bool is_double, uint8_t *out);
int64_t encode_numeric(const struct field *field, const struct token *token, uint8_t *out);
int64_t encode_boolean(const struct token *token, uint8_t *out);

/* times.c */
int64_t encode_date(const struct token *token, uint8_t *out);
int64_t encode_timestamp(const struct field *field, const struct token *token, uint8_t *out);

/* texts.c */
int64_t encode_uuid(const struct token *token, uint8_t *out);
int64_t encode_text(const struct field *field, const struct token *token, uint8_t *out);

static inline int64_t put(uint8_t *out, uint64_t value, int size) {
    for (int at = size - 1; at >= 0; at--, value >>= 8)
        out[at] = (uint8_t)value;
    return size;
}

static inline bool is_digit(uint8_t character) { return character >= '0' && character <= '9'; }

static inline int count_digits(const uint8_t *at, const uint8_t *end) {
    const uint8_t *start = at;
    while (at < end && is_digit(*at))
        at++;
    return (int)(at - start);
}

#endif
