/* SPDX-License-Identifier: Apache-2.0 */
/* Making an image by the recipe images/build. */
#include "host/vm/files.h"
#include "host/vm/image_folder.h"
#include "host/vm/image_store.h"
#include "host/vm/kernel_compact.h"
#include "host/vm/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#define FACTS_FILE "facts"
#define FACTS_MAX  4096u

extern char **environ;

_Noreturn static void execute(const struct image_build_options *options, const char *output, const char *cache)
{
    const char *const arguments[] = {
        options->recipe, "--agent", options->agent, "--output",
        output,          "--cache", cache,          options->kernel == NULL ? NULL : "--kernel",
        options->kernel, NULL};

    (void)execve(options->recipe, (char *const *)arguments, environ);
    (void)dprintf(STDERR_FILENO, "%s: %s\n", options->recipe, strerror(errno));
    _exit(70);
}

/* The recipe says on standard error what is wrong; its status is of sysexits.h, as ours are. */
static int run_recipe(const struct image_build_options *options, const char *output, struct error *err)
{
    static const enum error_kind kinds[] = {
        [64] = ERROR_USAGE, [65] = ERROR_BAD_INPUT, [66] = ERROR_NO_INPUT, [69] = ERROR_UNAVAILABLE};
    enum error_kind kind = ERROR_INTERNAL;
    char cache[PATH_MAX];
    int status = 0;
    pid_t pid;

    if (access(options->recipe, X_OK) < 0)
        return error_set(err, ERROR_UNAVAILABLE, -errno, "%s: the image recipe: %s", options->recipe, strerror(errno));
    if (snprintf(cache, sizeof(cache), "%s/cache/kernel", state_path()) >= (int)sizeof(cache))
        return error_set(err, ERROR_UNAVAILABLE, -ENAMETOOLONG, "%s: too long", state_path());
    pid = fork();
    if (pid == 0)
        execute(options, output, cache);
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        return error_set(err, ERROR_INTERNAL, -errno, "%s: %s", options->recipe, strerror(errno));
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 0;
    if (WIFEXITED(status) && WEXITSTATUS(status) < (int)(sizeof(kinds) / sizeof(kinds[0])) &&
        kinds[WEXITSTATUS(status)] != ERROR_NONE)
        kind = kinds[WEXITSTATUS(status)];
    return error_set(err, kind, -EIO, "the image recipe failed; its own message says why");
}

/* The value of KEY in lines of KEY=VALUE. */
static int read_fact(const char *facts, const char *key, char *ret_value, size_t room, struct error *err)
{
    size_t key_size = strlen(key);

    for (const char *line = facts; *line != '\0'; line += strcspn(line, "\n"), line += *line == '\n') {
        size_t size = strcspn(line, "\n");

        if (size <= key_size || strncmp(line, key, key_size) != 0 || line[key_size] != '=' ||
            size - key_size - 1 >= room)
            continue;
        memcpy(ret_value, line + key_size + 1, size - key_size - 1);
        ret_value[size - key_size - 1] = '\0';
        return 0;
    }
    return error_set(err, ERROR_INTERNAL, -EBADMSG, "the image recipe told no %s", key);
}

static int measure(int folder_fd, struct manifest_file *file, struct error *err)
{
    CLEANUP_FD int fd = openat(folder_fd, file->name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    int r = fd < 0 ? -errno : sha256_of_fd(fd, file->sha256, &file->size);

    if (r < 0)
        return error_set(err, ERROR_INTERNAL, r, "the image recipe made no %s: %s", file->name, strerror(-r));
    return 0;
}

static int describe(const struct image_folder *folder, struct manifest *manifest, struct error *err)
{
    char facts[FACTS_MAX], path[PATH_MAX + 8];
    int r;

    (void)snprintf(path, sizeof(path), "%s/" FACTS_FILE, folder->path);
    (void)snprintf(manifest->kernel.name, MANIFEST_TEXT_MAX, MANIFEST_KERNEL_NAME);
    (void)snprintf(manifest->agent.name, MANIFEST_TEXT_MAX, MANIFEST_AGENT_NAME);
    r = files_read_text(path, facts, sizeof(facts), err);
    if (r == 0)
        r = read_fact(facts, "kernelPackage", manifest->kernel_package, MANIFEST_TEXT_MAX, err);
    if (r == 0)
        r = read_fact(facts, "kernelVersion", manifest->kernel_version, MANIFEST_TEXT_MAX, err);
    if (r == 0)
        r = read_fact(facts, "commandLine", manifest->command_line, MANIFEST_COMMAND_LINE_MAX, err);
    if (r == 0)
        r = read_fact(facts, "initramfs", manifest->initramfs.name, MANIFEST_TEXT_MAX, err);
    if (r == 0)
        r = measure(folder->fd, &manifest->kernel, err);
    if (r == 0)
        r = measure(folder->fd, &manifest->initramfs, err);
    if (r == 0)
        r = measure(folder->fd, &manifest->agent, err);
    if (r == 0 && unlinkat(folder->fd, FACTS_FILE, 0) < 0)
        r = error_set(err, ERROR_INTERNAL, -errno, "%s: %s", path, strerror(errno));
    return r;
}

int image_store_build(const struct image_build_options *options, char ret_digest[SHA256_HEX_SIZE], struct error *err)
{
    CLEANUP_IMAGE_FOLDER struct image_folder folder = {.images_fd = -1, .fd = -1};
    CLEANUP_BUFFER struct buffer json = buffer_with_limit(MANIFEST_SIZE_MAX);
    struct manifest manifest = {.command_line = ""}, again;
    uint8_t digest[SHA256_SIZE];
    char hex[SHA256_HEX_SIZE];
    int r = image_folder_make(&folder, err);

    if (r == 0)
        r = run_recipe(options, folder.path, err);
    if (r == 0)
        r = kernel_compact(folder.fd, MANIFEST_KERNEL_NAME, err);
    if (r == 0)
        r = describe(&folder, &manifest, err);
    if (r == 0)
        r = manifest_format(&manifest, &json, err);
    /* What can't be read back must not be stored. */
    if (r == 0)
        r = manifest_parse((const char *)json.data, json.size, &again, err);
    if (r == 0)
        r = files_write_new(folder.fd, MANIFEST_FILE_NAME, json.data, json.size, err);
    if (r < 0)
        return r;
    sha256_of(json.data, json.size, digest);
    sha256_to_hex(digest, hex);
    r = image_folder_publish(&folder, hex, true, err);
    if (r == 0)
        memcpy(ret_digest, hex, SHA256_HEX_SIZE);
    return r;
}
