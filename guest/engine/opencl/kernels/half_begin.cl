/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Up to half_end.cl the tiled kernels once more, with tiles of half the height, for products of few rows: of 64 channels,
 * tiles of 128 would be half empty. The order of a sum's terms is none of a tile's business.
 */
#ifdef HALF_TM
#undef TM
#undef NAMED
#define TM          HALF_TM
#define NAMED(name) name##_half
