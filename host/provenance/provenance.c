/* SPDX-License-Identifier: Apache-2.0 */
/* Verifying where a model comes from: the controller's part. */
#include "host/provenance/provenance.h"

#include "base/cursor.h"
#include "base/file.h"
#include "host/provenance/content.h"
#include "host/provenance/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define DIGESTS_MAX ((size_t)MODEL_MANIFEST_RESOURCES_MAX * CRYPTO_CONTENT_DIGEST_MAX)

static int no_memory(struct error *err, int r)
{
    return r == -EMSGSIZE ? error_set(err, ERROR_BAD_INPUT, r, "the model's folder is too large: too many names in it")
                          : error_set(err, ERROR_UNAVAILABLE, r, "no memory to verify the model's signature");
}

static int nonsense(struct error *err)
{
    return error_set(err, ERROR_MISMATCH, -EBADMSG,
                     "the process that reads the signature answers nonsense, so the signature is refused");
}

/* --- files --------------------------------------------------------------------------------------------- */

int provenance_file_load(const char *path, size_t size_max, struct provenance_file *ret_file, struct error *err)
{
    CLEANUP_BUFFER struct buffer bytes = buffer_with_limit(size_max);
    struct stat status;
    int r = file_read_bounded(path, &bytes, err);

    if (r < 0)
        return r;
    if (stat(path, &status) < 0)
        return error_set(err, ERROR_NO_INPUT, -errno, "%s: %s", path, strerror(errno));
    *ret_file = (struct provenance_file){.bytes = bytes, .id = {.device = status.st_dev, .inode = status.st_ino}};
    sha256_of(bytes.data, bytes.size, ret_file->sha256);
    bytes = buffer_with_limit(0); /* transferred */
    return 0;
}

void provenance_file_free(struct provenance_file *file)
{
    buffer_free(&file->bytes);
}

/* --- who signed ------------------------------------------------------------------------------------------- */

static int append_trust(const struct provenance_trust *trust, struct buffer *request)
{
    int r = buffer_append_u64le(request, (uint64_t)trust->now);

    if (r == 0)
        r = buffer_append_u32le(request, (uint32_t)trust->key_count);
    for (size_t i = 0; r == 0 && i < trust->key_count; i++) {
        r = provenance_append_string(request, trust->keys[i].name, strnlen(trust->keys[i].name, 255));
        if (r == 0)
            r = provenance_append_string(request, trust->keys[i].text, trust->keys[i].size);
    }
    if (r == 0)
        r = provenance_append_string(request, trust->anchors.authorities, trust->anchors.authorities_size);
    if (r == 0)
        r = buffer_append_u32le(request, (uint32_t)trust->anchors.identity_count);
    for (size_t i = 0; r == 0 && i < trust->anchors.identity_count; i++)
        r = provenance_append_string(request, trust->anchors.identities[i], strlen(trust->anchors.identities[i]));
    return r;
}

static int read_opened(const struct buffer *answer, const struct provenance_trust *trust,
                       struct provenance_verdict *verdict)
{
    struct cursor cursor = cursor_over(answer->data, answer->size);
    uint8_t *const digests[] = {verdict->key_sha256, verdict->certificate_sha256, verdict->authority_sha256,
                                verdict->model_sha256};
    uint8_t flags[4] = {0};
    uint32_t resources = 0;
    int r = cursor_copy(&cursor, flags, sizeof flags);

    if (r == 0)
        r = cursor_read_u64le(&cursor, &verdict->shard_size);
    if (r == 0)
        r = cursor_read_u32le(&cursor, &verdict->key_index);
    if (r == 0)
        r = cursor_read_u32le(&cursor, &verdict->identity_index);
    if (r == 0)
        r = cursor_read_u32le(&cursor, &resources);
    for (size_t i = 0; r == 0 && i < sizeof digests / sizeof digests[0]; i++)
        r = cursor_copy(&cursor, digests[i], SHA256_SIZE);
    if (r < 0 || cursor_left(&cursor) > 0 || flags[0] >= SIGNATURE_METHOD_COUNT || flags[1] > 1 || flags[2] > 1 ||
        flags[3] >= CRYPTO_CONTENT_HASH_COUNT || verdict->shard_size > (uint64_t)MODEL_MANIFEST_SHARD_MAX)
        return -EBADMSG;
    verdict->method = (enum signature_method)flags[0];
    verdict->legacy = flags[1] == 1;
    verdict->single = flags[2] == 1;
    verdict->hash = (enum crypto_content_hash)flags[3];
    if (verdict->method == SIGNATURE_BY_KEY)
        return verdict->key_index < trust->key_count ? 0 : -EBADMSG;
    return verdict->identity_index < trust->anchors.identity_count ? 0 : -EBADMSG;
}

