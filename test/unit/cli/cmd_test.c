/* SPDX-License-Identifier: Apache-2.0 */
/* The program's own tables: what the compiler cannot see of a command, an option or a key. */
#include "cli/cmd.h"

#include <ctype.h>

#include "base/term.h"
#include "cli/completion.h"
#include "cli/config.h"
#include "cli/help.h"
#include "cli/manual.h"
#include "test/check.h"

enum { TEXT_MAX = 110 };

/* A text of help: there, in one line, and without a full stop. */
static bool is_line(const char *text)
{
    size_t len = text ? strlen(text) : 0;

    return len > 3 && !strchr(text, '\n') && text[len - 1] != '.' && text[0] != ' ';
}

/* A phrase that goes on where a name ends: short, and not a sentence of its own. */
static bool is_phrase(const char *text)
{
    return is_line(text) && strlen(text) <= TEXT_MAX && !isupper((unsigned char)text[0]);
}

static bool every_word_before_is_a_group(const Cmd *cmd)
{
    Str name = str_from_z(cmd->name);

    for (size_t i = 0; i < name.len; i++)
        if (name.ptr[i] == ' ' && !cmd_find_group(&cmd_set, str_sub(name, 0, i)))
            return false;
    return true;
}

static void every_command_is_told_and_stands_in_its_group(void)
{
    for (size_t i = 0; i < cmd_set.cmds_count; i++) {
        const Cmd *cmd = cmd_set.cmds[i];
        bool ok = is_phrase(cmd->summary) && every_word_before_is_a_group(cmd) && cmd->run &&
                  !cmd_find_group(&cmd_set, str_from_z(cmd->name)) &&
                  cmd_find(&cmd_set, str_from_z(cmd->name)) == cmd;

        CHECK(ok);
        if (!ok)
            printf("# %s\n", cmd->name);
    }
}

static void every_group_has_commands(void)
{
    for (size_t i = 0; i < cmd_set.groups_count; i++) {
        ARENA_SCOPE(arena);
        CmdNext *next = arena_new(&arena, CmdNext, cmd_set.cmds_count);

        CHECK(cmd_next_words(&cmd_set, str_from_z(cmd_set.groups[i].name), next) > 0);
        CHECK(is_phrase(cmd_set.groups[i].summary));
    }
}

static bool is_option_sound(const Cmd *cmd, const Opt *opt)
{
    bool takes_value = opt->type != OPT_FLAG, has_words = opt->type == OPT_ENUM || opt->type == OPT_SET;

    return opt->offset < cmd->opts_size && is_phrase(opt->help) && takes_value == (opt->arg != NULL) &&
           has_words == (opt->values != NULL);
}

/* No option of a command hides another one of it, or one of all commands. */
static bool is_option_alone(const Opt *opt, const Opt *others)
{
    for (; others && others->type != OPT_END; others++)
        if (others != opt &&
            (strcmp(others->name, opt->name) == 0 || (opt->letter && opt->letter == others->letter)))
            return false;
    return true;
}

static void every_option_is_sound_and_hides_no_other(void)
{
    for (size_t i = 0; i < cmd_set.cmds_count; i++) {
        const Cmd *cmd = cmd_set.cmds[i];

        for (const Opt *opt = cmd->opts; opt && opt->type != OPT_END; opt++) {
            bool ok = is_option_sound(cmd, opt) && is_option_alone(opt, cmd->opts) &&
                      is_option_alone(opt, cmd_globals);

            CHECK(ok);
            if (!ok)
                printf("# %s --%s\n", cmd->name, opt->name);
        }
    }
}

