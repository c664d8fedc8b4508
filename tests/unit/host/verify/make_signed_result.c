/* SPDX-License-Identifier: Apache-2.0 */
/* make-signed-result FOLDER: a signed output directory for other verifiers to look at. */
#include "unit/host/verify/result.h"

#include <stdio.h>

int main(int argc, char **argv)
{
    struct error err = {0};

    if (argc != 2 || result_make(argv[1], &err) < 0) {
        (void)fprintf(stderr, "make-signed-result: %s\n", err.text);
        return 1;
    }
    return 0;
}
