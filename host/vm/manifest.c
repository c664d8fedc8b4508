/* SPDX-License-Identifier: Apache-2.0 */
/* An image's manifest. */
#include "host/vm/manifest.h"

#include "base/buffer.h"
#include "host/json/canonical.h"
#include "host/json/field.h"
#include "host/json/reader.h"
#include "host/vm/manifest_disk.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

bool manifest_is_plain(const char *text)
{
    for (; *text != '\0'; text++)
        if (*text < ' ' || *text > '~')
            return false;
    return true;
}

int manifest_read_text(json_t *object, const char *where, const char *field, char *ret_text, size_t room,
                       struct error *err)
{
    const char *text = NULL;
    int r = field_string(object, where, field, room - 1, &text, err);

    if (r < 0)
        return r;
    if (!manifest_is_plain(text))
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "%s: %s: must be plain ASCII", where, field);
    memcpy(ret_text, text, strlen(text) + 1);
    return 0;
}

int manifest_read_measure(json_t *object, const char *where, uint64_t size_max, struct manifest_file *ret_file,
                          struct error *err)
{
    const char *hex = NULL;
    int64_t size = 0;
    int r = field_string(object, where, "sha256", SHA256_HEX_SIZE - 1, &hex, err);

    if (r == 0 && sha256_from_hex(hex, ret_file->sha256) < 0)
        r = error_set(err, ERROR_BAD_INPUT, -EBADMSG, "%s: sha256: must be 64 lowercase hexadecimal digits", where);
    if (r == 0)
        r = field_integer(object, where, "size", 1, (int64_t)size_max, &size, err);
    ret_file->size = (uint64_t)size;
    return r;
}

static int read_kernel(json_t *root, struct manifest *manifest, struct error *err)
{
    static const char *const keys[] = {"package", "sha256", "size", "version", NULL};
    static const char where[] = "manifest.json: kernel";
    json_t *object = NULL;
    int r = field_object(root, "manifest.json", "kernel", &object, err);

    if (r == 0)
        r = field_only(object, where, keys, err);
    if (r == 0)
        r = manifest_read_measure(object, where, MANIFEST_KERNEL_MAX, &manifest->kernel, err);
    if (r == 0)
        r = manifest_read_text(object, where, "package", manifest->kernel_package, MANIFEST_TEXT_MAX, err);
    if (r == 0)
        r = manifest_read_text(object, where, "version", manifest->kernel_version, MANIFEST_TEXT_MAX, err);
    (void)strcpy(manifest->kernel.name, MANIFEST_KERNEL_NAME);
    return r;
}

static int read_initramfs(json_t *root, struct manifest *manifest, struct error *err)
{
    static const char *const keys[] = {"name", "sha256", "size", NULL};
    static const char *const names[] = {"initramfs.cpio", "initramfs.cpio.lz4", NULL};
    static const char where[] = "manifest.json: initramfs";
    json_t *object = NULL;
    unsigned name = 0;
    int r = field_object(root, "manifest.json", "initramfs", &object, err);

    if (r == 0)
        r = field_only(object, where, keys, err);
    if (r == 0)
        r = manifest_read_measure(object, where, MANIFEST_INITRAMFS_MAX, &manifest->initramfs, err);
    if (r == 0)
        r = field_choice(object, where, "name", names, &name, err);
    if (r == 0)
        (void)strcpy(manifest->initramfs.name, names[name]);
    return r;
}

static int read_agent(json_t *root, struct manifest *manifest, struct error *err)
{
    static const char *const keys[] = {"sha256", "size", NULL};
    static const char where[] = "manifest.json: agent";
    json_t *object = NULL;
    int r = field_object(root, "manifest.json", "agent", &object, err);

    if (r == 0)
        r = field_only(object, where, keys, err);
    if (r == 0)
        r = manifest_read_measure(object, where, MANIFEST_AGENT_MAX, &manifest->agent, err);
    (void)strcpy(manifest->agent.name, MANIFEST_AGENT_NAME);
    return r;
}

