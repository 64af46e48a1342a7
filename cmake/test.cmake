# cm_test_enclave(<name> SOURCES <file>... [LIBS <target>...])
#     The signed enclave <name>_enclave, with the trusted code of <name>.edl.
# cm_add_test(<name> LABEL <label> TIMEOUT <seconds> [SOURCES <file>...] [LIBS <target>...]
#             [EDL <file.edl>...] [ENCLAVES <name>...] [IN_SOURCE])
#     The program <name> over tests/harness.h, of <name>.c and SOURCES with the untrusted code of each EDL,
#     built with the enclaves; and the test <folder>.<name>, IN_SOURCE where it reads files of the tree or of
#     the vectors beside it.
# cm_test_kit(<name> SOURCES <file>... LIBS <target>...)
#     What several tests, or fuzz targets and benches, share.
# cm_doc_example(<name> <page of docs/> LIBS <target>...)
#     The program <name> of the C that stands in that page.
function(cm_test_enclave name)
  cm_add_enclave(${name}_enclave ${ARGN})
  cm_edl_generate(${name}_enclave ${name}.edl TRUSTED)
  cm_sign_enclave(${name}_enclave)
endfunction()

function(cm_add_test name)
  get_filename_component(area ${CMAKE_CURRENT_SOURCE_DIR} NAME)
  cmake_parse_arguments(A "IN_SOURCE" "LABEL;TIMEOUT" "SOURCES;LIBS;EDL;ENCLAVES" ${ARGN})
  cm_add_program(${name} SOURCES ${name}.c ${A_SOURCES} LIBS ${A_LIBS})
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR}/tests ${CMAKE_CURRENT_SOURCE_DIR})
  # the harness fails the k-th allocation through these
  target_link_options(${name} PRIVATE -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc)
  foreach(edl ${A_EDL})
    cm_edl_generate(${name} ${edl} UNTRUSTED)
  endforeach()
  foreach(enclave ${A_ENCLAVES})
    add_dependencies(${name} ${enclave}_enclave_signed)
  endforeach()
  add_test(NAME ${area}.${name} COMMAND ${name})
  set_tests_properties(${area}.${name} PROPERTIES LABELS ${A_LABEL} TIMEOUT ${A_TIMEOUT} SKIP_RETURN_CODE 77
    ENVIRONMENT "CASEMATE_STATE_DIR=${CMAKE_CURRENT_BINARY_DIR}/state")
  if(A_IN_SOURCE)
    set_tests_properties(${area}.${name} PROPERTIES WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  endif()
endfunction()

function(cm_test_kit name)
  cmake_parse_arguments(A "" "" "SOURCES;LIBS" ${ARGN})
  add_library(${name} STATIC ${A_SOURCES})
  target_compile_options(${name} PRIVATE ${CM_WARNINGS} ${CM_HOST_FLAGS})
  target_include_directories(${name} PUBLIC ${CMAKE_CURRENT_SOURCE_DIR})
  target_link_libraries(${name} PUBLIC ${A_LIBS})
endfunction()

function(cm_doc_example name page)
  set(source ${CMAKE_CURRENT_BINARY_DIR}/${name}.c)
  set(text ${CMAKE_SOURCE_DIR}/docs/${page})
  add_custom_command(OUTPUT ${source}
    COMMAND sed -n [=[/^```c$/,/^```$/{/^```/!p}]=] ${text} > ${source}
    DEPENDS ${text} VERBATIM)
  cm_add_program(${name} SOURCES ${source} ${ARGN})
endfunction()
