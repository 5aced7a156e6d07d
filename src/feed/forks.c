/* SPDX-License-Identifier: Apache-2.0 */
#include "feed/forks.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#include "base/bytes.h"
#include "base/os.h"
#include "feed/alpha.h"
#include "feed/feed_inside.h"

static const char magic[8] = {'S', 'T', 'R', 'F', 'E', 'E', 'D', 'F'};

enum {
    VERSION = 1,
    HEAD_BYTES = sizeof magic + 4 + FEED_IDENTITY_BYTES,
    FILE_MAX = 64 * 1024,
};

static Str folder_of(const Feed *feed, Arena *arena)
{
    return str_printf(arena, "%s/forks", feed->path);
}

/* ---- files ---- */

static void put_proof(const FeedProof *proof, Buf *out)
{
    AlphaData data = {.proof = *proof};
    BUF_SCOPE(bytes);

    alpha_put_data(&bytes, &data);
    bytes_put(out, bytes.len, 4);
    buf_put(out, buf_str(&bytes));
}

/* The name follows from what is in it, so the same proof is kept once. */
static bool write_proof(Feed *feed, const FeedProof *here, const FeedProof *there, Err *err)
{
    ARENA_SCOPE(scratch);
    BUF_SCOPE(body);

    buf_put(&body, (Str){magic, sizeof magic});
    bytes_put(&body, VERSION, 4);
    feed_put_identity(&feed->state.identity, &body);
    put_proof(here, &body);
    put_proof(there, &body);
    uint64_t check = XXH3_64bits(body.ptr, body.len);
    bytes_put(&body, check, 8);
    Str folder = folder_of(feed, &scratch);
    if (!os_make_dirs(folder.ptr, 0700, err) || !os_sync_dir(feed->path, err))
        return false;
    feed->frozen = true;
    return os_write_file(str_printf(&scratch, "%s/%016llx", folder.ptr, (unsigned long long)check).ptr,
                         buf_str(&body), 0600, err);
}

static bool is_damaged(const char *name, Err *err)
{
    return err_set(err, ERR_CORRUPT, "the proof of a fork '%s' is damaged", name);
}

/* A proof of the file at `*at`, which is moved behind it. */
static bool read_proof(Str bytes, size_t *at, Arena *arena, FeedProof *out)
{
    AlphaData data;
    Err ignored = {0};

    if (bytes.len - *at < 4)
        return false;
    size_t len = (size_t)bytes_get(bytes.ptr + *at, 4);
    if (len > bytes.len - *at - 4 ||
        !alpha_get_data(str_sub(bytes, *at + 4, *at + 4 + len), arena, &data, &ignored))
        return false;
    *at += 4 + len;
    *out = data.proof;
    return true;
}

static void describe(ForkProof *out, const FeedProof *here, const TreeRoots roots[2],
                     const TreeRoots heads[2])
{
    out->fork = here->fork;
    out->length = here->length;
    out->here = heads[0].length;
    out->there = heads[1].length;
    tree_hash(roots[0].at, roots[0].count, out->hash_here);
    tree_hash(roots[1].at, roots[1].count, out->hash_there);
}

/* Whoever has the key can check it: two heads, both signed, that are not the same at one length. */
static bool read_file(const Feed *feed, Arena *arena, const char *name, Str bytes, ForkProof *out, Err *err)
{
    FeedProof proofs[2];
    TreeRoots roots[2], heads[2];
    size_t at = HEAD_BYTES;
    Err why = {0};

    if (bytes.len < HEAD_BYTES + 8 || memcmp(bytes.ptr, magic, sizeof magic) != 0 ||
        bytes_get(bytes.ptr + sizeof magic, 4) != VERSION ||
        XXH3_64bits(bytes.ptr, bytes.len - 8) != bytes_get(bytes.ptr + bytes.len - 8, 8))
        return is_damaged(name, err);
    Str body = str_sub(bytes, 0, bytes.len - 8);
    for (int i = 0; i < 2; i++)
        if (!read_proof(body, &at, arena, &proofs[i]) ||
            !feed_check_head(&feed->state.identity, &proofs[i], &roots[i], &heads[i], &why))
            return is_damaged(name, err);
    describe(out, &proofs[0], roots, heads);
    if (roots[0].length != roots[1].length || memcmp(out->hash_here, out->hash_there, TREE_HASH_BYTES) == 0)
        return is_damaged(name, err);
    return true;
}

