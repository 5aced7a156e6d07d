/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/find.h"

#include <fnmatch.h>

#include "test/unit/catalog/tree.h"

#include "test/check.h"

static Arena arena;
static Access all;

/* ---- what comes back ---- */

typedef struct Got {
    int found[TREE_MAX]; /* how often each entry came */
    int rows, strangers;
    int64_t last_number;
    bool ordered;
} Got;

static Got got;

static bool take(void *ctx, const ListShape *shape, const ListCell *cells, Err *err)
{
    (void)ctx, (void)shape, (void)err;
    got.rows++;
    for (int i = 0; i < tree_count; i++) {
        if (str_eq(tree[i].text, cells[0].text)) {
            got.found[i]++;
            return true;
        }
    }
    got.strangers++;
    return true;
}

/* All pages of `limit`. */
static bool ask(const Access *access, FindQuery *query, int64_t limit, Err *err)
{
    ListSink sink = {.row = take, .limit = limit, .arena = &arena};

    got = (Got){0};
    do {
        if (!find(access, query, &sink, err))
            return false;
        sink.after = sink.next;
    } while (sink.next.len > 0);
    return true;
}

/* ---- what should come back ---- */

static bool is_below(int i, int dir)
{
    for (i = tree[i].parent; i >= 0; i = tree[i].parent)
        if (i == dir)
            return true;
    return false;
}

static AccessType type_of(int i)
{
    PosixType type = tree[i].facts.type;

    return type == POSIX_DIRECTORY ? ACCESS_DIRECTORY : type == POSIX_LINK ? ACCESS_LINK : ACCESS_FILE;
}

/* Globs with bytes that the catalogue's text has escapes for, and what they have to match in that text. */
static const char *const odd_patterns[][2] = {
    {"*\xff*", "*\\\\xff*"}, {"x\ny*", "x\\\\x0ay*"}, {"\xff\xfe.nc", "\\\\xff\\\\xfe.nc"}};

static bool name_matches(int i, const FindQuery *q)
{
    const char *name = str_to_z(&arena, pathname_name(tree[i].text)), *pattern = str_to_z(&arena, q->name);

    if (q->name_form == FIND_NAME_PART) {
        pattern = str_to_z(&arena, pathname_escape(&arena, q->name));
        return q->any_case ? strcasestr(name, pattern) != NULL : strstr(name, pattern) != NULL;
    }
    for (size_t o = 0; o < COUNT_OF(odd_patterns); o++)
        if (strcmp(pattern, odd_patterns[o][0]) == 0)
            pattern = odd_patterns[o][1];
    return fnmatch(pattern, name, q->any_case ? FNM_CASEFOLD : 0) == 0;
}

static bool matches(int i, int dir, const FindQuery *q)
{
    const PosixFacts *f = &tree[i].facts;
    Instant mtime = SECONDS(f->mtime.sec);
    bool file = type_of(i) == ACCESS_FILE;

    return is_below(i, dir) && (!q->types || q->types & type_of(i)) && (!q->name.len || name_matches(i, q)) &&
           (!q->size_min || (file && (int64_t)f->size >= *q->size_min)) &&
           (!q->size_max || (file && (int64_t)f->size <= *q->size_max)) &&
           (!q->mtime_min || mtime >= *q->mtime_min) && (!q->mtime_max || mtime <= *q->mtime_max) &&
           (!q->user.len || str_eq(q->user, f->user)) && (!q->group.len || str_eq(q->group, f->group)) &&
           (!q->uid || *q->uid == f->uid) && (!q->gid || *q->gid == f->gid) &&
           (q->sort != FIND_BY_SIZE || file);
}

/* ---- tests ---- */

static const char *const patterns[] = {"*",     "*.nc",  "a*",  "?.nc",       "a\\*b", "[ab].nc",
                                       "[!a]*", "100%",  "a_b", "*\xff*",     "x\ny*", "*[[]*",
                                       "q\\\\", "read*", "*'*", "\xff\xfe.nc"};
static const char *const parts[] = {"a", ".nc", "%", "_", "\\", "\xff\xfe", "\n", "read", "'", "\\x41"};

