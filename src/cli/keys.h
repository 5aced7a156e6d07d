/* SPDX-License-Identifier: Apache-2.0 */
/* keys -- what commands that need the keys of the instance have in common */
#ifndef CLI_KEYS_H
#define CLI_KEYS_H

#include "cli/cmd.h"
#include "cli/passphrase.h"
#include "crypto/keystore.h"

/* The row for it; the options struct has a field `Str passphrase_file`. */
#define KEYS_OPT(type)                                                           \
    {                                                                            \
        OPT_TEXT, "passphrase-file", 0, offsetof(type, passphrase_file), "FILE", \
            "the passphrase of the keys is the first line of this file"          \
    }

/*
 * The key store of the call's instance. The passphrase, if it has one, comes from `passphrase_file` (ptr NULL: not given),
 * $STRATA_PASSPHRASE or the terminal, when the store needs it. Nothing has to be up.
 *
 * ERR_USAGE  --passphrase-file is given, and the keys have none
 * ERR_NOT_FOUND, ERR_CONFIG, ERR_DENIED: as instance_open(); and ERR_IO
 */
bool keys_open(const Call *call, Str passphrase_file, Keystore **out, Err *err) ATTR_MUST_USE;

/* 64 digits, NUL terminated. */
Str keys_hex(Arena *arena, const unsigned char public_key[SIGN_PUBLIC_BYTES]);

/* The words of keykind.def, for OPT_ENUM: "" first. keys_kind() is the kind of such a value. */
extern const char *const keys_kinds[];
KeyKind keys_kind(int word, KeyKind preset);

/* Prints a record of what is said about a key; `file` NULL: no such field. */
void keys_put(const Call *call, const KeyInfo *info, const char *file);

#endif
