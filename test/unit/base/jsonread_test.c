#include "base/jsonread.h"

#include "test/check.h"

static bool valid(const char *z)
{
    JsonIn in = json_in(str_from_z(z));

    return json_skip(&in) && json_done(&in);
}

static void the_grammar_is_kept_to_the_letter(void)
{
    static const struct {
        const char *text;
        bool ok;
    } rows[] = {
        {"{}", true},
        {"[]", true},
        {" [ 1 , -2.5e-3 , \"a\" , null , true , false , {\"a\" : [ { } ] } ] ", true},
        {"\"\\u00e9\\ud83d\\ude00\\n\"", true},
        {"0", true},
        {"", false},
        {"{", false},
        {"[1,]", false},
        {"[,1]", false},
        {"[1 2]", false},
        {"{\"a\"}", false},
        {"{\"a\":1,}", false},
        {"{a:1}", false},
        {"{\"a\":1}}", false},
        {"[1]]", false},
        {"[}", false},
        {"{]", false},
        {"01", false},
        {"1.", false},
        {".5", false},
        {"+1", false},
        {"1e", false},
        {"1e99999", false},
        {"-", false},
        {"nul", false},
        {"NaN", false},
        {"\"\\x\"", false},
        {"\"\\u12\"", false},
        {"\"\\u0000\"", false},
        {"\"\\ud800\"", false},
        {"\"\\ude00\"", false},
        {"\"a\nb\"", false},
        {"\"a", false},
        {"\"\xff\"", false},
        {"\"long enough to be read sixteen bytes at a time \xc3\xa9 and on\"", true},
        {"[[[[[[[[[[]]]]]]]]]]", true},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (valid(rows[i].text) != rows[i].ok)
            printf("# %s\n", rows[i].text);
        CHECK(valid(rows[i].text) == rows[i].ok);
    }
}

static void depth_is_limited(void)
{
    char deep[2 * JSON_DEPTH_MAX + 3] = {0};

    memset(deep, '[', JSON_DEPTH_MAX);
    memset(deep + JSON_DEPTH_MAX, ']', JSON_DEPTH_MAX);
    CHECK(valid(deep));
    memset(deep, '[', JSON_DEPTH_MAX + 1);
    memset(deep + JSON_DEPTH_MAX + 1, ']', JSON_DEPTH_MAX + 1);
    CHECK(!valid(deep));
}

static void fields_are_found_and_the_rest_is_skipped(void)
{
    JsonIn in = json_in(STR("{\"a\":[1,{\"x\":2}],\"size\":12,\"list\":[ [1,2] , \"b\\\"c\" ],\"z\":null}"));
    ARENA_SCOPE(arena);
    JsonValue value;
    Str key;
    int64_t size = 0;
    int elements = 0;

    for (bool more = json_enter(&in, '{'); more && json_key_next(&in, &key);) {
        if (str_eq(key, STR("size"))) {
            CHECK(json_value(&in, &value) && json_to_int64(&value, &size));
        } else if (str_eq(key, STR("list"))) {
            for (bool inside = json_enter(&in, '['); inside && json_element_next(&in); elements++)
                CHECK(json_value(&in, &value));
            CHECK(str_eq(json_text(&arena, &value), STR("b\"c")));
        } else
            CHECK(json_skip(&in));
    }
    CHECK(json_done(&in));
    CHECK(size == 12 && elements == 2);
}

static void escapes_are_undone(void)
{
    ARENA_SCOPE(arena);
    JsonIn in = json_in(STR("\"\\u0041\\u00e9\\u20ac\\ud83d\\ude00\\t\\/\\\\\""));
    JsonValue value;

    CHECK(json_value(&in, &value) && value.kind == JSON_STRING && value.escaped);
    CHECK(str_eq_z(json_text(&arena, &value), "A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\t/\\"));
}

static void the_place_of_a_mistake_is_told(void)
{
    JsonIn in = json_in(STR("{\"a\": nope}"));

    CHECK(!json_skip(&in) && !json_done(&in));
    CHECK(json_at(&in) == 6 && strcmp(in.problem, "not a JSON value") == 0);
    CHECK(!json_enter(&in, '{') && !json_element_next(&in));
}

static void every_cut_of_a_text_is_refused(void)
{
    static const char text[] = "{\"a\":[1,2.5e3,\"x\\u00e9\",true,null],\"b\":{}}";

    for (size_t len = 0; len < sizeof text - 1; len++) {
        JsonIn in = json_in((Str){text, len});
        CHECK(!(json_skip(&in) && json_done(&in)));
    }
    CHECK(valid(text));
}

int main(void)
{
    RUN(the_grammar_is_kept_to_the_letter);
    RUN(depth_is_limited);
    RUN(fields_are_found_and_the_rest_is_skipped);
    RUN(escapes_are_undone);
    RUN(the_place_of_a_mistake_is_told);
    RUN(every_cut_of_a_text_is_refused);
    DONE();
}
