    for (uint j = 0; j < TN; j++) {
        const uint p = tile_n + COLUMN_OF(j);
        uint of_image, at;

        if (p >= positions)
            continue;
        at = place_of(&shape, p, &of_image);
        for (uint i = 0; i < TM; i++) {
            const uint m = tile_m + ROW_OF(i), channel = group * shape.outputs + m;
            const uint to = (of_image * shape.result_channels + channel) * shape.result_plane + at;

            if (m < shape.outputs)
                result[to] = finished(sums[i][j], shape.flags, MAYBE(shape.flags, HAS_BIAS) ? bias[channel] : 0.0f,
                                      addend, mask, to);
        }
    }
}
#undef LOAD_LEFT
#undef LOAD_RIGHT

/* Groups of few outputs: an item an output. Also of no terms at all, whose sums are +0. */
__kernel __attribute__((reqd_work_group_size(64, 1, 1))) void
conv_narrow(PLACE(source), PLACE(packed), __global const int4 *terms_table, PLACE(bias), PLACE(addend), PLACE(mask),
            PLACE(result), struct conv_shape shape)
{
    OPEN(bias);
    OPEN(addend);
    OPEN(mask);
    OPEN(result);
    const uint plane = max(shape.rows * shape.columns, 1u), i = get_global_id(0), p = i % plane;
    const uint channel = i / plane % max(shape.result_channels, 1u);
    const uint image = i / plane / max(shape.result_channels, 1u), group = channel / max(shape.outputs, 1u);
    const int row = (int)(p / max(shape.columns, 1u) * shape.row_step);
    const int column = (int)(p % max(shape.columns, 1u) * shape.column_step);
    float sum = 0.0f;
    uint to, unused;

    if (image >= shape.images)
        return;
    __global const float *weights = packed_buffer + packed_place + (ulong)group * shape.terms * shape.padded +
                                    (channel - group * shape.outputs);
    __global const float *source =
        source_buffer + source_place +
        ((ulong)image * shape.source_channels + group * shape.group_channels) * shape.height * shape.width +
        (long)row * shape.width + column;
    for (uint k = 0; k < shape.terms; k++)
        sum = fma(read_source(source, terms_table[k], row, column, shape.height, shape.width, true),
                  weights[k * shape.padded], sum);
    to = (image * shape.result_channels + channel) * shape.result_plane + place_of(&shape, p, &unused);
    result[to] = finished(sum, shape.flags, MAYBE(shape.flags, HAS_BIAS) ? bias[channel] : 0.0f, addend, mask, to);
}
