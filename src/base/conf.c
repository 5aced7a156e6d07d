/* SPDX-License-Identifier: Apache-2.0 */
#include "base/conf.h"

#include <ctype.h>
#include <ini.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/conf_value.h"
#include "base/os.h"

/* Where the value of a key is from. */
typedef struct Source {
    Str text;
    ConfOrigin origin;
    int line;
} Source;

/* A section as it is in the file, or all its defaults. */
typedef struct Part {
    const ConfSection *section;
    Str label;
    void *values;
    Source *sources; /* one a key */
    struct Part *next;
} Part;

typedef struct Note {
    ConfProblem problem;
    struct Note *next;
} Note;

struct Conf {
    const ConfSet *set;
    const char *path;
    Arena *arena;
    Part *parts, **parts_end;
    Note *notes, **notes_end;
};

/* ---- problems ---- */

static ConfProblem *add_problem(Conf *conf, int line, const char *fmt, ...) ATTR_PRINTF(3, 4);
static ConfProblem *add_problem(Conf *conf, int line, const char *fmt, ...)
{
    BUF_SCOPE(text);
    Note *note = arena_new(conf->arena, Note, 1);
    va_list args, again;

    if (line)
        buf_printf(&text, "%s:%d: ", conf->path, line);
    va_start(args, fmt);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    (void)vsnprintf(buf_reserve(&text, (size_t)len + 1), (size_t)len + 1, fmt, again);
    va_end(again);
    text.len += (size_t)len;
    note->problem.text = str_copy(conf->arena, buf_str(&text));
    *conf->notes_end = note;
    conf->notes_end = &note->next;
    return &note->problem;
}

bool conf_next_problem(const Conf *conf, size_t *at, ConfProblem *out)
{
    const Note *note = conf->notes;

    for (size_t i = 0; note && i < *at; i++)
        note = note->next;
    if (!note)
        return false;
    *out = note->problem;
    ++*at;
    return true;
}

/* ---- sections and values ---- */

static Part *find_part(const Conf *conf, const ConfSection *section, Str label)
{
    for (Part *part = conf->parts; part; part = part->next)
        if (part->section == section && str_eq(part->label, label))
            return part;
    return NULL;
}

static bool store(Part *part, size_t key, Str text, ConfOrigin origin, int line)
{
    if (!conf_value_store(&part->section->keys[key], text, part->values))
        return false;
    part->sources[key] = (Source){text, origin, line};
    return true;
}

static Part *add_part(Conf *conf, const ConfSection *section, Str label)
{
    Part *part = arena_new(conf->arena, Part, 1);

    *part = (Part){.section = section,
                   .label = str_copy(conf->arena, label),
                   .values = arena_alloc(conf->arena, section->size, alignof(max_align_t), 1),
                   .sources = arena_new(conf->arena, Source, section->keys_count)};
    for (size_t i = 0; i < section->keys_count; i++)
        (void)store(part, i, str_from_z(section->keys[i].preset), CONF_DEFAULT, 0);
    *conf->parts_end = part;
    conf->parts_end = &part->next;
    return part;
}

/* ---- the environment ---- */

static void put_capitals(Buf *out, Str name)
{
    for (size_t i = 0; i < name.len; i++) {
        unsigned char c = (unsigned char)name.ptr[i];

        buf_put_byte(out, (char)(c < 0x80 && isalnum(c) ? toupper(c) : '_'));
    }
}

void conf_put_variable(const ConfSection *section, Str label, const ConfKey *key, Buf *out)
{
    buf_put_z(out, "STRATA_");
    put_capitals(out, str_from_z(section->name));
    buf_put_byte(out, '_');
    if (label.len) {
        put_capitals(out, label);
        buf_put_byte(out, '_');
    }
    put_capitals(out, str_from_z(key->name));
}

