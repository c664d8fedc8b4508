/* SPDX-License-Identifier: Apache-2.0 */
/* Manifests and image archives: round trips, tampering, and that nothing half-made is left. */
#include "vm/boot/helpers.h"

#include "base/io.h"
#include "host/cli/commands.h"
#include "host/vm/image_find.h"
#include "host/vm/image_folder.h"
#include "host/vm/image_store.h"
#include "host/vm/state.h"
#include "unit/harness.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

static char state[] = "/tmp/lazaret-image-XXXXXX";

/* ---- the manifest ------------------------------------------------------------------------------ */

#define HEX0 "0000000000000000000000000000000000000000000000000000000000000000"

static const char good[] = "{\"agent\":{\"sha256\":\"" HEX0 "\",\"size\":1},\"commandLine\":\"quiet\",\"format\":1,"
                           "\"initramfs\":{\"name\":\"initramfs.cpio\",\"sha256\":\"" HEX0 "\",\"size\":2},"
                           "\"kernel\":{\"package\":\"p\",\"sha256\":\"" HEX0 "\",\"size\":3,\"version\":\"v\"}}";

static void test_manifest(void)
{
    CLEANUP_BUFFER struct buffer json = buffer_with_limit(MANIFEST_SIZE_MAX);
    struct manifest manifest;

    CU_ASSERT_EQUAL_FATAL(manifest_parse(good, strlen(good), &manifest, NULL), 0);
    CU_ASSERT_EQUAL(manifest.kernel.size, 3);
    CU_ASSERT_STRING_EQUAL(manifest.command_line, "quiet");
    CU_ASSERT_EQUAL(manifest_format(&manifest, &json, NULL), 0);
    CU_ASSERT_EQUAL(json.size, strlen(good));
    CU_ASSERT_EQUAL(memcmp(json.data, good, json.size), 0);
}

static void expect_refused(const char *from, const char *to)
{
    char text[2048];
    const char *place = strstr(good, from);
    struct manifest manifest;
    struct error error = {.kind = ERROR_NONE};

    CU_ASSERT_PTR_NOT_NULL_FATAL(place);
    (void)snprintf(text, sizeof(text), "%.*s%s%s", (int)(place - good), good, to, place + strlen(from));
    CU_ASSERT_TRUE(manifest_parse(text, strlen(text), &manifest, &error) < 0);
    CU_ASSERT_EQUAL(error.kind, ERROR_BAD_INPUT);
}

static void test_manifest_tampered(void)
{
    struct manifest manifest;

    expect_refused("\"size\":1}", "\"size\":0}");
    expect_refused("\"size\":1}", "\"size\":-1}");
    expect_refused("\"size\":1}", "\"size\":1.0}");
    expect_refused("\"size\":1}", "\"size\":999999999999}");
    expect_refused("\"size\":1}", "\"size\": 1}");
    expect_refused("\"format\":1", "\"format\":2");
    expect_refused("initramfs.cpio", "../initramfs.cpio");
    expect_refused("initramfs.cpio", "vmlinux");
    expect_refused("quiet", "qui\\nt");
    expect_refused("quiet", "");
    expect_refused("\"version\":\"v\"", "\"version\":\"v\",\"x\":1");
    expect_refused("000\",\"size\":1", "00g\",\"size\":1");
    expect_refused("\"agent\":", "\"Agent\":");
    for (size_t size = 0; size < strlen(good); size++)
        CU_ASSERT_TRUE(manifest_parse(good, size, &manifest, NULL) < 0);
}

/* ---- archives ---------------------------------------------------------------------------------- */

static struct image *make_image(void)
{
    struct image *image = helper_open_broken_image();

    CU_ASSERT_PTR_NOT_NULL_FATAL(image);
    return image;
}

static int export_to_memory(const struct image *image)
{
    int fd = memfd_create("archive", MFD_CLOEXEC);

    CU_ASSERT_EQUAL(image_store_export(image, fd, NULL), 0);
    CU_ASSERT_EQUAL(lseek(fd, 0, SEEK_SET), 0);
    return fd;
}

static unsigned count_entries(void)
{
    char command[128];
    unsigned count = 0;
    FILE *pipe;

    (void)snprintf(command, sizeof(command), "ls -A %s/images | wc -l", state);
    pipe = popen(command, "re");
    if (pipe != NULL && fscanf(pipe, "%u", &count) != 1)
        count = 0;
    if (pipe != NULL)
        (void)pclose(pipe);
    return count;
}

