/* SPDX-License-Identifier: Apache-2.0 */
/* What goes to the device and comes back: inputs ahead of their run, tensors, the loss and its predictions. */
#include "guest/engine/opencl/session_internal.h"

#include <errno.h>

static void release_event(cl_event *event)
{
    if (*event != NULL)
        (void)clReleaseEvent(*event);
    *event = NULL;
}

int session_allocate_stages(struct device_session *session, struct error *err)
{
    int r = 0;

    for (unsigned i = 0; r == 0 && i < STAGES; i++) {
        session->stages[i].host = malloc(session->input_size * sizeof(float));
        if (session->stages[i].host == NULL)
            return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for inputs on their way to the device");
        r = opencl_allocate(session->device, session->input_size * sizeof(float), "a batch of inputs", &session->held,
                            &session->stages[i].buffer, err);
    }
    return r;
}

void session_free_stages(struct device_session *session)
{
    for (unsigned i = 0; i < STAGES; i++) {
        release_event(&session->stages[i].sent);
        release_event(&session->stages[i].taken);
        if (session->stages[i].buffer != NULL)
            (void)clReleaseMemObject(session->stages[i].buffer);
        free(session->stages[i].host);
    }
}

float *session_input(struct device_session *session)
{
    struct session_stage *stage = &session->stages[session->stage];

    /* The last transfer from here is long over; how it ended, its run has said. */
    if (stage->sent != NULL)
        (void)clWaitForEvents(1, &stage->sent);
    return stage->host;
}

int session_stage(struct device_session *session, size_t count, struct error *err)
{
    struct session_stage *stage = &session->stages[session->stage];
    struct opencl_device *device = session->device;
    cl_int status;

    release_event(&stage->sent);
    status =
        clEnqueueWriteBuffer(device->transfer, stage->buffer, CL_FALSE, 0, count * sizeof(float), stage->host,
                             stage->taken != NULL ? 1 : 0, stage->taken != NULL ? &stage->taken : NULL, &stage->sent);
    if (status == CL_SUCCESS)
        status = clFlush(device->transfer);
    return status == CL_SUCCESS ? 0 : opencl_failed(device, "inputs can't be sent", status, err);
}

int session_take_input(struct device_session *session, float *place, size_t count, struct error *err)
{
    struct session_stage *stage = &session->stages[session->stage];
    struct place to = session_place(session, place);
    cl_int status;

    release_event(&stage->taken);
    status = clEnqueueCopyBuffer(session->device->queue, stage->buffer, to.buffer, 0, to.at * sizeof(float),
                                 count * sizeof(float), 1, &stage->sent, &stage->taken);
    session->stage = (session->stage + 1) % STAGES;
    return status == CL_SUCCESS ? 0 : opencl_failed(session->device, "inputs can't be taken", status, err);
}

int session_write(struct device_session *session, const float *place, size_t count, struct error *err)
{
    struct place to = session_place(session, place);
    cl_int status = clEnqueueWriteBuffer(session->device->queue, to.buffer, CL_TRUE, to.at * sizeof(float),
                                         count * sizeof(float), place, 0, NULL, NULL);

    return status == CL_SUCCESS ? 0 : opencl_failed(session->device, "a tensor can't be sent", status, err);
}

/* Of the transfers that ran ahead: a failed one must not go unseen. */
static int check_event(const struct device_session *session, cl_event event, struct error *err)
{
    cl_int ended = CL_COMPLETE;

    if (event == NULL)
        return 0;
    if (clGetEventInfo(event, CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof ended, &ended, NULL) != CL_SUCCESS)
        ended = CL_OUT_OF_RESOURCES;
    return ended >= 0 ? 0 : opencl_failed(session->device, "inputs did not arrive", ended, err);
}

int session_read(struct device_session *session, float *place, size_t count, struct error *err)
{
    struct place from = session_place(session, place);
    int r = opencl_settle(session->device, err);
    cl_int status;

    for (unsigned i = 0; r == 0 && i < STAGES; i++) {
        r = check_event(session, session->stages[i].sent, err);
        if (r == 0)
            r = check_event(session, session->stages[i].taken, err);
    }
    if (r < 0)
        return r;
    status = clEnqueueReadBuffer(session->device->queue, from.buffer, CL_TRUE, from.at * sizeof(float),
                                 count * sizeof(float), place, 0, NULL, NULL);
    return status == CL_SUCCESS ? 0 : opencl_failed(session->device, "results can't be fetched", status, err);
}

/* --- the loss ------------------------------------------------------------------------------------------------ */

int session_loss(struct device_session *session, const float *logits, const int32_t *labels, size_t samples,
                 size_t classes, float *ret_gradient, struct error *err)
{
    struct launch launch = launch_begin(session->device, KERNEL_LOSS);

    if (labels != NULL) {
        cl_int status = clEnqueueWriteBuffer(session->device->queue, session->labels, CL_TRUE, 0,
                                             samples * sizeof(cl_int), labels, 0, NULL, NULL);

        if (status != CL_SUCCESS)
            return opencl_failed(session->device, "labels can't be sent", status, err);
    }
    launch_place(&launch, session_place(session, logits));
    launch_buffer(&launch, session->labels);
    launch_buffer(&launch, session->predictions);
    launch_place(&launch, session_place(session, ret_gradient));
    launch_number(&launch, classes);
    launch_number(&launch, labels != NULL);
    launch_number(&launch, samples);
    return launch_run(&launch, samples, 1, 1, err);
}

int session_predictions(struct device_session *session, size_t samples, int32_t *ret_predictions, struct error *err)
{
    int r = opencl_settle(session->device, err);
    cl_int status;

    if (r < 0)
        return r;
    status = clEnqueueReadBuffer(session->device->queue, session->predictions, CL_TRUE, 0, samples * sizeof(cl_int),
                                 ret_predictions, 0, NULL, NULL);
    return status == CL_SUCCESS ? 0 : opencl_failed(session->device, "predictions can't be fetched", status, err);
}