static void take_variable(Conf *conf, Part *part, size_t key)
{
    BUF_SCOPE(name);
    BUF_SCOPE(range);
    const ConfKey *row = &part->section->keys[key];

    conf_put_variable(part->section, part->label, row, &name);
    buf_put_byte(&name, '\0');

    const char *z = getenv(name.ptr);
    if (!z || store(part, key, str_copy(conf->arena, str_from_z(z)), CONF_ENVIRONMENT, 0))
        return;
    conf_put_range(row, &range);
    (void)add_problem(conf, 0, "%s='%.64s' is not %.*s", name.ptr, z, STR_ARG(buf_str(&range)));
}

static void take_environment(Conf *conf)
{
    for (Part *part = conf->parts; part; part = part->next)
        for (size_t i = 0; i < part->section->keys_count; i++)
            take_variable(conf, part, i);
}

/* ---- the file ----
 *
 * inih takes lines apart. It tells neither the number of a line nor of a section without keys, and cuts long lines
 * in two without a word; so the function that hands it the lines one by one notes all that. */

typedef struct Reader {
    Conf *conf;
    Str left;
    int line;
    bool wants_value; /* the line handed out last must come back as a key and its value */
    Part *part;       /* of the section we are in; NULL outside, or in one that is not known */
    size_t key;       /* the one set last, for a line that goes on with it */
    bool goes_on, key_is_known, in_section;
    bool passes_over; /* the section, which is somebody else's */
} Reader;

static const ConfSection *find_section(const ConfSet *set, Str name)
{
    for (size_t i = 0; i < set->count; i++)
        if (str_eq_z(name, set->sections[i]->name))
            return set->sections[i];
    return NULL;
}

static Str nearest_section(const Conf *conf, Str word)
{
    Str *names = arena_new(conf->arena, Str, conf->set->count);

    for (size_t i = 0; i < conf->set->count; i++)
        names[i] = str_from_z(conf->set->sections[i]->name);
    return str_nearest(word, names, conf->set->count);
}

static void refuse_section(Reader *reader, Str name)
{
    Conf *conf = reader->conf;
    Str near = nearest_section(conf, name);
    ConfProblem *problem = add_problem(conf, reader->line, "there is no section [%.*s]", STR_ARG(name));

    if (near.len)
        problem->hint = str_printf(conf->arena, "did you mean [%.*s]?", STR_ARG(near));
}

static bool is_label(Str label)
{
    for (size_t i = 0; i < label.len; i++) {
        unsigned char c = (unsigned char)label.ptr[i];

        if (c >= 0x80 || (!isalnum(c) && c != '_' && c != '-' && c != '.'))
            return false;
    }
    return label.len > 0 && label.len <= CONF_LABEL_MAX;
}

static bool label_fits(Reader *reader, const ConfSection *section, Str label)
{
    if (!section->label && label.len)
        (void)add_problem(reader->conf, reader->line, "[%s] takes no name", section->name);
    else if (section->label && label.len == 0)
        (void)add_problem(reader->conf, reader->line, "[%s] needs a name: [%s %s]", section->name,
                          section->name, section->label);
    else if (section->label && !is_label(label))
        (void)add_problem(reader->conf, reader->line,
                          "'%.*s' is not a name: letters, digits, '_', '-' and '.', at most %d",
                          STR_ARG(str_sub(label, 0, CONF_LABEL_MAX)), CONF_LABEL_MAX);
    else
        return true;
    return false;
}

/* A line that starts with '['. */
static void enter_section(Reader *reader, Str line)
{
    Str head = str_sub(line, 1, line.len), name;
    const char *end = memchr(head.ptr, ']', head.len);

    reader->part = NULL;
    reader->goes_on = reader->passes_over = false;
    reader->in_section = true;
    if (!end) {
        (void)add_problem(reader->conf, reader->line, "a section ends with ']'");
        return;
    }
    head = str_trim(str_sub(head, 0, (size_t)(end - head.ptr)));
    Str label = str_trim(str_cut(head, ' ', &name));
    const ConfSection *section = find_section(reader->conf->set, name);

    if (!section) {
        reader->passes_over = reader->conf->set->part;
        if (!reader->passes_over)
            refuse_section(reader, name);
        return;
    }
    if (!label_fits(reader, section, label))
        return;
    reader->part = find_part(reader->conf, section, label);
    if (!reader->part)
        reader->part = add_part(reader->conf, section, label);
}

