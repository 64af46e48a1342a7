/*
 * The EDL grammar and its rules: each rule has a text that is accepted and a text that is refused,
 * with the exact place and message. Refusals first.
 */
#include "harness.h"

#include "edl/edl.h"

struct memory_file {
    const char *path;
    const char *text;
};

/* the files that import can find; index 0 is the one under test */
static struct memory_file files[8];
static size_t file_count;
static char messages[4096];
static struct cm_edl_options options;

static enum cm_status read_memory(void *ctx, struct cm_edl_arena *arena, const char *path,
                                  const char **text, size_t *len)
{
    (void)ctx;
    for (size_t i = 0; i < file_count; i++) {
        if (strcmp(files[i].path, path) == 0) {
            char *copy = cm_edl_copy_text(arena, files[i].text, strlen(files[i].text));

            *text = copy;
            *len = strlen(files[i].text);
            return copy == NULL ? CM_ERR_NOMEM : CM_OK;
        }
    }
    return CM_ERR_NOTFOUND;
}

static enum cm_status compile_files(void)
{
    struct cm_edl_context ctx;
    const struct cm_edl_unit *unit = NULL;
    enum cm_status st = CM_OK;

    memset(&ctx, 0, sizeof(ctx));
    memset(messages, 0, sizeof(messages));
    ctx.options = &options;
    ctx.source.read = read_memory;
    ctx.messages = fmemopen(messages, sizeof(messages) - 1, "w");
    st = cm_edl_parse(&ctx, "a.edl", &unit);
    for (int i = CM_EDL_ARGS_H; st == CM_OK && i <= CM_EDL_U_C; i++) {
        char *text = NULL;
        size_t len = 0;

        st = cm_edl_emit(unit, (enum cm_edl_output)i, false, &text, &len);
        free(text);
    }
    if (ctx.messages != NULL) {
        (void)fclose(ctx.messages);
    }
    cm_edl_context_free(&ctx);
    return st;
}

static enum cm_status compile_text(const char *text)
{
    files[0].path = "a.edl";
    files[0].text = text;
    if (file_count == 0) {
        file_count = 1;
    }
    return compile_files();
}

/* the first line of the message must be exactly "error: a.edl:<expected>" */
static void refused(const char *text, const char *expected)
{
    char want[600] = "";
    char *end = NULL;

    CHECK_EQ(compile_text(text), CM_ERR_SYNTAX);
    (void)snprintf(want, sizeof(want), "error: a.edl:%s", expected);
    /* a long message goes on below the text behind "error: "; one line again */
    for (end = strchr(messages, '\n'); end != NULL && strncmp(end + 1, "       ", 7) == 0;
         end = strchr(end, '\n')) {
        memmove(end + 1, end + 8, strlen(end + 8) + 1);
        *end = ' ';
    }
    if (end != NULL) {
        *end = '\0';
    }
    if (strcmp(messages, want) != 0) {
        TEST_FAIL("for: %s", text);
    }
    CHECK_STR(messages, want);
}

static void accepted(const char *text)
{
    if (compile_text(text) != CM_OK || messages[0] != '\0') {
        TEST_FAIL("not silently accepted: %s\n%s", text, messages);
    }
}

/* one parameter list of an ocall, and one struct body */
#define PARAM(text) \
    "enclave{struct S{int a;};struct D{[count=2]int*p;};untrusted{void f(" text ");};}"
#define MEMBER(text) "enclave{struct D{[count=2]int*p;};struct S{" text "};}"

struct refusal {
    const char *text;
    const char *expected;
};

static void all_refused(const struct refusal *r, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        refused(r[i].text, r[i].expected);
    }
}

#define ALL_REFUSED(table) all_refused(table, sizeof(table) / sizeof((table)[0]))

