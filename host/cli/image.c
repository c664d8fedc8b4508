/* SPDX-License-Identifier: Apache-2.0 */
/* `lazaret image`: build, show, export and import guest images. */
#include "host/cli/commands.h"
#include "host/job/locate.h"

#include "host/vm/image.h"
#include "host/vm/image_store.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static const char usage[] =
    "usage: lazaret image build [--agent FILE] [--kernel PACKAGE[=VERSION]]\n"
    "       lazaret image build --gpu nvidia|amd|intel [--driver DIR] [--agent FILE] [--kernel ...]\n"
    "       lazaret image info [--json] [NAME | --gpu VENDOR]\n"
    "       lazaret image export FILE [NAME | --gpu VENDOR]\n"
    "       lazaret image import FILE [--default]\n"
    "\n"
    "A guest image is the kernel, the initramfs and the agent that an evaluation runs with. NAME is\n"
    "its digest, 64 hexadecimal digits; without it the default image is meant, or with --gpu the\n"
    "default one for such a GPU.\n"
    "\n"
    "  build   download the kernel's package (never installed), make the initramfs, and make the\n"
    "          result the default image\n"
    "  info    verify an image and show what it consists of\n"
    "  export  write an image as a tar archive, so that a result can be replayed elsewhere, later\n"
    "  import  add such an archive after every digest in it was checked\n"
    "\n"
    "  --agent FILE       the static agent (default: lazaret-agent beside lazaret); with --gpu the\n"
    "                     dynamic one (default: lazaret-agent-opencl beside lazaret)\n"
    "  --kernel PACKAGE   another kernel package, or an exact version of it\n"
    "  --gpu VENDOR       nvidia, amd or intel: the variant for evaluations on such a GPU, with a\n"
    "                     verified read-only disk that holds the agent and the vendor's driver\n"
    "  --driver DIR       the driver: a tree (usr, lib, etc, opt), Debian packages (.deb), or both;\n"
    "                     docs/gpu-image.md says what it must hold. Without it: Debian's, for intel\n"
    "  --default          make the imported image the default one\n"
    "  --json             the image's manifest, name and folder, as JSON\n"
    "\n"
    "Images lie in $LAZARET_STATE/images (default /var/lib/lazaret/images).\n";

struct arguments {
    const char *agent, *kernel, *gpu, *driver;
    bool json, make_default, help;
    char **names; /* what follows the options */
    int name_count;
};

static int report(const struct error *error)
{
    (void)fprintf(stderr, "lazaret image: %s\n", error->text);
    return error_exit_status(error->kind);
}

static int parse(int argc, char **argv, struct arguments *ret, struct error *err)
{
    static const struct option options[] = {
        {"agent", required_argument, NULL, 'a'}, {"kernel", required_argument, NULL, 'k'},
        {"gpu", required_argument, NULL, 'g'},   {"driver", required_argument, NULL, 'D'},
        {"default", no_argument, NULL, 'd'},     {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},        {NULL, 0, NULL, 0}};
    int option;

    optind = 0;
    opterr = 0;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
        switch (option) {
        case 'a':
            ret->agent = optarg;
            break;
        case 'k':
            ret->kernel = optarg;
            break;
        case 'g':
            ret->gpu = optarg;
            break;
        case 'D':
            ret->driver = optarg;
            break;
        case 'd':
            ret->make_default = true;
            break;
        case 'j':
            ret->json = true;
            break;
        case 'h':
            ret->help = true;
            break;
        default:
            return error_set(err, ERROR_USAGE, -EINVAL, "%s: unknown option, or its value is missing; see --help",
                             argv[optind - 1]);
        }
    ret->names = argv + optind;
    ret->name_count = argc - optind;
    return 0;
}

/* A file beside the program, or where an installation has it. */
static int find_beside(const char *const *places, char ret_path[PATH_MAX], struct error *err)
{
    char program[PATH_MAX];
    ssize_t size = readlink("/proc/self/exe", program, sizeof(program) - 1);
    char *slash;

    program[size > 0 ? size : 0] = '\0';
    slash = strrchr(program, '/');
    if (slash != NULL)
        *slash = '\0';
    for (size_t i = 0; places[i] != NULL; i++)
        if (snprintf(ret_path, PATH_MAX, "%s/%s", program, places[i]) < PATH_MAX && access(ret_path, R_OK) == 0)
            return 0;
    return error_set(err, ERROR_NO_INPUT, -ENOENT, "%s/%s: not there; build it by scripts/build", program, places[0]);
}

