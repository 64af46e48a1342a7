/* Preparing a package's archive: what is left out, what is refused, and that nothing is half-read.
 * The archives are made here, byte by byte, from objects with one function each. */
#include "harness.h"

#include <elf.h>
#include <unistd.h>

#include "libc/prep_ar.h"
#include "libc/prep_plan.h"
#include "os/os.h"

#define OBJECT_MAX 2048

struct object {
    uint8_t bytes[OBJECT_MAX];
    size_t len;
};

static void put(struct object *o, const void *bytes, size_t len)
{
    memcpy(o->bytes + o->len, bytes, len);
    o->len += len;
}

static size_t add_name(char *table, size_t *len, const char *name)
{
    size_t at = *len;

    memcpy(table + at, name, strlen(name) + 1);
    *len += strlen(name) + 1;
    return at;
}

/* One function `defines` with the given code (weak when it starts with '*'), needing `needs`. */
static struct object make_object(const char *defines, const void *code, size_t code_len,
                                 const char *needs)
{
    static const char sections[] = "\0.text\0.eh_frame\0.symtab\0.strtab\0.shstrtab";
    struct object o = {{0}, sizeof(Elf64_Ehdr)};
    bool weak = defines[0] == '*';
    char names[256] = "";
    size_t names_len = 1;
    Elf64_Sym sym[3];
    Elf64_Shdr sh[6];
    Elf64_Ehdr eh;

    memset(sym, 0, sizeof(sym));
    memset(sh, 0, sizeof(sh));
    memset(&eh, 0, sizeof(eh));
    sym[1].st_name = (Elf64_Word)add_name(names, &names_len, defines + weak);
    sym[1].st_info = (unsigned char)ELF64_ST_INFO(weak ? STB_WEAK : STB_GLOBAL, STT_FUNC);
    sym[1].st_shndx = 1;
    sym[1].st_size = code_len;
    sym[2].st_name = (Elf64_Word)add_name(names, &names_len, needs == NULL ? "" : needs);
    sym[2].st_info = (unsigned char)ELF64_ST_INFO(STB_GLOBAL, STT_NOTYPE);
    sh[1] =
        (Elf64_Shdr){1, SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, 0, o.len, code_len, 0, 0, 16, 0};
    put(&o, code, code_len);
    sh[2] = (Elf64_Shdr){7, SHT_PROGBITS, SHF_ALLOC, 0, o.len, 40, 0, 0, 8, 0};
    o.len += 40;
    sh[3] = (Elf64_Shdr){17, SHT_SYMTAB, 0, 0, o.len, sizeof(sym), 4, 1, 8, sizeof(sym[0])};
    put(&o, sym, sizeof(sym));
    sh[4] = (Elf64_Shdr){25, SHT_STRTAB, 0, 0, o.len, names_len, 0, 0, 1, 0};
    put(&o, names, names_len);
    sh[5] = (Elf64_Shdr){33, SHT_STRTAB, 0, 0, o.len, sizeof(sections), 0, 0, 1, 0};
    put(&o, sections, sizeof(sections));
    memcpy(eh.e_ident, "\177ELF\2\1\1", 7);
    eh.e_type = ET_REL;
    eh.e_machine = EM_X86_64;
    eh.e_version = 1;
    eh.e_shoff = o.len;
    eh.e_ehsize = sizeof(eh);
    eh.e_shentsize = sizeof(sh[0]);
    eh.e_shnum = 6;
    eh.e_shstrndx = 5;
    put(&o, sh, sizeof(sh));
    memcpy(o.bytes, &eh, sizeof(eh));
    return o;
}

static const uint8_t ret[] = {0xc3};
static const uint8_t do_syscall[] = {0x31, 0xc0, 0x0f, 0x05, 0xc3};
static const uint8_t do_cpuid[] = {0x0f, 0xa2, 0xc3};
/* mov $0x050f, %eax: the bytes of a syscall, but not the instruction */
static const uint8_t looks_like[] = {0xb8, 0x0f, 0x05, 0x00, 0x00, 0xc3};
static const uint8_t no_code[] = {0x06, 0x06};