TEST(refused_file)
{
    static const struct refusal table[] = {
        {"", "1:1 expecting `enclave', got the end of the file"},
        {"enclave", "1:8 expecting `{', got the end of the file"},
        {"enclave {", "1:10 expecting an item of the enclave or `}', got the end of the file"},
        {"enclav {}", "1:1 expecting `enclave', got `enclav'"},
        {"enclave {\n  ;\n}", "2:3 expecting an item of the enclave or `}', got `;'"},
        {"enclave {\n\tfoo {};\n}", "2:2 expecting an item of the enclave or `}', got `foo'"},
        {"enclave { include stdio.h }", "1:19 expecting a header name in quotes, got `stdio'"},
        {"enclave { include \"\" }", "1:19 a header name is not empty and has no backslash"},
        {"enclave { trusted { } }", "1:23 expecting `;', got `}'"},
        {"enclave { untrusted { }; } @", NULL},
    };

    for (size_t i = 0; i + 1 < sizeof(table) / sizeof(table[0]); i++) {
        refused(table[i].text, table[i].expected);
    }
    accepted(table[sizeof(table) / sizeof(table[0]) - 1].text);
}

TEST(refused_lexer)
{
    static const struct refusal table[] = {
        {"enclave { @ }", "1:11 unexpected character `@'"},
        {"enclave { \x01 }", "1:11 unexpected byte 0x01"},
        {"enclave { \xc3\xa9 }", "1:11 unexpected byte 0xc3"},
        {"enclave { /* }", "1:11 unterminated comment"},
        {"enclave { include \"a\n }", "1:19 unterminated string"},
        {"enclave{enum{A=0x10};}", "1:16 malformed integer: only decimal integers are supported"},
        {"enclave{enum{A=99999999999999999999};}", "1:16 integer is too large"},
        {"enclave{\n#if X\n}", "2:2 unsupported directive `if'"},
        {"enclave{\n#else\n}", "2:1 #else without #ifdef or #ifndef"},
        {"enclave{\n#endif\n}", "2:1 #endif without #ifdef or #ifndef"},
        {"enclave{\n#ifdef A\n#else\n#else\n#endif\n}", "4:1 a second #else"},
        {"enclave{\n#ifdef A\n}", "2:1 unterminated #ifdef or #ifndef"},
        {"enclave{\n#ifndef A\n}", "2:1 unterminated #ifdef or #ifndef"},
        {"enclave{\n#ifdef 3\n#endif\n}", "2:8 expecting a name after #ifdef"},
    };

    ALL_REFUSED(table);
}

