/* SPDX-License-Identifier: Apache-2.0 */
#include "feed/identity.h"

#include "test/unit/feed/vectors.h"

static SignPair pair;
static FeedIdentity compat, modern;
static FeedHead head;

static void keys_and_names_are_the_vectors(void)
{
    BUF_SCOPE(manifest);
    unsigned char name[FEED_KEY_BYTES];

    feed_identity_put_manifest(&modern, &manifest);
    CHECK(manifest.len == FEED_MANIFEST_BYTES && vector_is("core>manifest_v1", manifest.ptr, manifest.len));
    CHECK(vector_is("core>manifest_hash_key", modern.key, FEED_KEY_BYTES));
    feed_discovery_key(modern.key, name);
    CHECK(vector_is("core>discovery_key(manifest)", name, sizeof name));
    feed_discovery_key(compat.key, name);
    CHECK(vector_is("core>discovery_key(compat)", name, sizeof name));
    buf_reset(&manifest);
    feed_identity_put_manifest(&compat, &manifest);
    CHECK(manifest.len == 0);
}

static void namespaces_are_the_vectors(void)
{
    static const char *const names[] = {[FEED_SPACE_TREE] = "TREE(0)",
                                        [FEED_SPACE_INITIATOR] = "REPLICATE_INITIATOR(1)",
                                        [FEED_SPACE_RESPONDER] = "REPLICATE_RESPONDER(2)",
                                        [FEED_SPACE_MANIFEST] = "MANIFEST(3)",
                                        [FEED_SPACE_DEFAULT] = "DEFAULT_NAMESPACE(4)",
                                        [FEED_SPACE_ENCRYPTION] = "DEFAULT_ENCRYPTION(5)"};

    for (FeedSpace space = 0; space < FEED_SPACE_COUNT; space++) {
        ARENA_SCOPE(arena);

        CHECK(vector_is(str_printf(&arena, "namespaces>hypercore>%s", names[space]).ptr, feed_space(space),
                        FEED_KEY_BYTES));
    }
}

static void signatures_are_the_vectors(void)
{
    BUF_SCOPE(old);
    BUF_SCOPE(new);

    feed_sign(&compat, &pair, &head, &old);
    CHECK(vector_is("signable>sig_compat(64B)", old.ptr, old.len) &&
          feed_signed(&compat, &head, buf_str(&old)));
    feed_sign(&modern, &pair, &head, &new);
    CHECK(vector_is("signable>sig_manifest_wire(68B)", new.ptr, new.len) &&
          feed_signed(&modern, &head, buf_str(&new)));
    CHECK(!feed_signed(&modern, &head, buf_str(&old)) && !feed_signed(&compat, &head, buf_str(&new)));
}

static void another_head_or_signature_does_not_pass(void)
{
    BUF_SCOPE(good);

    feed_sign(&modern, &pair, &head, &good);
    for (size_t i = 0; i < good.len; i++) {
        good.ptr[i] ^= 1;
        CHECK(!feed_signed(&modern, &head, buf_str(&good)));
        good.ptr[i] ^= 1;
        CHECK(!feed_signed(&modern, &head, str_sub(buf_str(&good), 0, i)));
    }
    CHECK(feed_signed(&modern, &head, buf_str(&good)));
    for (int what = 0; what < 3; what++) {
        FeedHead other = head;

        other.length += what == 0;
        other.fork += what == 1;
        other.hash[7] ^= what == 2;
        CHECK(!feed_signed(&modern, &other, buf_str(&good)));
    }
}

static void a_manifest_is_taken_for_its_own_key_only(void)
{
    BUF_SCOPE(manifest);
    FeedIdentity read;
    Err err = {0};

    feed_identity_put_manifest(&modern, &manifest);
    CHECK(feed_identity_read(modern.key, buf_str(&manifest), &read, &err) &&
          memcmp(&read, &modern, sizeof read) == 0);
    CHECK(!feed_identity_read(compat.key, buf_str(&manifest), &read, &err) && err.code == ERR_CORRUPT);
    for (size_t i = 0; i < manifest.len; i++) {
        manifest.ptr[i] ^= 1;
        CHECK(!feed_identity_read(modern.key, buf_str(&manifest), &read, &err));
        CHECK(err.code == (i < 5 ? ERR_LIMIT : ERR_CORRUPT));
        manifest.ptr[i] ^= 1;
        CHECK(!feed_identity_read(modern.key, str_sub(buf_str(&manifest), 0, i), &read, &err) &&
              err.code == ERR_CORRUPT);
    }
    buf_put_byte(&manifest, 0);
    CHECK(!feed_identity_read(modern.key, buf_str(&manifest), &read, &err) && err.code == ERR_CORRUPT);
}

int main(void)
{
    unsigned char seed[SIGN_SEED_BYTES];
    TreeRoots roots = {0};
    struct json_object *blocks = vector_at("merkle>blocks");

    memset(seed, 1, sizeof seed);
    sign_pair_from_seed(seed, &pair);
    feed_identity_compat(pair.public_key, &compat);
    feed_identity_new(pair.public_key, &modern);
    for (size_t i = 0; i < json_object_array_length(blocks); i++) {
        TreeNode leaf;

        tree_leaf(i, str_from_z(json_object_get_string(json_object_array_get_idx(blocks, i))), &leaf);
        CHECK(tree_add(&roots, &leaf, NULL) > 0);
    }
    head = (FeedHead){.length = roots.length};
    tree_hash(roots.at, roots.count, head.hash);

    RUN(keys_and_names_are_the_vectors);
    RUN(namespaces_are_the_vectors);
    RUN(signatures_are_the_vectors);
    RUN(another_head_or_signature_does_not_pass);
    RUN(a_manifest_is_taken_for_its_own_key_only);
    DONE();
}
