    for (uint i = 0; i < TM; i++) {
        const uint m = tile_m + ROW_OF(i);

        if (m >= shape.m)
            continue;
        for (uint j = 0; j < TN; j++) {
            const uint n = tile_n + COLUMN_OF(j);
            __global float *to = result + (ulong)m * shape.result_m + (ulong)n * shape.result_n;
            float value = sums[i][j];

            if (n >= shape.n)
                continue;
            if (MAYBE(shape.flags, DENSE_ZERO_FIRST))
                value = 0.0f + value;
            if (MAYBE(shape.flags, DENSE_ALPHA))
                value = shape.alpha * value;
            if (MAYBE(shape.flags, DENSE_C))
                value = value + shape.beta * c[m * shape.c_m + n * shape.c_n];
            if (MAYBE(shape.flags, DENSE_RELU))
                value = above_zero(value);
            if (MAYBE(shape.flags, DENSE_ADD))
                value = *to + value;
            *to = value;
        }
    }
}
#undef LOAD_LEFT
#undef LOAD_RIGHT
