/* SPDX-License-Identifier: Apache-2.0 */
#include "extract/rules.h"

#include "base/os.h"
#include "test/check.h"

static Rules built_in;

static void check_name(const char *path, const char *collection, const char *name_space, const char *time)
{
    RuleMatch match;
    char text[TIME_TEXT_MAX];

    rules_match(&built_in, str_from_z(path), &match);
    if (!match.rule || !str_eq_z(match.rule->collection, collection))
        printf("# %s is '%.*s'\n", path, match.rule ? (int)match.rule->collection.len : 0,
               match.rule ? match.rule->collection.ptr : "");
    CHECK(match.rule && str_eq_z(match.rule->collection, collection));
    CHECK(str_eq(match.name_space, str_from_z(name_space)));
    CHECK(match.has_time == (time != NULL));
    CHECK(!match.has_time || str_eq_z(time_format(match.time, text), time));
}

/* What the built-in rules say of names as the products' own conventions form them. */
static void built_in_rules_know_the_products(void)
{
    static const struct {
        const char *path, *collection, *name_space, *time; /* NULL: none */
    } cases[] = {
        {"/d/LC80900842019102LGN00_B4.TIF", "landsat_scene", "B4", "2019-04-12T00:00:00Z"},
        {"/d/LC08_L1TP_090084_20190412_20190422_01_T1_B10.TIF", "landsat_product", "B10",
         "2019-04-12T00:00:00Z"},
        {"/d/LC09_L2SP_090084_20230412_20230414_02_T1_SR_B4.TIF", "landsat_product", "SR_B4",
         "2023-04-12T00:00:00Z"},
        {"/d/ga_ls8c_nbart_3-0-0_091084_2019-04-12_final_band04.tif", "landsat_dea", "band04",
         "2019-04-12T00:00:00Z"},
        {"/d/LS8_OLI_TIRS_NBAR_3577_15_-40_2015.nc", "landsat_agdc", NULL, "2015-01-01T00:00:00Z"},
        {"/d/LS5_TM_NBAR_3577_-9_-24_20090316014544.nc", "landsat_agdc", NULL, "2009-03-16T01:45:44Z"},
        {"/d/COMPOSITE_LOW_100_146.84_-40.8_20000101_20170101_PER_20.nc", "modis_lhtc_composite", "LOW",
         NULL},
        {"/d/FC.v302.MCD43A4.h29v10.2015.006.NPV.jp2", "modis_fractional_cover_jp2", "NPV",
         "2015-01-01T00:00:00Z"},
        {"/d/FC.v310.MCD43A4.h29v10.2015.006.nc", "modis_fractional_cover", NULL, "2015-01-01T00:00:00Z"},
        {"/d/MCD43A4.A2015033.h29v12.006.2016235072347.hdf", "modis_tile", NULL, "2015-02-02T00:00:00Z"},
        {"/d/VNP13A1.A2019001.h29v12.001.2019018021536.h5", "modis_tile", NULL, "2019-01-01T00:00:00Z"},
        {"/d/MOD021KM.A2019366.0030.061.2020001131415.hdf", "modis_swath", NULL, "2020-01-01T00:30:00Z"},
        {"/d/MYD11C3.A2019335.006.2020006.hdf", "modis_global", NULL, "2019-12-01T00:00:00Z"},
        {"/d/T55HBU_20190412T000231_B04.jp2", "sentinel2", "B04", "2019-04-12T00:02:31Z"},
        {"/d/T55HBU_20190412T000231_B8A_20m.jp2", "sentinel2", "B8A", "2019-04-12T00:02:31Z"},
        {"/d/S2A_OPER_MSI_ARD_TL_EPAE_20190412T014543_A019861_T55HBU_N02.07_NBART_RED.TIF", "sentinel2_ard",
         "NBART_RED", "2019-04-12T01:45:43Z"},
        {"/d/s1a-iw-grd-vh-20190412t193001-20190412t193026-026762-0300c1-002.tiff", "sentinel1_grd", "vh",
         "2019-04-12T19:30:01Z"},
        {"/d/S5P_OFFL_L2__NO2____20190412T031542_20190412T045712_07741_01_010300_20190418T050232.nc",
         "sentinel5p", NULL, "2019-04-12T03:15:42Z"},
        {"/d/20190412003000-P1S-ABOM_OBS_B01-PRJ_GEOS141_2000-HIMAWARI8-AHI.nc", "himawari8", NULL,
         "2019-04-12T00:30:00Z"},
        {"/d/OR_ABI-L2-CMIPF-M6C13_G16_s20191020030215_e20191020039535_c20191020040024.nc", "goes_abi", NULL,
         "2019-04-12T00:30:21Z"},
        {"/d/chirps-v2.0.2019.dekads.nc", "chirps2.0", NULL, "2019-01-01T00:00:00Z"},
        {"/d/chirps-v2.0.2019.04.1.tif", "chirps2.0", NULL, "2019-04-01T00:00:00Z"},
        {"/d/chirps-v2.0.2019.04.12.tif", "chirps2.0", NULL, "2019-04-12T00:00:00Z"},
        {"/d/3B42_Daily.19991231.7.nc4", "trmm_gpm", NULL, "1999-12-31T00:00:00Z"},
        {"/d/3B-HHR.MS.MRG.3IMERG.20190412-S003000-E005959.0030.V06B.HDF5", "trmm_gpm", NULL,
         "2019-04-12T00:30:00Z"},
        {"/d/ta_6hrs_ERAI_historical_an-pl_19790101_19790131.nc", "era-interim", "ta", NULL},
        {"/d/2t_era5_oper_sfc_20190401-20190430.nc", "era5", "2t", NULL},
        {"/d/av_temp_scrn-fc-spec-PT1H-BARRA_R-v1-20190401T0600Z.nc", "barra", "av_temp_scrn",
         "2019-04-01T06:00:00Z"},
        {"/d/gbr4_simple_2019-04.nc", "ereef", NULL, "2019-04-01T00:00:00Z"},
        {"/d/EREEFS_AIMS-CSIRO_gbr4_v2_hydro_daily-monthly-2019-04.nc", "ereef", NULL,
         "2019-04-01T00:00:00Z"},
        {"/d/Elevation_1secSRTM_DEMs_v1.0_DEM-S_Tiles_e149s36dems.nc", "elevation_ga", NULL, NULL},
        {"/d/SRTM_DEM_15_-40_20000211000000.nc", "srtm_agdc", NULL, "2000-02-11T00:00:00Z"},
        {"/d/anything at all", "default", NULL, NULL},
        {"/LC80900842019102LGN00_B4.TIF/x", "default", NULL, NULL},      /* the directory does not count */
        {"/d/T55HBU_20191340T000231_B04.jp2", "sentinel2", "B04", NULL}, /* there is no 13th month */
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++)
        check_name(cases[i].path, cases[i].collection, cases[i].name_space, cases[i].time);
}

