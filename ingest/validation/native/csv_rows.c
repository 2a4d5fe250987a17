/* Rows as CSV records (RFC 4180). */
#include "encode.h"

#include <string.h>

/* Read a field in quotes, from behind the first of them; return what follows, NULL where they are
 * not closed. */
static const uint8_t *read_quoted(const uint8_t *at, const uint8_t *end, struct token *token) {
    token->start = at;
    for (; at < end && *at; at++) {
        if (*at != '"')
            continue;
        if (at[1] != '"') {
            token->size = (int32_t)(at - token->start);
            return at + 1;
        }
        token->escaped = true;
        at++;
    }
    return NULL;
}

static const uint8_t *read_bare(const uint8_t *at, struct token *token) {
    token->start = at;
    while (*at && *at != ',' && *at != '\n' && *at != '\r' && *at != '"')
        at++;
    token->size = (int32_t)(at - token->start);
    return at;
}

static bool is_null(const struct batch *batch, const struct token *token) {
    for (int32_t at = 0; at < batch->null_count; at++) {
        const struct word *word = &batch->nulls[at];
        if (word->size == token->size && !memcmp(word->text, token->start, (size_t)word->size))
            return true;
    }
    return false;
}

static const uint8_t *read_field(
    const struct batch *batch, const uint8_t *at, const uint8_t *end, struct token *token
) {
    token->escaped = false;
    token->type = CSV_FIELD;
    if (*at == '"')
        return read_quoted(at + 1, end, token);
    at = read_bare(at, token);
    if (is_null(batch, token))
        token->type = NULL_TOKEN;
    else if (!token->size) /* nothing is a missing value */
        token->type = ABSENT;
    return at;
}

/* Return where the next line begins, NULL where this one does not end here. */
static const uint8_t *end_line(const uint8_t *at, const uint8_t *end) {
    if (at == end)
        return at;
    at += *at == '\r';
    return *at == '\n' ? at + 1 : NULL;
}

static const uint8_t *read_record(
    const struct batch *batch,
    const uint8_t *at,
    const uint8_t *end,
    const int32_t *order,
    int32_t width,
    struct token *tokens
) {
    for (int32_t place = 0; place < width; place++) {
        if (place && *at++ != ',')
            return NULL;
        at = read_field(batch, at, end, &tokens[order[place]]);
        if (!at)
            return NULL;
    }
    return end_line(at, end);
}

/* Return where the line behind a record begins, NULL where that is not certain. */
static const uint8_t *skip_record(
    const struct batch *batch, const uint8_t *at, const uint8_t *end
) {
    struct token token;
    for (at = read_field(batch, at, end, &token); at && *at == ',' && at < end;)
        at = read_field(batch, at + 1, end, &token);
    return at ? end_line(at, end) : NULL;
}

int32_t encode_csv_rows(struct batch *batch, const int32_t *order, int32_t width, int64_t start) {
    struct token tokens[MOST_FIELDS];
    const uint8_t *at = batch->body + start, *end = batch->body + batch->body_size;
    enum outcome outcome = begin_rows(batch);
    if (outcome != ENCODED)
        return outcome;
    batch->noted_bare = true;
    for (int32_t field = 0; field < batch->field_count; field++)
        tokens[field].type = ABSENT;
    while (at < end) {
        const uint8_t *next = *at == '\n' || *at == '\r' ? end_line(at, end) : NULL;
        if (next) { /* a blank line */
            at = next;
            continue;
        }
        const uint8_t *plain_end = read_record(batch, at, end, order, width, tokens);
        next = plain_end ? plain_end : skip_record(batch, at, end);
        if (!next || batch->row_count == batch->max_rows)
            return UNSURE;
        outcome = add_row(batch, at, next, plain_end ? tokens : NULL);
        if (outcome != ENCODED)
            return outcome;
        at = next;
    }
    return end_rows(batch);
}