TEST(refused_types)
{
    static const struct refusal table[] = {
        {"enclave{enum E{};}", "1:16 expecting an enumerator, got `}'"},
        {"enclave{enum E{A=};}", "1:18 expecting an integer or a name, got `}'"},
        {"enclave{enum E{A=2147483648};}", "1:18 the value of an enumerator must fit an int"},
        {"enclave{enum E{A B};}", "1:18 expecting `,', got `B'"},
        {"enclave{enum E{A}}", "1:18 expecting `;', got `}'"},
        {"enclave{enum int{A};}", "1:14 expecting the name of the enum, got the keyword `int'"},
        {"enclave{struct{int a;};}", "1:15 expecting the name of the struct or union, got `{'"},
        {"enclave{struct S{};}", "1:16 `S' has no members"},
        {"enclave{struct S{int a};}", "1:23 expecting `;', got `}'"},
        {"enclave{struct S{int;};}", "1:21 expecting an identifier, got `;'"},
        {"enclave{struct S{int a;int a;};}", "1:28 duplicate name: `a'"},
        {"enclave{struct S{int a;};struct S{int b;};}", "1:33 duplicate type definition: `S'"},
        {"enclave{struct S{int a;};enum S{B};}", "1:31 duplicate type definition: `S'"},
        {"enclave{struct S{T t;};struct T{int a;};}", "1:18 `T' must be declared before `S'"},
        {"enclave{struct S{S s;};}", "1:18 `S' must be declared before `S'"},
        {"enclave{struct S{int a;};untrusted{void f(union S s);};}", "1:49 `S' is not a union"},
        {"enclave{union U{[count=5]int*p;};}", "1:17 attributes are not allowed for unions"},
        {"enclave{enum E{[count=5]X=5};}", "1:16 expecting an enumerator, got `['"},
        {MEMBER("signed int a;"), "1:44 `signed' is not supported"},
        {MEMBER("unsigned long double a;"), "1:58 invalid `double' following `unsigned'"},
        {MEMBER("int*********a;"), "1:55 more than 8 `*'"},
        {MEMBER("int a[1][1][1][1][1][1][1][1][1];"), "1:73 more than 8 array dimensions"},
        {MEMBER("int a[0];"), "1:50 an array dimension cannot be 0"},
        {MEMBER("int a[4294967296][4294967296];"), "1:50 `a' is larger than 1024 MiB"},
        {MEMBER("char a[1073741825];"), "1:51 `a' is larger than 1024 MiB"},
        {MEMBER("char a[1073741824];char b;"), "1:42 `S' is larger than 1024 MiB"},
        {"enclave{struct S{char a[1024];};untrusted{void f([in]struct S s[1048577]);};}",
         "1:65 `s' is larger than 1024 MiB"},
        {"enclave{struct S{char a[1048576];};struct T{struct S s[2][1024];};}",
         "1:59 `s' is larger than 1024 MiB"},
        {MEMBER("int a[];"), "1:50 expecting an integer or a name, got `]'"},
        {MEMBER("void a;"), "1:44 `a' has type void"},
    };

    ALL_REFUSED(table);
}

TEST(refused_functions)
{
    static const struct refusal table[] = {
        {"enclave{trusted{void f();};}", "1:17 Function `f': `private' specifier is not supported"},
        {"enclave{trusted{public void f()allow(g);};}",
         "1:32 the `allow' syntax is invalid for a trusted function (ECALL)"},
        {"enclave{trusted{public void f()propagate_errno;};}",
         "1:32 `propagate_errno' is invalid for a trusted function (ECALL)"},
        {"enclave{untrusted{public void f();};}",
         "1:19 expecting a type, got the keyword `public'"},
        {"enclave{untrusted{void f()propagate_errno propagate_errno;};}",
         "1:43 duplicated suffix of function `f'"},
        {"enclave{untrusted{void f();};trusted{public void f();};}",
         "1:50 duplicate function definition: `f'"},
        {"enclave{untrusted{void f(int);};}", "1:29 expecting an identifier, got `)'"},
        {"enclave{untrusted{void f(int a int b);};}", "1:32 expecting `,', got `int'"},
        {"enclave{untrusted{void f(int a}", "1:31 expecting `,', got `}'"},
        {"enclave{untrusted{void f()}", "1:27 expecting `;', got `}'"},
        {"enclave{untrusted{void f(int a,int a);};}", "1:36 duplicate name: `a'"},
        {"enclave{untrusted{void f(int while);};}",
         "1:30 expecting an identifier, got the keyword `while'"},
        {PARAM("int _args"), "1:73 reserved name `_args': generated code uses it"},
        {PARAM("[in,string]char*s,size_t s_len"),
         "1:94 reserved name `s_len': generated code uses it"},
        {PARAM("void v"), "1:69 `v' has type void"},
        {PARAM("D d"), "1:69 the struct `D' needs a deep copy: `d' must be a pointer to it"},
        {PARAM("[in]D d[2]"), "1:73 the struct `D' needs a deep copy: `d' must be a pointer to it"},
        {"enclave{struct D{[count=2]int*p;};untrusted{D f();};}",
         "1:45 the struct `D' needs a deep copy: it cannot be returned"},
    };

    ALL_REFUSED(table);
}

