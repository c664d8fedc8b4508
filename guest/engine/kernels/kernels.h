/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernels: loops whose every output adds its terms in one documented order.
 *
 * The order belongs to the result: a kernel gives the same bits on every instruction set, with any
 * number of threads and any batch. Vectors run over outputs, threads split outputs; a sum is never
 * split. Within the class `mul-add` each term is a rounded product, then a rounded sum; within
 * `fma` it is one fused operation (in software where the CPU has none).
 *
 * Tensors are f32, row-major, batch first; images are NCHW. A NaN is a NaN: its sign and payload are
 * not part of the promise. Denormals are kept (the thread's MXCSR is at its default).
 *
 * A context is used by one thread at a time. It keeps the memory of its largest call (the scratch
 * functions say how much that is), or what was reserved. -ENOMEM where there is none, -EINVAL for a shape that makes no
 * sense, -EOVERFLOW for one that can't be addressed.
 */
#ifndef LAZARET_GUEST_ENGINE_KERNELS_H
#define LAZARET_GUEST_ENGINE_KERNELS_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum kernel_arithmetic { KERNEL_MUL_ADD, KERNEL_FMA };

/* What the loops are compiled for; the bits are the same. */
enum kernel_isa { KERNEL_ISA_AUTO, KERNEL_ISA_SSE2, KERNEL_ISA_AVX, KERNEL_ISA_AVX2, KERNEL_ISA_AVX512 };

struct kernels; /* a choice of arithmetic and instruction set, and the threads that run it; opaque */

/*
 * Starts `threads` - 1 threads (1 to KERNEL_THREADS_MAX). AUTO takes the widest instruction set of
 * this CPU; another that the CPU lacks is ERROR_UNAVAILABLE. All threads exist when this returns,
 * so that a seccomp filter may be installed afterwards.
 */
#define KERNEL_THREADS_MAX 256u
MUST_USE int kernels_create(enum kernel_arithmetic arithmetic, enum kernel_isa isa, unsigned threads,
                            struct kernels **ret_kernels, struct error *err);
void kernels_free(struct kernels *kernels);
enum kernel_isa kernels_isa(const struct kernels *kernels); /* never AUTO */
/*
 * A device (guest/engine/device.h) that executors made with these kernels run on, borrowed; NULL: none. Only in the class
 * `fma`, as devices have no other.
 */
struct device;
MUST_USE int kernels_attach(struct kernels *kernels, struct device *device, struct error *err);
struct device *kernels_device(const struct kernels *kernels);
const char *kernel_isa_name(enum kernel_isa isa);           /* "sse2", "avx", "avx2", "avx512" */
MUST_USE int kernel_isa_from_name(const char *name, enum kernel_isa *ret_isa);

/*
 * Runs work(argument, first, last) over [0, count) split into one contiguous range a thread; the
 * work writes only outputs of its own range. Returns when all is done.
 */
void kernels_parallel(struct kernels *kernels, size_t count, void (*work)(void *argument, size_t first, size_t last),
                      void *argument);

/*
 * Takes the memory that calls need beforehand, so that they allocate nothing. kernels_memory is what the
 * context holds after that, in bytes (with 0: what it holds).
 */
MUST_USE int kernels_reserve(struct kernels *kernels, size_t scratch_floats);
uint64_t kernels_memory(const struct kernels *kernels, size_t scratch_floats);

/* --- convolution ------------------------------------------------------------------------- */

struct kernel_conv {
    size_t batch, groups;
    size_t in_channels, in_height, in_width;    /* of all groups */
    size_t out_channels, out_height, out_width; /* of all groups; sizes consistent with the rest */
    size_t kernel_height, kernel_width;
    size_t stride_height, stride_width;
    size_t dilation_height, dilation_width;
    size_t pad_top, pad_left; /* bottom and right follow from the output's size */
};

/*
 * How a convolution is computed follows from its shape alone, never from the batch, the CPU or the
 * threads (winograd.c has the rule). Winograd's tiles of 2×2 or 4×4 outputs need 2.25 or 4 times fewer
 * products and round differently; orders of their sums are in winograd.c.
 */
enum kernel_method { KERNEL_DIRECT, KERNEL_WINOGRAD_2, KERNEL_WINOGRAD_4 };
enum kernel_method kernel_conv_method(const struct kernel_conv *conv);          /* of the forward pass */
enum kernel_method kernel_conv_backward_method(const struct kernel_conv *conv); /* of the gradient */

/*
 * What is done to a result as it is written, in this order, each step where it is asked for: r + bias of
 * its channel, one rounded addition; r + addend; +0 where r <= 0 (a NaN stays); +0 where mask <= 0.
 * addend and mask have the result's shape; addend may be the result's own memory.
 */
struct kernel_finish {
    const float *bias;   /* [channels] or NULL */
    const float *addend; /* or NULL */
    const float *mask;   /* or NULL */
    bool relu;
};

/*
 * Weights are OIHW (out_channels × in_channels/groups × kernel_height × kernel_width). Packing is
 * done once a network; `kernel_conv_packed_size` is in floats, 0 for a shape that is refused. The batch
 * doesn't matter to it. Aligned to 64 bytes, packed weights are read faster; the layout belongs to the
 * instruction set of `kernels`.
 *
 * Order of one output by the direct method: acc = 0; for each input channel of the group, kernel row, kernel
 * column, in ascending order, padded positions as x = 0; then `finish` (NULL: nothing). The short form's finish
 * is a bias (or NULL).
 */
size_t kernel_conv_packed_size(const struct kernel_conv *conv);
void kernel_conv_pack(const struct kernels *kernels, const struct kernel_conv *conv, const float *weights,
                      float *ret_packed);
MUST_USE int kernel_conv_forward(struct kernels *kernels, const struct kernel_conv *conv, const float *x,
                                 const float *packed, const float *bias, float *ret_y);
MUST_USE int kernel_conv_forward_finish(struct kernels *kernels, const struct kernel_conv *conv, const float *x,
                                        const float *packed, const struct kernel_finish *finish, float *ret_y);

/*
 * The gradient with respect to the input, and ConvTranspose's forward pass: dx from dy.
 * Order of one dx by the direct method: acc = 0; for each output channel of the group, kernel row, kernel column, in
 * ascending order, of the taps that meet the stride's grid ((row + pad_top - kernel row · dilation)
 * divisible by the stride, and likewise for columns), positions outside dy as 0; dx = 0 where no tap
 * does. Packed by its own function from the same OIHW weights.
 */
size_t kernel_conv_packed_backward_size(const struct kernel_conv *conv);
void kernel_conv_pack_backward(const struct kernels *kernels, const struct kernel_conv *conv, const float *weights,
                               float *ret_packed);
MUST_USE int kernel_conv_backward_input(struct kernels *kernels, const struct kernel_conv *conv, const float *dy,
                                        const float *packed, float *ret_dx);
MUST_USE int kernel_conv_backward_input_finish(struct kernels *kernels, const struct kernel_conv *conv, const float *dy,
                                               const float *packed, const struct kernel_finish *finish, float *ret_dx);

/* Floats that a pass of this convolution (and batch) takes from the context's memory; SIZE_MAX: too many to count. */
size_t kernel_conv_forward_scratch(const struct kernels *kernels, const struct kernel_conv *conv);
size_t kernel_conv_backward_scratch(const struct kernels *kernels, const struct kernel_conv *conv);

/* --- matrix product ------------------------------------------------------------------------ */

/*
 * C[m×n] = op(A)[m×k] · op(B)[k×n], op by the transposed flags; leading dimensions in floats.
 * Order of one output: acc = 0; k ascending. C is overwritten.
 */
struct kernel_gemm {
    size_t m, n, k;
    size_t lda, ldb, ldc;
    bool transposed_a, transposed_b;
};
MUST_USE int kernel_gemm(struct kernels *kernels, const struct kernel_gemm *gemm, const float *a, const float *b,
                         float *ret_c);

/*
 * The same with a B that is packed once; m doesn't matter to that. Sizes in floats, 0 for a shape that is
 * refused; the layout belongs to the instruction set of `kernels`. The scratch functions say what a call
 * takes from the context's memory.
 */
size_t kernel_gemm_packed_size(const struct kernel_gemm *gemm);
void kernel_gemm_pack(const struct kernels *kernels, const struct kernel_gemm *gemm, const float *b, float *ret_packed);
MUST_USE int kernel_gemm_packed(struct kernels *kernels, const struct kernel_gemm *gemm, const float *a,
                                const float *packed, float *ret_c);
size_t kernel_gemm_scratch(const struct kernels *kernels, const struct kernel_gemm *gemm);
size_t kernel_gemm_packed_scratch(const struct kernels *kernels, const struct kernel_gemm *gemm);

/* --- elementwise functions, own fixed-order code, never libm ---------------------------------- */

/* y[i] = f(x[i]); the documented error in ulp stands beside each in the source. x and y may be one. */
void kernel_exp(struct kernels *kernels, const float *x, float *ret_y, size_t count);
void kernel_tanh(struct kernels *kernels, const float *x, float *ret_y, size_t count);
void kernel_erf(struct kernels *kernels, const float *x, float *ret_y, size_t count);
void kernel_sigmoid(struct kernels *kernels, const float *x, float *ret_y, size_t count);
void kernel_log(struct kernels *kernels, const float *x, float *ret_y, size_t count);

/* acc + a·b in the class's arithmetic, for code that is written out per element elsewhere. */
float kernel_multiply_add(const struct kernels *kernels, float a, float b, float accumulator);

#endif
