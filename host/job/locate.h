/* SPDX-License-Identifier: Apache-2.0 */
/* Where the files are that come with Lazaret: shipped policies, recipes, and the agent for process isolation. */
#ifndef LAZARET_HOST_JOB_LOCATE_H
#define LAZARET_HOST_JOB_LOCATE_H

#include "base/error.h"

#include <limits.h>

/*
 * A policy by its shipped name ("low") or its path. Shipped policies lie in ../policies beside the program's folder (a
 * build tree) or in ../share/lazaret/policies (an installation). ERROR_NO_INPUT names what was tried.
 */
MUST_USE int locate_policy(const char *name_or_path, char ret_path[PATH_MAX], struct error *err);

/* A recipe of images/ by its name, found likewise. ERROR_NO_INPUT. */
MUST_USE int locate_recipe(const char *name, char ret_path[PATH_MAX], struct error *err);

/* The agent beside this program. ERROR_UNAVAILABLE where it is not there. */
MUST_USE int locate_driver_agent(char ret_path[PATH_MAX], struct error *err); /* that for --device opencl */
MUST_USE int locate_agent(char ret_path[PATH_MAX], struct error *err);

#endif
