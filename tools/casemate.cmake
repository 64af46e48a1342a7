# casemate: new, doctor, inspect, run, attest, verify, quote show, policy, collateral, eif, platform, pccs; serve and audit by casemate-service
cm_add_program(casemate SOURCES ${CMAKE_CURRENT_LIST_DIR}/casemate.c ${CMAKE_CURRENT_LIST_DIR}/casemate_evidence.c
               ${CMAKE_CURRENT_LIST_DIR}/casemate_predict.c
               ${CMAKE_CURRENT_LIST_DIR}/casemate_platform.c ${CMAKE_CURRENT_LIST_DIR}/casemate_attest.c
               ${CMAKE_CURRENT_LIST_DIR}/casemate_policy.c ${CMAKE_CURRENT_LIST_DIR}/casemate_eif.c
               ${CMAKE_CURRENT_LIST_DIR}/casemate_collateral.c ${CMAKE_CURRENT_LIST_DIR}/casemate_serve.c LIBS cm_cli)
# see cli_pccs.h: libevent's need of a newer glibc than our tools'
target_link_options(casemate PRIVATE LINKER:--defsym=arc4random=cm_pccs_random_u32
                    LINKER:--defsym=arc4random_buf=cm_pccs_random_buf)
target_compile_definitions(casemate PRIVATE CM_VERSION="${PROJECT_VERSION}")
install(TARGETS casemate RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
