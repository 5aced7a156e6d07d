/* SPDX-License-Identifier: Apache-2.0 */
/*
 * passphrase -- where a passphrase comes from: a file that an option names, the environment, or the terminal
 *
 * Never from the command line, which other users see. The terminal is /dev/tty, so that input and output may be pipes.
 */
#ifndef CLI_PASSPHRASE_H
#define CLI_PASSPHRASE_H

#include "crypto/secret.h"

typedef struct Passphrase {
    const char *option; /* "passphrase-file" */
    Str file;           /* its value; ptr NULL when it is not given */
    const char *variable;
    const char *prompt; /* "passphrase of the keys" */
} Passphrase;

/* Is there one without asking? */
bool passphrase_is_given(const Passphrase *from);

/*
 * Get one that is known already. `out` has the room it may take.
 *
 * ERR_USAGE      it is empty
 * ERR_LIMIT      it is longer than the room
 * ERR_NOT_FOUND, ERR_IO  the file cannot be read
 * ERR_CONFIG     others may read it
 * ERR_DENIED     it is not given, and there is no terminal to ask on
 * ERR_INTERRUPTED  the terminal was left with end-of-file
 */
bool passphrase_get(const Passphrase *from, Secret *out, Err *err) ATTR_MUST_USE;

/* The same for a new one: it is asked for twice. Also ERR_USAGE: they differ. */
bool passphrase_get_new(const Passphrase *from, Secret *out, Err *err) ATTR_MUST_USE;

/* Ask on the terminal whatever else is given. As passphrase_get(): ERR_DENIED above all. */
bool passphrase_ask(const char *prompt, Secret *out, Err *err) ATTR_MUST_USE;

#endif
