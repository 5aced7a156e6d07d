/* SPDX-License-Identifier: Apache-2.0 */
/*
 * manual -- the tables of commands, configuration keys and errors as pages
 *
 * The same pages as source for scdoc(1), which makes man pages of it, and as Markdown for docs/reference.
 */
#ifndef CLI_MANUAL_H
#define CLI_MANUAL_H

#include "base/conf.h"
#include "cli/cmd.h"

typedef enum ManualForm { MANUAL_SCDOC, MANUAL_MARKDOWN } ManualForm;

/* strata(1): every command with its options and examples, the exit statuses, the environment. */
void manual_put_commands(const CmdSet *set, ManualForm form, Buf *out);

/* strata.ini(5): every section and key. */
void manual_put_configuration(const ConfSet *set, ManualForm form, Buf *out);

#endif