static int open_signature(struct provenance_reader *reader, const struct provenance_file *signature,
                          const struct provenance_trust *trust, struct provenance_verdict *verdict, struct error *err)
{
    CLEANUP_BUFFER struct buffer request = buffer_with_limit(PROTOCOL_REQUEST_MAX);
    CLEANUP_BUFFER struct buffer answer = buffer_with_limit(PROTOCOL_OPENED_SIZE);
    int r = append_trust(trust, &request);

    if (r == 0)
        r = buffer_append(&request, signature->bytes.data, signature->bytes.size);
    if (r < 0)
        return no_memory(err, r);
    r = provenance_reader_ask(reader, PROTOCOL_OPEN, &request, &answer, err);
    if (r < 0)
        return r;
    return read_opened(&answer, trust, verdict) < 0 ? nonsense(err) : 0;
}

/* --- which files ------------------------------------------------------------------------------------------- */

/* The file or the folder's files, and where the model is among them. */
static int gather(const struct provenance_file *signature, const struct provenance_model *model,
                  const struct provenance_verdict *verdict, struct tree *ret_tree, uint32_t *ret_model,
                  struct error *err)
{
    CLEANUP_FREE struct tree_id *excluded = calloc(model->excluded_count + 1, sizeof *excluded);
    struct stat status;
    int r;

    if (excluded == NULL)
        return no_memory(err, -ENOMEM);
    if (model->excluded_count > 0)
        memcpy(excluded, model->excluded, model->excluded_count * sizeof *excluded);
    excluded[model->excluded_count] = signature->id;
    *ret_model = MATCH_NONE;
    if (verdict->single)
        return 0; /* the model alone, from its descriptor */
    r = tree_list(model->root, excluded, model->excluded_count + 1, ret_tree, err);
    if (r < 0 || model->fd < 0)
        return r;
    if (fstat(model->fd, &status) < 0)
        return error_set(err, ERROR_NO_INPUT, -errno, "%s: %s", model->name, strerror(errno));
    for (uint32_t i = 0; i < ret_tree->count; i++)
        if (ret_tree->files[i].kind == MATCH_FILE && ret_tree->files[i].id.device == status.st_dev &&
            ret_tree->files[i].id.inode == status.st_ino)
            *ret_model = i;
    if (*ret_model == MATCH_NONE)
        return error_set(err, ERROR_MISMATCH, -EBADMSG,
                         "%s: the model's file does not lie in %s, which the signature covers", model->name,
                         model->root);
    return 0;
}

static int append_file(struct buffer *request, enum match_kind kind, uint64_t size, const char *path)
{
    int r = buffer_append_u8(request, (uint8_t)kind);

    if (r == 0)
        r = buffer_append_u64le(request, size);
    return r == 0 ? provenance_append_string(request, path, strlen(path)) : r;
}

/* Answers with a byte for each file: 1 where the signature names it. */
static int ask_names(struct provenance_reader *reader, const struct provenance_model *model,
                     const struct provenance_verdict *verdict, const struct tree *tree, uint32_t model_index,
                     struct buffer *ret_wanted, struct error *err)
{
    CLEANUP_BUFFER struct buffer request = buffer_with_limit(PROTOCOL_REQUEST_MAX);
    uint32_t count = verdict->single ? model->fd >= 0 : tree->count;
    int r = buffer_append_u32le(&request, model_index);

    if (r == 0)
        r = buffer_append_u32le(&request, count);
    if (r == 0 && verdict->single && model->fd >= 0)
        r = append_file(&request, MATCH_FILE, model->size, model->name);
    for (uint32_t i = 0; r == 0 && !verdict->single && i < tree->count; i++)
        r = append_file(&request, tree->files[i].kind, tree->files[i].size, tree->files[i].path);
    if (r < 0)
        return no_memory(err, r);
    r = provenance_reader_ask(reader, PROTOCOL_NAMES, &request, ret_wanted, err);
    if (r < 0)
        return r;
    return ret_wanted->size == count ? 0 : nonsense(err);
}

