# cm_generate_offsets(<out.h> <source.c>): numbers for assembly, from the C structures themselves.
# The source holds CM_OFFSET(NAME, value) lines inside a function (see offsets_lines.cmake); each
# becomes "#define NAME value". Rebuilt when a header that the source includes changes.
set(CM_OFFSETS_SCRIPT ${CMAKE_CURRENT_LIST_DIR}/offsets_lines.cmake)
function(cm_generate_offsets out source)
  get_filename_component(name ${source} NAME_WE)
  set(asm ${CMAKE_CURRENT_BINARY_DIR}/${name}.s)
  add_custom_command(
    OUTPUT ${out}
    COMMAND ${CMAKE_C_COMPILER} -std=gnu17 -D_GNU_SOURCE -O1 -S -I${CMAKE_SOURCE_DIR}/src
            -I${CMAKE_SOURCE_DIR}/include -MMD -MT ${out} -MF ${asm}.d -o ${asm}
            ${CMAKE_CURRENT_SOURCE_DIR}/${source}
    COMMAND ${CMAKE_COMMAND} -DIN=${asm} -DOUT=${out} -P ${CM_OFFSETS_SCRIPT}
    DEPENDS ${source} ${CM_OFFSETS_SCRIPT}
    DEPFILE ${asm}.d
    COMMENT "Offsets from ${source}"
    VERBATIM)
endfunction()
