# The work that is done inside and outside, for whoever links it: a list in one place.
set(syscall_work "")
foreach(name syscall_work work_files work_reopen work_meta work_sockets work_events)
  list(APPEND syscall_work ${CMAKE_CURRENT_LIST_DIR}/${name}.c)
endforeach()