/* A vendor by the name that --gpu gives. */
static int find_gpu(const char *name, enum manifest_gpu *ret_gpu, struct error *err)
{
    for (int gpu = 0; gpu < MANIFEST_GPU_COUNT; gpu++)
        if (strcmp(name, manifest_gpu_names[gpu]) == 0) {
            *ret_gpu = (enum manifest_gpu)gpu;
            return 0;
        }
    return error_set(err, ERROR_USAGE, -EINVAL, "--gpu %s: nvidia, amd or intel is meant; see --help", name);
}

static int build(const struct arguments *arguments, struct error *err)
{
    static const char *const agents[] = {"lazaret-agent", "../lib/lazaret/lazaret-agent", NULL};
    static const char *const gpu_agents[] = {"lazaret-agent-opencl", "../lib/lazaret/lazaret-agent-opencl", NULL};
    char recipe[PATH_MAX], agent[PATH_MAX], init[PATH_MAX], digest[SHA256_HEX_SIZE];
    struct image_build_options options = {.recipe = recipe,
                                          .agent = arguments->agent,
                                          .kernel = arguments->kernel,
                                          .gpu = arguments->gpu,
                                          .driver = arguments->driver};
    enum manifest_gpu gpu;
    int r = options.gpu == NULL ? 0 : find_gpu(options.gpu, &gpu, err);

    if (arguments->name_count != 0)
        return error_set(err, ERROR_USAGE, -EINVAL, "build takes no name; see --help");
    if (options.driver != NULL && options.gpu == NULL)
        return error_set(err, ERROR_USAGE, -EINVAL, "--driver is a GPU's: say whose by --gpu nvidia|amd|intel");
    if (r == 0)
        r = locate_recipe("build", recipe, err);
    if (r == 0 && options.agent == NULL) {
        r = find_beside(options.gpu == NULL ? agents : gpu_agents, agent, err);
        options.agent = agent;
    }
    if (r == 0 && options.gpu != NULL) {
        r = find_beside(agents, init, err);
        options.init = init;
    }
    if (r == 0)
        r = image_store_build(&options, digest, err);
    if (r == 0)
        (void)printf("%s\n", digest);
    return r;
}

static void print_file(const char *what, const struct manifest_file *file)
{
    char hex[SHA256_HEX_SIZE];

    sha256_to_hex(file->sha256, hex);
    (void)printf("%-13s %s, %llu bytes\n", what, hex, (unsigned long long)file->size);
}

static void print_disk(const struct manifest_disk *disk)
{
    char root[SHA256_HEX_SIZE];

    sha256_to_hex(disk->argument.root, root);
    print_file("disk", &disk->file);
    (void)printf("%-13s %s, dm-verity, %llu blocks\n", "root hash", root,
                 (unsigned long long)disk->argument.data_blocks);
    (void)printf("%-13s %s\n", "gpu", manifest_gpu_names[disk->gpu]);
    for (unsigned i = 0; i < disk->package_count; i++)
        (void)printf("%-13s %s\n", i == 0 ? "packages" : "", disk->packages[i]);
}

static int print_json(const struct image *image, struct error *err)
{
    CLEANUP_BUFFER struct buffer json = buffer_with_limit(MANIFEST_SIZE_MAX);
    int r = manifest_format(image_manifest(image), &json, err);

    if (r == 0)
        (void)printf("{\"manifest\":%.*s,\"name\":\"%s\"}\n", (int)json.size, (char *)json.data, image_digest(image));
    return r;
}

/* The one of that digest, or the default one: of the GPU that was named, or of none. */
static int open_named(const struct arguments *arguments, const char *name, struct image **ret_image, struct error *err)
{
    enum manifest_gpu gpu = MANIFEST_GPU_COUNT;
    int r;

    if (arguments->gpu == NULL || name != NULL)
        return arguments->gpu == NULL
                   ? image_open(name, ret_image, err)
                   : error_set(err, ERROR_USAGE, -EINVAL, "a digest or --gpu names an image, not both; see --help");
    r = find_gpu(arguments->gpu, &gpu, err);
    return r < 0 ? r : image_open_gpu(gpu, ret_image, err);
}

