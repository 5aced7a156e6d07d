/* SPDX-License-Identifier: Apache-2.0 */
#include "net/compact.h"

enum { TWO_BYTES = 0xfd, FOUR_BYTES = 0xfe, EIGHT_BYTES = 0xff };

static void put_little(Buf *buf, unsigned char first, uint64_t number, int bytes)
{
    buf_put_byte(buf, (char)first);
    for (int i = 0; i < bytes; i++)
        buf_put_byte(buf, (char)(number >> (8 * i)));
}

void compact_put_uint(Buf *buf, uint64_t number)
{
    if (number < TWO_BYTES)
        buf_put_byte(buf, (char)number);
    else if (number <= UINT16_MAX)
        put_little(buf, TWO_BYTES, number, 2);
    else if (number <= UINT32_MAX)
        put_little(buf, FOUR_BYTES, number, 4);
    else
        put_little(buf, EIGHT_BYTES, number, 8);
}

void compact_put_buffer(Buf *buf, Str bytes)
{
    compact_put_uint(buf, bytes.len);
    buf_put(buf, bytes);
}

Str compact_raw(CompactIn *in, uint64_t len)
{
    Str taken = {0};

    if (in->bad || len > in->rest.len) {
        in->bad = true;
        in->rest = (Str){0};
        return taken;
    }
    taken = str_sub(in->rest, 0, (size_t)len);
    in->rest = str_sub(in->rest, (size_t)len, in->rest.len);
    return taken;
}

uint64_t compact_uint(CompactIn *in)
{
    Str first = compact_raw(in, 1), more;
    uint64_t number = 0;

    if (first.len == 0)
        return 0;
    unsigned char byte = (unsigned char)first.ptr[0];
    if (byte < TWO_BYTES)
        return byte;
    more = compact_raw(in, (uint64_t)2 << (byte - TWO_BYTES));
    for (size_t i = more.len; i-- > 0;)
        number = number << 8 | (unsigned char)more.ptr[i];
    return number;
}

Str compact_buffer(CompactIn *in)
{
    return compact_raw(in, compact_uint(in));
}

uint64_t compact_count(CompactIn *in, size_t least)
{
    uint64_t count = compact_uint(in);

    if (count > in->rest.len / least)
        in->bad = true;
    return in->bad ? 0 : count;
}
