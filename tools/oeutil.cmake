# oeutil: the Open Enclave SDK's tool for evidence and endorsements, with an enclave of its own.
if(COMMAND cm_add_enclave AND TARGET oehost AND TARGET oecore)
  cm_add_enclave(oeutil_enclave SOURCES ${CMAKE_CURRENT_LIST_DIR}/oeutil_enclave.c LIBS openssl_3)
  cm_edl_generate(oeutil_enclave ${CMAKE_CURRENT_LIST_DIR}/oeutil.edl TRUSTED)
  cm_add_program(oeutil SOURCES ${CMAKE_CURRENT_LIST_DIR}/oeutil.c ${CMAKE_CURRENT_LIST_DIR}/oeutil_generate.c
                 ${CMAKE_CURRENT_LIST_DIR}/oe_show.c ${CMAKE_SOURCE_DIR}/src/cli/cli_find.c LIBS oehost)
  cm_edl_generate(oeutil ${CMAKE_CURRENT_LIST_DIR}/oeutil.edl UNTRUSTED)
  add_dependencies(oeutil oeutil_enclave)
  install(TARGETS oeutil RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  install(TARGETS oeutil_enclave RUNTIME DESTINATION lib/casemate) # unsigned: signed at load
endif()
