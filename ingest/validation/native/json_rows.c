/* Rows as one JSON array of objects (RFC 8259). */
#include "encode.h"

#include <string.h>

/* Which field a row's keys stood for, in the order in which the row before had them. */
struct order {
    int32_t fields[MOST_FIELDS];
};

static const uint8_t *skip_space(const uint8_t *at) {
    while (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t')
        at++;
    return at;
}

/* Return where a string's closing quote is, NULL where it has none. The NUL behind the body is a
 * control character, and these end the search. */
static const uint8_t *find_quote(const uint8_t *at, bool *escaped) {
    for (;; at += 2) {
        while (*at >= ' ' && *at != '"' && *at != '\\')
            at++;
        if (*at != '\\')
            return *at == '"' ? at : NULL;
        *escaped = true;
        if (at[1] < ' ')
            return NULL;
    }
}

static const uint8_t *read_word(const uint8_t *at, const char *word, struct token *token, int type) {
    const size_t size = strlen(word);
    if (strncmp((const char *)at, word, size))
        return NULL;
    token->type = (uint8_t)type;
    token->size = (int32_t)size;
    return at + size;
}

/* Read a scalar; return what follows it, NULL where it is none. Whether a number is one is seen when
 * it is encoded. */
static const uint8_t *read_scalar(const uint8_t *at, struct token *token) {
    token->start = at;
    token->escaped = false;
    switch (*at) {
    case '"':
        token->type = STRING;
        token->start = ++at;
        at = find_quote(at, &token->escaped);
        if (!at)
            return NULL;
        token->size = (int32_t)(at - token->start);
        return at + 1;
    case 't':
        return read_word(at, "true", token, BOOLEAN);
    case 'f':
        return read_word(at, "false", token, BOOLEAN);
    case 'n':
        return read_word(at, "null", token, NULL_TOKEN);
    default:
        while ((*at >= '0' && *at <= '9') || *at == '-' || *at == '+' || *at == '.' || *at == 'e' ||
               *at == 'E')
            at++;
        if (at == token->start)
            return NULL;
        token->type = NUMBER;
        token->size = (int32_t)(at - token->start);
        return at;
    }
}

/* Return what follows the field's name and its closing quote, NULL where another name stands here. A
 * name that JSON would write with escapes has no encoder (binding.py). */
static const uint8_t *skip_name(
    const struct field *field, const uint8_t *at, const uint8_t *end
) {
    if (end - at < field->name_size || memcmp(at, field->name, (size_t)field->name_size))
        return NULL;
    at += field->name_size;
    return *at == '"' ? at + 1 : NULL;
}

/* Find which field the name of a row's value at this place means; return what follows the name's
 * closing quote, NULL where it means none. */
static const uint8_t *read_name(
    const struct batch *batch, struct order *order, int32_t place, const uint8_t *at
) {
    const uint8_t *end = batch->body + batch->body_size;
    const uint8_t *next = skip_name(&batch->fields[order->fields[place]], at, end);
    for (int32_t field = 0; !next && field < batch->field_count; field++) {
        order->fields[place] = field;
        next = skip_name(&batch->fields[field], at, end);
    }
    return next;
}

/* Return what follows an object, from its opening brace, NULL where it does not end. Only Python can
 * say whether what is inside is JSON; if it is, this is where it ends. */
static const uint8_t *skip_object(const uint8_t *at) {
    bool escaped;
    for (int64_t depth = 0;;) {
        switch (*at++) {
        case '{':
        case '[':
            depth++;
            break;
        case '}':
        case ']':
            if (!--depth)
                return at;
            break;
        case '"':
            at = find_quote(at, &escaped);
            if (!at)
                return NULL;
            at++;
            break;
        case '\0':
            return NULL;
        }
    }
}

/* Read a row's tokens, from its opening brace; return what follows it, NULL where anything about it
 * is not plain: an unknown or repeated key, a value that is no scalar. */
static const uint8_t *read_row(
    const struct batch *batch, const uint8_t *at, struct order *order, struct token *tokens
) {
    for (int32_t field = 0; field < batch->field_count; field++)
        tokens[field].type = ABSENT;
    for (int32_t place = 0; place < batch->field_count; place++) {
        at = skip_space(at + 1);
        if (*at != '"')
            return NULL;
        at = read_name(batch, order, place, at + 1);
        if (!at)
            return NULL;
        struct token *token = &tokens[order->fields[place]];
        at = skip_space(at);
        if (token->type != ABSENT || *at != ':')
            return NULL;
        at = read_scalar(skip_space(at + 1), token);
        if (!at)
            return NULL;
        at = skip_space(at);
        if (*at != ',')
            return *at == '}' ? at + 1 : NULL;
    }
    return NULL;
}

int32_t encode_json_rows(struct batch *batch) {
    struct token tokens[MOST_FIELDS];
    struct order order;
    enum outcome outcome = begin_rows(batch);
    if (outcome != ENCODED)
        return outcome;
    batch->noted_bare = false;
    for (int32_t place = 0; place < batch->field_count; place++)
        order.fields[place] = place;
    const uint8_t *at = skip_space(batch->body);
    if (*at != '[')
        return UNSURE;
    do {
        const uint8_t *row = skip_space(at + 1);
        if (*row != '{' || batch->row_count == batch->max_rows)
            return UNSURE;
        const uint8_t *plain_end = read_row(batch, row, &order, tokens);
        at = plain_end ? plain_end : skip_object(row);
        if (!at)
            return UNSURE;
        outcome = add_row(batch, row, at, plain_end ? tokens : NULL);
        if (outcome != ENCODED)
            return outcome;
        at = skip_space(at);
    } while (*at == ',');
    if (*at != ']' || skip_space(at + 1) != batch->body + batch->body_size)
        return UNSURE;
    return end_rows(batch);
}

int64_t list_values(const struct batch *batch, int32_t watched, uint8_t *out) {
    uint8_t *at = out;
    for (int64_t row = 0; row < batch->row_count; row++) {
        const struct slice *value = &batch->noted[row * batch->watched_count + watched];
        const bool is_null = !value->start && !value->size;
        const bool is_bare = !is_null && batch->noted_bare;
        *at++ = row ? ',' : '[';
        if (is_bare)
            *at++ = '"';
        const size_t size = is_null ? 4 : (size_t)value->size;
        memcpy(at, is_null ? (const uint8_t *)"null" : batch->body + value->start, size);
        at += size;
        if (is_bare)
            *at++ = '"';
    }
    *at++ = ']';
    return at - out;
}