static char dir[] = "/tmp/cm_prep_XXXXXX";
static char in_path[64];
static char out_path[64];
static char object_path[64];

static void make_paths(void)
{
    if (in_path[0] == '\0' && mkdtemp(dir) != NULL) {
        (void)snprintf(in_path, sizeof(in_path), "%s/in.a", dir);
        (void)snprintf(out_path, sizeof(out_path), "%s/out.a", dir);
        (void)snprintf(object_path, sizeof(object_path), "%s/own.o", dir);
    }
}

static void remove_files(void)
{
    (void)unlink(in_path);
    (void)unlink(out_path);
    (void)unlink(object_path);
    (void)rmdir(dir);
}

static void write_bytes(const char *path, const void *bytes, size_t len)
{
    FILE *f = fopen(path, "wb");

    if (f == NULL || fwrite(bytes, 1, len, f) != len || fclose(f) != 0) {
        TEST_FAIL("cannot write %s", path);
    }
}

struct archive {
    uint8_t bytes[16384];
    size_t len;
};

static void archive_start(struct archive *a)
{
    memcpy(a->bytes, "!<arch>\n", 8);
    a->len = 8;
}

static void archive_add(struct archive *a, const char *name, const struct object *o)
{
    char header[61];

    (void)snprintf(header, sizeof(header), "%-16s%-12d%-6d%-6d%-8s%-10zu`\n", name, 0, 0, 0, "644",
                   o->len);
    memcpy(a->bytes + a->len, header, 60);
    memcpy(a->bytes + a->len + 60, o->bytes, o->len);
    a->len += 60 + o->len;
    if (a->len % 2 != 0) {
        a->bytes[a->len++] = '\n';
    }
}

static const char *inputs[] = {in_path, in_path};

static struct cm_prep_plan make_plan(void)
{
    struct cm_prep_plan plan;

    memset(&plan, 0, sizeof(plan));
    plan.package = "the-package";
    plan.inputs.items = inputs;
    plan.inputs.count = 1;
    plan.output = out_path;
    return plan;
}

/* The names of the members of the output, each followed by a blank. */
static void members_of_output(char *text, size_t size)
{
    struct cm_prep_ar ar = {0};
    struct cm_why why = {""};
    size_t len = 0;
    size_t i;

    text[0] = '\0';
    if (cm_prep_ar_load(&ar, out_path, &why) != CM_OK) {
        TEST_FAIL("%s", why.text);
        return;
    }
    for (i = 0; i < ar.count; i++) {
        len += (size_t)snprintf(text + len, size - len, "%s ", ar.members[i].name);
    }
    cm_prep_ar_free(&ar);
}

static void write_mixed_archive(void)
{
    struct archive a;
    struct object o;

    make_paths();
    archive_start(&a);
    o = make_object("good", ret, sizeof(ret), NULL);
    archive_add(&a, "good.lo/", &o);
    o = make_object("kernel", do_syscall, sizeof(do_syscall), NULL);
    archive_add(&a, "kernel.lo/", &o);
    o = make_object("same", ret, sizeof(ret), NULL);
    archive_add(&a, "good.lo/", &o);
    o = make_object("constant", looks_like, sizeof(looks_like), NULL);
    archive_add(&a, "constant.lo/", &o);
    o = make_object("probe", do_cpuid, sizeof(do_cpuid), NULL);
    archive_add(&a, "probe.lo/", &o);
    o = make_object("data", no_code, sizeof(no_code), NULL);
    archive_add(&a, "data.lo/", &o);
    write_bytes(in_path, a.bytes, a.len);
}

TEST(members_with_forbidden_instructions_are_left_out)
{
    struct cm_prep_plan plan;
    struct cm_why why = {""};
    char names[256];

    write_mixed_archive();
    plan = make_plan();
    REQUIRE(cm_prep_run(&plan, &why) == CM_OK);
    members_of_output(names, sizeof(names));
    /* the second member of the same name got another one, so that unpacking loses nothing */
    CHECK_STR(names, "good.lo dup2-good.lo constant.lo ");
}

