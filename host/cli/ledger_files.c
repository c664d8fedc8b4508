/* SPDX-License-Identifier: Apache-2.0 */
/* Files and output of lazaret ledger. */
#include "host/cli/ledger_files.h"

#include "base/file.h"
#include "host/attest/text.h"
#include "host/cli/write_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define KEYS_FILE_MAX ((size_t)64 * 1024)

int ledger_files_key_path(const char *ledger, const char *given, char ret_path[PATH_MAX], struct error *err)
{
    int r = given == NULL ? ledger_default_key_path(ledger, ret_path, PATH_MAX)
                          : (snprintf(ret_path, PATH_MAX, "%s", given) >= PATH_MAX ? -ENAMETOOLONG : 0);

    return r == 0 ? 0 : error_set(err, ERROR_USAGE, r, "the path of the private key is too long");
}

/* --- keys ------------------------------------------------------------------------------------------------ */

static int read_key_file(const char *path, struct note_key *keys, size_t *count, struct error *err)
{
    CLEANUP_BUFFER struct buffer text = buffer_with_limit(KEYS_FILE_MAX);
    struct note_key found[CHECKPOINT_KEYS_MAX];
    size_t found_count = 0;
    int r = file_read_bounded(path, &text, err);

    if (r == 0)
        r = ledger_keys_parse(text.data, text.size, path, found, &found_count, err);
    if (r == 0 && *count + found_count > CHECKPOINT_KEYS_MAX)
        r = error_set(err, ERROR_USAGE, -EINVAL, "at most %u keys", CHECKPOINT_KEYS_MAX);
    if (r < 0)
        return r;
    memcpy(keys + *count, found, found_count * sizeof *found);
    *count += found_count;
    return 0;
}

int ledger_files_read_keys(const char *text, struct note_key ret_keys[CHECKPOINT_KEYS_MAX], size_t *ret_count,
                           struct error *err)
{
    CLEANUP_FREE char *copy = strdup(text);
    char *rest = copy, *part;
    size_t count = 0;
    int r = 0;

    if (copy == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for keys");
    while (r == 0 && (part = strsep(&rest, ",")) != NULL) {
        if (count == CHECKPOINT_KEYS_MAX)
            r = error_set(err, ERROR_USAGE, -EINVAL, "at most %u keys", CHECKPOINT_KEYS_MAX);
        else if (access(part, F_OK) != 0 && strchr(part, '+') != NULL)
            r = note_key_parse(part, strlen(part), part, &ret_keys[count++], err);
        else
            r = read_key_file(part, ret_keys, &count, err);
    }
    if (r == 0)
        *ret_count = count;
    return r;
}

int ledger_files_load_witness(const char *path, const char *name, struct crypto_ed25519 **ret_secret,
                              struct note_key *ret_key, struct error *err)
{
    CLEANUP_ED25519 struct crypto_ed25519 *secret = NULL;
    int r = access(path, F_OK) == 0 ? 0 : crypto_ed25519_generate(path, err);

    if (r == 0)
        r = crypto_ed25519_load(path, &secret, err);
    if (r == 0)
        r = note_key_make(name, NOTE_COSIGNATURE, crypto_ed25519_public(secret), ret_key, err);
    if (r == 0)
        *ret_secret = TAKE_POINTER(secret);
    return r;
}

int ledger_files_read_checkpoint(const char *path, const struct ledger_trust *trust, struct checkpoint *ret_checkpoint,
                                 struct error *err)
{
    CLEANUP_BUFFER struct buffer note = buffer_with_limit(NOTE_SIZE_MAX);
    const struct ledger_trust keys_only = {.keys = trust->keys, .key_count = trust->key_count};
    unsigned witnesses;
    int r = file_read_bounded(path, &note, err);

    return r < 0 ? r
                 : ledger_verify_checkpoint(note.data, note.size, &keys_only, path, ret_checkpoint, &witnesses, err);
}

/* --- output ---------------------------------------------------------------------------------------------- */

int ledger_files_print_key(const struct note_key *key, struct error *err)
{
    CLEANUP_BUFFER struct buffer text = buffer_with_limit(NOTE_KEY_TEXT_MAX);
    int r = note_key_encode(key, &text);

    if (r < 0)
        return error_set(err, ERROR_UNAVAILABLE, r, "no memory for a key");
    (void)printf("verifier key %.*s\n", (int)text.size, (const char *)text.data);
    return 0;
}

int ledger_files_print_keys(const char *ledger, struct error *err)
{
    CLEANUP_LEDGER struct ledger *opened = NULL;
    const struct note_key *keys;
    size_t count = 0;
    int r = ledger_open(ledger, NULL, 0, &opened, err);

    if (r < 0)
        return r;
    keys = ledger_keys(opened, &count);
    for (size_t i = 0; r == 0 && i < count; i++)
        r = ledger_files_print_key(&keys[i], err);
    return r;
}

/* Lines are printed one by one: all other controls are escaped. */
int ledger_files_print_text(const struct buffer *text, struct error *err)
{
    const char *line = (const char *)text->data, *end = line + text->size;

    while (text->size > 0 && line < end) {
        const char *newline = memchr(line, '\n', (size_t)(end - line)), *line_end = newline != NULL ? newline : end;
        CLEANUP_FREE char *copy = strndup(line, (size_t)(line_end - line));
        CLEANUP_BUFFER struct buffer escaped = buffer_with_limit(5 * (size_t)LEDGER_LEAF_MAX);

        if (copy == NULL || text_escape(copy, escaped.limit, &escaped) < 0)
            return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory to print");
        (void)printf("%.*s\n", (int)escaped.size, escaped.data != NULL ? (const char *)escaped.data : "");
        line = line_end + 1;
    }
    return 0;
}

int ledger_files_deliver(const char *path, const struct buffer *text, struct error *err)
{
    if (path == NULL) {
        if (fwrite(text->data, 1, text->size, stdout) != text->size || fflush(stdout) != 0)
            return error_set(err, ERROR_UNAVAILABLE, -EIO, "can't write the proof: %s", strerror(errno));
        return 0;
    }
    return cli_write_file(path, text, err);
}
