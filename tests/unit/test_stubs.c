/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_stubs.c - PLT code and rewritten GOT loads against what the assembler
 * and the linkers made of them: "stub", "finalize" and "relax" lines of
 * tests/unit/reloc-CPU.txt. */

#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "elf/machine.h"
#include "tests/support/reloc_table.h"

#define COUNT(ARRAY) (sizeof(ARRAY) / sizeof *(ARRAY))

static const struct cpu {
    const struct elf_machine *machine;
    const char *table;
} cpus[] = {
    {&elf_x86_64, "tests/unit/reloc-x86_64.txt"},
    {&elf_aarch64, "tests/unit/reloc-aarch64.txt"},
};

/* "stub ..." and "finalize ..." lines of the tables. */
START_TEST(stubs_agree_with_assembler)
{
    const struct cpu *cpu = &cpus[_i];
    const struct arch *arch = cpu->machine->arch;
    FILE *in = table_open(cpu->table);
    unsigned stubs = 0, relocs = 0;
    char line[512], name[32], hex[128], symbol[32];
    uint8_t want[64], got[64];

    while (fgets(line, sizeof line, in)) {
        struct stub_at at = {0};
        uint64_t gotplt, offset;
        uint32_t number;
        int64_t addend;

        if (sscanf(line, "stub finalize %127s", hex) == 1) {
            ck_assert_uint_eq(from_hex(hex, want, sizeof want), arch->finalize_size);
            ck_assert_mem_eq(want, arch->finalize_code, arch->finalize_size);
            stubs++;
        } else if (sscanf(line, "finalize %" SCNx64 " %" SCNx32 " %" SCNx64 " %31s", &offset,
                          &number, (uint64_t *)&addend, symbol) == 4) {
            ck_assert_uint_lt(relocs, COUNT(cpu->machine->finalize));
            ck_assert_uint_eq(cpu->machine->finalize[relocs].offset, offset);
            ck_assert_uint_eq(cpu->machine->finalize[relocs].number, number);
            ck_assert_int_eq(cpu->machine->finalize[relocs].addend, addend);
            ck_assert(cpu->machine->finalize[relocs].slot == (strcmp(symbol, "FUNCTION") == 0));
            relocs++;
        } else if (sscanf(line,
                          "stub %31s addr=%" SCNx64 " header=%" SCNx64 " gotplt=%" SCNx64
                          " slot=%" SCNx64 " index=%" SCNx32 " %127s",
                          name, &at.addr, &at.header, &gotplt, &at.slot, &at.index, hex) == 7) {
            unsigned n = from_hex(hex, want, sizeof want);
            bool header = strstr(name, "_header") != NULL;
            const struct plt_code *plt =
                strncmp(name, "plain", 5) == 0 ? &arch->plt : &arch->plt_protected;
            /* A lazy slot leads to the header, or behind the entry's own jump. */
            uint64_t lazy =
                plt == &arch->plt && cpu->machine == &elf_x86_64 ? at.addr + 6 : at.header;

            memset(got, 0x55, sizeof got);
            stubs++;
            if (strcmp(name, "slot_jump") == 0) {
                arch->slot_jump(got, &at);
                ck_assert_uint_eq(n, 16);
                ck_assert_msg(memcmp(want, got, n) == 0, "%s%s", line, to_hex(got, n));
                ck_assert_uint_eq(got[n], 0x55);
                continue;
            }
            if (header)
                at.slot = gotplt;
            (header ? plt->header : plt->entry)(got, &at);
            ck_assert_uint_eq(n, header ? plt->header_size : plt->entry_size);
            ck_assert_msg(memcmp(want, got, n) == 0, "%s%s", line, to_hex(got, n));
            ck_assert_uint_eq(got[n], 0x55);
            ck_assert_uint_eq(plt->lazy_target(&at), lazy);
        }
    }
    fclose(in);
    ck_assert_uint_eq(stubs, cpu->machine == &elf_x86_64 ? 11 : 7);
    ck_assert_uint_ge(relocs, 2);
    ck_assert_uint_eq(cpu->machine->finalize[relocs].number, 0);
}
END_TEST