/* names that are good in EDL and that the generated C, or C++, could not have */
TEST(refused_names)
{
    static const struct refusal table[] = {
        {"enclave{untrusted{void main();};}",
         "1:24 reserved name `main': the C library declares it"},
        {"enclave{untrusted{int printf(int a);};}",
         "1:23 reserved name `printf': the C library declares it"},
        {"enclave{trusted{public void errno();};}",
         "1:29 reserved name `errno': a macro of the C library"},
        {"enclave{enum E{EINTR};}", "1:16 reserved name `EINTR': a macro of the C library"},
        {"enclave{enum E{NULL};}", "1:16 reserved name `NULL': a macro of the C library"},
        {"enclave{struct S{int stdin;};}", "1:22 reserved name `stdin': a macro of the C library"},
        {"enclave{struct FILE{int a;};}", "1:16 reserved name `FILE': the C library declares it"},
        {"enclave{struct _Bool{int a;};}",
         "1:16 expecting the name of the struct or union, got the keyword `_Bool'"},
        {"enclave{untrusted{void oe_malloc();};}",
         "1:24 reserved name `oe_malloc': the SDK declares it"},
        {"enclave{untrusted{void oe_create_a_enclave();};}",
         "1:24 reserved name `oe_create_a_enclave': generated code for `a' uses it"},
        {PARAM("int static_assert"),
         "1:73 expecting an identifier, got the keyword `static_assert'"},
        {PARAM("int oe_result_t"), "1:73 reserved name `oe_result_t': the SDK declares it"},
        {PARAM("int size_t"), "1:73 reserved name `size_t': a type of EDL"},
        {PARAM("int _retval"), "1:73 reserved name `_retval': generated code uses it"},
        {PARAM("int f_args_t"), "1:73 reserved name `f_args_t': generated code uses it"},
        {PARAM("int a_fcn_id_f"), "1:73 reserved name `a_fcn_id_f': generated code uses it"},
        {PARAM("S*p,int S"), "1:77 `S' hides the type or constant that `p' is made of"},
        {PARAM("int n,int q[n]"), "1:73 `n' hides the type or constant that `q' is made of"},
        {"enclave{untrusted{T f(int T);};}", "1:27 `T' hides the type that `f' returns"},
        {"enclave{struct T{int a;};struct S{T T;};}",
         "1:37 `T' hides the type or constant that `T' is made of"},
        {"enclave{struct f_args_t{int a;};untrusted{void f();};}",
         "1:16 reserved name `f_args_t': generated code for `f' uses it"},
        {"enclave{struct f{int a;};untrusted{void f();};}", "1:41 `f' is declared twice"},
        {"enclave{enum E{f};untrusted{void f();};}", "1:34 `f' is declared twice"},
        {"enclave{enum E{A};enum F{A};}", "1:26 `A' is declared twice"},
        {"enclave{untrusted{void f();void ocall_f();};}",
         "1:33 reserved name `ocall_f': generated code for `f' uses it"},
        {"enclave{trusted{public void f();public void a_f();};}",
         "1:45 reserved name `a_f': generated code for `f' uses it"},
    };

    ALL_REFUSED(table);
    /* a member has a scope of its own, and what only looks alike is free */
    CHECK_EQ(compile_text("enclave{struct S{int printf;int main;int f;};untrusted{void f(S*s,int "
                          "printf_,int Main,int f_);};}"),
             CM_OK);
}