static const char all_fields[] =
    "{\"rule_sets\": [{\"collection\": \"c\", \"namespace\": \"ns_combine\", \"srs_text\": \"EPSG:4326\","
    "\"proj4_text\": \"+proj=longlat\", \"pattern\": \"/(?P<namespace>\\\\w+)/f(?P<year>\\\\d{4})\","
    "\"match_full_path\": true, \"compute_stats\": true, \"nc_metadata\": true,"
    "\"time_axis\": {\"name\": \"t\", \"shape\": [-1], \"strides\": [2]}, \"time_units\": \"days since 1970-01-01\","
    "\"times_text\": [\"2015-02-22T10:48:49Z\"], \"bbox\": [1, 2.5, 3, -4],"
    "\"geo_loc\": {\"x_dataset_pattern\": \"(?P<d>.*)/f\", \"x_dataset_template\": \"{{.d}}/x.nc\","
    "\"y_dataset_pattern\": \"(?P<d>.*)/f\", \"y_dataset_template\": \"NETCDF:{{ .d }}/y.nc:lat\", \"x_band\": 2},"
    "\"axes_text\": [{\"name\": \"level\", \"params\": [1, 2.5], \"shape\": [2], \"strides\": [1], \"grid\": "
    "\"enum\"}]}]}";

static void every_field_is_read(void)
{
    ARENA_SCOPE(arena);
    Err err = {0};
    Rules rules;
    const Rule *rule;

    CHECK(rules_parse(&arena, str_from_z(all_fields), "test", &rules, &err) && rules.len == 1);
    rule = &rules.at[0];
    CHECK(rule->name_space == NS_COMBINE && rule->match_full_path && rule->compute_stats &&
          rule->nc_metadata);
    CHECK(str_eq_z(rule->time_axis->name, "t") && rule->time_axis->shape.at[0] == -1);
    CHECK(rule->times_len == 1 && rule->times[0] == 1424602129 * SECONDS(1));
    CHECK(rule->has_bbox && rule->bbox[1] == 2.5 && rule->bbox[3] == -4);
    CHECK(rule->axes_len == 1 && rule->axes[0].params.len == 2);
}