/* The linkers make "jmp *SLOT(%rip)" a jump and a nop; we put the nop first,
   so that the field stays where it is. */
static void nop_first(uint8_t *code)
{
    uint64_t distance = load_uint(code + 1, 4, false);

    ck_assert_uint_eq(code[0], 0xe9);
    ck_assert_uint_eq(code[5], 0x90);
    code[0] = 0x90;
    code[1] = 0xe9;
    store_uint(code + 2, 4, false, distance - 1);
}

/* "relax ..." lines: instructions that linkers rewrite, and those they keep. */
START_TEST(relaxes_as_linkers_do)
{
    const struct arch *arch = &arch_x86_64;
    FILE *in = table_open(cpus[0].table);
    unsigned kept = 0, changed = 0;
    char line[512];

    while (fgets(line, sizeof line, in)) {
        const struct reloc_type *t;
        char name[64], before[64], after[64];
        uint8_t code[16], want[16];
        unsigned n, offset;
        uint64_t x, a, p;
        uint32_t number;

        if (sscanf(line,
                   "relax %" SCNu32 " %63s x=%" SCNx64 " a=%" SCNx64 " p=%" SCNx64
                   " at=%u %63s %63s",
                   &number, name, &x, &a, &p, &offset, before, after) != 8)
            continue;
        t = reloc_row(elf_x86_64.rows, number);
        ck_assert_int_eq((int64_t)a, -4);
        n = from_hex(before, code, sizeof code);
        ck_assert_uint_eq(offset + 4, n);
        /* Nothing is known of bytes before the section. */
        ck_assert(!arch->relax_ok(t->relax, code + offset, 1));
        ck_assert_msg(arch->relax_ok(t->relax, code + offset, offset) ==
                          (strcmp(after, "kept") != 0),
                      "%s", line);
        if (strcmp(after, "kept") == 0) {
            kept++;
            continue;
        }
        ck_assert_uint_eq(from_hex(after, want, sizeof want), n);
        if (code[0] == 0xff && code[1] == 0x25)
            nop_first(want);
        arch->relax(t->relax, code + offset);
        store_uint(code + offset, 4, false, x - 4 - p);
        ck_assert_msg(memcmp(code, want, n) == 0, "%s%s", line, to_hex(code, n));
        changed++;
    }
    fclose(in);
    ck_assert_uint_ge(kept, 5);
    ck_assert_uint_ge(changed, 6);
    ck_assert_ptr_null(arch_aarch64.relax_ok);
}
END_TEST

/* Instructions that assemblers do not pair with these rows. */
START_TEST(relaxes_nothing_else)
{
    static const uint8_t odd[][7] = {
        {0x90, 0x90, 0x8b, 0x04}, /* not %rip */
        {0x90, 0x90, 0x89, 0x05}, /* a store */
        {0x90, 0x90, 0xff, 0x35}, /* push */
        {0x90, 0x90, 0xff, 0x1d}, /* far call */
    };

    for (size_t i = 0; i < COUNT(odd); i++) {
        ck_assert(!arch_x86_64.relax_ok(X86_RELAX_MOV_CALL_JMP, odd[i] + 4, 4));
        ck_assert(!arch_x86_64.relax_ok(X86_RELAX_REX_MOV, odd[i] + 4, 4));
    }
    /* No REX before it, and no room for one. */
    ck_assert(
        !arch_x86_64.relax_ok(X86_RELAX_REX_MOV, (const uint8_t[7]){0x66, 0x8b, 0x05} + 3, 3));
    ck_assert(
        !arch_x86_64.relax_ok(X86_RELAX_REX_MOV, (const uint8_t[7]){0x48, 0x8b, 0x05} + 3, 2));
    ck_assert(!arch_x86_64.relax_ok(X86_RELAX_NONE, (const uint8_t[7]){0x48, 0x8b, 0x05} + 3, 3));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("stubs");
    TCase *c = tcase_create("stubs");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_loop_test(c, stubs_agree_with_assembler, 0, COUNT(cpus));
    tcase_add_test(c, relaxes_as_linkers_do);
    tcase_add_test(c, relaxes_nothing_else);
    suite_add_tcase(s, c);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