/* --- their digests ------------------------------------------------------------------------------------------ */

static int hash_model(const struct provenance_model *model, const struct provenance_verdict *verdict,
                      struct buffer *digests, struct error *err)
{
    uint8_t sha256[SHA256_SIZE];
    int r = content_hash(model->fd, model->name, model->size, verdict->hash, verdict->shard_size, digests, sha256, err);

    if (r == 0 && memcmp(sha256, model->sha256, SHA256_SIZE) != 0)
        r = error_set(err, ERROR_NO_INPUT, -ESTALE, "%s: it changed while it was looked at", model->name);
    return r;
}

static int hash_listed(const struct tree *tree, uint32_t index, const struct provenance_verdict *verdict,
                       struct buffer *digests, struct error *err)
{
    const struct tree_file *file = &tree->files[index];
    uint8_t sha256[SHA256_SIZE];
    CLEANUP_FD int fd = -1;
    int r = tree_open(tree, index, &fd, err);

    return r < 0 ? r
                 : content_hash(fd, file->path, file->size, verdict->hash, verdict->shard_size, digests, sha256, err);
}

static int ask_digests(struct provenance_reader *reader, const struct provenance_model *model,
                       struct provenance_verdict *verdict, const struct tree *tree, uint32_t model_index,
                       const struct buffer *wanted, struct error *err)
{
    CLEANUP_BUFFER struct buffer digests = buffer_with_limit(DIGESTS_MAX), nothing = buffer_with_limit(1);
    int r = 0;

    for (uint32_t i = 0; r == 0 && i < wanted->size; i++) {
        if (wanted->data[i] == 0)
            continue;
        verdict->files++;
        r = verdict->single || i == model_index ? hash_model(model, verdict, &digests, err)
                                                : hash_listed(tree, i, verdict, &digests, err);
    }
    if (r == 0)
        r = provenance_reader_ask(reader, PROTOCOL_DIGESTS, &digests, &nothing, err);
    if (r == 0 && verdict->files == 0)
        return nonsense(err);
    if (r == 0 && model_index != MATCH_NONE && wanted->data[model_index] == 0)
        return nonsense(err);
    return r;
}

int provenance_verify(const struct provenance_file *signature, const struct provenance_trust *trust,
                      const struct provenance_model *model, struct provenance_verdict *ret_verdict, struct error *err)
{
    CLEANUP_PROVENANCE_READER struct provenance_reader *reader = NULL;
    CLEANUP_BUFFER struct buffer wanted = buffer_with_limit(PROTOCOL_REPLY_MAX);
    CLEANUP_TREE struct tree tree = {.root_fd = -1};
    struct provenance_verdict verdict = {0};
    uint32_t index = MATCH_NONE;
    int r = provenance_reader_start(&reader, err);

    if (r == 0)
        r = open_signature(reader, signature, trust, &verdict, err);
    if (r == 0)
        r = gather(signature, model, &verdict, &tree, &index, err);
    if (r == 0)
        r = ask_names(reader, model, &verdict, &tree, index, &wanted, err);
    if (r == 0)
        r = ask_digests(reader, model, &verdict, &tree, index, &wanted, err);
    if (r == 0)
        *ret_verdict = verdict;
    return r;
}

int provenance_check_sums(const struct provenance_file *list, const char *name, const uint8_t sha256[SHA256_SIZE],
                          struct error *err)
{
    CLEANUP_PROVENANCE_READER struct provenance_reader *reader = NULL;
    CLEANUP_BUFFER struct buffer request = buffer_with_limit(PROTOCOL_REQUEST_MAX), nothing = buffer_with_limit(1);
    int r = buffer_append(&request, sha256, SHA256_SIZE);

    if (r == 0)
        r = provenance_append_string(&request, name, strlen(name));
    if (r == 0)
        r = buffer_append(&request, list->bytes.data, list->bytes.size);
    if (r < 0)
        return no_memory(err, r);
    r = provenance_reader_start(&reader, err);
    return r < 0 ? r : provenance_reader_ask(reader, PROTOCOL_CHECKSUMS, &request, &nothing, err);
}
