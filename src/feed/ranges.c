/* SPDX-License-Identifier: Apache-2.0 */
#include "feed/ranges.h"

static Range *list_of(const Ranges *set)
{
    return (Range *)(void *)set->list.ptr;
}

static size_t count_of(const Ranges *set)
{
    return set->list.len / sizeof(Range);
}

void ranges_release(Ranges *set)
{
    buf_release(&set->list);
}

/* The first range that ends behind `block`, or at it where `touching`. */
static size_t find(const Ranges *set, uint64_t block, bool touching)
{
    size_t low = 0, high = count_of(set);

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        uint64_t end = list_of(set)[middle].end;

        if (end < block || (end == block && !touching))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* `with` ranges take the place of those from `from` up to `to`. */
static void replace(Ranges *set, size_t from, size_t to, const Range *with, size_t count)
{
    size_t behind = count_of(set) - to, more = count > to - from ? count - (to - from) : 0;

    if (count == 0 && from == to)
        return; /* there may be no list yet */
    (void)buf_reserve(&set->list, more * sizeof(Range));
    Range *list = list_of(set);
    memmove(list + from + count, list + to, behind * sizeof(Range));
    for (size_t i = 0; i < count; i++)
        list[from + i] = with[i];
    set->list.len = (from + count + behind) * sizeof(Range);
}

void ranges_add(Ranges *set, uint64_t first, uint64_t end)
{
    if (first >= end)
        return;
    size_t from = find(set, first, true), to = from;
    Range whole = {first, end};
    for (; to < count_of(set) && list_of(set)[to].first <= end; to++) {
        const Range *old = &list_of(set)[to];

        whole.first = old->first < whole.first ? old->first : whole.first;
        whole.end = old->end > whole.end ? old->end : whole.end;
    }
    if (from == to && count_of(set) >= RANGES_MAX)
        return;
    replace(set, from, to, &whole, 1);
}

void ranges_remove(Ranges *set, uint64_t first, uint64_t end)
{
    Range left[2];
    size_t count = 0;

    if (first >= end)
        return;
    size_t from = find(set, first, false), to = from;
    for (; to < count_of(set) && list_of(set)[to].first < end; to++) {
        Range old = list_of(set)[to];

        if (old.first < first)
            left[count++] = (Range){old.first, first};
        if (old.end > end)
            left[count++] = (Range){end, old.end};
    }
    replace(set, from, to, left, count);
}

uint64_t ranges_next(const Ranges *set, uint64_t block)
{
    size_t at = find(set, block, false);

    if (at == count_of(set))
        return RANGES_NONE;
    return list_of(set)[at].first > block ? list_of(set)[at].first : block;
}

uint64_t ranges_gap(const Ranges *set, uint64_t block)
{
    size_t at = find(set, block, false);

    return at < count_of(set) && list_of(set)[at].first <= block ? list_of(set)[at].end : block;
}