TEST(refused_attributes)
{
    static const struct refusal table[] = {
        {PARAM("[]int*p"), "1:70 unknown attribute: `]'"},
        {PARAM("[foo]int*p"), "1:70 unknown attribute: `foo'"},
        {PARAM("[in,in]int*p"), "1:73 duplicated attribute: `in'"},
        {PARAM("[in,size=1,size=2]int*p"), "1:80 duplicated attribute: `size'"},
        {PARAM("[in,sizefunc=g]int*p"),
         "1:73 the attribute `sizefunc' is not supported; use `size'"},
        {PARAM("[in count=1]int*p"), "1:73 expecting `]', got `count'"},
        {PARAM("[in,count]int*p"), "1:78 expecting `=', got `]'"},
        {PARAM("[in,count=*]int*p"), "1:79 expecting an integer or a name, got `*'"},
        /* string */
        {PARAM("[string,out]char*s"),
         "1:70 `string' attribute should be used with an `in' attribute"},
        {PARAM("[wstring,out]wchar_t*s"),
         "1:70 `wstring' attribute should be used with an `in' attribute"},
        {PARAM("[string]char*s"), "1:70 `string' attribute must be used with pointer direction"},
        {PARAM("[user_check,string]char*s"),
         "1:81 `string' attribute must be used with pointer direction"},
        {PARAM("[in,string,count=1]char*s"),
         "1:73 size attributes are mutually exclusive with (w)string attribute"},
        {PARAM("[in,wstring,size=1]wchar_t*s"),
         "1:73 size attributes are mutually exclusive with (w)string attribute"},
        {PARAM("[in,string,wstring]char*s"), "1:73 `string' and `wstring' are mutually exclusive"},
        {PARAM("[in,string]int*s"), "1:73 invalid `string' attribute - `s' is not char pointer"},
        {PARAM("[in,string]char**s"), "1:73 invalid `string' attribute - `s' is not char pointer"},
        {PARAM("[in,wstring]char*s"),
         "1:73 invalid `wstring' attribute - `s' is not wchar_t pointer"},
        /* isptr, isary */
        {PARAM("[in,isary,isptr]T t"), "1:73 `isary' cannot be used with `isptr' together"},
        {PARAM("[isary]T t"), "1:70 `isary' should have direction attribute or `user_check'"},
        {PARAM("[isptr]T t"), "1:70 `isptr' should have direction attribute or `user_check'"},
        {PARAM("[in,isptr]int t"),
         "1:73 `isptr' attribute is only valid for a type of a header, not for `int'"},
        {PARAM("[in,isary]T*t"),
         "1:73 `isary' attribute is only valid for a type of a header, not for `T'"},
        {PARAM("[in,isptr]S t"),
         "1:73 `isptr' attribute is only valid for a type of a header, not for `S'"},
        {PARAM("[isptr,in]T t[8]"), "1:70 invalid parameter - `t' is a pointer array"},
        {PARAM("[in,isary,count=2]T t"), "1:73 `isary' has its size in its type: no size or count"},
        /* user_check */
        {PARAM("[user_check,in]int*p"),
         "1:70 pointer direction and `user_check' are mutually exclusive"},
        {PARAM("[user_check,out]int*p"),
         "1:70 pointer direction and `user_check' are mutually exclusive"},
        {PARAM("[user_check]T t"), "1:70 `user_check' is invalid for plain type `T'"},
        /* in, out */
        {PARAM("[in]int x"), "1:70 `in' is invalid for plain type `int'"},
        {PARAM("[out]T x"), "1:70 `out' is invalid for plain type `T'"},
        {PARAM("[in]int*p[8]"), "1:70 invalid parameter - `p' is a pointer array"},
        {PARAM("[in]void*p"), "1:70 `p' points to void: its `size' is needed"},
        /* size, count */
        {PARAM("[count=1]int*p"), "1:70 size/count attributes must be used with pointer direction"},
        {PARAM("[user_check,size=1]int*p"),
         "1:81 size/count attributes must be used with pointer direction"},
        {PARAM("[in,size=4,count=1]int*p"),
         "1:73 Function `f': simultaneous `size' and `count' of `p' are not supported"},
        {PARAM("[in,count=n]int*p"), "1:79 could not find declaration for `n'"},
        {PARAM("[in,count=n]int*p,int*n"),
         "1:79 size/count has invalid type: `n' is not an integer"},
        {PARAM("[in,count=n]int*p,S n"), "1:79 size/count has invalid type: `n' is not an integer"},
        {PARAM("[in,size=n]int*p,float n"),
         "1:78 size/count has invalid type: `n' is not an integer"},
        {PARAM("[in,size=n]int*p,size_t n[2]"),
         "1:78 size/count has invalid type: `n' is not an integer"},
        {PARAM("[in,size=8]D*d"),
         "1:73 `size' is invalid for a pointer to the deep-copied struct `D'; use `count'"},
    };

    ALL_REFUSED(table);
}

