# oeverify: the Open Enclave SDK's verifier of evidence in files.
if(TARGET oehostverify)
  cm_add_program(oeverify SOURCES ${CMAKE_CURRENT_LIST_DIR}/oeverify.c ${CMAKE_CURRENT_LIST_DIR}/oe_show.c LIBS oehostverify)
  install(TARGETS oeverify RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
