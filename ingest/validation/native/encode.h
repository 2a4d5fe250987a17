/* Rows of a batch on their way from text to tuples of COPY's binary format.
 *
 * Each row is taken apart into one token a column, by what reads its format (json_rows.c,
 * csv_rows.c), then encoded value by value (encode.c, values.c). Only what is beyond doubt is
 * encoded: a row with anything else in it, or a batch whose rows are not certain, is left to Python,
 * which says what is wrong or knows that nothing is.
 */
#ifndef ROWHOUSE_ENCODE_H
#define ROWHOUSE_ENCODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "batch.h"

enum token_type { ABSENT, NULL_TOKEN, NUMBER, STRING, BOOLEAN, CSV_FIELD };

/* A value as it stands in the body, without the quotes around it. */
struct token {
    const uint8_t *start;
    int32_t size;
    uint8_t type;
    bool escaped; /* JSON's escapes, CSV's doubled quotes */
};

enum outcome begin_rows(struct batch *batch);
enum outcome end_rows(struct batch *batch);

/* Where as many rows are left before the first tuple, the others will hardly be better. */
#define MOST_LEFT_AT_FIRST 32

/* Add a row of this text, where there is place for one more; without tokens it is left to Python.
 * UNSURE where it is not worth going on. */
enum outcome add_row(
    struct batch *batch, const uint8_t *start, const uint8_t *end, const struct token *tokens
);

#endif
