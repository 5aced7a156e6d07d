#include "base/arena.h"

#include <stdint.h>

#include "test/check.h"

static int released[4], releases;

static void note(void *what)
{
    released[releases++] = *(int *)what;
}

static void memory_is_zeroed_and_aligned(void)
{
    ARENA_SCOPE(arena);

    for (size_t i = 1; i < 100; i++) {
        char *bytes = arena_new(&arena, char, i);
        double *numbers = arena_new(&arena, double, i);

        CHECK((uintptr_t)numbers % alignof(double) == 0);
        CHECK(bytes[i - 1] == 0 && numbers[i - 1] == 0.0);
        memset(bytes, 1, i);
        memset(numbers, 1, i * sizeof *numbers);
    }
}

static void large_blocks_are_given_too(void)
{
    ARENA_SCOPE(arena);
    char *large = arena_new(&arena, char, 10000000);

    CHECK(large[9999999] == 0);
    large[9999999] = 1;
}

static void what_is_deferred_runs_last_first_and_once(void)
{
    int one = 1, two = 2;
    Arena arena = {0};

    arena_defer(&arena, note, &one);
    arena_defer(&arena, note, &two);
    arena_reset(&arena);
    CHECK(releases == 2 && released[0] == 2 && released[1] == 1);
    arena_free(&arena);
    CHECK(releases == 2);
}

static void reset_gives_the_same_memory_again_zeroed(void)
{
    ARENA_SCOPE(arena);
    char *first = arena_new(&arena, char, 64);

    memset(first, 7, 64);
    arena_reset(&arena);
    char *second = arena_new(&arena, char, 64);
    CHECK(first == second && second[63] == 0);
}

int main(void)
{
    RUN(memory_is_zeroed_and_aligned);
    RUN(large_blocks_are_given_too);
    RUN(what_is_deferred_runs_last_first_and_once);
    RUN(reset_gives_the_same_memory_again_zeroed);
    DONE();
}
