/* SPDX-License-Identifier: Apache-2.0 */
#include "base/conf.h"
#include "base/term.h"

bool conf_next_named(const ConfSet *set, Str name, size_t *at, const ConfSection **section,
                     const ConfKey **key)
{
    Str first, second = str_cut(name, '.', &first);
    bool has_section = first.len < name.len;
    size_t n = 0;

    for (size_t i = 0; i < set->count; i++)
        for (size_t k = 0; k < set->sections[i]->keys_count; k++) {
            const ConfSection *one = set->sections[i];

            if (has_section ? !str_eq_z(first, one->name) || !str_eq_z(second, one->keys[k].name)
                            : !str_eq_z(name, one->keys[k].name))
                continue;
            if (n++ < *at)
                continue;
            ++*at;
            *section = one;
            *key = &one->keys[k];
            return true;
        }
    return false;
}

Str conf_nearest_key(const ConfSet *set, Str name, Arena *arena)
{
    bool has_section = name.len && memchr(name.ptr, '.', name.len);
    size_t keys = 0, n = 0;

    for (size_t i = 0; i < set->count; i++)
        keys += set->sections[i]->keys_count;
    Str *names = arena_new(arena, Str, keys), *whole = arena_new(arena, Str, keys);

    for (size_t i = 0; i < set->count; i++)
        for (size_t k = 0; k < set->sections[i]->keys_count; k++, n++) {
            whole[n] = str_printf(arena, "%s.%s", set->sections[i]->name, set->sections[i]->keys[k].name);
            names[n] = has_section ? whole[n] : str_from_z(set->sections[i]->keys[k].name);
        }
    Str found = str_nearest(name, names, keys);

    for (n = 0; n < keys; n++)
        if (found.ptr && found.ptr == names[n].ptr)
            return whole[n];
    return (Str){0};
}

static void put_comment(Buf *out, Str text)
{
    enum { WIDTH = 98 };
    BUF_SCOPE(lines);

    term_wrap(&lines, text, 0, WIDTH);
    for (Str rest = buf_str(&lines), line; rest.len;) {
        rest = str_cut(rest, '\n', &line);
        buf_printf(out, "# %.*s\n", STR_ARG(line));
    }
}

static void put_sample_key(const ConfKey *key, Buf *out)
{
    BUF_SCOPE(text);

    buf_printf(&text, "%s: ", key->meaning);
    conf_put_range(key, &text);
    if (!key->reloadable)
        buf_put_z(&text, "; a change needs a restart");
    buf_put_byte(out, '\n');
    put_comment(out, buf_str(&text));
    buf_printf(out, "#%s =%s%s\n", key->name, key->preset[0] ? " " : "", key->preset);
}

void conf_put_sample(const ConfSet *set, Buf *out)
{
    buf_put_z(
        out,
        "# The configuration of this instance. Every key is here with its default; take away the '#' before\n"
        "# one to change it. 'strata config check' reads this file, 'strata config explain KEY' says more.\n");
    for (size_t i = 0; i < set->count; i++) {
        const ConfSection *section = set->sections[i];
        const char *gap = section->label ? " " : "", *label = section->label ? section->label : "";

        buf_put_byte(out, '\n');
        put_comment(out, str_from_z(section->meaning));
        /* A section that needs a name is a pattern to copy, so it is commented out itself. */
        buf_printf(out, "%s[%s%s%s]\n", section->label ? "#" : "", section->name, gap, label);
        for (size_t k = 0; k < section->keys_count; k++)
            put_sample_key(&section->keys[k], out);
    }
}