static void templates_are_filled_from_the_path(void)
{
    ARENA_SCOPE(arena);
    Err err = {0};
    Rules rules;
    RuleMatch match;
    const RuleGeoLoc *geo_loc;
    Str path = STR("/data/red/f2015.nc");

    CHECK(rules_parse(&arena, str_from_z(all_fields), "test", &rules, &err));
    rules_match(&rules, path, &match);
    CHECK(match.rule == rules.at && str_eq_z(match.name_space, "red") && match.has_time);
    geo_loc = rules.at[0].geo_loc;
    CHECK(geo_loc->loc.x_band == 2 && geo_loc->loc.y_band == 1 && geo_loc->loc.line_step == 1);
    CHECK(str_eq_z(rules_fill(&arena, &geo_loc->x, path), "/data/red/x.nc"));
    CHECK(str_eq_z(rules_fill(&arena, &geo_loc->y, path), "NETCDF:/data/red/y.nc:lat"));
    CHECK(rules_fill(&arena, &geo_loc->y, STR("/other")).len == 0);
}

static void wrong_rules_are_told_with_their_place(void)
{
    static const struct {
        const char *text, *expected;
    } cases[] = {
        {"", "test: line 1, column 1"},
        {"{\n\"rule_sets\": [\n  {]}", "test: line 3, column 4"},
        {"[]", "'rule_sets'"},
        {"{}", "'rule_sets'"},
        {"{\"rule_sets\": []}", "is empty"},
        {"{\"rule_sets\": [1]}", "rule set 1"},
        {"{\"rule_sets\": [{\"collection\": \"a\"}]}", "rule set 1 ('a'): pattern: is missing"},
        {"{\"rule_sets\": [{\"pattern\": \"a\"}, {\"pattern\": \"a(b\", \"collection\": \"c\"}]}",
         "rule set 2 ('c'): pattern: missing closing parenthesis at character 4"},
        {"{\"rule_sets\": [{\"pattern\": 1}]}", "pattern: must be of type string"},
        {"{\"rule_sets\": [{\"pattern\": \"a\", \"patern\": \"b\"}]}", "patern: there is no such field"},
        {"{\"rule_sets\": [{\"pattern\": \"a\", \"namespace\": \"x\"}]}", "namespace: must be ns_path"},
        {"{\"rule_sets\": [{\"pattern\": \"a\", \"bbox\": [1, 2, 3]}]}", "bbox: must be four numbers"},
        {"{\"rule_sets\": [{\"pattern\": \"a\", \"times_text\": [\"2015\"]}]}", "times_text: entry 1"},
        {"{\"rule_sets\": [{\"pattern\": \"a\", \"time_axis\": {\"shape\": [1]}}]}",
         "time_axis: an axis must have a name"},
        {"{\"rule_sets\": [{\"pattern\": \"a\", \"time_axis\": {\"name\": \"t\", \"shape\": [1.5]}}]}",
         "'shape'"},
        {"{\"rule_sets\": [{\"pattern\": \"a\", \"axes_text\": [{\"name\": \"t\"}]}]}",
         "a shape and strides"},
        {"{\"rule_sets\": [{\"pattern\": \"a\", \"geo_loc\": {}}]}", "geo_loc: needs a pattern"},
        {"{\"rule_sets\": [{\"pattern\": \"a\", \"geo_loc\": {\"z\": 1}}]}", "unknown field 'z'"},
        {"{\"rule_sets\": [{\"pattern\": \"a\"}]} x", "line 1"},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        ARENA_SCOPE(arena);
        Err err = {0};
        Rules rules;
        bool good = rules_parse(&arena, str_from_z(cases[i].text), "test", &rules, &err);

        if (good || !strstr(err.text, cases[i].expected))
            printf("# %s: %s\n", cases[i].text, err.text);
        CHECK(!good && err.code == ERR_CONFIG && strstr(err.text, cases[i].expected));
    }
}

static void a_pattern_cannot_stop_the_crawl(void)
{
    ARENA_SCOPE(arena);
    Err err = {0};
    Rules rules;
    RuleMatch match;
    char *name = arena_new(&arena, char, 201);

    memset(name, 'a', 200);
    CHECK(rules_parse(
        &arena,
        STR("{\"rule_sets\":[{\"pattern\":\"^(a+)+$x\",\"collection\":\"slow\"},{\"pattern\":\".\"}]}"),
        "test", &rules, &err));
    rules_match(&rules, (Str){name, 200}, &match);
    CHECK(match.rule == &rules.at[1]);
}

int main(void)
{
    ARENA_SCOPE(arena);
    Err err = {0};

    if (!rules_built_in(&arena, &built_in, &err)) {
        printf("Bail out! %s\n", err.text);
        return 1;
    }
    RUN(built_in_rules_know_the_products);
    RUN(every_field_is_read);
    RUN(templates_are_filled_from_the_path);
    RUN(wrong_rules_are_told_with_their_place);
    RUN(a_pattern_cannot_stop_the_crawl);
    DONE();
}
