/* SPDX-License-Identifier: Apache-2.0 */
/*
 * strata.h -- the public C library: feeds, and the tables of datasets
 *
 *     strata_store *store = strata_open("/var/lib/strata", NULL, &error);
 *     strata_feed *feed = strata_feed_create(store, "notes", &error);
 *     strata_feed_append(feed, blocks, count, STRATA_DURABLE, &first, &error);
 *     strata_feed_close(feed);
 *     strata_close(store);
 *
 * docs/example/feed.c and docs/example/dataset.c are whole programs. Link with -lstrata.
 *
 * What fails returns false or NULL and fills the strata_error, which may be NULL; nothing is changed then unless it is said
 * otherwise. Out parameters are written on success only. A store, its feeds and its replications belong to one thread at a time;
 * several stores may be open of one directory, also in several processes, while one feed has one writer.
 */
#ifndef STRATA_H
#define STRATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define STRATA_KEY_BYTES 32

/* Codes are the exit statuses of the program: 2 usage, 4 not found, 5 conflict, 6 input/output, 8 corrupt, 9 denied, 10 limit. */
typedef struct strata_error {
    int code;
    char name[32];     /* "NOT_FOUND" */
    char message[768]; /* one sentence */
    char hint[256];    /* what to do about it, or "" */
} strata_error;

/* ---- stores ---- */

typedef struct strata_store strata_store;

/*
 * The feeds and keys of an instance, or of any directory that exists: they are made in it when they are needed. `passphrase` opens
 * its keys; NULL: they are locked with a key file, or there are none yet.
 */
strata_store *strata_open(const char *dir, const char *passphrase, strata_error *error);

/* Closes its feeds, too. */
void strata_close(strata_store *store);

/*
 * What the caller has to know and is no failure, a sentence each: a peer that could not be asked whether it has more of a feed, blocks that
 * cannot be given to peers because they are damaged here, a peer that shows that a feed is an old copy or has forked. NULL: nobody
 * wants to know. It is called from within other calls, and is not to call the library.
 */
void strata_on_warning(strata_store *store, void (*warn)(void *ctx, const char *message), void *ctx);

/*
 * The peers that are asked whether they have more of a feed, before it is first appended to or truncated after it was opened: a feed
 * that was put back from an older copy would fork otherwise. All at once, and for at most `wait_ms` together. strata_open() takes
 * [feeds] peers and peers_wait of strata.ini, where there is one; this takes others. 2 (USAGE): an address is none.
 */
bool strata_set_peers(strata_store *store, const char *const *peers, size_t count, unsigned wait_ms,
                      strata_error *error);

/* ---- feeds ---- */

typedef struct strata_feed strata_feed;

typedef struct strata_block {
    const void *bytes;
    size_t len; /* at most 15 MiB */
} strata_block;

typedef struct strata_info {
    unsigned char key[STRATA_KEY_BYTES];           /* whoever has it may copy the feed */
    unsigned char discovery_key[STRATA_KEY_BYTES]; /* what it is called where the key must not be seen */
    uint64_t length, fork;                         /* blocks; how often it was truncated */
    uint64_t bytes, held;                          /* of all blocks, as they are kept; blocks that are here */
} strata_info;

typedef enum strata_mode { STRATA_READ, STRATA_WRITE } strata_mode;
typedef enum strata_care {
    STRATA_DURABLE,  /* on stable storage when the call returns */
    STRATA_BUFFERED, /* survives the end of the process, not that of the machine */
} strata_care;

/* A new, empty feed, whose signer's key is kept in the store; open for writing. `name` may be NULL. */
strata_feed *strata_feed_create(strata_store *store, const char *name, strata_error *error);

/*
 * The same with blocks that are encrypted, wherever they are kept or sent: with a new reading key, which is kept in the store. Append and
 * get take and give plain text.
 */
strata_feed *strata_feed_create_encrypted(strata_store *store, const char *name, strata_error *error);