TEST(refused_members)
{
    static const struct refusal table[] = {
        {MEMBER("[in]int*p;"),
         "1:45 only `count' and `size' attributes can be specified for struct properties"},
        {MEMBER("[user_check]int*p;"),
         "1:45 only `count' and `size' attributes can be specified for struct properties"},
        {MEMBER("[string]char*p;"),
         "1:45 only `count' and `size' attributes can be specified for struct properties"},
        {MEMBER("[count=1]int p;"), "1:45 `count' is invalid for plain type `int'"},
        {MEMBER("[size=1]T p;"), "1:45 `size' is invalid for plain type `T'"},
        {MEMBER("[count=1]int p[2];"), "1:45 `count' needs a pointer, and `p' is an array"},
        {MEMBER("[count=n]int*p;"), "1:51 could not find declaration for `n'"},
        {MEMBER("[count=n]int*p;int*n;"),
         "1:51 size/count has invalid type: `n' is not an integer"},
        {MEMBER("[size=n,count=m]int*p;size_t m;"), "1:50 could not find declaration for `n'"},
        {MEMBER("[size=8]D*d;"),
         "1:45 `size' is invalid for a pointer to the deep-copied struct `D'; use `count'"},
        {MEMBER("D d;"), "1:44 the struct `D' needs a deep copy: `d' must be a pointer to it"},
    };

    ALL_REFUSED(table);
}

/* B6: the copy of a struct that reaches itself would never end */
TEST(B6_refused_cyclic_struct)
{
    static const struct refusal table[] = {
        {"enclave{struct N{[count=1]struct N*next;};}",
         "1:36 the deep copy of `N' contains itself through `next'"},
        {"enclave{struct A{[count=1]B*b;};struct B{[count=1]A*a;};}",
         "1:53 the deep copy of `A' contains itself through `a'"},
    };

    ALL_REFUSED(table);
    accepted("enclave{struct N{char c;struct N*next;};}");
}

TEST(accepted_grammar)
{
    accepted("enclave{}");
    accepted("enclave{};");
    accepted("/* c */ enclave { // d\n } anything @ goes");
    accepted("enclave{include \"a.h\" include \"a.h\" include \"b/c.h\"}");
    accepted("enclave{enum{A};enum{B=1,};enum E{C=2,D=C};}");
    accepted("enclave{union U{int a;float b;};struct S{U u;enum E e;S*next;T*t;};}");
    accepted("enclave{trusted{public void f();public void g(void)transition_using_threads;};}");
    accepted("enclave{untrusted{int f()allow()propagate_errno transition_using_threads;"
             "int g()transition_using_threads propagate_errno;};}");
    accepted("enclave{trusted{};untrusted{};trusted{public int f(int a);};}");
    accepted(PARAM("bool a,char b,short c,int d,long long e,float f1,double g,unsigned h,"
                   "unsigned char i,unsigned short j,unsigned int k,unsigned long long m,"
                   "short int n,int8_t o,int16_t p,int32_t q,int64_t r,uint8_t s,"
                   "uint16_t t,uint32_t u,uint64_t v,size_t w,T x,struct S y,enum E z"));
    accepted(PARAM("[in,string]const char*a,[in,out,string]char*b"));
    accepted(PARAM("[in]int a[5],[out]S b[2][3],[in,out]char c[N][M]"));
    accepted(
        PARAM("[in,count=n]int*a,[out,size=m]void*b,size_t n,uint32_t m,[in,count=k]S*c,my_t k"));
    accepted(PARAM("[in,isptr,size=4]T a,[in,out,isary]U b"));
    accepted(PARAM("[in]D*a,[out,count=2]D*b,[in,out,count=n]struct D*c,unsigned n"));
    accepted(MEMBER("[count=n,size=4]int*p;size_t n;"));
}

