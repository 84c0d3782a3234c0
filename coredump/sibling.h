/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Where Vigil's inner programs are: beside the program that runs, as in a build tree, else where
 * they are installed. The folder is as trustworthy as the program in it; the environment is not
 * asked. The absolute path; caller frees; NULL: no memory. */
char *sibling_path(const char *name);
