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
