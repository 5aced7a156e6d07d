/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cmd.h"

static const Cmd *const cmds[] = {
#define G(name, summary)
#define X(name) &cmd_##name,
#include "cli/cmd.def"
#undef G
#undef X
};

static const CmdGroup groups[] = {
#define G(name, summary) {name, summary},
#define X(name)
#include "cli/cmd.def"
#undef G
#undef X
};

const CmdSet cmd_set = {cmds, COUNT_OF(cmds), groups, COUNT_OF(groups)};

static const char *const colours[] = {"auto", "always", "never", NULL};

const Opt cmd_globals[] = {
    {OPT_TEXT, "dir", 'C', offsetof(Globals, dir), "DIR",
     "the instance (else $STRATA_DIR, else the user's own)"},
    {OPT_FLAG, "json", 0, offsetof(Globals, json), NULL, "print JSON: one object, or one object a line"},
    {OPT_FLAG, "quiet", 'q', offsetof(Globals, quiet), NULL, "print no progress and no remarks"},
    {OPT_ENUM, "color", 0, offsetof(Globals, colour), "WHEN", "use colour", .values = colours},
    {OPT_FLAG, "help", 'h', offsetof(Globals, help), NULL, "say what a command does, and its options"},
    {OPT_FLAG, "version", 0, offsetof(Globals, version), NULL, "print the version"},
    {.type = OPT_END},
};

void cmd_args_range(const char *args, size_t *min, size_t *max)
{
    Str rest = str_from_z(args);

    *min = *max = 0;
    while (rest.len) {
        Str word;
        bool optional = rest.ptr[0] == '[';

        rest = str_cut(rest, ' ', &word);
        if (!optional)
            ++*min;
        if (memmem(word.ptr, word.len, "...", 3))
            *max = SIZE_MAX;
        else if (*max != SIZE_MAX)
            ++*max;
    }
}

const Cmd *cmd_find(const CmdSet *set, Str name)
{
    for (size_t i = 0; i < set->cmds_count; i++)
        if (str_eq_z(name, set->cmds[i]->name))
            return set->cmds[i];
    return NULL;
}

const CmdGroup *cmd_find_group(const CmdSet *set, Str name)
{
    for (size_t i = 0; i < set->groups_count; i++)
        if (str_eq_z(name, set->groups[i].name))
            return &set->groups[i];
    return NULL;
}

bool cmd_below(Str name, Str group, Str *out_word)
{
    if (group.len) {
        if (!str_starts(name, group) || name.len <= group.len || name.ptr[group.len] != ' ')
            return false;
        name = str_sub(name, group.len + 1, name.len);
    }
    (void)str_cut(name, ' ', out_word);
    return true;
}

size_t cmd_next_words(const CmdSet *set, Str group, CmdNext *out)
{
    size_t count = 0;

    for (size_t i = 0; i < set->cmds_count; i++) {
        Str name = str_from_z(set->cmds[i]->name), word;

        if (!cmd_below(name, group, &word))
            continue;
        Str whole = str_sub(name, 0, (size_t)(word.ptr - name.ptr) + word.len);
        const CmdGroup *below = cmd_find_group(set, whole);

        if (count && str_eq(out[count - 1].name, whole))
            continue;
        out[count++] = (CmdNext){whole, word, str_from_z(below ? below->summary : set->cmds[i]->summary),
                                 below ? NULL : set->cmds[i]};
    }
    return count;
}