/* What is known here of a feed's blocks: who only keeps an encrypted feed need not know that it is. */
typedef enum strata_reading {
    STRATA_PLAIN,
    STRATA_ENCRYPTED,  /* and the reading key is here */
    STRATA_UNREADABLE, /* and it is not */
} strata_reading;

bool strata_feed_reading(const strata_feed *feed, strata_reading *out, strata_error *error);

/*
 * The reading key of an encrypted feed: whoever has it can read all of the feed. 9 (DENIED): it is not here. The second one keeps a reading
 * key, of a feed that may be copied later; feeds that are opened from then on are read with it.
 */
bool strata_feed_reading_key(const strata_feed *feed, unsigned char key[STRATA_KEY_BYTES],
                             strata_error *error);
bool strata_add_reading_key(strata_store *store, const unsigned char feed_key[STRATA_KEY_BYTES],
                            const unsigned char key[STRATA_KEY_BYTES], strata_error *error);

/* The feed of this key (hexadecimal, or the first digits of it) or name. */
strata_feed *strata_feed_open(strata_store *store, const char *key_or_name, strata_mode mode,
                              strata_error *error);
void strata_feed_close(strata_feed *feed);

void strata_feed_info(const strata_feed *feed, strata_info *out);

/* See what other processes did to a feed that is open for reading. *changed may be NULL. */
bool strata_feed_refresh(strata_feed *feed, bool *changed, strata_error *error);

/*
 * All of the blocks or none. *first: the number of the first one; may be NULL. 9 (DENIED): the feed was restored, or a peer has more of it,
 * and strata_replicate() gets that; 5 (CONFLICT): it has forked.
 */
bool strata_feed_append(strata_feed *feed, const strata_block *blocks, size_t count, strata_care care,
                        uint64_t *first, strata_error *error);

/*
 * The bytes of a block, checked against the feed's signature; to be freed with strata_free(). 4 (NOT_FOUND): it is not here; 9 (DENIED): it is
 * encrypted, and the reading key is not here.
 */
bool strata_feed_get(strata_feed *feed, uint64_t block, void **bytes, size_t *len, strata_error *error);
void strata_free(void *bytes);

/* Hash everything that is here. *first_bad is written when that is why it fails (code 8), too; may be NULL. */
bool strata_feed_verify(strata_feed *feed, uint64_t *first_bad, strata_error *error);

/* Hold the blocks from `first` up to `end` no longer, and give their space back. */
bool strata_feed_clear(strata_feed *feed, uint64_t first, uint64_t end, strata_error *error);

/* Make the feed `length` blocks long, and begin its next fork, which peers follow. */
bool strata_feed_truncate(strata_feed *feed, uint64_t length, strata_error *error);

/*
 * Whether the feed may be appended to: one that was restored or copied from elsewhere, or of which a peer has shown more, may not, until
 * strata_replicate() has compared it with a peer, or strata_feed_trust() says that nobody has blocks of it that are not here.
 */
bool strata_feed_confirmed(const strata_feed *feed, bool *out, strata_error *error);
bool strata_feed_trust(strata_feed *feed, strata_error *error);

/* ---- proofs ---- */

/*
 * The proof that a block is in the feed, to be freed with strata_free() (docs/format/feed-proof.md). 4 (NOT_FOUND): the block is not here;
 * 8 (CORRUPT): it or the tree above it is damaged.
 */
bool strata_feed_prove(strata_feed *feed, uint64_t block, void **proof, size_t *len, strata_error *error);

typedef struct strata_proven {
    unsigned char key[STRATA_KEY_BYTES]; /* of the feed; whose that is, and that it is the one meant, is for the caller to see */
    uint64_t block;
    uint64_t length, fork;               /* of the feed that the signer signed, */
    unsigned char root[STRATA_KEY_BYTES]; /* and the hash of its roots */
    size_t at, len;                      /* the block's bytes, as they are kept: where in the proof, and how many */
} strata_proven;