static bool add_file(Feed *feed, Arena *arena, const char *name, ForkProof *out, Err *err)
{
    BUF_SCOPE(bytes);

    out->file = str_printf(arena, "%s/forks/%s", feed->path, name);
    return os_read_file(out->file.ptr, FILE_MAX, &bytes, err) &&
           read_file(feed, arena, out->file.ptr, str_copy(arena, buf_str(&bytes)), out, err);
}

bool forks_list(Feed *feed, Arena *arena, ForkProof **out, size_t *count, Err *err)
{
    enum { PROOFS_MAX = 1024 };
    ForkProof *list = arena_new(arena, ForkProof, PROOFS_MAX);
    DIR *dir = opendir(folder_of(feed, arena).ptr);
    bool ok = true;

    *count = 0;
    *out = list;
    if (!dir)
        return errno == ENOENT || err_sys(err, ERR_IO, "cannot read the forks of '%s'", feed->path);
    for (struct dirent *entry; ok && *count < PROOFS_MAX && (entry = readdir(dir));)
        if (entry->d_name[0] != '.' && !strchr(entry->d_name, '.'))
            ok = add_file(feed, arena, entry->d_name, &list[(*count)++], err);
    (void)closedir(dir);
    return ok;
}

bool forks_freeze(Feed *feed)
{
    ARENA_SCOPE(scratch);
    ForkProof *list;
    size_t count;
    Err ignored = {0};

    if (access(folder_of(feed, &scratch).ptr, F_OK) != 0)
        return false;
    if (!forks_list(feed, &scratch, &list, &count, &ignored))
        return true;
    for (size_t i = 0; i < count; i++)
        if (list[i].fork == feed->state.fork)
            return true;
    return false;
}

/* ---- looking ---- */

/* The roots that the feed had at a length; *known is false where a copy does not have them. */
static bool roots_at(Feed *feed, uint64_t length, TreeRoots *out, bool *known, Err *err)
{
    uint64_t numbers[TREE_ROOTS_MAX];
    size_t count = tree_root_numbers(length, numbers);

    *out = (TreeRoots){.count = count, .length = length};
    *known = true;
    for (size_t i = 0; i < count && *known; i++) {
        Err why = {0};

        *known = feed_nodes_get(feed->nodes, numbers[i], &out->at[i], NULL, &why);
        if (!*known && why.code != ERR_NOT_FOUND) {
            *err = why;
            return false;
        }
    }
    return true;
}

static bool same_roots(const TreeRoots *a, const TreeRoots *b)
{
    for (size_t i = 0; i < a->count; i++)
        if (!tree_node_equal(&a->at[i], &b->at[i]))
            return false;
    return a->count == b->count;
}

bool forks_look(Feed *feed, const FeedProof *proof, bool *forked, uint64_t *signed_length, Err *err)
{
    ARENA_SCOPE(arena);
    TreeRoots theirs, head, ours;
    FeedProof own;
    bool known;

    *forked = false;
    if (proof->fork != feed->state.fork || !proof->upgrade || proof->start != 0 ||
        proof->length > feed->state.roots.length)
        return err_set(err, ERR_CONFLICT, "the head shown is not of the feed's fork and length");
    if (!feed_check_head(&feed->state.identity, proof, &theirs, &head, err) ||
        !roots_at(feed, proof->length, &ours, &known, err))
        return false;
    *signed_length = head.length;
    if (!known || same_roots(&ours, &theirs))
        return true;
    *forked = true;
    FeedRequest request = {.fork = proof->fork, .upgrade = true, .length = proof->length};
    return feed_prove(feed, &arena, &request, &own, err) && write_proof(feed, &own, proof, err);
}
