# The dashboard (dashboard/): files made by node, put into the program as a table (src/console/console_files.h).
# Nothing but this needs node; where it is missing, the program says how to build the dashboard.
#   CM_DASHBOARD_DIR     what is made: dist/ and console_dashboard.c
#   CM_DASHBOARD_SOURCE  the table, for src/console
#   CM_DASHBOARD_NODE    node, where the dashboard is built; else empty
set(CM_DASHBOARD AUTO CACHE STRING "Build the dashboard: ON, OFF, or AUTO (if scripts/node install has run)")
set(CM_DASHBOARD_DIR ${CMAKE_BINARY_DIR}/dashboard)
set(CM_DASHBOARD_SOURCE ${CMAKE_SOURCE_DIR}/src/console/console_no_files.c)
set(CM_DASHBOARD_NODE "")
if(NOT CM_DASHBOARD OR CM_DASHBOARD STREQUAL "OFF")
  return()
endif()
execute_process(COMMAND ${CMAKE_SOURCE_DIR}/scripts/node
  OUTPUT_VARIABLE node OUTPUT_STRIP_TRAILING_WHITESPACE RESULT_VARIABLE missing)
if(CM_DASHBOARD STREQUAL "AUTO" AND (missing OR NOT EXISTS ${CMAKE_SOURCE_DIR}/dashboard/node_modules/.casemate-lock))
  message(STATUS "No dashboard: scripts/node install, or -DCM_DASHBOARD=ON, to have it")
  return()
endif()
if(missing)
  message(FATAL_ERROR "The dashboard needs node >= 20.19: scripts/node install fetches it")
endif()

set(CM_DASHBOARD_NODE ${node})
set(CM_DASHBOARD_SOURCE ${CM_DASHBOARD_DIR}/console_dashboard.c)
file(GLOB_RECURSE parts CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/dashboard/src/* ${CMAKE_SOURCE_DIR}/dashboard/public/*)
file(GLOB policies CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/deploy/policies/*.txt)
set(here ${CMAKE_SOURCE_DIR}/dashboard)
add_custom_command(OUTPUT ${CM_DASHBOARD_SOURCE}
  COMMAND ${CMAKE_COMMAND} -E make_directory ${CM_DASHBOARD_DIR}
  COMMAND ${CMAKE_SOURCE_DIR}/scripts/node install dashboard
  COMMAND ${CM_DASHBOARD_NODE} node_modules/typescript/bin/tsc
  COMMAND ${CM_DASHBOARD_NODE} build.mjs ${CM_DASHBOARD_DIR}
  DEPENDS ${parts} ${policies} ${here}/index.html ${here}/package-lock.json ${here}/package.json
    ${here}/tsconfig.json ${here}/vite.config.mjs ${here}/build.mjs
  WORKING_DIRECTORY ${here} COMMENT "Building the dashboard" VERBATIM)
add_custom_target(dashboard DEPENDS ${CM_DASHBOARD_SOURCE})