/* Needs neither store nor feed. 8 (CORRUPT): it is no proof, or was changed. */
bool strata_check_proof(const void *proof, size_t len, strata_proven *out, strata_error *error);

/* ---- forks ---- */

/* A proof that the signer of a feed has signed two histories: two heads, and the hashes of their roots at `length`, which differ. */
typedef struct strata_fork {
    uint64_t fork, length;
    uint64_t here, there; /* how long the two are */
    unsigned char root_here[STRATA_KEY_BYTES], root_there[STRATA_KEY_BYTES];
} strata_fork;

/* All that peers have shown, to be freed with strata_free(). A feed with one of its present fork takes no appends. */
bool strata_feed_forks(strata_feed *feed, strata_fork **forks, size_t *count, strata_error *error);

/* ---- backups ---- */

/* Write the feed to a descriptor, from beginning to end (docs/format/feed-backup.md). Keys are not in it. */
bool strata_feed_backup(strata_feed *feed, int fd, strata_error *error);

/*
 * Make a feed from a backup that is read from a descriptor; `name` NULL: as it was called. All of it is checked before there is a feed. Its
 * key is in key[]. 5 (CONFLICT): the feed, or one of that name, is there already; 8 (CORRUPT): the backup is damaged.
 */
bool strata_restore(strata_store *store, int fd, const char *name, unsigned char key[STRATA_KEY_BYTES],
                    strata_error *error);

/* ---- many writers ---- */

/*
 * Threads that append to one feed at the same time: those that wait share one commit and one sync, so that a durable append costs
 * what it costs alone only where it is alone. The feed is open for writing; until the appender is closed, nothing else is done with
 * the feed or its store.
 */
typedef struct strata_appender strata_appender;

strata_appender *strata_appender_open(strata_feed *feed, strata_error *error);

/* As strata_feed_append() with STRATA_DURABLE, from any thread and any number of them. What is wrong with one append harms no other. */
bool strata_appender_append(strata_appender *appender, const strata_block *blocks, size_t count,
                            uint64_t *first, strata_error *error);

/* No append is under way any more. */
void strata_appender_close(strata_appender *appender);

/* ---- replication ---- */

typedef struct strata_replicated {
    uint64_t blocks, bytes_in, bytes_out;
    bool native; /* blocks came in runs, not one by one as from npm hypercore */
} strata_replicated;

/*
 * Get all that peers (addresses: "host:port", "unix:/path") have of a feed and is missing here, and give them what they miss. `key`
 * as for strata_feed_open(), or the whole key of a feed that is new here. Returns when nothing is missing any more, here and with peers that ask for it, or with code 11 when peers do not give
 * blocks that they say to have, because their copies are damaged: all others came. The feed must not be open for writing in the store. *out may be NULL,
 * and is written with code 11, too.
 */
bool strata_replicate(strata_store *store, const char *key, const char *const *peers, size_t count,
                      strata_replicated *out, strata_error *error);

/*
 * Serve all feeds of the store at `listen` ("127.0.0.1:0": a free port) until `until` says so; it is asked about five times a second.
 * `listening` is told the address once. There may be any number of feeds: those that peers use are open, with three descriptors each, at the
 * same time a sixth as many as the process may have descriptors (RLIMIT_NOFILE), 64 at least. What peers cannot be given, because it is
 * damaged here, and what they show of old copies and forks goes to strata_on_warning().
 */
bool strata_serve(strata_store *store, const char *listen, void (*listening)(void *ctx, const char *address),
                  bool (*until)(void *ctx), void *ctx, strata_error *error);

/* ---- datasets ---- */

