/* SPDX-License-Identifier: Apache-2.0 */
#include "http/accept.h"

#include "test/check.h"

static void qualities_decide(void)
{
    static const struct {
        const char *list, *word;
        bool has, names;
    } rows[] = {
        {"gzip", "gzip", true, true},
        {"deflate, GZIP;q=0.5", "gzip", true, true},
        {"gzip;q=0", "gzip", false, false},
        {"gzip; q=0.000, *", "gzip", false, false},
        {"*", "gzip", true, false},
        {"*;q=0", "gzip", false, false},
        {"identity", "gzip", false, false},
        {"", "gzip", false, false},
        {"xgzip", "gzip", false, false},
        {"text/html,*/*;q=0.8", "text/csv", true, false},
        {"text/csv; header=present", "text/csv", true, true},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        CHECK(accept_has(str_from_z(rows[i].list), rows[i].word) == rows[i].has);
        CHECK(accept_names(str_from_z(rows[i].list), rows[i].word) == rows[i].names);
    }
}

static void tags_are_compared_weakly(void)
{
    CHECK(accept_etag(STR("\"a\""), STR("a")));
    CHECK(accept_etag(STR("W/\"b\" , W/\"a\""), STR("a")));
    CHECK(accept_etag(STR("*"), STR("a")));
    CHECK(!accept_etag(STR("a"), STR("a")));
    CHECK(!accept_etag(STR("\"ab\""), STR("a")));
    CHECK(!accept_etag(STR(""), STR("a")));
}

int main(void)
{
    RUN(qualities_decide);
    RUN(tags_are_compared_weakly);
    DONE();
}
