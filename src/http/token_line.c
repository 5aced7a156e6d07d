/* SPDX-License-Identifier: Apache-2.0 */
#include "http/token_line.h"

static const char *const role_names[] = {"nobody", "reader", "writer", "admin"};

const char *role_name(Role role)
{
    return role_names[role];
}

bool role_from_name(Str name, Role *out)
{
    for (Role role = READER; role <= ADMIN; role++) {
        if (str_eq_z(name, role_names[role])) {
            *out = role;
            return true;
        }
    }
    return false;
}

static bool parse_hash(Str hex, unsigned char out[TOKEN_HASH_BYTES])
{
    if (hex.len != TOKEN_HASH_HEX)
        return false;
    for (size_t i = 0; i < hex.len; i++) {
        char c = hex.ptr[i];
        int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;

        if (digit < 0)
            return false;
        out[i / 2] = (unsigned char)(i % 2 ? out[i / 2] | digit : digit << 4);
    }
    return true;
}

static bool parse_id(Str text, unsigned *out)
{
    uint64_t number;

    if (!str_to_uint64(text, &number) || number >= UINT32_MAX)
        return false;
    *out = (unsigned)number;
    return true;
}

static bool parse_groups(Str text, Arena *arena, User *user)
{
    gid_t *groups = arena_new(arena, gid_t, TOKEN_GROUPS_MAX);

    if (user->groups) /* named twice */
        return false;
    while (text.len) {
        Str one;

        text = str_cut(text, ',', &one);
        if (user->group_count == TOKEN_GROUPS_MAX || !parse_id(one, &groups[user->group_count]))
            return false;
        user->group_count++;
    }
    user->groups = groups;
    return true;
}

/* "uid=12" and its like. */
static bool parse_extra(Str word, Arena *arena, TokenLine *out)
{
    Str name, value = str_cut(word, '=', &name);

    if (str_eq_z(name, "uid")) {
        out->user.filtered = true;
        return parse_id(value, &out->user.uid);
    }
    if (str_eq_z(name, "groups"))
        return parse_groups(value, arena, &out->user);
    return str_eq_z(name, "expires") && time_parse(value, &out->expires);
}

static Str next_word(Str *line)
{
    Str word;

    *line = str_trim(*line);
    size_t blank = 0;
    while (blank < line->len && line->ptr[blank] != ' ' && line->ptr[blank] != '\t')
        blank++;
    word = str_sub(*line, 0, blank);
    *line = str_trim(str_sub(*line, blank, line->len));
    return word;
}

static bool parse_words(Str line, Arena *arena, TokenLine *out, const char **wrong)
{
    *wrong = "the hash is not 64 lower-case hex digits";
    if (!parse_hash(next_word(&line), out->hash))
        return false;
    *wrong = "the role is not reader, writer or admin";
    if (!role_from_name(next_word(&line), &out->user.role))
        return false;
    *wrong = "the name is missing, or is none";
    out->user.name = str_copy(arena, next_word(&line));
    if (!token_is_name(out->user.name))
        return false;
    while (line.len) {
        *wrong = "behind the name come uid=N, groups=N,N and expires=TIME only";
        if (!parse_extra(next_word(&line), arena, out))
            return false;
    }
    *wrong = "groups need a uid";
    return out->user.filtered || !out->user.group_count;
}

bool token_is_name(Str name)
{
    for (size_t i = 0; i < name.len; i++)
        if (name.ptr[i] <= ' ' || name.ptr[i] == '=' || name.ptr[i] == '#' || name.ptr[i] == 0x7f)
            return false;
    return name.len > 0 && name.len <= TOKEN_NAME_MAX;
}

bool token_line_parse(Str line, Arena *arena, TokenLine *out, bool *blank, const char **wrong)
{
    TokenLine found = {0};
    Str content;

    (void)str_cut(line, '#', &content);
    content = str_trim(content);
    *blank = content.len == 0;
    if (!*blank && !parse_words(content, arena, &found, wrong))
        return false;
    *out = found;
    return true;
}

void token_line_put(Buf *out, const TokenLine *line)
{
    const User *user = &line->user;
    char time[TIME_TEXT_MAX];

    buf_put_hex(out, line->hash, sizeof line->hash);
    buf_printf(out, " %s %.*s", role_name(user->role), STR_ARG(user->name));
    if (user->filtered)
        buf_printf(out, " uid=%u", user->uid);
    for (size_t i = 0; i < user->group_count; i++)
        buf_printf(out, i ? ",%u" : " groups=%u", user->groups[i]);
    if (line->expires)
        buf_printf(out, " expires=%.*s", STR_ARG(time_format(line->expires, time)));
    buf_put_byte(out, '\n');
}