TEST(accepted_conditions)
{
    static const char *const one[] = {"ONE"};

    options.defines = one;
    options.define_count = 1;
    accepted("enclave{\n#ifdef ONE\nenum{A};\n#else\n@ \" garbage\n#endif\n}");
    refused("enclave{\n#ifndef ONE\n#else\n@\n#endif\n}", "4:1 unexpected character `@'");
    accepted("enclave{\n#ifdef TWO\n#ifdef ONE\n@\n#else\n@\n#endif\n#endif\n}");
    options.define_count = 0;
    accepted("enclave{\n#ifdef ONE\n@\n#endif\n}");
}

TEST(imports)
{
    file_count = 5;
    files[1] = (struct memory_file){"b.edl", "enclave{include \"b.h\" struct B{int b;};"
                                             "trusted{public void bt();};untrusted{void bu();};}"};
    files[2] = (struct memory_file){"c.edl", "enclave{import \"b.edl\" untrusted{void c();};}"};
    files[3] = (struct memory_file){"loop.edl", "enclave{\nimport \"a.edl\"\n}"};
    files[4] = (struct memory_file){"b2.edl", "enclave{struct B{int b;};untrusted{void bu();};}"};
    accepted("enclave{import \"b.edl\" import \"c.edl\" import \"b2.edl\"}");
    accepted("enclave{from \"c.edl\" import *;}");
    accepted("enclave{from \"c.edl\" import bu,bt,c; from \"c.edl\" import c;}");
    refused("enclave{import \"b.edl\";}", "1:23 expecting an item of the enclave or `}', got `;'");
    refused("enclave{from \"c.edl\" import none;}", "1:29 function `none' not found in `c.edl'");
    refused("enclave{from \"c.edl\" import c}", "1:30 expecting `;', got `}'");
    refused("enclave{from \"c.edl\"}", "1:21 expecting `import', got `}'");
    refused("enclave{import b}", "1:16 expecting the name of an EDL file in quotes");
    refused("enclave{import \"b.edl\" struct B{int c;};}", "1:31 duplicate type definition: `B'");
    accepted("enclave{import \"b.edl\" untrusted{void bu();};}");
    CHECK_EQ(compile_text("enclave{import \"none.edl\"}"), CM_ERR_NOTFOUND);
    CHECK(strstr(messages, "error: a.edl:1:16 file not found within search paths: `none.edl'") !=
          NULL);
    CHECK_EQ(compile_text("enclave{import \"loop.edl\"}"), CM_ERR_SYNTAX);
    CHECK(strstr(messages, "error: loop.edl:2:8 recursive import of `a.edl'") != NULL);
    file_count = 1;
}

TEST(caret_under_the_place)
{
    CHECK_EQ(compile_text("enclave {\n\tuntrusted { void f([in] int x); };\n}"), CM_ERR_SYNTAX);
    CHECK_STR(messages, "error: a.edl:2:22 `in' is invalid for plain type `int'\n"
                        "    \tuntrusted { void f([in] int x); };\n"
                        "    \t                    ^\n");
}

