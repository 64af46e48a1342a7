cm_add_program(cm_inside_ar SOURCES ${CMAKE_CURRENT_LIST_DIR}/cm_inside_ar.c LIBS cm_libc)
