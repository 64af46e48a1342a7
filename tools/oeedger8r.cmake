cm_add_program(oeedger8r SOURCES ${CMAKE_CURRENT_SOURCE_DIR}/oeedger8r.c LIBS cm_edl)
target_compile_definitions(oeedger8r PRIVATE CM_VERSION="${PROJECT_VERSION}")
install(TARGETS oeedger8r RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
