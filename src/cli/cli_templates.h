/* The files of a new project; cli_templates.cmake makes the table from templates/. */
#ifndef CM_CLI_TEMPLATES_H
#define CM_CLI_TEMPLATES_H

#include <stddef.h>

struct cm_template {
    const char *path; /* below the project's folder; @NAME@ stands for its name, here and in text */
    const char *text;
    size_t len;
};

extern const struct cm_template cm_templates[];
extern const size_t cm_template_count;

#endif
