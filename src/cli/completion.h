/* SPDX-License-Identifier: Apache-2.0 */
/* completion -- the tables of commands and options as a script that a shell completes words with */
#ifndef CLI_COMPLETION_H
#define CLI_COMPLETION_H

#include "cli/cmd.h"

void completion_put_bash(const CmdSet *set, Buf *out);
void completion_put_zsh(const CmdSet *set, Buf *out);
void completion_put_fish(const CmdSet *set, Buf *out);

#endif
