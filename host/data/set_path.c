/* SPDX-License-Identifier: Apache-2.0 */
/* The argument of --test and --train as paths. */
#include "host/data/set_path.h"

#include <errno.h>
#include <string.h>

void set_path_free(struct set_path *path)
{
    free(path->file);
    free(path->labels);
    *path = (struct set_path){0};
}

static int no_memory(struct error *err)
{
    return error_set(err, ERROR_INTERNAL, -ENOMEM, "no memory for a path");
}

/* The labels by the MNIST files' convention, in the last part of the path; NULL where the name isn't of that kind. */
static char *conventional_labels(const char *file)
{
    char *labels = strdup(file);
    char *slash = labels != NULL ? strrchr(labels, '/') : NULL;
    char *name = slash != NULL ? slash + 1 : labels;
    char *images = name != NULL ? strstr(name, "images") : NULL;
    char *idx = name != NULL ? strstr(name, "idx3") : NULL;

    if (images == NULL || idx == NULL) {
        free(labels);
        return NULL;
    }
    memcpy(images, "labels", 6); /* as long as the word that goes */
    idx[3] = '1';
    return labels;
}

int set_path_resolve(const char *argument, struct set_path *ret_path, struct error *err)
{
    const char *comma = strchr(argument, ',');
    char *labels = NULL;

    if (comma != NULL && access(argument, F_OK) < 0) {
        if (comma == argument || comma[1] == '\0' || strchr(comma + 1, ',') != NULL)
            return error_set(err, ERROR_USAGE, -EINVAL,
                             "%s: with a comma it names IDX images and their labels: IMAGES,LABELS", argument);
        ret_path->file = strndup(argument, (size_t)(comma - argument));
        ret_path->labels = strdup(comma + 1);
        return ret_path->file != NULL && ret_path->labels != NULL ? 0 : no_memory(err);
    }
    ret_path->file = strdup(argument);
    if (ret_path->file == NULL)
        return no_memory(err);
    labels = conventional_labels(argument);
    if (labels != NULL && access(labels, F_OK) == 0)
        ret_path->labels = TAKE_POINTER(labels);
    free(labels);
    return 0;
}
