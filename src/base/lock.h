/* SPDX-License-Identifier: Apache-2.0 */
/* lock -- a mutex held until the enclosing block ends: LOCK_SCOPE(held, &queue->mutex); */
#ifndef BASE_LOCK_H
#define BASE_LOCK_H

#include <pthread.h>

#include "base/attr.h"

static inline pthread_mutex_t *lock_take(pthread_mutex_t *mutex)
{
    (void)pthread_mutex_lock(mutex);
    return mutex;
}

static inline void lock_drop(pthread_mutex_t **mutex)
{
    (void)pthread_mutex_unlock(*mutex);
}

#define LOCK_SCOPE(name, mutex) ATTR_CLEANUP(lock_drop) ATTR_UNUSED pthread_mutex_t *name = lock_take(mutex)

#endif