static int read_root(json_t *root, struct manifest *manifest, struct error *err)
{
    static const char *const keys[] = {"agent", "commandLine", "disk", "format", "initramfs", "kernel", NULL};
    static const char where[] = "manifest.json";
    bool disk = json_object_get(root, "disk") != NULL;
    int64_t wanted = disk ? MANIFEST_FORMAT_DISK : MANIFEST_FORMAT, format;
    int r = field_only(root, where, keys, err);

    if (r == 0)
        r = field_integer(root, where, "format", wanted, wanted, &format, err);

    if (r == 0)
        r = read_kernel(root, manifest, err);
    if (r == 0)
        r = read_initramfs(root, manifest, err);
    if (r == 0)
        r = read_agent(root, manifest, err);
    if (r == 0)
        r = manifest_read_text(root, where, "commandLine", manifest->command_line, MANIFEST_COMMAND_LINE_MAX, err);
    if (r == 0 && disk)
        r = manifest_disk_read(root, &manifest->disk, err);
    return r < 0 ? r : manifest_disk_check(manifest, err);
}

int manifest_parse(const char *json, size_t size, struct manifest *ret_manifest, struct error *err)
{
    CLEANUP_BUFFER struct buffer canonical = buffer_with_limit(MANIFEST_SIZE_MAX);
    CLEANUP(json_drop) json_t *root = NULL;
    CLEANUP_FREE struct manifest *manifest = calloc(1, sizeof *manifest);
    int r = manifest == NULL ? error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "manifest.json: no memory")
                             : json_read(json, size, MANIFEST_SIZE_MAX, MANIFEST_FILE_NAME, &root, err);

    if (r == 0)
        r = read_root(root, manifest, err);
    if (r < 0)
        return r;
    /* One image, one name: other spellings of the same facts are refused. */
    if (json_canonical_encode(root, &canonical) < 0 || canonical.size != size ||
        memcmp(canonical.data, json, size) != 0)
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "manifest.json: is not canonical JSON");
    *ret_manifest = *manifest;
    return 0;
}

int manifest_format(const struct manifest *manifest, struct buffer *buffer, struct error *err)
{
    char kernel[SHA256_HEX_SIZE], initramfs[SHA256_HEX_SIZE], agent[SHA256_HEX_SIZE];
    CLEANUP(json_drop) json_t *root = NULL;
    int r = -ENOMEM;

    sha256_to_hex(manifest->kernel.sha256, kernel);
    sha256_to_hex(manifest->initramfs.sha256, initramfs);
    sha256_to_hex(manifest->agent.sha256, agent);
    root = json_pack("{s:{s:s,s:I},s:s,s:i,s:{s:s,s:s,s:I},s:{s:s,s:s,s:I,s:s}}", "agent", "sha256", agent, "size",
                     (json_int_t)manifest->agent.size, "commandLine", manifest->command_line, "format",
                     manifest_has_disk(manifest) ? MANIFEST_FORMAT_DISK : MANIFEST_FORMAT, "initramfs", "name",
                     manifest->initramfs.name, "sha256", initramfs, "size", (json_int_t)manifest->initramfs.size,
                     "kernel", "package", manifest->kernel_package, "sha256", kernel, "size",
                     (json_int_t)manifest->kernel.size, "version", manifest->kernel_version);
    if (root != NULL && manifest_has_disk(manifest) && manifest_disk_write(&manifest->disk, root) < 0)
        return error_set(err, ERROR_INTERNAL, -ENOMEM, "manifest.json: can't be written: no memory");
    if (root != NULL)
        r = json_canonical_encode(root, buffer);
    if (r < 0)
        return error_set(err, ERROR_INTERNAL, r, "manifest.json: can't be written: %s", strerror(-r));
    return 0;
}
