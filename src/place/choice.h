/* SPDX-License-Identifier: Apache-2.0 */
/* place/choice -- tables chosen by what the dataset's summary says of them, and how a table is cut into ranges of a key */
#ifndef PLACE_CHOICE_H
#define PLACE_CHOICE_H

#include "place/place.h"

/* From low, and below high. */
typedef struct ChoiceBox {
    double low[3], high[3];
} ChoiceBox;

/* Columns that have a place in space where the dataset's metadata (`position_columns`) name no others, with commas between. */
#define CHOICE_COLUMNS "posx,posy,posz"

/* Of the tables in `mapping` those that may have something in the box. ERR_DB. */
bool choice_in_box(Db *db, Arena *arena, const ChoiceBox *box, const Mapping *mapping, Mapping *out,
                   Err *err) ATTR_MUST_USE;

/* Of the tables in `mapping` those whose row in `summary` fits a condition that somebody wrote in SQL. As db_query(): ERR_DB, ERR_NOT_FOUND ... */
bool choice_where(Db *db, Arena *arena, Str condition, const Mapping *mapping, Mapping *out,
                  Err *err) ATTR_MUST_USE;

/* The statement that says where a table is cut (sql/range_plan.sql). */
const char *choice_range_plan(void);

#endif
