/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sizes of product.cl's tiles, from GROUP_X, GROUP_Y, TM, TN and TILE_K of the build options, and HALF_TM where there are
 * tiles of another height as well (half_begin.cl).
 */
#define NAMED(name) name
#define TILE_M      (GROUP_Y * TM)
#define TILE_N      (GROUP_X * TN)
#define GROUP_ITEMS (GROUP_X * GROUP_Y)
#define LEFT_LOADS  (TILE_M * TILE_K / GROUP_ITEMS)
#define RIGHT_LOADS (TILE_N * TILE_K / GROUP_ITEMS)
#define LEFT_STEP   (GROUP_ITEMS / TILE_M)
#define RIGHT_STEP  (GROUP_ITEMS / TILE_N)
#define GROUP       __attribute__((reqd_work_group_size(GROUP_X, GROUP_Y, 1)))

/* Outputs of an item: four neighbours, and with TM or TN 8 four more half a tile further. */
#define ROW_OF(i)    ((i) / 4 * (TILE_M / (TM / 4)) + get_local_id(1) * 4 + (i) % 4)
#define COLUMN_OF(j) ((j) / 4 * (TILE_N / (TN / 4)) + get_local_id(0) * 4 + (j) % 4)

#define ADD_TERM(left_at, right_at)                                                                                    \
    {                                                                                                                  \
        float a[TM], b[TN];                                                                                            \
                                                                                                                       \
        for (uint i = 0; i < TM; i += 4)                                                                               \
            vstore4(vload4(0, (left_at) + i / 4 * (TILE_M / (TM / 4))), 0, a + i);                                     \
        for (uint j = 0; j < TN; j += 4)                                                                               \
            vstore4(vload4(0, (right_at) + j / 4 * (TILE_N / (TN / 4))), 0, b + j);                                    \
        for (uint i = 0; i < TM; i++)                                                                                  \
            for (uint j = 0; j < TN; j++)                                                                              \
                sums[i][j] = fma(b[j], a[i], sums[i][j]);                                                              \
    }
