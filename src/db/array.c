/* SPDX-License-Identifier: Apache-2.0 */
#include "db/array.h"

static void begin_element(Buf *array)
{
    buf_put_byte(array, array->len ? ',' : '{');
}

void array_put_text(Buf *array, Str text)
{
    begin_element(array);
    buf_put_byte(array, '"');
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '"' || text.ptr[i] == '\\')
            buf_put_byte(array, '\\');
        buf_put_byte(array, text.ptr[i]);
    }
    buf_put_byte(array, '"');
}

void array_put_int(Buf *array, int64_t value)
{
    begin_element(array);
    buf_printf(array, "%lld", (long long)value);
}

void array_put_real(Buf *array, double value)
{
    begin_element(array);
    buf_printf(array, "%.17g", value);
}

void array_put_bool(Buf *array, bool value)
{
    begin_element(array);
    buf_put_byte(array, value ? 't' : 'f');
}

void array_put_null(Buf *array)
{
    begin_element(array);
    buf_put_z(array, "null");
}

void array_put_uuid(Buf *array, const unsigned char bytes[16])
{
    static const char digits[] = "0123456789abcdef";

    begin_element(array);
    for (size_t i = 0; i < 16; i++) {
        buf_put_byte(array, digits[bytes[i] >> 4]);
        buf_put_byte(array, digits[bytes[i] & 15]);
    }
}

Str array_end(Buf *array)
{
    if (array->len == 0)
        buf_put_byte(array, '{');
    buf_put_byte(array, '}');
    return buf_str(array);
}