TEST(equal_input_gives_equal_bytes)
{
    struct cm_prep_plan plan;
    struct cm_why why = {""};
    uint8_t *first = NULL;
    uint8_t *second = NULL;
    size_t first_len = 0;
    size_t second_len = 0;

    write_mixed_archive();
    plan = make_plan();
    REQUIRE(cm_prep_run(&plan, &why) == CM_OK);
    REQUIRE(cm_file_read(out_path, 1 << 20, &first, &first_len, &why) == CM_OK);
    REQUIRE(cm_prep_run(&plan, &why) == CM_OK);
    REQUIRE(cm_file_read(out_path, 1 << 20, &second, &second_len, &why) == CM_OK);
    CHECK(first_len == second_len && memcmp(first, second, first_len) == 0);
    free(first);
    free(second);
}

TEST(our_object_replaces_the_real_definition_but_not_a_dummy)
{
    struct cm_prep_list objects = {NULL, 0};
    const char *own[1];
    struct cm_prep_plan plan;
    struct cm_why why = {""};
    struct archive a;
    struct object o;
    char names[256];

    make_paths();
    archive_start(&a);
    o = make_object("*__lock", ret, sizeof(ret), NULL); /* dummy of programs without threads */
    archive_add(&a, "user.lo/", &o);
    o = make_object("__lock", ret, sizeof(ret), NULL);
    archive_add(&a, "lock.lo/", &o);
    o = make_object("*alias", ret, sizeof(ret), NULL); /* the only definition: an alias */
    archive_add(&a, "alias.lo/", &o);
    write_bytes(in_path, a.bytes, a.len);
    o = make_object("__lock", ret, sizeof(ret), NULL);
    write_bytes(object_path, o.bytes, o.len);
    own[0] = object_path;
    objects.items = own;
    objects.count = 1;
    plan = make_plan();
    plan.objects = objects;
    REQUIRE(cm_prep_run(&plan, &why) == CM_OK);
    members_of_output(names, sizeof(names));
    CHECK_STR(names, "user.lo alias.lo own.o ");
    o = make_object("alias", do_syscall, sizeof(do_syscall), NULL);
    write_bytes(object_path, o.bytes, o.len);
    CHECK(cm_prep_run(&plan, &why) == CM_ERR_DENIED);
    CHECK(strstr(why.text, "syscall in alias") != NULL);
}

TEST(a_package_that_needs_something_new_is_named)
{
    static const char *roots[1] = {"start"};
    static const char *allowed[1] = {"cm_"};
    struct cm_prep_plan plan;
    struct cm_why why = {""};
    struct archive a;
    struct object o;

    make_paths();
    archive_start(&a);
    o = make_object("start", ret, sizeof(ret), "middle");
    archive_add(&a, "start.o/", &o);
    o = make_object("middle", ret, sizeof(ret), "brand_new");
    archive_add(&a, "middle.o/", &o);
    o = make_object("unrelated", ret, sizeof(ret), "cm_from_the_runtime");
    archive_add(&a, "other.o/", &o);
    write_bytes(in_path, a.bytes, a.len);
    plan = make_plan();
    plan.allowed = (struct cm_prep_list){allowed, 1};
    CHECK(cm_prep_run(&plan, &why) == CM_OK); /* nothing was promised */
    plan.roots = (struct cm_prep_list){roots, 1};
    CHECK(cm_prep_run(&plan, &why) == CM_ERR_MISMATCH);
    CHECK(strstr(why.text, "the-package changed: middle.o needs the symbol brand_new") != NULL);
    plan.roots.count = 0;
    plan.whole = true;
    memset(&why, 0, sizeof(why));
    CHECK(cm_prep_run(&plan, &why) == CM_ERR_MISMATCH);
    CHECK(strstr(why.text, "brand_new") != NULL);
    roots[0] = "gone";
    plan.roots.count = 1;
    memset(&why, 0, sizeof(why));
    CHECK(cm_prep_run(&plan, &why) == CM_ERR_MISMATCH);
    CHECK(strstr(why.text, "the function gone is no longer usable") != NULL);
    roots[0] = "start";
}