static bool starts_blank(Str line)
{
    return line.len && (line.ptr[0] == ' ' || line.ptr[0] == '\t');
}

static void say_not_understood(Reader *reader)
{
    if (reader->wants_value)
        (void)add_problem(reader->conf, reader->line,
                          "this is neither [section], key = value, nor a comment");
    reader->wants_value = false;
}

/* What inih shall see of `line`: all of it, or nothing where there is a problem with it already. */
static Str look_at(Reader *reader, Str line)
{
    Str bare = str_trim(line);

    if (bare.len == 0 || bare.ptr[0] == '#' || bare.ptr[0] == ';' ||
        (reader->passes_over && line.ptr[0] != '['))
        return (Str){0};
    if (line.len > CONF_LINE_MAX) {
        ConfProblem *problem =
            add_problem(reader->conf, reader->line, "the line is longer than %d bytes", CONF_LINE_MAX);

        problem->hint = STR("a value goes on in the next line, which then starts with a blank");
        return (Str){0};
    }
    if (line.ptr[0] == '[') {
        enter_section(reader, line);
        return STR("[s]");
    }
    reader->goes_on = starts_blank(line) && reader->goes_on;
    if (starts_blank(line) && !reader->goes_on) {
        (void)add_problem(reader->conf, reader->line,
                          "a line that starts with a blank goes on with a value: there is none");
        return (Str){0};
    }
    reader->wants_value = true;
    return line;
}

/* inih's reader: the next line, as fgets would give it. */
static char *next_line(char *into, int size, void *reader_v)
{
    Reader *reader = reader_v;
    Str line;

    say_not_understood(reader);
    if (reader->left.len == 0)
        return NULL;
    reader->line++;
    reader->left = str_cut(reader->left, '\n', &line);
    line = look_at(reader, line);
    (void)snprintf(into, (size_t)size, "%.*s\n", STR_ARG(line));
    return into;
}

static void refuse_key(Reader *reader, Str name)
{
    Conf *conf = reader->conf;
    const ConfSection *section = reader->part->section;
    Str *names = arena_new(conf->arena, Str, section->keys_count);
    ConfProblem *problem =
        add_problem(conf, reader->line, "there is no key '%.*s' in [%s]", STR_ARG(name), section->name);

    for (size_t i = 0; i < section->keys_count; i++)
        names[i] = str_from_z(section->keys[i].name);
    Str near = str_nearest(name, names, section->keys_count);

    if (near.len)
        problem->hint = str_printf(conf->arena, "did you mean '%.*s'?", STR_ARG(near));
}

static bool find_key(const ConfSection *section, Str name, size_t *out)
{
    for (size_t i = 0; i < section->keys_count; i++)
        if (str_eq_z(name, section->keys[i].name)) {
            *out = i;
            return true;
        }
    return false;
}

/* `value` is a first line, or one more of the key that was set last. */
static void set_value(Reader *reader, Str value)
{
    Conf *conf = reader->conf;
    const ConfKey *key = &reader->part->section->keys[reader->key];
    const Source *source = &reader->part->sources[reader->key];
    int line = reader->goes_on ? source->line : reader->line;
    BUF_SCOPE(range);

    if (reader->goes_on)
        value = str_printf(conf->arena, "%.*s%s%.*s", STR_ARG(source->text), source->text.len ? " " : "",
                           STR_ARG(value));
    else
        value = str_copy(conf->arena, value);
    if (value.len <= CONF_VALUE_MAX && store(reader->part, reader->key, value, CONF_FILE, line))
        return;
    reader->key_is_known = false;
    if (value.len > CONF_VALUE_MAX)
        buf_printf(&range, "at most %d bytes", CONF_VALUE_MAX);
    else
        conf_put_range(key, &range);
    (void)add_problem(conf, reader->line, "%s = '%.*s' is not %.*s", key->name,
                      STR_ARG(str_sub(value, 0, 64)), STR_ARG(buf_str(&range)));
}

