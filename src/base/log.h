/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log -- one line an event on standard error: time, level, what, and key=value pairs
 *
 * Only the program (cli/, serve/ and request loops) logs above debug; the layers below return an Err. A
 * line is one write(2), so lines of several threads and processes never mix.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/conf.h"

typedef enum LogLevel { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR } LogLevel;

/* [log] of the configuration. */
typedef struct LogConf {
#define X CONF_FIELD
#include "base/log.def"
#undef X
} LogConf;
extern const ConfSection log_conf;

/* What is below `level` is not written. The start value is LOG_INFO. */
void log_set_level(LogLevel level);

/* log_line(LOG_INFO, "listening url=%s", url) */
void log_line(LogLevel level, const char *fmt, ...) ATTR_PRINTF(2, 3);

/* An Err with its code, and its hint if it has one. */
void log_err(LogLevel level, const char *doing, const Err *err);

#endif
