# casemate-service: `casemate serve` and `casemate audit`. A program of its own, because it needs libraries (libpq) that the
# tools do without.
cm_add_program(casemate-service SOURCES ${CMAKE_CURRENT_LIST_DIR}/casemate_service.c ${CMAKE_CURRENT_LIST_DIR}/casemate_audit.c
               LIBS cm_serve cm_access)
# libevent's need of a newer glibc than our programs'
target_link_options(casemate-service PRIVATE LINKER:--defsym=arc4random=cm_serve_random_u32
                    LINKER:--defsym=arc4random_buf=cm_serve_random_buf)
target_compile_definitions(casemate-service PRIVATE CM_VERSION="${PROJECT_VERSION}")
install(TARGETS casemate-service RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