/* inih's handler. Its own idea of the section is not asked: next_line() knows the same and more. */
static int take_value(void *reader_v, const char *section, const char *name_z, const char *value_z)
{
    Reader *reader = reader_v;
    Str name = str_from_z(name_z);

    (void)section;
    reader->wants_value = false;
    if (!reader->part && !reader->in_section)
        (void)add_problem(reader->conf, reader->line, "'%.*s' stands before any [section]", STR_ARG(name));
    if (!reader->part)
        return 1;
    if (!reader->goes_on) {
        reader->key_is_known = find_key(reader->part->section, name, &reader->key);
        if (!reader->key_is_known)
            refuse_key(reader, name);
        else if (reader->part->sources[reader->key].origin == CONF_FILE) {
            (void)add_problem(reader->conf, reader->line, "'%s' is set already in line %d", name_z,
                              reader->part->sources[reader->key].line);
            reader->key_is_known = false;
        }
    }
    if (reader->key_is_known)
        set_value(reader, str_from_z(value_z));
    reader->goes_on = true;
    return 1;
}

Conf *conf_parse(const ConfSet *set, Str text, const char *path, Arena *arena)
{
    Conf *conf = arena_new(arena, Conf, 1);
    Reader reader = {.conf = conf, .left = text};

    if (str_starts(text, STR("\xef\xbb\xbf"))) /* a byte order mark, as some editors write it */
        reader.left = str_sub(text, 3, text.len);
    *conf = (Conf){.set = set, .path = path, .arena = arena};
    conf->parts_end = &conf->parts;
    conf->notes_end = &conf->notes;
    for (size_t i = 0; i < set->count; i++)
        if (!set->sections[i]->label)
            (void)add_part(conf, set->sections[i], (Str){0});
    if (text.len && memchr(text.ptr, '\0', text.len))
        (void)add_problem(conf, 1, "the file holds a NUL byte: it is not text");
    else
        (void)ini_parse_stream(next_line, &reader, take_value, &reader);
    take_environment(conf);
    return conf;
}

bool conf_load(const ConfSet *set, const char *path, Arena *arena, Conf **out, Err *err)
{
    BUF_SCOPE(text);
    ConfProblem problem;
    size_t at = 0;

    if (!os_read_file(path, CONF_FILE_MAX, &text, err) && err->code != ERR_NOT_FOUND)
        return false;
    *err = (Err){0};
    Conf *conf = conf_parse(set, buf_str(&text), str_to_z(arena, str_from_z(path)), arena);

    if (conf_next_problem(conf, &at, &problem)) {
        (void)err_set(err, ERR_CONFIG, "%.*s", STR_ARG(problem.text));
        return problem.hint.len ? err_hint(err, "%.*s", STR_ARG(problem.hint)) : false;
    }
    *out = conf;
    return true;
}

/* ---- looking ---- */

const void *conf_get(const Conf *conf, const ConfSection *section, Str label)
{
    const Part *part = find_part(conf, section, label);

    return part ? part->values : NULL;
}

bool conf_next(const Conf *conf, const ConfSection *section, size_t *at, Str *label, const void **values)
{
    size_t i = 0;

    for (const Part *part = conf->parts; part; part = part->next)
        if (part->section == section && i++ == *at) {
            *label = part->label;
            *values = part->values;
            ++*at;
            return true;
        }
    return false;
}

bool conf_next_item(const Conf *conf, size_t *at, ConfItem *out)
{
    size_t key = *at;

    for (const Part *part = conf->parts; part; part = part->next) {
        if (key < part->section->keys_count) {
            const Source *source = &part->sources[key];

            *out = (ConfItem){part->section, part->label,    &part->section->keys[key],
                              source->text,  source->origin, source->line};
            ++*at;
            return true;
        }
        key -= part->section->keys_count;
    }
    return false;
}