/* Reading a key's default back tells whether it is within its own limits, and the limits are of its type. */
static void every_default_of_the_configuration_is_allowed(void)
{
    ARENA_SCOPE(arena);
    BUF_SCOPE(text);
    ConfProblem problem;
    size_t at = 0;

    for (size_t i = 0; i < config_set.count; i++) {
        const ConfSection *section = config_set.sections[i];

        buf_printf(&text, "[%s%s]\n", section->name, section->label ? " x" : "");
        CHECK(is_phrase(section->meaning));
        for (size_t k = 0; k < section->keys_count; k++) {
            buf_printf(&text, "%s = %s\n", section->keys[k].name, section->keys[k].preset);
            CHECK(is_line(section->keys[k].meaning));
        }
    }
    Conf *conf = conf_parse(&config_set, buf_str(&text), "defaults", &arena);

    while (conf_next_problem(conf, &at, &problem))
        printf("# %.*s\n", STR_ARG(problem.text));
    CHECK(at == 0);
}

static int widest_line(Str text)
{
    int widest = 0;
    Str line;

    while (text.len) {
        text = str_cut(text, '\n', &line);
        /* Examples and kept lines are not broken, nor is a word. */
        if (!str_starts(line, STR("  ")) && memchr(line.ptr, ' ', line.len) && term_width(line) > widest)
            widest = term_width(line);
    }
    return widest;
}

static void help_keeps_to_the_width_of_the_terminal(void)
{
    static const int widths[] = {40, 60, 80, 200};

    for (size_t w = 0; w < COUNT_OF(widths); w++)
        for (size_t i = 0; i < cmd_set.cmds_count; i++) {
            BUF_SCOPE(text);

            help_cmd(cmd_set.cmds[i], (HelpStyle){.columns = widths[w]}, &text);
            CHECK(widest_line(buf_str(&text)) <= widths[w]);
            CHECK(memmem(text.ptr, text.len, cmd_set.cmds[i]->summary, 4) != NULL);
            CHECK(memchr(text.ptr, '\033', text.len) == NULL);
        }
}

/* The manual page stands in from the edge by 12 columns, and man does not break an example: cut lines cannot be copied. */
static void examples_fit_into_a_page_of_60_columns(void)
{
    enum { ROOM = 60 - 12 };

    for (size_t i = 0; i < cmd_set.cmds_count; i++) {
        Str rest = str_from_z(cmd_set.cmds[i]->examples ? cmd_set.cmds[i]->examples : ""), line;

        while (rest.len) {
            rest = str_cut(rest, '\n', &line);
            CHECK(term_width(line) <= ROOM);
        }
    }
}

static bool names(const Buf *page, const char *word)
{
    return memmem(page->ptr, page->len, word, strlen(word)) != NULL;
}

static void pages_and_completions_name_every_option(void)
{
    BUF_SCOPE(man);
    BUF_SCOPE(fish);

    manual_put_commands(&cmd_set, MANUAL_SCDOC, &man);
    completion_put_fish(&cmd_set, &fish);
    for (size_t i = 0; i < cmd_set.cmds_count; i++) {
        CHECK(names(&man, cmd_set.cmds[i]->name));
        for (const Opt *opt = cmd_set.cmds[i]->opts; opt && opt->type != OPT_END; opt++)
            CHECK(names(&man, opt->name) && names(&fish, opt->name));
    }
}

static void the_page_of_the_configuration_names_every_key(void)
{
    BUF_SCOPE(page);

    manual_put_configuration(&config_set, MANUAL_MARKDOWN, &page);
    for (size_t i = 0; i < config_set.count; i++)
        for (size_t k = 0; k < config_set.sections[i]->keys_count; k++)
            CHECK(names(&page, config_set.sections[i]->keys[k].name));
}

int main(void)
{
    term_init();
    RUN(every_command_is_told_and_stands_in_its_group);
    RUN(every_group_has_commands);
    RUN(every_option_is_sound_and_hides_no_other);
    RUN(every_default_of_the_configuration_is_allowed);
    RUN(help_keeps_to_the_width_of_the_terminal);
    RUN(examples_fit_into_a_page_of_60_columns);
    RUN(pages_and_completions_name_every_option);
    RUN(the_page_of_the_configuration_names_every_key);
    DONE();
}
