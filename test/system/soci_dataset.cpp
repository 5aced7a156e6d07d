/* SPDX-License-Identifier: Apache-2.0 */
/* include/strata.hpp: what users of SOCI rely on. Usage: soci_dataset DIR; prints what is not so. */
#include <cstdio>
#include <strata.hpp>

static int failures;
#define CHECK(condition) ((condition) ? (void)0 : (void)(failures++, std::printf("%d: %s\n", __LINE__, #condition)))

static void scalars_vectors_rows_and_binds(strata::dataset &db)
{
    long long count = 0, most = 5;
    soci::session &session = db["mini_1"];

    session << "select count(*) from mini_1", soci::into(count);
    CHECK(count == 300);
    std::vector<long long> ids(100);
    std::vector<double> xs(100);
    session << "select id, x from mini_1 where id < :most order by id", soci::into(ids), soci::into(xs), soci::use(most, "most");
    CHECK(ids.size() == 5 && ids[4] == 4 && xs[4] == 4 / 7.0);
    ids.resize(100);
    soci::statement batches = (session.prepare << "select id from mini_1", soci::into(ids));
    batches.execute();
    size_t all = 0;
    while (batches.fetch()) {
        all += ids.size();
        ids.resize(100);
    }
    CHECK(all == 300);
    soci::rowset<soci::row> rows = (session.prepare << "select id, x, name from mini_1 where id = 3");
    for (const soci::row &row : rows)
        CHECK(row.get_properties(0).get_data_type() == soci::dt_long_long && row.get_properties(1).get_data_type() == soci::dt_double &&
              row.get<std::string>(2) == "n 3");
}

static void every_table_once_with_a_helper(strata::dataset &db)
{
    long long all = 0;

    db.on_connect([](soci::session &session) { session << "create temp table redshift_ranges as select 63 snapshot"; });
    for (const std::string &table : db.tables()) {
        long long count = 0;

        db[table] << "select count(*) from " << table << ", redshift_ranges", soci::into(count);
        all += count;
    }
    CHECK(all == 1200);
}

static void a_lost_session_is_made_anew(strata::dataset &db)
{
    int n = 0;

    try {
        db["mini_4"] << "select pg_terminate_backend(pg_backend_pid())";
        CHECK(!"it was lost");
    } catch (const soci::soci_error &) {
    }
    for (int i = 0; i < 3; i++) {
        db["mini_4"] << "select snapshot from redshift_ranges", soci::into(n);
        CHECK(n == 63);
    }
    db.restart();
    db["mini_4"] << "select snapshot from redshift_ranges", soci::into(n);
    try {
        db["mini_9"];
        CHECK(!"there is no such table");
    } catch (const strata::error &why) {
        CHECK(why.code == 4);
    }
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    strata::dataset db(argv[1], "mini");

    scalars_vectors_rows_and_binds(db);
    every_table_once_with_a_helper(db);
    a_lost_session_is_made_anew(db);
    return failures > 0;
}
