/* SPDX-License-Identifier: Apache-2.0 */
/* Cross-entropy's gradient on logits. */
#include "guest/engine/loss.h"

#include <errno.h>

static void binary_gradient(struct kernels *kernels, const float *logits, const int32_t *labels, size_t samples,
                            float *ret_gradient)
{
    for (size_t i = 0; i < samples; i++)
        ret_gradient[i] = labels[i] == 1 ? -logits[i] : logits[i];
    kernel_sigmoid(kernels, ret_gradient, ret_gradient, samples);
    for (size_t i = 0; i < samples; i++)
        if (labels[i] == 1)
            ret_gradient[i] = -ret_gradient[i];
}

static void subtract_maximum(const float *logits, size_t classes, float *ret_z)
{
    float maximum = logits[0];

    for (size_t j = 1; j < classes; j++)
        if (logits[j] > maximum)
            maximum = logits[j];
    for (size_t j = 0; j < classes; j++)
        ret_z[j] = logits[j] - maximum;
}

/* From exponentials to the gradient of one sample. */
static void finish_sample(float *g, size_t classes, size_t label)
{
    float sum = 0.0f;
    float others = 0.0f;

    for (size_t j = 0; j < classes; j++)
        sum += g[j];
    for (size_t j = 0; j < classes; j++)
        g[j] = g[j] / sum;
    for (size_t j = 0; j < classes; j++)
        if (j != label)
            others += g[j];
    g[label] = -others;
}

bool loss_labels_fit(const int32_t *labels, size_t samples, size_t classes)
{
    size_t labels_end = classes == 1 ? 2 : classes;

    for (size_t i = 0; i < samples; i++)
        if (labels[i] < 0 || (size_t)labels[i] >= labels_end)
            return false;
    return true;
}

int loss_gradient(struct kernels *kernels, const float *logits, const int32_t *labels, size_t samples, size_t classes,
                  float *ret_gradient)
{
    if (!loss_labels_fit(labels, samples, classes))
        return -EINVAL;
    if (classes == 1) {
        binary_gradient(kernels, logits, labels, samples, ret_gradient);
        return 0;
    }
    for (size_t i = 0; i < samples; i++)
        subtract_maximum(logits + i * classes, classes, ret_gradient + i * classes);
    kernel_exp(kernels, ret_gradient, ret_gradient, samples * classes);
    for (size_t i = 0; i < samples; i++)
        finish_sample(ret_gradient + i * classes, classes, (size_t)labels[i]);
    return 0;
}
