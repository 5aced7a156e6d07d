#include "base/map.h"

#include "test/check.h"

enum { MANY = 20000 };

static void every_key_finds_its_own_value(void)
{
    ARENA_SCOPE(arena);
    Map map = {0};
    static int values[MANY];

    for (int i = 0; i < MANY; i++) {
        values[i] = i;
        *map_slot(&map, &arena, str_printf(&arena, "key %d", i)) = &values[i];
    }
    CHECK(map.count == MANY);
    for (int i = 0; i < MANY; i++)
        CHECK(map_get(&map, str_printf(&arena, "key %d", i)) == &values[i]);
    CHECK(map_get(&map, STR("key -1")) == NULL);
}

static void the_same_key_has_one_slot(void)
{
    ARENA_SCOPE(arena);
    Map map = {0};
    int one = 1;

    *map_slot(&map, &arena, STR("a")) = &one;
    CHECK(*map_slot(&map, &arena, STR("a")) == &one);
    CHECK(*map_slot(&map, &arena, STR("")) == NULL);
    CHECK(map.count == 2);
}

static void walking_meets_each_entry_once(void)
{
    ARENA_SCOPE(arena);
    Map map = {0};
    int seen[10] = {0};
    size_t at = 0;
    Str key;
    void *value;

    for (int i = 0; i < 10; i++)
        *map_slot(&map, &arena, str_printf(&arena, "%d", i)) = &seen[i];
    while (map_next(&map, &at, &key, &value))
        (*(int *)value)++;
    for (int i = 0; i < 10; i++)
        CHECK(seen[i] == 1);
}

static void an_empty_map_has_nothing(void)
{
    Map map = {0};

    CHECK(map_get(&map, STR("a")) == NULL);
}

int main(void)
{
    RUN(every_key_finds_its_own_value);
    RUN(the_same_key_has_one_slot);
    RUN(walking_meets_each_entry_once);
    RUN(an_empty_map_has_nothing);
    DONE();
}
