/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kernels: compiled once a job, started one after the other.
 *
 * The first worker of a job compiles and leaves the device's own form of the programs in a file that is then sealed;
 * the others load that. A file that the driver does not take is no error: it compiles.
 */
#include "guest/engine/opencl/programs.h"

#include "guest/engine/opencl/shapes.h"
#include "guest/engine/opencl/sources.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define OPTIONS     "-cl-std=CL1.2 -cl-fp32-correctly-rounded-divide-sqrt"
#define OPTIONS_MAX 256u
#define LOG_MAX     4096u
#define LOG_SHOWN   200u
#define BINARY_MAX  ((size_t)64 << 20)

/*
 * p: a buffer and a place in it; m: a buffer; u, f: a number; C, D, G, W, P, V: a structure of shapes.h. Groups are of
 * 64 items along x, but for tiles.
 */
static const struct {
    const char *name, *signature;
    bool tiled;
} kinds[OPENCL_KERNEL_COUNT] = {
    [KERNEL_CONV] = {"conv", "ppmppppC", true},
    [KERNEL_CONV_NARROW] = {"conv_narrow", "ppmppppC", false},
    [KERNEL_DENSE] = {"dense", "ppmppD", true},
    [KERNEL_CONV_HALF] = {"conv_half", "ppmppppC", true},
    [KERNEL_DENSE_HALF] = {"dense_half", "ppmppD", true},
    [KERNEL_WINOGRAD_INPUT] = {"winograd_input", "ppG", false},
    [KERNEL_WINOGRAD_OUTPUT] = {"winograd_output", "pppppG", false},
    [KERNEL_UNARY] = {"unary", "ppuffu", false},
    [KERNEL_UNARY_GRADIENT] = {"unary_gradient", "ppppuffu", false},
    [KERNEL_BATCH_NORM] = {"batch_norm", "pppuuuu", false},
    [KERNEL_ADD] = {"add", "ppu", false},
    [KERNEL_FILL] = {"fill", "pfu", false},
    [KERNEL_BINARY] = {"binary", "pppWuuu", false},
    [KERNEL_BINARY_GRADIENT] = {"binary_gradient", "ppppWuuuuu", false},
    [KERNEL_POOL] = {"pool", "ppP", false},
    [KERNEL_POOL_GRADIENT] = {"pool_gradient", "pppP", false},
    [KERNEL_GLOBAL_AVERAGE] = {"global_average", "ppuu", false},
    [KERNEL_GLOBAL_AVERAGE_GRADIENT] = {"global_average_gradient", "ppuu", false},
    [KERNEL_SOFTMAX] = {"softmax", "ppuuuu", false},
    [KERNEL_SOFTMAX_GRADIENT] = {"softmax_gradient", "pppuuuu", false},
    [KERNEL_LOSS] = {"loss", "pmmpuuu", false},
    [KERNEL_REDUCE] = {"reduce", "ppWfu", false},
    [KERNEL_REDUCE_GRADIENT] = {"reduce_gradient", "ppWfu", false},
    [KERNEL_VIEW] = {"view", "ppmVu", false},
    [KERNEL_VIEW_GRADIENT] = {"view_gradient", "ppmVu", false},
    [KERNEL_BLOCKS] = {"blocks", "ppuuuu", false},
    [KERNEL_PROBE] = {"probe", "ppu", false},
};

#define FLAT_ITEMS 64u

/* --- compiling -------------------------------------------------------------------------------------------- */

static void set_options(const struct opencl_device *device, char ret_options[OPTIONS_MAX])
{
    const struct opencl_tile *tile = &device->tile;

    (void)snprintf(ret_options, OPTIONS_MAX, OPTIONS " -DGROUP_X=%u -DGROUP_Y=%u -DTM=%u -DTN=%u -DTILE_K=%u",
                   tile->group_x, tile->group_y, tile->item_m, tile->item_n, tile->terms);
    if (device->half.m > 0) {
        size_t used = strlen(ret_options);

        (void)snprintf(ret_options + used, OPTIONS_MAX - used, " -DHALF_TM=%u", device->half.item_m);
    }
}

/* The compiler's first words, made fit for one line. */
static int build_failed(struct opencl_device *device, cl_int status, struct error *err)
{
    char log[LOG_MAX] = "", line[LOG_SHOWN + 1];
    size_t count = 0;

    (void)clGetProgramBuildInfo(device->program, device->id, CL_PROGRAM_BUILD_LOG, sizeof log - 1, log, NULL);
    for (const char *c = log; *c != '\0' && count < LOG_SHOWN; c++)
        line[count++] = (char)(*c > ' ' && *c < 0x7f ? *c : ' ');
    line[count] = '\0';
    (void)opencl_failed(device, "its compiler refuses the kernels", status, err);
    if (err != NULL && count > 0) {
        size_t used = strlen(err->text);

        (void)snprintf(err->text + used, sizeof err->text - used, ": %s", line);
    }
    return err != NULL ? err->code : -EIO;
}

