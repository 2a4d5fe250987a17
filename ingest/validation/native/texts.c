/* text, varchar(n) and char(n); uuid. */
#include "values.h"

#include <string.h>

static int hex_digit(uint8_t character) {
    if (is_digit(character))
        return character - '0';
    const int letter = (character | 32) - 'a';
    return letter >= 0 && letter < 6 ? letter + 10 : -1;
}

int64_t encode_uuid(const struct token *token, uint8_t *out) {
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

/* Return whether a text may be white space alone; if it is, it certainly may. */
static bool may_be_blank(const uint8_t *text, int64_t size) {
    for (int64_t at = 0; at < size; at++) {
        const uint8_t byte = text[at], next = at + 1 < size ? text[at + 1] : 0;
        const bool continues = byte >= 0x80 && byte < 0xC0;
        /* U+0085 and U+00A0; U+1680; U+2000 to U+205F; U+3000 */
        const bool leads = byte == 0xC2 || (byte == 0xE1 && next == 0x9A) ||
                           (byte == 0xE2 && next <= 0x81) || (byte == 0xE3 && next == 0x80);
        if (byte > ' ' && !continues && !leads)
            return false;
    }
    return true;
}

int64_t encode_text(const struct field *field, const struct token *token, uint8_t *out) {
    const int64_t size = copy_text(token, out);
    if (size < 0 || (!size && field->required) ||
        (field->refuses_blank && may_be_blank(out, size)))
        return -1;
    if (field->limit >= 0 && size > field->limit && count_characters(out, size) > field->limit)
        return -1;
    return size;
}