/*
 * The tables of a dataset, spread over several PostgreSQL servers. Who asks names a table and not a server; SQL is passed on as it is:
 *
 *     strata_dataset *dataset = strata_dataset_open("/var/lib/strata", "mini", &error);
 *     strata_rows *rows = strata_dataset_query(dataset, "tree_1", "select id, x from tree_1 where x > $1", binds, 1, &error);
 *
 * Of several copies one is asked by the rules of strata.ini. When its server is lost another one is asked instead, unless that is in the
 * middle of a transaction. A dataset belongs to one thread at a time; a process may open it several times.
 */
typedef struct strata_dataset strata_dataset;
typedef struct strata_rows strata_rows;

/* The dataset `name` of the instance at `dir`. */
strata_dataset *strata_dataset_open(const char *dir, const char *name, strata_error *error);
void strata_dataset_close(strata_dataset *dataset);

/* The names of its tables, each once, and of its servers; they end with NULL, and are valid until refresh or close. */
const char *const *strata_dataset_tables(strata_dataset *dataset);
const char *const *strata_dataset_servers(strata_dataset *dataset);

/* Read again which tables there are, and where. */
bool strata_dataset_refresh(strata_dataset *dataset, strata_error *error);

/*
 * SQL that every connection runs before it is used: settings, temporary tables. Also those that are made after a server was lost.
 */
bool strata_dataset_on_connect(strata_dataset *dataset, const char *sql, strata_error *error);

/* Close all connections; they are made again when they are needed. A transaction is undone. */
void strata_dataset_restart(strata_dataset *dataset);

/*
 * Run SQL, prepared the first time, on a server that has an active copy of `table`; NULL: on any server, for system tables. `binds` are the values of
 * $1, $2, ..., as PostgreSQL writes them; NULL is null.
 */
strata_rows *strata_dataset_query(strata_dataset *dataset, const char *table, const char *sql, const char *const *binds, size_t count,
                                  strata_error *error);

/*
 * A transaction on the server of a table: what is asked for that table goes to that connection until commit or rollback. Tables on the
 * same server share the connection. One at a time.
 */
bool strata_dataset_begin(strata_dataset *dataset, const char *table, strata_error *error);
bool strata_dataset_commit(strata_dataset *dataset, strata_error *error);
void strata_dataset_rollback(strata_dataset *dataset);

/* Run SQL on every server. False when one refused; `errors` (NULL, or one for each server) say what: code 0 is none. */
bool strata_dataset_on_all(strata_dataset *dataset, const char *sql, strata_error *errors);

/*
 * For other libraries: the connection string of the server that a query of the table would go to, and its name. Both are valid until close.
 */
const char *strata_dataset_route(strata_dataset *dataset, const char *table, const char **server, strata_error *error);

/* What a query gave. */
typedef enum strata_type { STRATA_TEXT, STRATA_INT, STRATA_DOUBLE, STRATA_BOOL } strata_type;
typedef struct strata_column {
    const char *name;
    strata_type type;
    unsigned oid; /* of PostgreSQL's type */
} strata_column;

size_t strata_rows_count(const strata_rows *rows);
size_t strata_rows_changed(const strata_rows *rows); /* by INSERT, UPDATE, DELETE; else as strata_rows_count() */
size_t strata_rows_columns(const strata_rows *rows, const strata_column **columns);

/* One value. 0, 0.0, false and "" for null. */
bool strata_rows_is_null(const strata_rows *rows, size_t row, size_t column);
const char *strata_rows_text(const strata_rows *rows, size_t row, size_t column);
int64_t strata_rows_int(const strata_rows *rows, size_t row, size_t column);
double strata_rows_double(const strata_rows *rows, size_t row, size_t column);
bool strata_rows_bool(const strata_rows *rows, size_t row, size_t column);

/* A whole column, into room for strata_rows_count() values. */
void strata_rows_ints(const strata_rows *rows, size_t column, int64_t *out);
void strata_rows_doubles(const strata_rows *rows, size_t column, double *out);

void strata_rows_free(strata_rows *rows);

#ifdef __cplusplus
}
#endif

#endif