TEST(what_the_runtime_provides_is_left_out_and_counts_as_there)
{
    static const char *roots[1] = {"start"};
    static const char *runtime[1] = {"provided"};
    struct cm_prep_plan plan;
    struct cm_why why = {""};
    struct archive a;
    struct object o;
    char names[256];

    make_paths();
    archive_start(&a);
    o = make_object("start", ret, sizeof(ret), "provided");
    archive_add(&a, "start.o/", &o);
    o = make_object("provided", ret, sizeof(ret), NULL);
    archive_add(&a, "provided.o/", &o);
    write_bytes(in_path, a.bytes, a.len);
    plan = make_plan();
    plan.roots = (struct cm_prep_list){roots, 1};
    plan.runtime = (struct cm_prep_list){runtime, 1};
    REQUIRE(cm_prep_run(&plan, &why) == CM_OK);
    members_of_output(names, sizeof(names));
    CHECK_STR(names, "start.o ");
}

TEST(function_mode_reads_functions_only_and_waives_by_name)
{
    static const char *waived[1] = {"probe"};
    struct cm_prep_plan plan;
    struct cm_why why = {""};
    char names[256];

    write_mixed_archive();
    plan = make_plan();
    plan.mode = CM_PREP_SCAN_FUNCTIONS;
    plan.waived = (struct cm_prep_list){waived, 1};
    REQUIRE(cm_prep_run(&plan, &why) == CM_OK);
    members_of_output(names, sizeof(names));
    CHECK_STR(names, "good.lo dup2-good.lo constant.lo probe.lo data.lo ");
}

TEST(a_section_is_left_out_and_the_object_stays_whole)
{
    struct cm_prep_plan plan;
    struct cm_prep_ar ar = {0};
    struct cm_why why = {""};
    size_t i;

    write_mixed_archive();
    plan = make_plan();
    plan.without = ".eh_frame";
    REQUIRE(cm_prep_run(&plan, &why) == CM_OK);
    REQUIRE(cm_prep_ar_load(&ar, out_path, &why) == CM_OK);
    for (i = 0; i < ar.count; i++) {
        const struct cm_prep_elf *e = &ar.members[i].elf;

        REQUIRE(e->section_count == 6);
        CHECK_STR(e->sections[2].name, ".eh_frame");
        CHECK_EQ(e->sections[2].size, 0);
        CHECK(e->sections[1].size != 0);
        CHECK_EQ(e->symbol_count, 3);
    }
    CHECK_STR(ar.members[0].elf.symbols[1].name, "good");
    cm_prep_ar_free(&ar);
}

/* Cut anywhere but between members, an archive is refused, with a sentence. */
TEST(every_truncation_is_refused)
{
    struct archive a;
    struct object o = make_object("one", ret, sizeof(ret), NULL);
    size_t first;
    size_t len;

    make_paths();
    archive_start(&a);
    archive_add(&a, "one.o/", &o);
    first = a.len;
    archive_add(&a, "two.o/", &o);
    for (len = 1; len < a.len; len++) {
        struct cm_prep_ar ar = {0};
        struct cm_why why = {""};

        if (len == 8 || len == first || len == first - 1 || len == a.len - 1) {
            continue; /* whole members, or only the last one's padding byte is missing */
        }
        write_bytes(in_path, a.bytes, len);
        if (cm_prep_ar_load(&ar, in_path, &why) == CM_OK) {
            TEST_FAIL("accepted %zu of %zu bytes", len, a.len);
        }
        cm_prep_ar_free(&ar);
        CHECK(why.text[0] != '\0');
    }
}

