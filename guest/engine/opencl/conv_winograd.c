/* SPDX-License-Identifier: Apache-2.0 */
/* Convolutions on a device by Winograd's method: transforms with products between them, some images at a time. */
#include "guest/engine/opencl/conv_side.h"

#define CHUNK_FLOATS ((size_t)64 << 20) /* of V and M together, where an image takes no more */

static size_t tiles_of_image(const struct winograd_pass *pass)
{
    size_t across = (pass->out_width + pass->edge - 1) / pass->edge;

    return across * ((pass->out_height + pass->edge - 1) / pass->edge);
}

static size_t points_of(const struct winograd_pass *pass)
{
    return (size_t)(pass->edge + 2) * (pass->edge + 2);
}

/* Images that go through together. */
static size_t chunk_images(const struct winograd_pass *pass)
{
    size_t image = points_of(pass) * (pass->in + pass->out) * tiles_of_image(pass);
    size_t images = image > CHUNK_FLOATS ? 1 : CHUNK_FLOATS / image;

    return images < pass->batch ? images : pass->batch;
}

/* Weights as [point][in channel][out channels, padded]. */
int conv_winograd_prepare(struct device_session *session, bool backward, const float *weights, struct conv_side *side,
                          struct error *err)
{
    const struct winograd_pass *pass = &side->minimal;
    size_t points = points_of(pass), plane;
    CLEANUP_FREE float *packed = NULL;

    side->padded = (uint32_t)conv_round_up(pass->out, 4);
    plane = pass->in * side->padded;
    packed = calloc(points * plane, sizeof *packed);
    if (packed == NULL)
        return conv_no_memory(err);
    for (size_t o = 0; o < pass->out; o++)
        for (size_t c = 0; c < pass->in; c++) {
            float transformed[WINOGRAD_POINTS_MAX];

            winograd_transform(pass, weights, backward, o, c, transformed);
            for (size_t p = 0; p < points; p++)
                packed[p * plane + c * side->padded + o] = transformed[p];
        }
    session_want_scratch(session, points * (pass->in + pass->out) * tiles_of_image(pass) * chunk_images(pass));
    return session_upload(session, packed, points * plane * sizeof *packed, "a convolution's weights", &side->weights,
                          err);
}

static int run_products(struct device_session *session, const struct conv_side *side, size_t tiles, struct error *err)
{
    const struct winograd_pass *pass = &side->minimal;
    const struct opencl_tile *tile = opencl_tile_for(session->device, pass->out);
    const struct dense_shape shape = {
        .m = (uint32_t)pass->out,
        .n = (uint32_t)tiles,
        .k = (uint32_t)pass->in,
        .left_m = 1,
        .left_k = side->padded,
        .right_k = (uint32_t)tiles,
        .right_n = 1,
        .result_m = (uint32_t)tiles,
        .result_n = 1,
        .left_step = (uint32_t)(pass->in * side->padded),
        .right_step = (uint32_t)(pass->in * tiles),
        .result_step = (uint32_t)(pass->out * tiles),
    };
    struct launch launch = launch_begin(session->device, tile->dense);

    launch_place(&launch, session_at(side->weights, 0));
    launch_place(&launch, session_at(session->scratch, 0));
    launch_buffer(&launch, session->labels); /* no table: any buffer */
    launch_place(&launch, session_at(session->scratch, 0));
    launch_place(&launch, session_at(session->scratch, points_of(pass) * pass->in * tiles));
    launch_shape(&launch, 'D', &shape, sizeof shape);
    return launch_run(&launch, (tiles + tile->n - 1) / tile->n * tile->group_x, (pass->out + tile->m - 1) / tile->m,
                      points_of(pass), err);
}

static int run_chunk(struct device_session *session, const struct conv_side *side, size_t first, size_t images,
                     const float *source, const struct kernel_finish *finish, float *result, struct error *err)
{
    const struct winograd_pass *pass = &side->minimal;
    size_t tiles = tiles_of_image(pass) * images;
    struct winograd_shape shape = {
        .edge = pass->edge,
        .tiles = (uint32_t)tiles,
        .across = (uint32_t)((pass->out_width + pass->edge - 1) / pass->edge),
        .down = (uint32_t)((pass->out_height + pass->edge - 1) / pass->edge),
        .channels = (uint32_t)pass->in,
        .height = (uint32_t)pass->in_height,
        .width = (uint32_t)pass->in_width,
        .first_row = (int32_t)pass->first_row,
        .first_column = (int32_t)pass->first_column,
        .first_image = (uint32_t)first,
        .flags = session_finish_flags(finish),
    };
    struct launch launch = launch_begin(session->device, KERNEL_WINOGRAD_INPUT);
    int r;

    launch_place(&launch, session_place(session, source));
    launch_place(&launch, session_at(session->scratch, 0));
    launch_shape(&launch, 'G', &shape, sizeof shape);
    r = launch_run(&launch, tiles, pass->in, 1, err);
    if (r == 0)
        r = run_products(session, side, tiles, err);
    if (r < 0)
        return r;
    shape.channels = (uint32_t)pass->out;
    shape.height = (uint32_t)pass->out_height;
    shape.width = (uint32_t)pass->out_width;
    launch = launch_begin(session->device, KERNEL_WINOGRAD_OUTPUT);
    launch_place(&launch, session_at(session->scratch, points_of(pass) * pass->in * tiles));
    launch_place(&launch, session_place(session, finish->bias));
    launch_place(&launch, session_place(session, finish->addend));
    launch_place(&launch, session_place(session, finish->mask));
    launch_place(&launch, session_place(session, result));
    launch_shape(&launch, 'G', &shape, sizeof shape);
    return launch_run(&launch, tiles, pass->out, 1, err);
}

int conv_winograd_run(struct device_session *session, const struct conv_side *side, size_t images, const float *source,
                      const struct kernel_finish *finish, float *result, struct error *err)
{
    size_t chunk = chunk_images(&side->minimal);
    int r = 0;

    for (size_t first = 0; r == 0 && first < images; first += chunk)
        r = run_chunk(session, side, first, images - first < chunk ? images - first : chunk, source, finish, result,
                      err);
    return r;
}
