# casemate: new, doctor, inspect, run, verify, quote show, platform, pccs
cm_add_program(casemate SOURCES ${CMAKE_CURRENT_LIST_DIR}/casemate.c ${CMAKE_CURRENT_LIST_DIR}/casemate_evidence.c
               ${CMAKE_CURRENT_LIST_DIR}/casemate_platform.c LIBS cm_cli)
target_compile_definitions(casemate PRIVATE CM_VERSION="${PROJECT_VERSION}")
install(TARGETS casemate RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
