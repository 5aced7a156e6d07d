/* SPDX-License-Identifier: Apache-2.0 */
#include "place/balance.h"

#include "test/check.h"

enum { TABLES = 6, COPIES = 2 };
static const PlaceServer servers[] = {{.name = "n1"}, {.name = "n2"}, {.name = "n3"}};
static const PlaceSpec spec = {.dataset = "mini", .servers = servers, .count = 3};
static MappingCopy copies[TABLES][COPIES];
static MappingTable tables[TABLES];
static const Mapping mapping = {.tables = tables, .count = TABLES};
static const char *const names[TABLES] = {"a", "b", "c", "d", "e", "f"};
static int64_t sizes[TABLES][COPIES], *bytes[TABLES];

/* Every table on n1 and n2, of 100, 90, 80, ... bytes. */
static void scene(void)
{
    for (int t = 0; t < TABLES; t++) {
        copies[t][0] = (MappingCopy){STR("n1"), true, true};
        copies[t][1] = (MappingCopy){STR("n2"), true, false};
        tables[t] = (MappingTable){str_from_z(names[t]), copies[t], COPIES};
        sizes[t][0] = sizes[t][1] = 100 - 10 * t;
        bytes[t] = sizes[t];
    }
}

static int64_t spread(const int64_t *sums)
{
    int64_t least = sums[0], most = sums[0];

    for (size_t i = 1; i < spec.count; i++) {
        least = sums[i] < least ? sums[i] : least;
        most = sums[i] > most ? sums[i] : most;
    }
    return most - least;
}

/* What the plan says is what it does, and no server gets two copies of a table. */
static bool holds(const Balance *plan)
{
    int64_t sums[3] = {plan->before[0], plan->before[1], plan->before[2]};
    bool has[TABLES][3] = {{0}};

    for (int t = 0; t < TABLES; t++)
        for (int c = 0; c < COPIES; c++)
            has[t][copies[t][c].server.ptr[1] - '1'] = true;
    for (size_t i = 0; i < plan->count; i++) {
        const BalanceMove *move = &plan->moves[i];
        int t = move->table.ptr[0] - 'a';

        if (!has[t][move->from] || has[t][move->to])
            return false;
        has[t][move->from] = false;
        has[t][move->to] = true;
        sums[move->from] -= move->bytes;
        sums[move->to] += move->bytes;
    }
    return memcmp(sums, plan->after, sizeof sums) == 0;
}

static void an_empty_server_gets_its_share(void)
{
    ARENA_SCOPE(arena);
    Balance plan;

    scene();
    balance_plan(&spec, &mapping, bytes, &arena, &plan);
    CHECK(plan.before[0] == 450 && plan.before[1] == 450 && plan.before[2] == 0);
    CHECK(plan.count >= 3 && holds(&plan) && spread(plan.after) <= 100);
    CHECK(plan.moves[0].bytes == 100 && plan.moves[0].to == 2); /* the biggest first */
}

static void what_is_even_stays(void)
{
    ARENA_SCOPE(arena);
    Balance plan;

    scene();
    for (int t = 0; t < TABLES; t++) {
        copies[t][0].server = str_from_z(servers[t % 3].name);
        copies[t][1].server = str_from_z(servers[(t + 1) % 3].name);
        sizes[t][0] = sizes[t][1] = 50;
    }
    balance_plan(&spec, &mapping, bytes, &arena, &plan);
    CHECK(plan.count == 0 && plan.before[0] == 200 && plan.after[0] == 200);
}

static void a_server_that_is_drained_has_nothing(void)
{
    ARENA_SCOPE(arena);
    Balance plan;
    Err err = {0};

    scene();
    CHECK(balance_drain(&spec, &mapping, bytes, 0, &arena, &plan, &err) && plan.count == TABLES &&
          holds(&plan));
    CHECK(plan.after[0] == 0 && plan.after[2] == 450);
    copies[3][1].server = STR("n3");
    CHECK(balance_drain(&spec, &mapping, bytes, 0, &arena, &plan, &err) && plan.moves[3].to == 1);
    const PlaceSpec two = {.dataset = "mini", .servers = servers, .count = 2};
    CHECK(!balance_drain(&two, &mapping, bytes, 0, &arena, &plan, &err) && err.code == ERR_CONFLICT &&
          strstr(err.text, "'a'"));
}

static void a_server_that_nobody_lists_is_left_out(void)
{
    ARENA_SCOPE(arena);
    Balance plan;

    scene();
    for (int t = 0; t < TABLES; t++)
        copies[t][1].server = STR("n9");
    balance_plan(&spec, &mapping, bytes, &arena, &plan);
    CHECK(plan.before[0] == 450 && plan.before[1] == 0 && plan.count > 0 && spread(plan.after) <= 100);
}

int main(void)
{
    RUN(an_empty_server_gets_its_share);
    RUN(what_is_even_stays);
    RUN(a_server_that_is_drained_has_nothing);
    RUN(a_server_that_nobody_lists_is_left_out);
    DONE();
}
