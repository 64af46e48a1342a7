# The enclave and the process behind `casemate doctor --hardware-selftest`.
if(COMMAND cm_add_enclave AND TARGET oehost AND TARGET oecore)
  cm_add_enclave(selftest_enclave SOURCES ${CMAKE_CURRENT_LIST_DIR}/selftest_enclave.c)
  cm_edl_generate(selftest_enclave ${CMAKE_CURRENT_LIST_DIR}/selftest.edl TRUSTED)
  cm_add_program(selftest_host SOURCES ${CMAKE_CURRENT_LIST_DIR}/selftest_host.c LIBS oehost cm_quoting cm_token)
  cm_edl_generate(selftest_host ${CMAKE_CURRENT_LIST_DIR}/selftest.edl UNTRUSTED)
  add_dependencies(selftest_host selftest_enclave)
  install(TARGETS selftest_host RUNTIME DESTINATION lib/casemate)
  # unsigned: it is signed at load, with the user's own key
  install(TARGETS selftest_enclave RUNTIME DESTINATION lib/casemate)
endif()
