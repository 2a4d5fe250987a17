/* The functions that Python calls and the structures that it shares with them.
 *
 * library.py gives this text to cffi, which takes declarations and numeric #defines, but no
 * #include and no #ifdef: encode.h includes what this file needs before it, and guards it.
 */

/* PostgreSQL allows 1600 columns. */
#define MOST_FIELDS 1600

/* Of a number, on either side of its point. */
#define MOST_DIGITS 300

/* PostgreSQL's types. TEXT stands for varchar and bpchar too. */
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
    bool refuses_blank; /* so does white space alone */
};

/* A word that means null in CSV. */
struct word {
    const uint8_t *text;
    int64_t size;
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
    int32_t watched_count;
    const int32_t *watched; /* the fields whose values are noted row by row */
    const struct word *nulls;
    int32_t null_count;
    int64_t max_rows;
    int64_t max_row_bytes;
    const uint8_t *body; /* UTF-8, followed by a NUL */
    int64_t body_size;
    uint8_t *out;
    int64_t capacity;
    /* What came of it. */
    struct slice *noted; /* for each row the watched values; those of null have neither start nor size */
    struct row *rows;
    int64_t row_count;
    int64_t tuple_count;
    int64_t size;
    bool noted_bare; /* the noted values are strings of JSON without the quotes around them */
    bool written[MOST_FIELDS]; /* the columns that the tuples are written to */
};

/* SHA-256 of all C sources and headers, in hexadecimal: tells Python what the library is built from. */
extern const char source_digest[65];

int32_t encode_json_rows(struct batch *batch);
/* `order` tells the field of each of a record's `width` columns; the records begin at `start`. */
int32_t encode_csv_rows(struct batch *batch, const int32_t *order, int32_t width, int64_t start);
/* Write the noted values of a watched column, those of all rows, as a JSON array; return its size.
 * It takes the size of the body and MOST_NULL_BYTES a row at most, and two bytes. */
#define MOST_NULL_BYTES 5
int64_t list_values(const struct batch *batch, int32_t watched, uint8_t *out);