static void remove_images(void)
{
    char command[128];

    (void)snprintf(command, sizeof(command), "rm -rf %s/images", state);
    CU_ASSERT_EQUAL(system(command), 0);
}

/* By its parts, as a signed result names them. */
static void test_find(void)
{
    static const uint8_t other[SHA256_SIZE] = {1};
    struct image *image = make_image();
    const struct manifest *manifest = image_manifest(image);
    struct image_parts parts = {manifest->kernel.sha256, manifest->initramfs.sha256, manifest->agent.sha256, NULL};
    char digest[SHA256_HEX_SIZE] = "", command[256];
    struct error error = {.kind = ERROR_NONE};

    /* Neither a stranger's file nor a folder without a manifest stands in the way. */
    (void)snprintf(command, sizeof(command), "mkdir %s/images/" HEX0 " && touch %s/images/note", state, state);
    CU_ASSERT_EQUAL(system(command), 0);
    CU_ASSERT_EQUAL(image_find(&parts, digest, &error), 0);
    CU_ASSERT_STRING_EQUAL(digest, image_digest(image));
    parts.kernel_sha256 = parts.initramfs_sha256 = NULL;
    CU_ASSERT_EQUAL(image_find(&parts, digest, &error), 0);
    parts.agent_sha256 = other;
    CU_ASSERT_EQUAL(image_find(&parts, digest, &error), -ENOENT);
    CU_ASSERT_EQUAL(error.kind, ERROR_NO_INPUT);
    image_free(image);
    remove_images();
}

static void test_round_trip(void)
{
    struct image *image = make_image(), *again = NULL;
    char name[SHA256_HEX_SIZE], digest[SHA256_HEX_SIZE];
    int fd = export_to_memory(image);

    memcpy(name, image_digest(image), sizeof(name));
    image_free(image);
    remove_images();
    CU_ASSERT_EQUAL(image_store_import(fd, false, digest, NULL), 0);
    CU_ASSERT_STRING_EQUAL(digest, name);
    CU_ASSERT_EQUAL(image_open(NULL, &again, NULL), 0); /* the first is the default */
    CU_ASSERT_STRING_EQUAL(image_digest(again), name);
    image_free(again);
    /* Once more over itself: the same, and no temporary folder is left. */
    CU_ASSERT_EQUAL(lseek(fd, 0, SEEK_SET), 0);
    CU_ASSERT_EQUAL(image_store_import(fd, true, digest, NULL), 0);
    CU_ASSERT_EQUAL(count_entries(), 2);
    (void)close(fd);
}

static void expect_import_refused(int fd)
{
    struct error error = {.kind = ERROR_NONE};
    char digest[SHA256_HEX_SIZE];

    CU_ASSERT_EQUAL(lseek(fd, 0, SEEK_SET), 0);
    CU_ASSERT_TRUE(image_store_import(fd, false, digest, &error) < 0);
    CU_ASSERT_EQUAL(error.kind, ERROR_BAD_INPUT);
    CU_ASSERT_EQUAL(count_entries(), 0);
}

/* One flipped bit anywhere in content or in a header's checked part; any early end. */
static void test_bit_flips(void)
{
    struct image *image = make_image();
    int fd = export_to_memory(image);
    /* Per member: a header block of 512, whose first 257 bytes the checksum covers too, and data. */
    static const unsigned places[] = {0, 5, 124, 148, 512, 600, 1536, 2048 + 1, 3072 + 2, 4096};
    char digest[SHA256_HEX_SIZE];
    unsigned refused = 0;

    image_free(image);
    remove_images();
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        uint8_t byte;

        CU_ASSERT_EQUAL(pread(fd, &byte, 1, places[i]), 1);
        byte ^= 1;
        CU_ASSERT_EQUAL(pwrite(fd, &byte, 1, places[i]), 1);
        (void)lseek(fd, 0, SEEK_SET);
        if (image_store_import(fd, false, digest, NULL) < 0)
            refused++;
        else
            remove_images(); /* a byte of padding: the image itself is intact */
        CU_ASSERT_EQUAL(count_entries(), 0);
        byte ^= 1;
        CU_ASSERT_EQUAL(pwrite(fd, &byte, 1, places[i]), 1);
    }
    CU_ASSERT_TRUE(refused >= 7);
    /* Whatever is missing of the last member's data or of anything before it. */
    for (off_t cut = 3584; cut >= 0; cut -= 128) {
        CU_ASSERT_EQUAL(ftruncate(fd, cut), 0);
        expect_import_refused(fd);
    }
    (void)close(fd);
}

