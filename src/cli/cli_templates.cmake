# Run with -DIN=folder -DOUT=file: the project templates as one C table, so that the tool is whole.
set(files
    CMakeLists.txt.in CMakeLists.txt
    app.edl.in @NAME@.edl
    host.c.in host/@NAME@.c
    enclave.c.in enclave/@NAME@_enc.c
    README.md.in README.md
    gitignore.in .gitignore
    tasks.json.in .vscode/tasks.json
    launch.json.in .vscode/launch.json)
set(text "#include \"cli/cli_templates.h\"\n\n")
set(table "")
set(n 0)
while(files)
  list(POP_FRONT files source target)
  file(READ ${IN}/${source} hex HEX)
  string(REGEX REPLACE "(..)" "0x\\1, " bytes "${hex}")
  string(APPEND text "static const char file_${n}[] = {${bytes}0};\n")
  string(APPEND table "    {\"${target}\", file_${n}, sizeof(file_${n}) - 1},\n")
  math(EXPR n "${n} + 1")
endwhile()
string(APPEND text "\nconst struct cm_template cm_templates[] = {\n${table}};\n")
string(APPEND text "const size_t cm_template_count = ${n};\n")
file(WRITE ${OUT} "${text}")
