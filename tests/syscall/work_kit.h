/* Folders for work that is done inside and outside, and what both saw. */
#ifndef CM_TESTS_WORK_KIT_H
#define CM_TESTS_WORK_KIT_H

#include <stdbool.h>

/* A fresh folder; path has 64 bytes. */
bool kit_folder(char *path);
void kit_remove(const char *path);

/* The lines of two logs, of outside and inside, that are not the same. */
void kit_print_difference(const char *a, const char *b);

#endif
