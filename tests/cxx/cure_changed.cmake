# cmake -DSOURCE=<project> -DHEADERS=<libc++'s> -DWORK=<folder> -P cure_changed.cmake: a header of libc++ that no
# longer holds what is replaced in it, or holds it twice, stops the configuration with one sentence.
file(REMOVE_RECURSE ${WORK})
file(COPY ${HEADERS}/__config_site DESTINATION ${WORK}/from)
file(WRITE ${WORK}/run.cmake "set(CM_CURE_FROM ${WORK}/from)\nset(CM_CURE_TO ${WORK}/to)\n"
  "set(CM_CURE_PACKAGE the-package)\ninclude(${SOURCE}/cmake/inside_cure.cmake)\n"
  "cm_cure_header(__config_site \"/* #undef _LIBCPP_HAS_MUSL_LIBC */\" \"#define _LIBCPP_HAS_MUSL_LIBC\")\n")
function(expect status text)
  execute_process(COMMAND ${CMAKE_COMMAND} -P ${WORK}/run.cmake RESULT_VARIABLE result ERROR_VARIABLE error)
  string(REGEX REPLACE "[ \n]+" " " error "${error}")
  if(NOT result EQUAL status OR NOT error MATCHES "${text}")
    message(FATAL_ERROR "expected ${status} and '${text}', got ${result} and '${error}'")
  endif()
endfunction()
expect(0 "")
file(READ ${WORK}/from/__config_site text)
file(APPEND ${WORK}/from/__config_site "/* #undef _LIBCPP_HAS_MUSL_LIBC */\n")
expect(1 "package the-package changed: __config_site no longer says")
string(REPLACE "_HAS_MUSL_LIBC" "_HAS_ANOTHER" text "${text}")
file(WRITE ${WORK}/from/__config_site "${text}")
expect(1 "package the-package changed: __config_site no longer says")
