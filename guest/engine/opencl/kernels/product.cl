/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The core of every sum of products, compiled once for each kind of operand and height of tile. It is the middle of a kernel; what stands
 * before and after it is the kind's own.
 *
 * A work group makes a tile of TILE_M × TILE_N outputs, an item TM × TN of them in registers; terms go through local
 * memory, TILE_K at a time and in two halves, so that the next ones are read while these are added. One output's
 * sum starts at +0 and takes each term by one fma(), in ascending order, and no other term: a tile's last terms are
 * counted, never filled up with zeros, which would turn -0 to +0.
 *
 * From before: LOAD_LEFT(k, m), LOAD_RIGHT(k) (of the item's column), `terms`, tile_m, tile_n.
 */
    __local float left_tile[2][TILE_K * TILE_M];
    __local float right_tile[2][TILE_K * TILE_N];
    const uint item = get_local_id(1) * GROUP_X + get_local_id(0);
    const uint left_m = item % TILE_M, left_k = item / TILE_M;
    const uint right_k = item / TILE_N;
    float sums[TM][TN];
    float next_left[LEFT_LOADS], next_right[RIGHT_LOADS];

    for (uint i = 0; i < TM; i++)
        for (uint j = 0; j < TN; j++)
            sums[i][j] = 0.0f;
    for (uint i = 0; i < LEFT_LOADS; i++) {
        uint k = left_k + i * LEFT_STEP;

        left_tile[0][k * TILE_M + left_m] = k < terms ? LOAD_LEFT(k, left_m) : 0.0f;
    }
    for (uint i = 0; i < RIGHT_LOADS; i++) {
        uint k = right_k + i * RIGHT_STEP;

        right_tile[0][k * TILE_N + right_n] = k < terms ? LOAD_RIGHT(k) : 0.0f;
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    for (uint first = 0, now = 0; first < terms; first += TILE_K, now = 1 - now) {
        const uint following = first + TILE_K, some = terms - first;
        const bool more = following < terms;
        __local const float *left = left_tile[now] + get_local_id(1) * 4;
        __local const float *right = right_tile[now] + get_local_id(0) * 4;

        if (more) {
            for (uint i = 0; i < LEFT_LOADS; i++) {
                uint k = following + left_k + i * LEFT_STEP;

                next_left[i] = k < terms ? LOAD_LEFT(k, left_m) : 0.0f;
            }
            for (uint i = 0; i < RIGHT_LOADS; i++) {
                uint k = following + right_k + i * RIGHT_STEP;

                next_right[i] = k < terms ? LOAD_RIGHT(k) : 0.0f;
            }
        }
        if (some >= TILE_K) {
#pragma unroll
            for (uint k = 0; k < TILE_K; k++)
                ADD_TERM(left + k * TILE_M, right + k * TILE_N)
        } else {
            for (uint k = 0; k < some; k++)
                ADD_TERM(left + k * TILE_M, right + k * TILE_N)
        }
        if (more) {
            for (uint i = 0; i < LEFT_LOADS; i++)
                left_tile[1 - now][(left_k + i * LEFT_STEP) * TILE_M + left_m] = next_left[i];
            for (uint i = 0; i < RIGHT_LOADS; i++)
                right_tile[1 - now][(right_k + i * RIGHT_STEP) * TILE_N + right_n] = next_right[i];
        }
        barrier(CLK_LOCAL_MEM_FENCE);
    }