TEST(a_trapped_function_can_do_nothing_and_leaves_its_name)
{
    static const char *trapped[] = {"probe"};
    static const char *objects[] = {object_path};
    struct cm_prep_plan plan;
    struct cm_why why = {""};
    struct cm_prep_ar ar = {0};
    struct object own = make_object("probe", ret, sizeof(ret), NULL);
    const uint8_t *code;

    write_mixed_archive();
    write_bytes(object_path, own.bytes, own.len);
    plan = make_plan();
    plan.trapped.items = trapped;
    plan.trapped.count = 1;
    plan.objects.items = objects;
    plan.objects.count = 1;
    REQUIRE(cm_prep_run(&plan, &why) == CM_OK);
    REQUIRE(cm_prep_ar_load(&ar, out_path, &why) == CM_OK);
    REQUIRE(ar.count == 5);
    CHECK_STR(ar.members[3].name, "probe.lo");
    CHECK_STR(ar.members[3].elf.symbols[1].name, "robe");
    code = ar.members[3].elf.sections[1].body.ptr;
    CHECK(code[0] == 0x0f && code[1] == 0x0b && code[2] == 0xcc);
    CHECK_STR(ar.members[4].elf.symbols[1].name, "probe");
    cm_prep_ar_free(&ar);
    trapped[0] = "gone";
    CHECK(cm_prep_run(&plan, &why) == CM_ERR_MISMATCH);
    CHECK_STR(why.text, "package the-package changed: it has no function gone any more");
    trapped[0] = "probe";
}

TEST(several_archives_become_one)
{
    struct cm_prep_plan plan;
    struct cm_why why = {""};
    char names[256];

    write_mixed_archive();
    plan = make_plan();
    plan.inputs.count = 2;
    REQUIRE(cm_prep_run(&plan, &why) == CM_OK);
    members_of_output(names, sizeof(names));
    CHECK_STR(names, "good.lo dup2-good.lo constant.lo dup3-dup2-good.lo dup4-dup3-dup2-good.lo "
                     "dup2-constant.lo ");
}

/* Every byte of an archive turned over: the result is an answer, never a crash. */
TEST(every_changed_byte_is_survived)
{
    struct archive a;
    struct object o = make_object("one", ret, sizeof(ret), "needed");
    size_t i;

    make_paths();
    archive_start(&a);
    archive_add(&a, "one.o/", &o);
    for (i = 0; i < 2 * a.len; i++) {
        static const char *trapped[] = {"one"};
        struct cm_prep_plan plan = make_plan();
        struct cm_why why = {""};

        a.bytes[i / 2] ^= 0xff;
        write_bytes(in_path, a.bytes, a.len);
        plan.without = ".eh_frame";
        plan.trapped.items = trapped;
        plan.trapped.count = i % 2;
        if (cm_prep_run(&plan, &why) != CM_OK) {
            CHECK(why.text[0] != '\0');
        }
        a.bytes[i / 2] ^= 0xff;
    }
}

/* Fails with a sentence and without an output, or gives the same bytes as ever. */
TEST(out_of_memory_at_every_allocation)
{
    struct cm_prep_plan plan;
    struct cm_why why = {""};
    uint8_t *expected = NULL;
    size_t expected_len = 0;
    long failed = 0;
    long k;

    write_mixed_archive();
    plan = make_plan();
    plan.without = ".eh_frame";
    REQUIRE(cm_prep_run(&plan, &why) == CM_OK);
    REQUIRE(cm_file_read(out_path, 1 << 20, &expected, &expected_len, &why) == CM_OK);
    for (k = 1; k < 1000; k++) {
        enum cm_status st;
        uint8_t *got = NULL;
        size_t got_len = 0;

        (void)unlink(out_path);
        memset(&why, 0, sizeof(why));
        fail_alloc_at(k);
        st = cm_prep_run(&plan, &why);
        if (!fail_alloc_hit()) {
            break;
        }
        failed += st != CM_OK;
        if (st != CM_OK) {
            CHECK(why.text[0] != '\0');
            CHECK(access(out_path, F_OK) != 0);
            continue;
        }
        CHECK(cm_file_read(out_path, 1 << 20, &got, &got_len, &why) == CM_OK);
        CHECK(got_len == expected_len && memcmp(got, expected, got_len) == 0);
        free(got);
    }
    CHECK(k < 1000 && failed > 20);
    free(expected);
    remove_files();
}

TEST_MAIN
