/* Rows as tuples of COPY's binary format (PostgreSQL's documentation of COPY). */
#include "values.h"

const char source_digest[] = SOURCE_DIGEST;

static bool has_room(const struct batch *batch, int64_t size) {
    return batch->capacity - batch->size >= size;
}

static void put_int16(struct batch *batch, int value) {
    batch->out[batch->size++] = (uint8_t)(value >> 8);
    batch->out[batch->size++] = (uint8_t)value;
}

static void put_int32(struct batch *batch, int64_t value) {
    for (int shift = 24; shift >= 0; shift -= 8)
        batch->out[batch->size++] = (uint8_t)(value >> shift);
}

enum outcome begin_rows(struct batch *batch) {
    batch->size = batch->row_count = batch->tuple_count = 0;
    return batch->field_count > MOST_FIELDS || batch->body_size > INT32_MAX ? UNSURE : ENCODED;
}

enum outcome end_rows(struct batch *batch) {
    return batch->tuple_count ? ENCODED : UNSURE;
}

static enum outcome encode_null(struct batch *batch, const struct field *field) {
    if (!field->nullable)
        return UNSURE;
    if (!has_room(batch, 4))
        return BUFFER_FULL;
    put_int32(batch, -1);
    return ENCODED;
}

static enum outcome encode_token(
    struct batch *batch, const struct field *field, const struct token *token
) {
    if (token->type == ABSENT || token->type == NULL_TOKEN)
        return encode_null(batch, field);
    const int64_t room = token->size > MOST_VALUE_BYTES ? token->size : MOST_VALUE_BYTES;
    if (!has_room(batch, 4 + room))
        return BUFFER_FULL;
    const int64_t size = encode_value(field, token, batch->out + batch->size + 4);
    if (size < 0)
        return UNSURE;
    put_int32(batch, size);
    batch->size += size;
    return ENCODED;
}

/* The first tuple decides which of the columns that have a default are written. */
static bool brings_the_same(struct batch *batch, const struct token *tokens) {
    for (int32_t at = 0; at < batch->field_count; at++) {
        const bool is_written = tokens[at].type != ABSENT || !batch->fields[at].defaulted;
        if (!batch->tuple_count)
            batch->written[at] = is_written;
        else if (batch->written[at] != is_written)
            return false;
    }
    return true;
}

static enum outcome encode_tuple(struct batch *batch, const struct token *tokens) {
    if (!brings_the_same(batch, tokens))
        return UNSURE;
    if (!has_room(batch, 2))
        return BUFFER_FULL;
    const int64_t start = batch->size;
    int count = 0;
    put_int16(batch, 0);
    for (int32_t at = 0; at < batch->field_count; at++) {
        if (!batch->written[at])
            continue;
        const enum outcome outcome = encode_token(batch, &batch->fields[at], &tokens[at]);
        if (outcome != ENCODED)
            return outcome;
        count++;
    }
    if (!count)
        return UNSURE;
    batch->out[start] = (uint8_t)(count >> 8);
    batch->out[start + 1] = (uint8_t)count;
    return ENCODED;
}

/* Return whether a CSV field stands in a string of JSON as it is. */
static bool is_json_text(const struct token *token) {
    for (int32_t at = 0; at < token->size; at++)
        if (token->start[at] < ' ' || token->start[at] == '"' || token->start[at] == '\\')
            return false;
    return true;
}

/* Note where the values stand that are wanted row by row; return whether each has a form in JSON. */
static bool note_values(struct batch *batch, const struct token *tokens) {
    struct slice *noted = batch->noted + batch->row_count * batch->watched_count;
    for (int32_t at = 0; at < batch->watched_count; at++) {
        const struct token *token = &tokens[batch->watched[at]];
        const bool is_null = token->type == ABSENT || token->type == NULL_TOKEN;
        const int quotes = token->type == STRING;
        if (token->type == CSV_FIELD && !is_json_text(token))
            return false;
        noted[at].start = is_null ? 0 : token->start - batch->body - quotes;
        noted[at].size = is_null ? 0 : token->size + 2 * quotes;
    }
    return true;
}

enum outcome add_row(
    struct batch *batch, const uint8_t *start, const uint8_t *end, const struct token *tokens
) {
    struct row *row = &batch->rows[batch->row_count];
    row->start = start - batch->body;
    row->end = end - batch->body;
    row->tuple_end = batch->size;
    const bool is_plain = tokens && end - start <= batch->max_row_bytes;
    const enum outcome outcome =
        is_plain && note_values(batch, tokens) ? encode_tuple(batch, tokens) : UNSURE;
    if (outcome == ENCODED) {
        row->tuple_end = batch->size;
        batch->tuple_count++;
    } else {
        for (int32_t at = 0; at < batch->watched_count; at++)
            batch->noted[batch->row_count * batch->watched_count + at] = (struct slice){0, 0};
    }
    batch->size = row->tuple_end;
    batch->row_count++;
    if (outcome == BUFFER_FULL)
        return BUFFER_FULL;
    return batch->tuple_count || batch->row_count < MOST_LEFT_AT_FIRST ? ENCODED : UNSURE;
}
