/* Rows of a batch on their way from text to tuples of COPY's binary format.
 *
 * Each row is taken apart into one token a column, by what reads its format (json_rows.c,
 * csv_rows.c), then encoded value by value (encode.c, values.c). Only what is beyond doubt is
 * encoded: a row with anything else in it, or a batch whose rows are not certain, is left to Python,
 * which says what is wrong or knows that nothing is.
 */
#ifndef ROWHOUSE_BATCH_H
#define ROWHOUSE_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* PostgreSQL allows 1600 columns. */
#define MOST_FIELDS 1600

/* The order of Kind in ingest/validation/native/encoder.py. */
enum kind { INT2, INT4, INT8, FLOAT4, FLOAT8, NUMERIC, BOOL, TEXT, UUID, DATE, TIMESTAMP, TIMESTAMPTZ };

/* Of a value, a row or a batch. */
enum outcome { ENCODED, UNSURE, BUFFER_FULL };

/* A column that rows may bring. */
struct field {
    const uint8_t *name;
    int32_t name_size;
    int32_t kind;
    int32_t limit;    /* TEXT: characters; NUMERIC: digits before the point; timestamps: digits of a
                         second's fraction; -1: none */
    int32_t scale;    /* NUMERIC: digits after the point */
    bool nullable;
    bool defaulted;   /* what is left out is not null */
    bool required;    /* the empty text counts as missing */
    int32_t set;      /* which one its values are collected in, -1: none */
};

/* A value as it stands in the body. */
struct slice {
    int64_t start;
    int64_t size;
};

/* Where a row stands in the body, and where its tuple ends in `out`. That of a row which is left to
 * Python has no bytes. */
struct row {
    int64_t start;
    int64_t end;
    int64_t tuple_end;
};

struct batch {
    const struct field *fields;
    int32_t field_count;
    int32_t set_count;
    int32_t slot_count; /* of each set: a power of two above max_rows */
    int32_t watched_count;
    const int32_t *watched; /* the fields whose values are noted row by row */
    int64_t max_rows;
    int64_t max_row_bytes;
    const uint8_t *body; /* UTF-8, followed by a NUL */
    int64_t body_size;
    uint8_t *out;
    int64_t capacity;
    /* What came of it. */
    struct slice *sets; /* the different values of some columns; a size of -1 marks a free slot */
    struct slice *noted; /* for each row the watched values; a size of 0 stands for null */
    struct row *rows;
    int64_t row_count;
    int64_t tuple_count;
    int64_t size;
    bool noted_bare; /* the noted values are strings of JSON without the quotes around them */
    bool written[MOST_FIELDS]; /* the columns that the tuples are written to */
};

enum token_type { ABSENT, NULL_TOKEN, NUMBER, STRING, BOOLEAN, CSV_FIELD };

/* A value as it stands in the body, without the quotes around it. */
struct token {
    const uint8_t *start;
    int32_t size;
    uint8_t type;
    bool escaped; /* JSON's escapes, CSV's doubled quotes */
};

/* encode.c */
extern const int64_t layout; /* by which Python knows that it means the same structures */
enum outcome begin_rows(struct batch *batch);
enum outcome end_rows(struct batch *batch);

/* Where as many rows are left before the first tuple, the others will hardly be better. */
#define MOST_LEFT_AT_FIRST 32

/* Add a row of this text, where there is place for one more; without tokens it is left to Python.
 * UNSURE where it is not worth going on. */
enum outcome add_row(
    struct batch *batch, const uint8_t *start, const uint8_t *end, const struct token *tokens
);

/* values.c: writes a value, at `out`, where there is room for it, and returns its size, -1 where
 * it is in doubt. TEXT takes up to the token's size, anything else up to MOST_VALUE_BYTES. */
#define MOST_VALUE_BYTES 512
int64_t encode_value(const struct field *field, const struct token *token, uint8_t *out);

/* What Python calls. */
int32_t encode_json_rows(struct batch *batch);
int32_t encode_csv_rows(struct batch *batch, const int32_t *order, int32_t width, int64_t start);
/* Write the noted values of a watched column, those of all rows, as a JSON array; return its size.
 * It takes the size of the body and MOST_NULL_BYTES a row at most, and two bytes. */
#define MOST_NULL_BYTES 5
int64_t list_values(const struct batch *batch, int32_t watched, uint8_t *out);

#endif
