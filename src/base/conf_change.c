/* SPDX-License-Identifier: Apache-2.0 */
#include "base/conf.h"

/* The item of `conf` for the same key as `like`. */
static bool find_item(const Conf *conf, const ConfItem *like, ConfItem *out)
{
    size_t at = 0;

    while (conf_next_item(conf, &at, out))
        if (out->key == like->key && str_eq(out->label, like->label))
            return true;
    return false;
}

/* Whether `item` is the first key of a [section NAME] that `other` does not have. */
static bool is_news(const ConfItem *item, const Conf *other)
{
    return item->key == item->section->keys && !conf_get(other, item->section, item->label);
}

static bool changed(const Conf *before, const ConfItem *now, ConfChange *out)
{
    ConfItem old;

    if (is_news(now, before)) {
        *out = (ConfChange){
            .section = now->section, .label = now->label, .after = now->label, .needs_restart = true};
        return true;
    }
    if (!find_item(before, now, &old) || str_eq(old.value, now->value))
        return false;
    *out = (ConfChange){now->section, now->label, now->key, old.value, now->value, !now->key->reloadable};
    return true;
}

/* First all items of `after`, then those of `before`, for what is gone. */
bool conf_next_change(const Conf *before, const Conf *after, size_t *at, ConfChange *out)
{
    size_t i = 0, items = 0;
    ConfItem item;

    while (conf_next_item(after, &i, &item)) {
        items = i;
        if (i > *at && changed(before, &item, out)) {
            *at = i;
            return true;
        }
    }
    i = *at > items ? *at - items : 0;
    while (conf_next_item(before, &i, &item))
        if (is_news(&item, after)) {
            *out = (ConfChange){
                .section = item.section, .label = item.label, .before = item.label, .needs_restart = true};
            *at = items + i;
            return true;
        }
    return false;
}