static void random_query(FindQuery *q, int64_t *numbers, int *dir)
{
    *q = (FindQuery){0};
    do
        *dir = (int)tree_random(2) ? 0 : (int)tree_random((uint64_t)tree_count);
    while (type_of(*dir) != ACCESS_DIRECTORY);
    q->path = tree[*dir].raw;
    q->sort = (FindSort)tree_random(4);
    q->types = (unsigned)tree_random(2) * (unsigned)tree_random(8);
    if (tree_random(2)) {
        q->name_form = tree_random(2) ? FIND_NAME_GLOB : FIND_NAME_PART;
        q->name = str_from_z(q->name_form == FIND_NAME_GLOB ? patterns[tree_random(COUNT_OF(patterns))]
                                                            : parts[tree_random(COUNT_OF(parts))]);
        q->any_case = tree_random(4) == 0;
    }
    numbers[0] = (int64_t)tree_random(1000);
    numbers[1] = numbers[0] + (int64_t)tree_random(2000);
    numbers[2] = SECONDS(1600000000 + (int64_t)tree_random(200) * 86400);
    numbers[3] = numbers[2] + SECONDS((int64_t)tree_random(100) * 86400);
    numbers[4] = (int64_t)tree_random(5);
    numbers[5] = (int64_t)tree_random(4);
    q->size_min = tree_random(4) ? NULL : &numbers[0];
    q->size_max = tree_random(4) ? NULL : &numbers[1];
    q->mtime_min = tree_random(4) ? NULL : &numbers[2];
    q->mtime_max = tree_random(4) ? NULL : &numbers[3];
    q->user = tree_random(4) ? (Str){0} : STR("ann");
    q->group = tree_random(4) ? (Str){0} : STR("bob");
    q->uid = tree_random(6) ? NULL : &numbers[4];
    q->gid = tree_random(6) ? NULL : &numbers[5];
}

static void finds_what_looking_at_everything_finds(void)
{
    Err err = {0};
    int nonempty = 0;

    for (int round = 0; round < 150; round++) {
        FindQuery q;
        int64_t numbers[6];
        int dir, bad = 0, expected = 0;

        random_query(&q, numbers, &dir);
        if (!ask(&all, &q, tree_random(2) ? 37 : 0, &err)) {
            printf("# round %d: %s\n", round, err.text);
            CHECK(!"asked");
            return;
        }
        for (int i = 0; i < tree_count; i++) {
            expected += matches(i, dir, &q);
            bad += got.found[i] != (int)matches(i, dir, &q);
        }
        nonempty += expected > 0;
        if (bad || got.strangers)
            printf(
                "# round %d: %d of %d wrong, %d rows, name '%.*s' form %d case %d types %u sort %d dir %.*s\n",
                round, bad, expected, got.rows, STR_ARG(q.name), (int)q.name_form, q.any_case, q.types,
                (int)q.sort, STR_ARG(tree[dir].text));
        CHECK(bad == 0 && got.strangers == 0);
    }
    CHECK(nonempty > 30);
}

static bool take_sizes(void *ctx, const ListShape *shape, const ListCell *cells, Err *err)
{
    int64_t *last = ctx;

    (void)shape, (void)err;
    CHECK(cells[3].number <= *last);
    *last = cells[3].number;
    return true;
}

static void the_largest_come_first(void)
{
    Err err = {0};
    int64_t last = INT64_MAX;
    ListSink sink = {.row = take_sizes, .ctx = &last, .limit = 5, .arena = &arena};

    CHECK(find(&all, &(FindQuery){.sort = FIND_BY_SIZE}, &sink, &err));
    CHECK(sink.next.len > 0);
    sink.after = sink.next;
    CHECK(find(&all, &(FindQuery){.sort = FIND_BY_SIZE}, &sink, &err));
}

/* ---- records ---- */

static void finds_by_fields_of_records(void)
{
    static const struct {
        const char *condition;
        int rows;
    } cases[] = {
        {"note.colour=red", 2}, {"note.colour!=red", 1}, {"note.colour", 3},    {"note.level>=2", 2},
        {"note.level>9", 1},    {"note.level<9", 2},     {"note.list.k=2", 1},  {"note.colour~^r", 2},
        {"note.colour ~ e", 3}, {"note.flag=true", 1},   {"note.text=12", 1},   {"note.colour=it's \"x\"", 0},
        {"note.no.such=1", 0},  {"other.colour=red", 0}, {"note.list.k<=1", 1}, {"posix.uid>=0", -1},
        {"note.a b=1", 1},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        Str condition = str_from_z(cases[i].condition);
        Err err = {0};
        FindQuery q = {.fields = &condition, .field_count = 1};

        bool ok = ask(&all, &q, 0, &err);
        int expected = cases[i].rows < 0 ? tree_count - 1 : cases[i].rows;
        if (!ok || got.rows != expected)
            printf("# %s: %d rows, %s\n", cases[i].condition, got.rows, err.text);
        CHECK(ok && got.rows == expected);
    }
}

