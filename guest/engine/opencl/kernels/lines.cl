/* SPDX-License-Identifier: Apache-2.0 */
/* Sums along lines: softmax, the loss, reductions. An item a line, its sum from first to last. */
static ulong line_start(uint line, uint length, uint inner)
{
    return (ulong)(line / inner) * length * inner + line % inner;
}

/* guest/engine/op_softmax.c. */
__kernel __attribute__((reqd_work_group_size(64, 1, 1))) void softmax(PLACE(x), PLACE(y), uint length, uint inner,
                                                                      uint logarithm, uint lines)
{
    OPEN(x);
    OPEN(y);
    const uint line = get_global_id(0);
    float maximum, sum = 0.0f;

    if (line >= lines)
        return;
    x += line_start(line, length, inner);
    y += line_start(line, length, inner);
    maximum = x[0];
    for (uint i = 1; i < length; i++)
        maximum = x[i * inner] > maximum ? x[i * inner] : maximum;
    for (uint i = 0; i < length; i++) {
        float e = fixed_exp(x[i * inner] - maximum);

        sum = sum + e;
        if (!logarithm)
            y[i * inner] = e;
    }
    if (logarithm) {
        sum = fixed_log(sum);
        for (uint i = 0; i < length; i++)
            y[i * inner] = (x[i * inner] - maximum) - sum;
    } else {
        for (uint i = 0; i < length; i++)
            y[i * inner] = y[i * inner] / sum;
    }
}

__kernel __attribute__((reqd_work_group_size(64, 1, 1))) void
softmax_gradient(PLACE(y), PLACE(dy), PLACE(dx), uint length, uint inner, uint logarithm, uint lines)
{
    OPEN(y);
    OPEN(dy);
    OPEN(dx);
    const uint line = get_global_id(0);
    float sum = 0.0f;

    if (line >= lines)
        return;
    y += line_start(line, length, inner);
    dy += line_start(line, length, inner);
    dx += line_start(line, length, inner);
    for (uint i = 0; i < length; i++)
        sum = sum + (logarithm ? dy[i * inner] : dy[i * inner] * y[i * inner]);
    for (uint i = 0; i < length; i++) {
        if (logarithm)
            dx[i * inner] = dy[i * inner] - fixed_exp(y[i * inner]) * sum;
        else
            dx[i * inner] = (dy[i * inner] - sum) * y[i * inner];
    }
}

/* guest/engine/loss.c, and network_argmax() for the predictions; an item a sample. */
__kernel __attribute__((reqd_work_group_size(64, 1, 1))) void
loss(PLACE(logits), __global const int *labels, __global int *predictions, PLACE(gradient), uint classes,
     uint labelled, uint samples)
{
    OPEN(logits);
    OPEN(gradient);
    const uint sample = get_global_id(0);
    __global const float *z = logits + (ulong)sample * classes;
    __global float *g = gradient + (ulong)sample * classes;
    float maximum, sum = 0.0f, others = 0.0f;
    uint best = 0, label;

    if (sample >= samples)
        return;
    if (classes == 1) {
        float logit = z[0];

        predictions[sample] = logit > 0.0f ? 1 : 0;
        label = (uint)(labelled ? labels[sample] : predictions[sample]);
        g[0] = label == 1 ? -fixed_sigmoid(-logit) : fixed_sigmoid(logit);
        return;
    }
    while (best + 1 < classes && z[best] != z[best])
        best++;
    for (uint j = best + 1; j < classes; j++)
        if (z[j] > z[best])
            best = j;
    predictions[sample] = z[best] != z[best] ? 0 : (int)best;
    label = (uint)(labelled ? labels[sample] : predictions[sample]);
    maximum = z[0];
    for (uint j = 1; j < classes; j++)
        maximum = z[j] > maximum ? z[j] : maximum;
    for (uint j = 0; j < classes; j++) {
        float e = fixed_exp(z[j] - maximum);

        g[j] = e;
        sum = sum + e;
    }
    for (uint j = 0; j < classes; j++) {
        float p = g[j] / sum;

        g[j] = p;
        if (j != label)
            others = others + p;
    }
    g[label] = -others;
}

/*
 * guest/engine/op_reduce.c: an item an element of the output, 0 plus its inputs in their row-major order, divided.
 * walk is over the input; strides 0 are the output's, 1 the input's.
 */
__kernel __attribute__((reqd_work_group_size(64, 1, 1))) void reduce(PLACE(x), PLACE(y), struct walk walk,
                                                                     float divisor, uint count)
{
    OPEN(x);
    OPEN(y);
    const uint i = get_global_id(0);
    uint fixed = 0, others = 1, rest = i;
    float sum = 0.0f;

    if (i >= count)
        return;
    for (uint axis = walk.rank; axis-- > 0;) {
        if (walk.stride[0][axis] == 0) {
            others *= walk.dims[axis];
            continue;
        }
        fixed += rest % walk.dims[axis] * walk.stride[1][axis];
        rest /= walk.dims[axis];
    }
    for (uint o = 0; o < others; o++) {
        uint at = fixed;

        rest = o;
        for (uint axis = walk.rank; axis-- > 0;) {
            if (walk.stride[0][axis] != 0)
                continue;
            at += rest % walk.dims[axis] * walk.stride[1][axis];
            rest /= walk.dims[axis];
        }
        sum = sum + x[at];
    }
    y[i] = sum / divisor;
}

__kernel __attribute__((reqd_work_group_size(64, 1, 1))) void reduce_gradient(PLACE(dy), PLACE(dx), struct walk walk,
                                                                              float divisor, uint count)
{
    OPEN(dy);
    OPEN(dx);
    const uint i = get_global_id(0);
    uint at = 0, rest = i;

    if (i >= count)
        return;
    for (uint axis = walk.rank; axis-- > 0; rest /= walk.dims[axis])
        at += rest % walk.dims[axis] * walk.stride[0][axis];
    dx[i] = dy[at] / divisor;
}
