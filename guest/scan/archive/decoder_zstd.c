/* SPDX-License-Identifier: Apache-2.0 */
/* Zstandard, one frame (RFC 8878); a skippable one too, that yields nothing. */
#include "guest/scan/archive/codec.h"

#include <errno.h>
#define ZSTD_STATIC_LINKING_ONLY /* for memory of our own, in the one static archive that we link */
#include <zstd.h>
#include <zstd_errors.h>

#define WINDOW_LOG_MAX 25 /* 32 MiB; what asks for more is not decoded */

struct zstd {
    struct codec codec;
    ZSTD_DCtx *context;
};

static void *allocate(void *argument, size_t size)
{
    return codec_allocate(argument, 1, size);
}

static void release(void *argument, void *memory)
{
    codec_release(argument, memory);
}

static int start_zstd(struct codec *codec, struct error *err)
{
    struct zstd *zstd = (struct zstd *)codec;

    zstd->context = ZSTD_createDCtx_advanced(
        (ZSTD_customMem){.customAlloc = allocate, .customFree = release, .opaque = codec->scan});
    if (zstd->context == NULL ||
        ZSTD_isError(ZSTD_DCtx_setParameter(zstd->context, ZSTD_d_windowLogMax, WINDOW_LOG_MAX)) != 0)
        return error_set(err, ERROR_BAD_INPUT, -ENOMEM, "no memory is left for zstd");
    return 0;
}

static void stop_zstd(struct codec *codec)
{
    struct zstd *zstd = (struct zstd *)codec;

    (void)ZSTD_freeDCtx(zstd->context);
    zstd->context = NULL;
}

static int explain(size_t code, struct error *err)
{
    switch (ZSTD_getErrorCode(code)) {
    case ZSTD_error_memory_allocation:
    case ZSTD_error_frameParameter_windowTooLarge:
        return error_set(err, ERROR_BAD_INPUT, -ENOMEM, "the zstd window needs more memory than is left");
    case ZSTD_error_dictionary_wrong:
        return error_set(err, ERROR_BAD_INPUT, -ENOTSUP, "zstd: the frame needs a dictionary");
    default:
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "zstd: %s", ZSTD_getErrorName(code));
    }
}

static int run_zstd(struct codec *codec, struct codec_step *step, struct error *err)
{
    ZSTD_inBuffer in = {.src = step->in, .size = step->in_size};
    ZSTD_outBuffer out = {.dst = step->out, .size = step->out_size};
    size_t code = ZSTD_decompressStream(((struct zstd *)codec)->context, &out, &in);

    step->used = in.pos;
    step->made = out.pos;
    step->ended = code == 0;
    return ZSTD_isError(code) != 0 ? explain(code, err) : 0;
}

static bool begins_zstd(const uint8_t *in, size_t size)
{
    if (size < 4)
        return false;
    if (in[0] == 0x28 && in[1] == 0xb5 && in[2] == 0x2f && in[3] == 0xfd)
        return true;
    return (in[0] & 0xf0) == 0x50 && in[1] == 0x2a && in[2] == 0x4d && in[3] == 0x18;
}

const struct codec_class codec_zstd = {.name = "zstd",
                                       .size = sizeof(struct zstd),
                                       .start = start_zstd,
                                       .run = run_zstd,
                                       .stop = stop_zstd,
                                       .begins = begins_zstd};