static void add_member(struct archive *archive, const char *name, mode_t type, const char *link, const char *data)
{
    struct archive_entry *entry = archive_entry_new();

    archive_entry_set_pathname(entry, name);
    archive_entry_set_filetype(entry, type);
    archive_entry_set_perm(entry, 0644);
    archive_entry_set_size(entry, (la_int64_t)strlen(data));
    if (link != NULL && type == AE_IFLNK)
        archive_entry_set_symlink(entry, link);
    else if (link != NULL)
        archive_entry_set_hardlink(entry, link);
    (void)archive_write_header(archive, entry);
    if (data[0] != '\0')
        (void)archive_write_data(archive, data, strlen(data));
    archive_entry_free(entry);
}

/* An archive whose first member is hostile. */
static int make_archive(const char *name, mode_t type, const char *link, const char *data)
{
    int fd = memfd_create("hostile", MFD_CLOEXEC);
    struct archive *archive = archive_write_new();

    (void)archive_write_set_format_ustar(archive);
    (void)archive_write_open_fd(archive, fd);
    add_member(archive, name, type, link, data);
    (void)archive_write_close(archive);
    (void)archive_write_free(archive);
    return fd;
}

static void test_hostile_members(void)
{
    static const struct {
        const char *name;
        mode_t type;
        const char *link, *data;
    } members[] = {{"../manifest.json", AE_IFREG, NULL, "{}"},
                   {"/etc/passwd", AE_IFREG, NULL, "x"},
                   {"unknown", AE_IFREG, NULL, "x"},
                   {"vmlinux", AE_IFREG, NULL, "x"}, /* out of order */
                   {"manifest.json", AE_IFLNK, "/etc/passwd", ""},
                   {"manifest.json", AE_IFREG, "/etc/passwd", ""},
                   {"manifest.json", AE_IFDIR, NULL, ""},
                   {"manifest.json", AE_IFIFO, NULL, ""},
                   {"manifest.json", AE_IFREG, NULL, "{}"},
                   {"manifest.json", AE_IFREG, NULL, good}}; /* and nothing after it */

    remove_images();
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        int fd = make_archive(members[i].name, members[i].type, members[i].link, members[i].data);

        expect_import_refused(fd);
        (void)close(fd);
    }
}

static void test_not_tar(void)
{
    int fd = memfd_create("text", MFD_CLOEXEC);

    expect_import_refused(fd);
    CU_ASSERT_EQUAL(write(fd, "no tar archive\n", 15), 15);
    expect_import_refused(fd);
    (void)close(fd);
}

/* What a killed import left is removed by the next; a folder in use is not. */
static void test_stale_folder(void)
{
    CLEANUP_IMAGE_FOLDER struct image_folder used = {.images_fd = -1, .fd = -1};
    CLEANUP_IMAGE_FOLDER struct image_folder next = {.images_fd = -1, .fd = -1};
    char path[PATH_MAX];
    int fd;

    remove_images();
    CU_ASSERT_EQUAL_FATAL(image_folder_make(&used, NULL), 0);
    (void)snprintf(path, sizeof(path), "%s/images/.new.stale", state);
    CU_ASSERT_EQUAL(mkdir(path, 0755), 0);
    (void)snprintf(path, sizeof(path), "%s/images/.new.stale/.work", state);
    CU_ASSERT_EQUAL(mkdir(path, 0755), 0);
    (void)snprintf(path, sizeof(path), "%s/images/.new.stale/.work/vmlinux", state);
    fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    CU_ASSERT_TRUE(fd >= 0);
    (void)close(fd);
    CU_ASSERT_EQUAL(count_entries(), 2);
    CU_ASSERT_EQUAL(image_folder_make(&next, NULL), 0);
    CU_ASSERT_EQUAL(count_entries(), 2); /* the two in use */
    image_folder_free(&used);
    image_folder_free(&next);
    CU_ASSERT_EQUAL(count_entries(), 0);
}

