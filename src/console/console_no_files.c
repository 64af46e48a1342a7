/* The dashboard of a program that was built without node: none. See console_files.h. */
#include "console/console_files.h"

const struct cm_console_file cm_console_files[] = {{NULL, NULL, NULL, {NULL, 0}, {NULL, 0}, false}};
const size_t cm_console_file_count = 0;