static int info(const struct arguments *arguments, struct error *err)
{
    CLEANUP_IMAGE struct image *image = NULL;
    const struct manifest *manifest;
    int r;

    if (arguments->name_count > 1)
        return error_set(err, ERROR_USAGE, -EINVAL, "info takes one name at most; see --help");
    r = open_named(arguments, arguments->name_count == 0 ? NULL : arguments->names[0], &image, err);
    if (r < 0)
        return r;
    if (arguments->json)
        return print_json(image, err);
    manifest = image_manifest(image);
    (void)printf("%-13s %s (verified)\n", "image", image_digest(image));
    print_file("kernel", &manifest->kernel);
    (void)printf("%-13s %s %s\n", "", manifest->kernel_package, manifest->kernel_version);
    print_file("initramfs", &manifest->initramfs);
    print_file("agent", &manifest->agent);
    if (manifest_has_disk(manifest))
        print_disk(&manifest->disk);
    (void)printf("%-13s %s\n", "command line", manifest->command_line);
    return 0;
}

/* The archive appears whole under its name, or not at all. */
static int export(const struct arguments *arguments, struct error *err)
{
    CLEANUP_IMAGE struct image *image = NULL;
    CLEANUP_FREE char *temporary = NULL;
    CLEANUP_FD int fd = -1;
    const char *path;
    int r;

    if (arguments->name_count < 1 || arguments->name_count > 2)
        return error_set(err, ERROR_USAGE, -EINVAL, "export takes a file, and perhaps a name; see --help");
    path = arguments->names[0];
    r = open_named(arguments, arguments->name_count == 2 ? arguments->names[1] : NULL, &image, err);
    if (r < 0)
        return r;
    if (asprintf(&temporary, "%s.XXXXXX", path) < 0) {
        temporary = NULL;
        return error_set(err, ERROR_INTERNAL, -ENOMEM, "export: out of memory");
    }
    fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0)
        return error_set(err, ERROR_UNAVAILABLE, -errno, "%s: %s", temporary, strerror(errno));
    r = image_store_export(image, fd, err);
    if (r == 0 && (fchmod(fd, 0644) < 0 || fsync(fd) < 0 || rename(temporary, path) < 0))
        r = error_set(err, ERROR_UNAVAILABLE, -errno, "%s: %s", path, strerror(errno));
    if (r < 0)
        (void)unlink(temporary);
    else
        (void)printf("%s\n", image_digest(image));
    return r;
}

static int import(const struct arguments *arguments, struct error *err)
{
    char digest[SHA256_HEX_SIZE];
    CLEANUP_FD int fd = -1;
    int r;

    if (arguments->name_count != 1)
        return error_set(err, ERROR_USAGE, -EINVAL, "import takes one file; see --help");
    fd = open(arguments->names[0], O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_set(err, ERROR_NO_INPUT, -errno, "%s: %s", arguments->names[0], strerror(errno));
    r = image_store_import(fd, arguments->make_default, digest, err);
    if (r < 0)
        return error_prefix(err, "%s", arguments->names[0]);
    (void)printf("%s\n", digest);
    return 0;
}

/* What only some of them take. */
static int check_verb(const char *verb, const struct arguments *arguments, struct error *err)
{
    if (strcmp(verb, "build") != 0 && arguments->driver != NULL)
        return error_set(err, ERROR_USAGE, -EINVAL, "%s takes no --driver; see --help", verb);
    if (strcmp(verb, "import") == 0 && arguments->gpu != NULL)
        return error_set(err, ERROR_USAGE, -EINVAL, "import takes no --gpu: the archive says whose GPUs it is for");
    return 0;
}

int cli_image(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(const struct arguments *arguments, struct error *err);
    } verbs[] = {{"build", build}, {"info", info}, {"export", export}, {"import", import}};
    struct arguments arguments = {.agent = NULL};
    struct error error = {.kind = ERROR_NONE};

    if (parse(argc, argv, &arguments, &error) < 0)
        return report(&error);
    if (arguments.help) {
        (void)fputs(usage, stdout);
        return 0;
    }
    for (size_t i = 0; arguments.name_count > 0 && i < sizeof(verbs) / sizeof(verbs[0]); i++) {
        if (strcmp(arguments.names[0], verbs[i].name) != 0)
            continue;
        arguments.names++;
        arguments.name_count--;
        if (check_verb(verbs[i].name, &arguments, &error) < 0)
            return report(&error);
        return verbs[i].run(&arguments, &error) < 0 ? report(&error) : 0;
    }
    (void)fprintf(stderr, "lazaret image: build, info, export or import is needed; see --help\n");
    return error_exit_status(ERROR_USAGE);
}
