/* SPDX-License-Identifier: Apache-2.0 */
#include <grp.h>
#include <pthread.h>
#include <pwd.h>

#include "base/lock.h"
#include "base/map.h"
#include "catalog/posix.h"

typedef struct PosixNames {
    pthread_mutex_t mutex;
    Arena arena;
    Map users, groups; /* the id's bytes -> Str */
} PosixNames;

static void release(void *what)
{
    PosixNames *names = what;

    (void)pthread_mutex_destroy(&names->mutex);
    arena_free(&names->arena);
}

PosixNames *posix_names_new(Arena *arena)
{
    PosixNames *names = arena_new(arena, PosixNames, 1);

    (void)pthread_mutex_init(&names->mutex, NULL);
    arena_defer(arena, release, names);
    return names;
}

enum { ENTRY_MAX = 64 * 1024 }; /* bytes of a passwd or group entry; a larger one counts as unknown */

static const char *ask_user(uint32_t id, char *room)
{
    struct passwd entry, *found = NULL;

    return getpwuid_r(id, &entry, room, ENTRY_MAX, &found) == 0 && found ? found->pw_name : NULL;
}

static const char *ask_group(uint32_t id, char *room)
{
    struct group entry, *found = NULL;

    return getgrgid_r(id, &entry, room, ENTRY_MAX, &found) == 0 && found ? found->gr_name : NULL;
}

/* Asks with the lock held: the others would ask for the same id. */
static Str name_of(PosixNames *names, Map *map, uint32_t id, const char *(*ask)(uint32_t, char *))
{
    LOCK_SCOPE(held, &names->mutex);
    void **slot = map_slot(map, &names->arena, (Str){(const char *)&id, sizeof id});

    if (!*slot) {
        ARENA_SCOPE(scratch);
        const char *name = ask(id, arena_new(&scratch, char, ENTRY_MAX));
        Str *kept = arena_new(&names->arena, Str, 1);

        *kept = name ? str_copy(&names->arena, str_from_z(name)) : str_printf(&names->arena, "%u", id);
        *slot = kept;
    }
    return *(const Str *)*slot;
}

Str posix_user_name(PosixNames *names, uint32_t uid)
{
    return name_of(names, &names->users, uid, ask_user);
}

Str posix_group_name(PosixNames *names, uint32_t gid)
{
    return name_of(names, &names->groups, gid, ask_group);
}
