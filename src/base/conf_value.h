/* SPDX-License-Identifier: Apache-2.0 */
/* conf_value -- from the text of a configuration value to its field, within the row's limits */
#ifndef BASE_CONF_VALUE_H
#define BASE_CONF_VALUE_H

#include "base/conf.h"

/* Stores `text` in the section's struct at `values`; false where it is not what conf_put_range() says. The text
 * must live as long as the struct. */
bool conf_value_store(const ConfKey *key, Str text, void *values);

#endif
