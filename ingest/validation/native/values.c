/* The value of each kind of column. */
#include "values.h"

static bool is_of_kind(const struct field *field, const struct token *token) {
    switch (token->type) {
    case NUMBER:
        return field->kind <= NUMERIC;
    case BOOLEAN:
        return field->kind == BOOL;
    case STRING:
        return field->kind == TEXT || (field->kind != BOOL && !token->escaped);
    default:
        return field->kind == TEXT || !token->escaped;
    }
}

int64_t encode_value(const struct field *field, const struct token *token, uint8_t *out) {
    if (!is_of_kind(field, token))
        return -1;
    switch (field->kind) {
    case INT2:
        return encode_integer(token, 2, out);
    case INT4:
        return encode_integer(token, 4, out);
    case INT8:
        return encode_integer(token, 8, out);
    case FLOAT4:
        return encode_float(token, false, out);
    case FLOAT8:
        return encode_float(token, true, out);
    case NUMERIC:
        return encode_numeric(field, token, out);
    case BOOL:
        return encode_boolean(token, out);
    case TEXT:
        return encode_text(field, token, out);
    case UUID:
        return encode_uuid(token, out);
    case DATE:
        return encode_date(token, out);
    default:
        return encode_timestamp(field, token, out);
    }
}