/* Jobs at a time have identities of their own; an ended job's are free again. */
static void test_job_ids(void)
{
    CLEANUP_FD int state_fd = -1;
    int first_fd = -1, second_fd = -1, third_fd = -1;
    uid_t first = 0, second = 0, third = 0;

    CU_ASSERT_EQUAL_FATAL(state_open(&state_fd, NULL), 0);
    CU_ASSERT_EQUAL(state_claim_job_ids(state_fd, &first, &first_fd, NULL), 0);
    CU_ASSERT_EQUAL(state_claim_job_ids(state_fd, &second, &second_fd, NULL), 0);
    CU_ASSERT_EQUAL(first, STATE_JOB_ID_BASE);
    CU_ASSERT_EQUAL(second, STATE_JOB_ID_BASE + STATE_JOB_ID_RANGE);
    (void)close(first_fd);
    CU_ASSERT_EQUAL(state_claim_job_ids(state_fd, &third, &third_fd, NULL), 0);
    CU_ASSERT_EQUAL(third, first);
    (void)close(second_fd);
    (void)close(third_fd);
}

/* A store that was tampered with is found out before a boot. */
static void test_damaged_store(void)
{
    struct image *image = make_image(), *again = NULL;
    struct error error = {.kind = ERROR_NONE};
    char path[PATH_MAX], name[SHA256_HEX_SIZE];
    int fd;

    memcpy(name, image_digest(image), sizeof(name));
    (void)snprintf(path, sizeof(path), "%s", image_kernel_path(image));
    image_free(image);
    fd = open(path, O_WRONLY);
    CU_ASSERT_EQUAL(pwrite(fd, "N", 1, 0), 1);
    (void)close(fd);
    CU_ASSERT_EQUAL(image_open(name, &again, &error), -EBADMSG);
    CU_ASSERT_EQUAL(error.kind, ERROR_BAD_INPUT);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, path));
    remove_images();
    CU_ASSERT_TRUE(image_open(NULL, &again, &error) < 0);
    CU_ASSERT_EQUAL(error.kind, ERROR_NO_INPUT);
    CU_ASSERT_EQUAL(image_open("xyz", &again, &error), -EINVAL);
    CU_ASSERT_EQUAL(error.kind, ERROR_USAGE);
    CU_ASSERT_PTR_NULL(again);
}

/* ---- the command line ---------------------------------------------------------------------------- */

static int run(const char *a, const char *b, const char *c)
{
    char *arguments[] = {"image", (char *)a, (char *)b, (char *)c, NULL};
    int count = 1;

    while (arguments[count] != NULL)
        count++;
    return cli_image(count, arguments);
}

static void test_command_line(void)
{
    char path[PATH_MAX], name[SHA256_HEX_SIZE];
    struct image *image = make_image();

    memcpy(name, image_digest(image), sizeof(name));
    image_free(image);
    (void)snprintf(path, sizeof(path), "%s/image.tar", state);
    CU_ASSERT_EQUAL(run(NULL, NULL, NULL), 64);
    CU_ASSERT_EQUAL(run("frobnicate", NULL, NULL), 64);
    CU_ASSERT_EQUAL(run("info", "--frobnicate", NULL), 64);
    CU_ASSERT_EQUAL(run("info", "/nonexistent", NULL), 64);
    CU_ASSERT_EQUAL(run("import", "/nonexistent", NULL), 66);
    CU_ASSERT_EQUAL(run("--help", NULL, NULL), 0);
    CU_ASSERT_EQUAL(run("info", "--json", name), 0);
    CU_ASSERT_EQUAL(run("export", path, name), 0);
    remove_images();
    CU_ASSERT_EQUAL(run("info", NULL, NULL), 66);
    CU_ASSERT_EQUAL(run("import", path, NULL), 0);
    CU_ASSERT_EQUAL(run("info", NULL, NULL), 0);
    CU_ASSERT_EQUAL(unlink(path), 0);
}

int main(void)
{
    static const struct harness_test tests[] = {{"manifest", test_manifest},
                                                {"manifest, tampered", test_manifest_tampered},
                                                {"find by parts", test_find},
                                                {"export, import", test_round_trip},
                                                {"archive, bits flipped and cut", test_bit_flips},
                                                {"archive, hostile members", test_hostile_members},
                                                {"no archive", test_not_tar},
                                                {"stale folder", test_stale_folder},
                                                {"job identities", test_job_ids},
                                                {"damaged store", test_damaged_store},
                                                {"command line", test_command_line}};
    char command[128];
    int status;

    if (mkdtemp(state) == NULL || setenv(STATE_VARIABLE, state, 1) < 0)
        return 1;
    status = harness_run("host vm image", tests, HARNESS_COUNT(tests));
    (void)snprintf(command, sizeof(command), "rm -rf %s", state);
    return system(command) == 0 ? status : 1;
}