static int compile(struct opencl_device *device, const char *options, struct error *err)
{
    const char *texts[OPENCL_SOURCE_COUNT];
    cl_int status;

    memcpy(texts, opencl_sources, sizeof texts);
    device->program = clCreateProgramWithSource(device->context, OPENCL_SOURCE_COUNT, texts, NULL, &status);
    if (status != CL_SUCCESS)
        return opencl_failed(device, "the kernels can't be handed over", status, err);
    status = clBuildProgram(device->program, 1, &device->id, options, NULL, NULL);
    return status == CL_SUCCESS ? 0 : build_failed(device, status, err);
}

/* --- the job's file --------------------------------------------------------------------------------------- */

/* Whole, or nothing is used of it. */
static bool load(struct opencl_device *device, int fd, const char *options)
{
    struct stat status;
    CLEANUP_FREE unsigned char *bytes = NULL;
    const unsigned char *binary;
    cl_int loaded = CL_INVALID_BINARY, result = CL_INVALID_BINARY;
    size_t size;

    if (fd < 0 || fstat(fd, &status) < 0 || status.st_size <= 0 || (size_t)status.st_size > BINARY_MAX)
        return false;
    size = (size_t)status.st_size;
    bytes = malloc(size);
    if (bytes == NULL || pread(fd, bytes, size, 0) != (ssize_t)size)
        return false;
    binary = bytes;
    device->program = clCreateProgramWithBinary(device->context, 1, &device->id, &size, &binary, &loaded, &result);
    if (result == CL_SUCCESS && loaded == CL_SUCCESS &&
        clBuildProgram(device->program, 1, &device->id, options, NULL, NULL) == CL_SUCCESS)
        return true;
    if (result == CL_SUCCESS)
        (void)clReleaseProgram(device->program);
    device->program = NULL;
    return false;
}

/* What can't be kept is compiled again. */
static void keep(struct opencl_device *device, int fd)
{
    CLEANUP_FREE unsigned char *bytes = NULL;
    size_t size = 0, done = 0;

    if (fd < 0 || clGetProgramInfo(device->program, CL_PROGRAM_BINARY_SIZES, sizeof size, &size, NULL) != CL_SUCCESS ||
        size == 0 || size > BINARY_MAX)
        return;
    bytes = malloc(size);
    if (bytes == NULL || clGetProgramInfo(device->program, CL_PROGRAM_BINARIES, sizeof bytes, (unsigned char **)&bytes,
                                          NULL) != CL_SUCCESS)
        return;
    while (done < size) {
        ssize_t count = pwrite(fd, bytes + done, size - done, (off_t)done);

        if (count <= 0) {
            (void)!ftruncate(fd, 0);
            return;
        }
        done += (size_t)count;
    }
}

/* --- every kernel once, so that a driver that compiles at the first use has done it ------------------------- */

static int warm_kernel(struct opencl_device *device, enum opencl_kernel kernel, cl_mem nothing, struct error *err)
{
    static const uint32_t zeros[64];
    struct launch launch = launch_begin(device, kernel);

    for (const char *c = kinds[kernel].signature; *c != '\0'; c++) {
        switch (*c) {
        case 'p':
            launch_place(&launch, (struct place){nothing, 0});
            break;
        case 'm':
            launch_buffer(&launch, nothing);
            break;
        case 'u':
            launch_number(&launch, 0);
            break;
        case 'f':
            launch_float(&launch, 0);
            break;
        case 'C':
            launch_shape(&launch, *c, zeros, sizeof(struct conv_shape));
            break;
        case 'D':
            launch_shape(&launch, *c, zeros, sizeof(struct dense_shape));
            break;
        case 'G':
            launch_shape(&launch, *c, zeros, sizeof(struct winograd_shape));
            break;
        case 'W':
            launch_shape(&launch, *c, zeros, sizeof(struct walk_shape));
            break;
        case 'P':
            launch_shape(&launch, *c, zeros, sizeof(struct pool_shape));
            break;
        default:
            launch_shape(&launch, *c, zeros, sizeof(struct view_shape));
            break;
        }
    }
    return launch_run(&launch, 1, 1, 1, err);
}

static int warm(struct opencl_device *device, struct error *err)
{
    uint64_t held = 0;
    cl_mem nothing = NULL;
    int r = opencl_allocate(device, 4096, "a first buffer", &held, &nothing, err);

    for (unsigned i = 0; r == 0 && i < OPENCL_KERNEL_COUNT; i++)
        r = device->kernels[i] == NULL ? 0 : warm_kernel(device, (enum opencl_kernel)i, nothing, err);
    if (r == 0)
        r = opencl_settle(device, err);
    if (nothing != NULL)
        (void)clReleaseMemObject(nothing);
    return r;
}