static void add_notes(Batch *batch)
{
    int n = 0;

    for (int i = 0; i < tree_count && n < 3; i++) {
        static const char *const notes[] = {
            "{\"colour\":\"red\",\"level\":2,\"list\":[{\"k\":1},{\"k\":2}],\"flag\":true}",
            "{\"colour\":\"red\",\"level\":1,\"text\":\"12\",\"a b\":1}",
            "{\"colour\":\"green\",\"level\":10}"};

        if (type_of(i) == ACCESS_FILE)
            tree_put(batch, str_to_z(&arena, tree[i].text), "note", notes[n++]);
    }
}

/* ---- refusals ---- */

static void refuses_with_a_sentence(void)
{
    static const int64_t one = 1, two = 2;
    static const FindBox turned = {0, 10, 1, 5}, far = {0, 0, 200, 1};
    static const Str no_field[] = {{"nothing", 7}}, half[] = {{"a.", 2}}, bad_regex[] = {{"a.b~(", 5}};
    static const struct {
        FindQuery query;
        ErrCode code;
    } cases[] = {
        {{.path = {"relative", 8}}, ERR_USAGE},
        {{.path = {"/no/such", 8}}, ERR_NOT_FOUND},
        {{.path = {"/t/../t", 7}}, ERR_USAGE},
        {{.name = {"[a", 2}}, ERR_USAGE},
        {{.name = {"a\\", 2}}, ERR_USAGE},
        {{.name = {"(", 1}, .name_form = FIND_NAME_REGEX}, ERR_USAGE},
        {{.kind = {"[a]", 3}}, ERR_USAGE},
        {{.sha256 = {"12", 2}}, ERR_USAGE},
        {{.size_min = &two, .size_max = &one}, ERR_USAGE},
        {{.mtime_min = &two, .mtime_max = &one}, ERR_USAGE},
        {{.stamp_min = &two, .stamp_max = &one}, ERR_USAGE},
        {{.box = &turned}, ERR_USAGE},
        {{.box = &far}, ERR_USAGE},
        {{.fields = no_field, .field_count = 1}, ERR_USAGE},
        {{.fields = half, .field_count = 1}, ERR_USAGE},
        {{.fields = bad_regex, .field_count = 1}, ERR_USAGE},
        {{.fields = no_field, .field_count = FIND_FIELDS_MAX + 1}, ERR_LIMIT},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        Err err = {0};
        FindQuery q = cases[i].query;

        CHECK(!ask(&all, &q, 10, &err));
        if (err.code != cases[i].code)
            printf("# case %zu: %s: %s\n", i, err_name(err.code), err.text);
        CHECK(err.code == cases[i].code && err.text[0]);
    }
}

static void refuses_a_foreign_key(void)
{
    static const char *const keys[] = {"x", "1", "12 x", "00000000-0000-0000-0000-00000000000g",
                                       "'; drop table paths"};

    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        Err err = {0};
        ListSink sink = {.row = take, .after = str_from_z(keys[i]), .arena = &arena, .limit = 1};

        CHECK(!find(&all, &(FindQuery){0}, &sink, &err) && err.code == ERR_USAGE);
        CHECK(!find(&all, &(FindQuery){.sort = FIND_BY_SIZE}, &sink, &err) && err.code == ERR_USAGE);
    }
}

int main(void)
{
    Err err = {0};

    shards_start();
    shards_new("t", "/t");
    tree_make("/t", 600);
    tree_load("t", add_notes);
    if (!access_open(&arena, shards_db, STR("t"), NULL, &all, &err))
        pg_fail("cannot enter the shard", &err);
    RUN(finds_what_looking_at_everything_finds);
    RUN(the_largest_come_first);
    RUN(finds_by_fields_of_records);
    RUN(refuses_with_a_sentence);
    RUN(refuses_a_foreign_key);
    arena_free(&arena);
    DONE();
}