static void warned(const char *text, enum cm_edl_warning w, const char *expected)
{
    char want[64] = "";

    memset(&options, 0, sizeof(options));
    options.warn_on[w] = true;
    CHECK_EQ(compile_text(text), CM_OK);
    CHECK(strncmp(messages, "warning: a.edl:", 15) == 0);
    if (strncmp(messages + 15, expected, strlen(expected)) != 0) {
        TEST_FAIL("%s is not at %s", messages, expected);
    }
    (void)snprintf(want, sizeof(want), "[-W%s]\n", cm_edl_warning_name(w));
    if (strstr(messages, want) == NULL) {
        TEST_FAIL("%s has no %s", messages, want);
    }
    options.warn_error[w] = true;
    CHECK_EQ(compile_text(text), CM_ERR_SYNTAX);
    options.warn_error[w] = false;
    options.werror = true;
    CHECK_EQ(compile_text(text), CM_ERR_SYNTAX);
    options.warn_error[w] = true;
    options.warn_off[w] = true;
    accepted(text);
    memset(&options, 0, sizeof(options));
    options.warn_all = true;
    CHECK_EQ(compile_text(text), CM_OK);
    CHECK(strstr(messages, want) != NULL);
    memset(&options, 0, sizeof(options));
    (void)compile_text(text);
    CHECK_EQ(strstr(messages, want) != NULL,
             w == CM_EDL_W_NON_PORTABLE_TYPE || w == CM_EDL_W_SIGNED_SIZE_OR_COUNT ||
                 w == CM_EDL_W_USER_CHECK || w == CM_EDL_W_RESERVED_NAME);
}

TEST(B10_warnings)
{
    warned(PARAM("[in]T*t"), CM_EDL_W_FOREIGN_TYPE_PTR, "1:75 ");
    warned(PARAM("long n"), CM_EDL_W_NON_PORTABLE_TYPE, "1:69 ");
    warned(MEMBER("int*p;"), CM_EDL_W_PTR_IN_STRUCT, "1:48 ");
    warned(PARAM("int*p"), CM_EDL_W_PTR_IN_FUNCTION, "1:73 ");
    warned("enclave{untrusted{void*f();};}", CM_EDL_W_RETURN_PTR, "1:19 ");
    warned("enclave{untrusted{void log();};}", CM_EDL_W_RESERVED_NAME, "1:24 ");
    warned("enclave{untrusted{void f(int class);};}", CM_EDL_W_RESERVED_NAME, "1:30 ");
    warned("enclave{struct __x{int a;};}", CM_EDL_W_RESERVED_NAME, "1:16 ");
    warned(PARAM("[in,count=n]char*p,int n"), CM_EDL_W_SIGNED_SIZE_OR_COUNT, "1:79 ");
    warned("enclave{untrusted{void f()allow(g);};}", CM_EDL_W_UNSUPPORTED_ALLOW, "1:27 ");
    warned(PARAM("[user_check]int*p"), CM_EDL_W_USER_CHECK, "1:70 ");
    warned(PARAM("[in]int**p"), CM_EDL_W_USER_CHECK, "1:78 ");
}

/* every truncation of a text that has everything is refused, and nothing leaks or is read past */
TEST(every_truncation_is_refused)
{
    static const char text[] =
        "enclave {\n include \"a.h\"\n enum E { A = 1, B = A };\n#ifdef X\n#else\n"
        " struct S { size_t n; [count = n] int* p; };\n#endif\n"
        " trusted { public int f([in, out, count = 2] S* s) transition_using_threads; };\n"
        " untrusted { void g([in, string] const char* s, int a[3]) propagate_errno; };\n}";

    accepted(text);
    for (size_t n = 0; n + 1 < sizeof(text) - 1; n++) {
        char *part = strndup(text, n);

        REQUIRE(part != NULL);
        CHECK_EQ(compile_text(part), CM_ERR_SYNTAX);
        free(part);
    }
}

TEST(out_of_memory_at_every_allocation)
{
    static const char text[] = "enclave { struct S { size_t n; [count = n] int* p; };\n"
                               " trusted { public int f([in, out] S* s, [out] S* t); };\n"
                               " untrusted { void g([in, string] const char* s); };\n}";
    long k = 1;

    for (; k < 1000; k++) {
        enum cm_status st = CM_OK;

        fail_alloc_at(k);
        st = compile_text(text);
        if (!fail_alloc_hit()) {
            break;
        }
        CHECK(st == CM_ERR_NOMEM || st == CM_OK); /* fmemopen's own allocation may be the k-th */
    }
    CHECK(k > 5 && k < 1000);
}

TEST_MAIN
