/* SPDX-License-Identifier: Apache-2.0 */
/* An image's manifest. */
#include "host/vm/manifest.h"

#include <errno.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static int fail_field(struct error *err, const char *object, const char *field, const char *why)
{
    return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "manifest.json: %s%s%s: %s", object,
                     object[0] == '\0' ? "" : ".", field, why);
}

static bool is_plain(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (text[i] < ' ' || text[i] > '~')
            return false;
    return true;
}

static int read_text(json_t *object, const char *path, const char *field, char *ret_text,
                     size_t room, struct error *err)
{
    json_t *value = json_object_get(object, field);
    size_t size = json_string_length(value);

    if (!json_is_string(value))
        return fail_field(err, path, field, "must be a string");
    if (size == 0 || size >= room || !is_plain(json_string_value(value), size))
        return fail_field(err, path, field, "is empty, too long, or not plain ASCII");
    memcpy(ret_text, json_string_value(value), size + 1);
    return 0;
}

static int read_measure(json_t *object, const char *path, uint64_t size_max,
                        struct manifest_file *ret_file, struct error *err)
{
    char hex[SHA256_HEX_SIZE];
    json_t *size = json_object_get(object, "size");
    int r = read_text(object, path, "sha256", hex, sizeof(hex), err);

    if (r < 0)
        return r;
    if (sha256_from_hex(hex, ret_file->sha256) < 0)
        return fail_field(err, path, "sha256", "must be 64 lowercase hexadecimal digits");
    if (!json_is_integer(size) || json_integer_value(size) <= 0 ||
        (uint64_t)json_integer_value(size) > size_max)
        return fail_field(err, path, "size", "must be a positive integer within the limit");
    ret_file->size = (uint64_t)json_integer_value(size);
    return 0;
}

/* A member that is an object with exactly `count` members. */
static int read_object(json_t *root, const char *field, size_t count, json_t **ret_object,
                       struct error *err)
{
    json_t *object = json_object_get(root, field);

    if (!json_is_object(object) || json_object_size(object) != count)
        return fail_field(err, "", field, "must be an object with the known members");
    *ret_object = object;
    return 0;
}

static int read_kernel(json_t *root, struct manifest *manifest, struct error *err)
{
    json_t *object = NULL;
    int r = read_object(root, "kernel", 4, &object, err);

    if (r == 0)
        r = read_measure(object, "kernel", MANIFEST_KERNEL_MAX, &manifest->kernel, err);
    if (r == 0)
        r = read_text(object, "kernel", "package", manifest->kernel_package,
                      sizeof(manifest->kernel_package), err);
    if (r == 0)
        r = read_text(object, "kernel", "version", manifest->kernel_version,
                      sizeof(manifest->kernel_version), err);
    (void)strcpy(manifest->kernel.name, MANIFEST_KERNEL_NAME);
    return r;
}

static int read_initramfs(json_t *root, struct manifest *manifest, struct error *err)
{
    struct manifest_file *file = &manifest->initramfs;
    json_t *object = NULL;
    int r = read_object(root, "initramfs", 3, &object, err);

    if (r == 0)
        r = read_measure(object, "initramfs", MANIFEST_INITRAMFS_MAX, file, err);
    if (r == 0)
        r = read_text(object, "initramfs", "name", file->name, sizeof(file->name), err);
    if (r == 0 && strcmp(file->name, "initramfs.cpio") != 0 &&
        strcmp(file->name, "initramfs.cpio.lz4") != 0)
        r = fail_field(err, "initramfs", "name", "must be initramfs.cpio or initramfs.cpio.lz4");
    return r;
}

static int read_agent(json_t *root, struct manifest *manifest, struct error *err)
{
    json_t *object = NULL;
    int r = read_object(root, "agent", 2, &object, err);

    (void)strcpy(manifest->agent.name, MANIFEST_AGENT_NAME);
    return r < 0 ? r : read_measure(object, "agent", MANIFEST_AGENT_MAX, &manifest->agent, err);
}

static int read_root(json_t *root, struct manifest *manifest, struct error *err)
{
    json_t *format = json_object_get(root, "format");
    int r;

    if (!json_is_object(root) || json_object_size(root) != 5)
        return fail_field(err, "", "/", "must be an object with the known members");
    if (!json_is_integer(format) || json_integer_value(format) != MANIFEST_FORMAT)
        return fail_field(err, "", "format", "is one that this version does not know");
    r = read_kernel(root, manifest, err);
    if (r == 0)
        r = read_initramfs(root, manifest, err);
    if (r == 0)
        r = read_agent(root, manifest, err);
    return r < 0 ? r
                 : read_text(root, "", "commandLine", manifest->command_line,
                             sizeof(manifest->command_line), err);
}

int manifest_parse(const char *json, size_t size, struct manifest *ret_manifest, struct error *err)
{
    struct manifest manifest = {.command_line = ""};
    json_error_t why;
    json_t *root;
    int r;

    if (size > MANIFEST_SIZE_MAX)
        return fail_field(err, "", "/", "is too large");
    root = json_loadb(json, size, JSON_REJECT_DUPLICATES, &why);
    if (root == NULL)
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "manifest.json: line %d, column %d: %.200s",
                         why.line, why.column, why.text);
    r = read_root(root, &manifest, err);
    json_decref(root);
    if (r == 0)
        *ret_manifest = manifest;
    return r;
}

int manifest_format(const struct manifest *manifest, char **ret_json, size_t *ret_size,
                    struct error *err)
{
    char kernel[SHA256_HEX_SIZE], initramfs[SHA256_HEX_SIZE], agent[SHA256_HEX_SIZE];
    json_t *root;
    char *json;

    sha256_to_hex(manifest->kernel.sha256, kernel);
    sha256_to_hex(manifest->initramfs.sha256, initramfs);
    sha256_to_hex(manifest->agent.sha256, agent);
    root = json_pack("{s:{s:s,s:I},s:s,s:i,s:{s:s,s:s,s:I},s:{s:s,s:s,s:I,s:s}}", "agent", "sha256",
                     agent, "size", (json_int_t)manifest->agent.size, "commandLine",
                     manifest->command_line, "format", MANIFEST_FORMAT, "initramfs", "name",
                     manifest->initramfs.name, "sha256", initramfs, "size",
                     (json_int_t)manifest->initramfs.size, "kernel", "package",
                     manifest->kernel_package, "sha256", kernel, "size",
                     (json_int_t)manifest->kernel.size, "version", manifest->kernel_version);
    json = root == NULL ? NULL : json_dumps(root, JSON_SORT_KEYS | JSON_COMPACT);
    json_decref(root);
    if (json == NULL)
        return error_set(err, ERROR_INTERNAL, -ENOMEM, "manifest.json: can't be written");
    *ret_json = json;
    *ret_size = strlen(json);
    return 0;
}