int programs_open(struct opencl_device *device, int programs_fd, struct error *err)
{
    char options[OPTIONS_MAX];
    bool loaded;
    int r = 0;

    set_options(device, options);
    loaded = load(device, programs_fd, options);
    if (!loaded)
        r = compile(device, options, err);
    for (unsigned i = 0; r == 0 && i < OPENCL_KERNEL_COUNT; i++) {
        cl_int status;

        if (device->half.m == 0 && (i == KERNEL_CONV_HALF || i == KERNEL_DENSE_HALF))
            continue;
        device->kernels[i] = clCreateKernel(device->program, kinds[i].name, &status);
        if (status != CL_SUCCESS)
            r = opencl_failed(device, kinds[i].name, status, err);
    }
    if (r == 0)
        r = warm(device, err);
    if (r == 0 && !loaded)
        keep(device, programs_fd);
    return r;
}

void programs_close(struct opencl_device *device)
{
    for (unsigned i = 0; i < device->pending_count; i++)
        (void)clReleaseEvent(device->pending[i]);
    device->pending_count = 0;
    for (unsigned i = 0; i < OPENCL_KERNEL_COUNT; i++)
        if (device->kernels[i] != NULL)
            (void)clReleaseKernel(device->kernels[i]);
    if (device->program != NULL)
        (void)clReleaseProgram(device->program);
}

/* --- starting --------------------------------------------------------------------------------------------- */

struct launch launch_begin(struct opencl_device *device, enum opencl_kernel kernel)
{
    return (struct launch){.device = device, .kernel = kernel, .status = CL_SUCCESS};
}

static void set_argument(struct launch *launch, const void *value, size_t size)
{
    cl_int status = clSetKernelArg(launch->device->kernels[launch->kernel], launch->argument++, size, value);

    if (launch->status == CL_SUCCESS)
        launch->status = status;
}

/* Whether the kernel's next argument is of this kind; the kernel is not started otherwise. */
static bool takes(struct launch *launch, char kind)
{
    const char *signature = kinds[launch->kernel].signature;

    if (launch->next < strlen(signature) && signature[launch->next] == kind) {
        launch->next++;
        return true;
    }
    launch->status = CL_INVALID_KERNEL_ARGS;
    return false;
}

void launch_place(struct launch *launch, struct place place)
{
    if (!takes(launch, 'p'))
        return;
    set_argument(launch, &place.buffer, sizeof place.buffer);
    set_argument(launch, &place.at, sizeof place.at);
}

void launch_buffer(struct launch *launch, cl_mem buffer)
{
    if (takes(launch, 'm'))
        set_argument(launch, &buffer, sizeof buffer);
}

void launch_number(struct launch *launch, size_t number)
{
    cl_uint value = (cl_uint)number;

    if (!takes(launch, 'u'))
        return;
    if (number > INT32_MAX)
        launch->status = CL_INVALID_VALUE;
    set_argument(launch, &value, sizeof value);
}

void launch_float(struct launch *launch, float number)
{
    if (takes(launch, 'f'))
        set_argument(launch, &number, sizeof number);
}

void launch_shape(struct launch *launch, char kind, const void *shape, size_t size)
{
    if (takes(launch, kind))
        set_argument(launch, shape, size);
}

int launch_run(struct launch *launch, size_t items, size_t y, size_t z, struct error *err)
{
    struct opencl_device *device = launch->device;
    bool tiled = kinds[launch->kernel].tiled;
    size_t group[3] = {FLAT_ITEMS, 1, 1}, global[3];
    int r = 0;

    if (device->pending_count == OPENCL_PENDING_MAX)
        r = opencl_settle(device, err);
    if (r < 0)
        return r;
    if (tiled) {
        group[0] = device->tile.group_x;
        group[1] = device->tile.group_y;
    }
    global[0] = (items + group[0] - 1) / group[0] * group[0];
    global[1] = y * group[1];
    global[2] = z;
    if (launch->status == CL_SUCCESS && launch->next != strlen(kinds[launch->kernel].signature))
        launch->status = CL_INVALID_KERNEL_ARGS;
    if (launch->status == CL_SUCCESS)
        launch->status = clEnqueueNDRangeKernel(device->queue, device->kernels[launch->kernel], 3, NULL, global, group,
                                                0, NULL, &device->pending[device->pending_count]);
    if (launch->status != CL_SUCCESS)
        return opencl_failed(device, kinds[launch->kernel].name, launch->status, err);
    device->pending_count++;
    return 0;
}
