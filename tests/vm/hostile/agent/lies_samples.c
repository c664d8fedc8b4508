/* SPDX-License-Identifier: Apache-2.0 */
/* Forged adversarial samples: what a guest returns to have an attack look weak, or the host look foolish. */
#include "hostile.h"

#include <string.h>

#define ELEMENTS_MAX 65536u

/* The message's own elements, to be changed. */
static float *elements(struct message *message)
{
    static float copy[ELEMENTS_MAX];
    struct message_blob *blob = &message->sample.elements;

    if (blob->size > sizeof copy)
        blob->size = sizeof copy;
    memcpy(copy, blob->data, blob->size);
    blob->data = (const uint8_t *)copy;
    return copy;
}

static bool nan_element(struct puppet *puppet, struct message *message)
{
    (void)puppet;
    elements(message)[0] = __builtin_nanf("");
    return true;
}

static bool infinite(struct puppet *puppet, struct message *message)
{
    (void)puppet;
    elements(message)[0] = __builtin_inff();
    return true;
}

static bool out_of_range(struct puppet *puppet, struct message *message)
{
    (void)puppet;
    elements(message)[0] = 1e30f;
    return true;
}

/* Within the range, beyond eps. */
static bool out_of_norm(struct puppet *puppet, struct message *message)
{
    float *x = elements(message);

    (void)puppet;
    x[0] = x[0] > 0.5f ? 0.0f : 1.0f;
    return true;
}

static bool denormal(struct puppet *puppet, struct message *message)
{
    (void)puppet;
    elements(message)[0] = -1e-44f;
    return true;
}

static bool unasked(struct puppet *puppet, struct message *message)
{
    (void)puppet;
    message->sample.sample = PLAN_SAMPLES_MAX - 1;
    return true;
}

static bool again(struct puppet *puppet, struct message *message)
{
    puppet_send(puppet, message);
    return true;
}

static bool beyond_the_end(struct puppet *puppet, struct message *message)
{
    (void)puppet;
    message->sample.offset = plan_sample_elements(&puppet->plan.contract);
    return true;
}

static bool far_offset(struct puppet *puppet, struct message *message)
{
    (void)puppet;
    message->sample.offset = PLAN_SAMPLE_MAX;
    return true;
}

/* The second half before the first. */
static bool backwards(struct puppet *puppet, struct message *message)
{
    (void)puppet;
    message->sample.offset = 32;
    message->sample.elements.size /= 2;
    return true;
}

/* Never sent at all. */
static bool withheld(struct puppet *puppet, struct message *message)
{
    (void)puppet;
    (void)message;
    return false;
}

static bool half(struct puppet *puppet, struct message *message)
{
    (void)puppet;
    message->sample.elements.size /= 2;
    return true;
}

static bool odd(struct puppet *puppet, struct message *message)
{
    (void)puppet;
    message->sample.elements.size -= 1;
    return true;
}

const struct hostile_lie lies_samples[] = {
    {"sample-nan", MESSAGE_SAMPLE, nan_element},
    {"sample-infinite", MESSAGE_SAMPLE, infinite},
    {"sample-range", MESSAGE_SAMPLE, out_of_range},
    {"sample-norm", MESSAGE_SAMPLE, out_of_norm},
    {"sample-denormal", MESSAGE_SAMPLE, denormal},
    {"sample-unasked", MESSAGE_SAMPLE, unasked},
    {"sample-again", MESSAGE_SAMPLE, again},
    {"sample-beyond", MESSAGE_SAMPLE, beyond_the_end},
    {"sample-far", MESSAGE_SAMPLE, far_offset},
    {"sample-backwards", MESSAGE_SAMPLE, backwards},
    {"sample-withheld", MESSAGE_SAMPLE, withheld},
    {"sample-half", MESSAGE_SAMPLE, half},
    {"sample-odd", MESSAGE_SAMPLE, odd},
    {0},
};
