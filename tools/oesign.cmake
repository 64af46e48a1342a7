# oesign: sign, digest, dump, predict
cm_add_program(oesign SOURCES ${CMAKE_CURRENT_LIST_DIR}/oesign.c LIBS cm_sign)
target_compile_definitions(oesign PRIVATE CM_VERSION="${PROJECT_VERSION}")
install(TARGETS oesign RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
