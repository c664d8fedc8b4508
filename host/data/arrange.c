/* SPDX-License-Identifier: Apache-2.0 */
/* Turns one image from the data set's layout and channel order into the model's. */
#include "host/data/arrange.h"

bool arrange_is_needed(const struct spec_arrangement *how)
{
    return how->from_nhwc || how->from_nchw || how->reverse_channels;
}

bool arrange_file_is_nhwc(const struct spec_arrangement *how, enum data_layout layout)
{
    if (how->from_nhwc || how->from_nchw)
        return how->from_nhwc;
    return layout == DATA_LAYOUT_NHWC;
}

void arrange_dims(const struct spec_arrangement *how, const uint64_t *file_dims, uint64_t *dims)
{
    if (how->from_nhwc) {
        dims[0] = file_dims[2];
        dims[1] = file_dims[0];
        dims[2] = file_dims[1];
    } else if (how->from_nchw) {
        dims[0] = file_dims[1];
        dims[1] = file_dims[2];
        dims[2] = file_dims[0];
    }
}

void arrange_sample(const struct spec_arrangement *how, enum data_layout layout, const uint64_t *file_dims,
                    const float *from, float *ret_to)
{
    bool file_nhwc = arrange_file_is_nhwc(how, layout);
    bool model_nhwc = file_nhwc ? !how->from_nhwc : how->from_nchw;
    uint64_t channels = file_nhwc ? file_dims[2] : file_dims[0];
    uint64_t pixels = file_nhwc ? file_dims[0] * file_dims[1] : file_dims[1] * file_dims[2];

    for (uint64_t c = 0; c < channels; c++) {
        uint64_t target = how->reverse_channels ? channels - 1 - c : c;

        for (uint64_t p = 0; p < pixels; p++) {
            float value = from[file_nhwc ? p * channels + c : c * pixels + p];

            ret_to[model_nhwc ? p * channels + target : target * pixels + p] = value;
        }
    }
}
