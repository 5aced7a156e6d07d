/* SPDX-License-Identifier: Apache-2.0 */
/* attr -- the compiler attributes this project uses, named once */
#ifndef BASE_ATTR_H
#define BASE_ATTR_H

#define ATTR_PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))
#define ATTR_MUST_USE           __attribute__((warn_unused_result))
#define ATTR_CLEANUP(fn)        __attribute__((cleanup(fn)))
#define ATTR_MALLOC             __attribute__((malloc, returns_nonnull, warn_unused_result))
#define ATTR_NORETURN           __attribute__((noreturn))
#define ATTR_UNUSED             __attribute__((unused))

/* How many elements a real array (not a pointer) has. */
#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

#endif
