/* SPDX-License-Identifier: Apache-2.0 */
/* Cleanup by attribute: memory and descriptors released at the end of their scope. */
#ifndef LAZARET_BASE_CLEANUP_H
#define LAZARET_BASE_CLEANUP_H

#include <stdlib.h>
#include <unistd.h>

#define MUST_USE __attribute__((warn_unused_result))

/* Frees what a `T *` variable points to; NULL is fine. */
static inline void cleanup_free_pointer(void *pointer_to_pointer)
{
    free(*(void **)pointer_to_pointer);
}

/* Closes a descriptor variable; negative means none. */
static inline void cleanup_close_fd(const int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
}

#define CLEANUP_FREE __attribute__((cleanup(cleanup_free_pointer)))
#define CLEANUP_FD   __attribute__((cleanup(cleanup_close_fd)))
#define CLEANUP(f)   __attribute__((cleanup(f)))

/* Hands a descriptor on: returns it and leaves -1 behind. */
static inline int take_fd(int *fd)
{
    int taken = *fd;

    *fd = -1;
    return taken;
}

/* Hands a pointer on: yields it and leaves NULL behind. */
#define TAKE_POINTER(p)                                                                                                \
    __extension__({                                                                                                    \
        __typeof__(p) taken_ = (p);                                                                                    \
        (p) = NULL;                                                                                                    \
        taken_;                                                                                                        \
    })

#endif
