/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sandbox -- what a process that reads foreign files may not do
 *
 * Once entered, the kernel refuses this process sockets, opening anything for writing, making, renaming or
 * removing files, and running programs. A hostile file that takes a reader over can then neither send what it
 * reads nor change anything; and no library can leave a file beside the data by mistake. Descriptors that are
 * open stay usable.
 */
#ifndef EXTRACT_SANDBOX_H
#define EXTRACT_SANDBOX_H

#include "base/err.h"

/*
 * Enter, for good. On a kernel or a processor without system call filters nothing happens.
 *
 * ERR_IO  the kernel has filters and refuses this one
 */
bool sandbox_enter(Err *err) ATTR_MUST_USE;

#endif
