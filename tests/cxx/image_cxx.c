/* The table of the C++ cases. */
#include "cxx_case.h"

const struct cm_case cm_cases[] = {
    {"exceptions", cm_cxx_exceptions},
    {"types", cm_cxx_types},
    {"memory", cm_cxx_memory},
    {"library", cm_cxx_library},
    {"eleven", cm_cxx_eleven},
    {"iostream", cm_cxx_iostream},
    {"locale", cm_cxx_locale},
    {"regex", cm_cxx_regex},
    {"C5_random", cm_cxx_random},
    {"host", cm_cxx_host},
    {"statics", cm_cxx_statics},
    {"thread_local", cm_cxx_thread_local},
    {"D5_locks", cm_cxx_locks},
    {"D5_atomics", cm_cxx_atomics},
    {NULL, NULL},
};
