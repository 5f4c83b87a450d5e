/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_reloc.c - relocation rows and fields against what real assemblers and
 * linkers made: tests/unit/reloc-CPU.txt, which
 * tests/support/make-reloc-vectors.sh writes and tests/unit/reloc-vectors.sh
 * makes again. */

#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "arch/aarch64.h"
#include "elf/machine.h"
#include "tests/support/reloc_table.h"

#define COUNT(ARRAY) (sizeof(ARRAY) / sizeof *(ARRAY))

enum { NUMBERS = 1100 };

static const struct cpu {
    const struct elf_machine *machine;
    const char *table, *prefix;
} cpus[] = {
    {&elf_x86_64, "tests/unit/reloc-x86_64.txt", "R_X86_64_"},
    {&elf_aarch64, "tests/unit/reloc-aarch64.txt", "R_AARCH64_"},
};

/* Rows with a field for which no tool at hand makes a vector. */
static const struct {
    uint16_t machine;
    uint32_t first, last;
    const char *why;
} without[] = {
    {62, 43, 51, "APX: newer than the tools; equal to 42, 22 and 34 but for the instruction"},
    {183, 300, 300, "no linker takes MOVW_GOTOFF_G0"},
    {183, 303, 306, "no linker takes MOVW_GOTOFF_G1_NC to G3"},
    {183, 307, 308, "no linker takes GOTREL64, GOTREL32"},
    {183, 315, 315, "no assembler makes GOTPCREL32"},
    {183, 520, 522, "no linker takes TLSLD_MOVW_G1, TLSLD_MOVW_G0_NC, TLSLD_LD_PREL19"},
    {183, 570, 570, "no linker takes TLSLE_LDST128_TPREL_LO12"},
    {183, 572, 573, "no linker takes TLSLD_LDST128_DTPREL_LO12, _NC"},
    {183, 1029, 1029, "no assembler makes TLS_DTPREL"},
};

/* Rows for which no vector is out of range, though the ABI has one. */
static const struct {
    uint16_t machine;
    uint32_t number;
    const char *why;
} without_edges[] = {
    {183, 302, "needs a GOT of 4 GiB"},
    {183, 515, "needs a GOT of 4 GiB"},
    {183, 539, "needs a GOT of 4 GiB"},
    {183, 512, "ld.bfd does not check, ld.lld does not know it"},
    {183, 513, "ld.bfd does not check, ld.lld does not know it"},
    {183, 543, "ld.bfd does not check, ld.lld does not know it"},
    {183, 560, "ld.bfd does not check, ld.lld does not know it"},
    {183, 561, "ld.bfd does not check, ld.lld does not know it"},
};

/* The only branches whose odd targets linkers take, and cut. */
static bool branches_anywhere(const struct cpu *cpu, uint32_t number)
{
    return cpu->machine == &elf_aarch64 && (number == 279 || number == 282 || number == 283);
}

/* No vector can break the alignment: slots, pages and instructions have it. */
static bool aligned_by_nature(const struct reloc_type *t)
{
    return t->what == WHAT_GOT || t->what == WHAT_TLSIE || t->what == WHAT_TLSDESC ||
           t->from == FROM_PAGE;
}

static bool lacks_vector(const struct cpu *cpu, uint32_t number)
{
    for (size_t i = 0; i < COUNT(without); i++)
        if (without[i].machine == cpu->machine->number && number >= without[i].first &&
            number <= without[i].last)
            return true;
    return false;
}

static bool lacks_edges(const struct cpu *cpu, uint32_t number)
{
    for (size_t i = 0; i < COUNT(without_edges); i++)
        if (without_edges[i].machine == cpu->machine->number && without_edges[i].number == number)
            return true;
    return false;
}

struct vector {
    uint32_t number;
    char name[64], before[64], after[64];
    struct reloc_at at;
};

static bool is_vector(const char *line, struct vector *v)
{
    uint64_t a;

    *v = (struct vector){0};
    if (sscanf(line,
               "%" SCNu32 " %63s x=%" SCNx64 " a=%" SCNx64 " p=%" SCNx64 " got=%" SCNx64
               " %63s %63s",
               &v->number, v->name, &v->at.x, &a, &v->at.p, &v->at.got, v->before, v->after) != 8)
        return false;
    v->at.a = (int64_t)a;
    return true;
}

/* What is wrong with one vector, or NULL. */
static const char *check_vector(const struct reloc_type *t, const struct vector *v)
{
    static char text[1300];
    struct diag d = {0};
    uint8_t unit[16], before[16], after[16] = {0};
    unsigned bytes = from_hex(v->before, unit, sizeof unit);
    bool refused = strcmp(v->after, "refused") == 0, ok;

    if (v->name[0] != '-' && strcmp(v->name, t->name) != 0)
        return "another name";
    if (t->field && bytes != t->field->bytes)
        return "a unit of another size";
    memcpy(before, unit, sizeof unit);
    ok = reloc_apply(&d, t, &v->at, unit, false);
    if (refused) {
        if (ok)
            return "accepted";
        if (d.status != E_RANGE || memcmp(before, unit, sizeof unit) != 0)
            return "not refused as it should";
        return NULL;
    }
    from_hex(v->after, after, sizeof after);
    snprintf(text, sizeof text, "%.999s %s", d.text, to_hex(unit, bytes));
    return ok && memcmp(unit, after, bytes) == 0 ? NULL : text;
}

START_TEST(rows_agree_with_linkers)
{
    static struct {
        unsigned fit, range, align;
    } seen[NUMBERS];
    const struct cpu *cpu = &cpus[_i];
    FILE *in = table_open(cpu->table);
    unsigned vectors = 0, wrong = 0;
    char line[512];
    struct vector v;

    while (fgets(line, sizeof line, in)) {
        const struct reloc_type *t;
        const char *problem;

        if (!is_vector(line, &v))
            continue;
        t = reloc_row(cpu->machine->rows, v.number);
        problem = t ? check_vector(t, &v) : "no such row";
        if (problem) {
            fprintf(stderr, "%s    %s\n", line, problem);
            wrong++;
        }
        vectors++;
        if (!t || !t->field || v.number >= NUMBERS)
            continue;
        if (strcmp(v.after, "refused") != 0)
            seen[v.number].fit++;
        else if (reloc_value(t, &v.at) & ((UINT64_C(1) << t->field->align) - 1))
            seen[v.number].align++;
        else
            seen[v.number].range++;
    }
    fclose(in);
    ck_assert_uint_gt(vectors, 200);

    for (uint32_t i = 0; i < NUMBERS; i++) {
        const struct reloc_type *t = reloc_row(cpu->machine->rows, i);
        const char *problem = NULL;

        if (!t || !t->field)
            continue;
        if (lacks_vector(cpu, i))
            problem = seen[i].fit ? "there are vectors now" : NULL;
        else if (!seen[i].fit)
            problem = "no vector";
        else if (t->field->range != ANY && t->field->bits < 64 &&
                 lacks_edges(cpu, i) == (seen[i].range > 0))
            problem = seen[i].range ? "there is an edge now" : "no vector is out of range";
        else if (t->field->align && !aligned_by_nature(t) && !branches_anywhere(cpu, i) &&
                 !seen[i].align)
            problem = "no vector is not aligned";
        if (problem) {
            fprintf(stderr, "%s: %s\n", t->name, problem);
            wrong++;
        }
    }
    ck_assert_uint_eq(wrong, 0);
}
END_TEST

/* Whatever a field is told to hold, it gives back, and it leaves the other
   bits alone.  MOVZ and MOVN are read as the CPU would. */
static void round_trip(const struct field *f)
{
    uint64_t unit_bits = f->bytes < 8 ? (UINT64_C(1) << 8 * f->bytes) - 1 : UINT64_MAX;
    uint64_t opcode = f->fix ? UINT64_C(1) << 30 : 0, held = 0, kept;
    struct field plain = *f;

    plain.fix = NULL;
    kept = ~field_set(&plain, 0, UINT64_MAX) & unit_bits & ~opcode;
    for (unsigned i = 0; i < COUNT(f->piece) && f->piece[i].count; i++)
        for (unsigned bit = 0; bit < f->piece[i].count; bit++)
            held |= UINT64_C(1) << (f->piece[i].from + bit);

    for (unsigned bit = f->align; bit < f->bits; bit++) {
        uint64_t v = UINT64_C(1) << bit, unit, back;

        if (f->range == SIGNED && bit == f->bits - 1u)
            v = 0 - v;
        unit = field_set(f, unit_bits, v);
        ck_assert_msg(unit <= unit_bits, "%s", f->name);
        ck_assert_msg((unit & kept) == kept, "%s: bit %u touches other bits", f->name, bit);
        ck_assert_msg((field_set(f, 0, v) & kept) == 0, "%s: bit %u", f->name, bit);
        back = field_get(&plain, unit) & held;
        if (f->fix && !(unit & opcode))
            back = ~back & held;
        ck_assert_msg(back == (v & held), "%s: bit %u: 0x%" PRIx64, f->name, bit, back);
        if (!f->fix && (v & ~held & (UINT64_MAX >> (64 - f->bits))) == 0 && held >> (f->bits - 1u))
            ck_assert_uint_eq(field_get(f, unit), v);
        ck_assert_uint_eq(field_set(f, unit, v), unit);
    }
}

START_TEST(fields_round_trip)
{
    const struct cpu *cpu = &cpus[_i];

    for (uint32_t i = 0; i < NUMBERS; i++) {
        const struct reloc_type *t = reloc_row(cpu->machine->rows, i);

        if (t && t->field)
            round_trip(t->field);
    }
}
END_TEST

static const struct field *const data[] = {&data8,   &data16,  &data32, &data64,  &udata8,
                                           &udata16, &udata32, &sdata8, &sdata16, &sdata32};

START_TEST(data_round_trips) { round_trip(data[_i]); }
END_TEST

/* Every row has what its kind of value needs, and a name of its own. */
START_TEST(rows_are_whole)
{
    const struct cpu *cpu = &cpus[_i];

    for (uint32_t i = 0; i < NUMBERS; i++) {
        const struct reloc_type *t = reloc_row(cpu->machine->rows, i);

        if (!t)
            continue;
        ck_assert_msg(strncmp(t->name, cpu->prefix, strlen(cpu->prefix)) == 0, "%s", t->name);
        ck_assert_msg((t->field == NULL) == (t->what == WHAT_NONE || t->what == WHAT_TLSMARK ||
                                             t->what == WHAT_DYNAMIC),
                      "%s", t->name);
        for (uint32_t k = 0; k < i; k++) {
            const struct reloc_type *other = reloc_row(cpu->machine->rows, k);

            ck_assert_msg(!other || t->what == WHAT_NONE || strcmp(other->name, t->name) != 0, "%s",
                          t->name);
        }
    }
    ck_assert_ptr_null(reloc_row(cpu->machine->rows, 255));
    ck_assert_ptr_null(reloc_row(cpu->machine->rows, UINT32_MAX));
}
END_TEST

static bool leads_through_plt(const struct cpu *cpu, uint32_t number)
{
    static const uint32_t x86[] = {4, 31, 40}, a64[] = {279, 280, 282, 283, 314};
    bool is_x86 = cpu->machine == &elf_x86_64;

    for (size_t i = 0; i < (is_x86 ? COUNT(x86) : COUNT(a64)); i++)
        if ((is_x86 ? x86 : a64)[i] == number)
            return true;
    return false;
}

/* The mode in which the script made a row's vectors says what it computes:
   "# NUMBER MODE RANGE: ...", where MODE is WHAT or WHAT.FROM. */
START_TEST(rows_compute_what_was_varied)
{
    static const struct {
        const char *word;
        enum reloc_what what;
        enum reloc_from from;
    } whats[] = {
        {"abs", WHAT_SYMBOL, FROM_ZERO},      {"pc", WHAT_SYMBOL, FROM_PLACE},
        {"page", WHAT_SYMBOL, FROM_PAGE},     {"symgot", WHAT_SYMBOL, FROM_GOT},
        {"size", WHAT_SIZE, FROM_ZERO},       {"tprel", WHAT_TPREL, FROM_ZERO},
        {"dtprel", WHAT_DTPREL, FROM_ZERO},   {"gotbase", WHAT_GOTBASE, FROM_ZERO},
        {"got", WHAT_GOT, FROM_ZERO},         {"tlsgd", WHAT_TLSGD, FROM_ZERO},
        {"tlsld", WHAT_TLSLD, FROM_ZERO},     {"tlsie", WHAT_TLSIE, FROM_ZERO},
        {"tlsdesc", WHAT_TLSDESC, FROM_ZERO},
    };
    static const struct {
        const char *word;
        enum reloc_from from;
    } froms[] = {{"zero", FROM_ZERO}, {"pc", FROM_PLACE}, {"page", FROM_PAGE},
                 {"off", FROM_GOT},   {"offa", FROM_GOT}, {"slots", FROM_GOT}};
    const struct cpu *cpu = &cpus[_i];
    FILE *in = table_open(cpu->table);
    char line[512], mode[32];
    unsigned modes = 0;
    uint32_t number;

    while (fgets(line, sizeof line, in)) {
        const struct reloc_type *t;
        char *suffix;
        size_t w = 0, f = 0;
        enum reloc_what what;
        enum reloc_from from;

        if (sscanf(line, "# %" SCNu32 " %31s", &number, mode) != 2)
            continue;
        t = reloc_row(cpu->machine->rows, number);
        suffix = strchr(mode, '.');
        if (suffix)
            *suffix++ = 0;
        while (w < COUNT(whats) && strcmp(mode, whats[w].word) != 0)
            w++;
        ck_assert_msg(t && w < COUNT(whats), "%s", line);
        modes++;
        if (suffix && strcmp(suffix, "mark") == 0) {
            ck_assert_msg(t->what == WHAT_TLSMARK, "%s", line);
            continue;
        }
        while (suffix && f < COUNT(froms) && strcmp(suffix, froms[f].word) != 0)
            f++;
        ck_assert_msg(f < COUNT(froms), "%s", line);
        what = leads_through_plt(cpu, number) ? WHAT_PLT : whats[w].what;
        from = suffix ? froms[f].from : whats[w].from;
        if (number == 313) /* the page of the GOT, not of the place */
            from = FROM_GOTPAGE;
        ck_assert_msg(t->what == what && t->from == from, "%s", line);
    }
    fclose(in);
    ck_assert_uint_gt(modes, 30);
}
END_TEST

/* Rows without vectors do as rows that have them. */
static const struct {
    const struct elf_machine *machine;
    uint32_t number, what, from, field; /* and the rows that do the same */
} brothers[] = {
    {&elf_x86_64, 43, 42, 42, 42},      {&elf_x86_64, 44, 22, 22, 22},
    {&elf_x86_64, 45, 34, 34, 34},      {&elf_x86_64, 46, 42, 42, 42},
    {&elf_x86_64, 47, 22, 22, 22},      {&elf_x86_64, 48, 34, 34, 34},
    {&elf_x86_64, 49, 42, 42, 42},      {&elf_x86_64, 50, 22, 22, 22},
    {&elf_x86_64, 51, 34, 34, 34},      {&elf_aarch64, 300, 302, 302, 287},
    {&elf_aarch64, 303, 302, 302, 290}, {&elf_aarch64, 304, 302, 302, 291},
    {&elf_aarch64, 305, 302, 302, 292}, {&elf_aarch64, 306, 302, 302, 293},
    {&elf_aarch64, 307, 257, 302, 257}, {&elf_aarch64, 308, 257, 302, 261},
    {&elf_aarch64, 315, 309, 309, 261}, {&elf_aarch64, 520, 519, 515, 515},
    {&elf_aarch64, 521, 519, 515, 516}, {&elf_aarch64, 522, 517, 517, 543},
    {&elf_aarch64, 570, 571, 571, 570}, {&elf_aarch64, 572, 523, 523, 570},
    {&elf_aarch64, 573, 523, 523, 571}, {&elf_aarch64, 1029, 523, 523, 257},
};

START_TEST(rows_without_vectors)
{
    const struct reloc_range *rows = brothers[_i].machine->rows;
    const struct reloc_type *t = reloc_row(rows, brothers[_i].number);

    ck_assert(t->what == reloc_row(rows, brothers[_i].what)->what);
    ck_assert(t->from == reloc_row(rows, brothers[_i].from)->from);
    ck_assert_ptr_eq(t->field, reloc_row(rows, brothers[_i].field)->field);
    ck_assert_uint_eq(t->relax, 0);
}
END_TEST

START_TEST(every_row_without_vectors)
{
    for (size_t i = 0; i < COUNT(without); i++)
        for (uint32_t n = without[i].first; n <= without[i].last; n++) {
            bool found = false;

            for (size_t k = 0; k < COUNT(brothers); k++)
                found |=
                    brothers[k].machine->number == without[i].machine && brothers[k].number == n;
            ck_assert_msg(found, "%u", n);
        }
}
END_TEST

static const struct {
    uint16_t machine;
    uint32_t number;
    uint64_t x, p;
    int64_t a;
    uint64_t before, after; /* as little-endian numbers */
    bool big;
    const char *error;
} cases[] = {
    {62, 2, 0x80000000, 0, 0, 0, 0, false,
     "R_X86_64_PC32: value 0x80000000 does not fit signed 32-bit data"},
    {62, 2, 0, 0x80000001, 0, 0, 0, false,
     "R_X86_64_PC32: value -0x80000001 does not fit signed 32-bit data"},
    {62, 10, UINT64_MAX, 0, 0, 0, 0, false,
     "R_X86_64_32: value 0xffffffffffffffff does not fit unsigned 32-bit data"},
    {62, 14, 0x100, 0, 0, 0, 0, false, "R_X86_64_8: value 0x100 does not fit 8-bit data"},
    {62, 8, 0, 0, 0, 0, 0, false, "R_X86_64_RELATIVE: is only for linked files"},
    {62, 0, 1, 2, 3, 5, 5, false, NULL},
    {62, 35, 1, 2, 3, 5, 5, false, NULL},
    {183, 283, 0x1002, 0x1000, 0, 0x94000000, 0x94000000, false,
     "R_AARCH64_CALL26: value 0x2 is not a multiple of 4"},
    {183, 283, 0x8000000, 0, 0, 0x94000000, 0x94000000, false,
     "R_AARCH64_CALL26: value 0x8000000 does not fit 28-bit branch"},
    {183, 283, 0x8000000, 0, -4, 0x94000000, 0x95ffffff, false, NULL},
    {183, 286, 0x412345, 0, 0, 0xf9400000, 0xf9400000, false,
     "R_AARCH64_LDST64_ABS_LO12_NC: value 0x412345 is not a multiple of 8"},
    {183, 569, 1, 2, 3, 5, 5, false, NULL},
    {183, 1025, 0, 0, 0, 0, 0, false, "R_AARCH64_GLOB_DAT: is only for linked files"},
    /* Data follows the file's byte order, instructions do not. */
    {183, 258, 0x11223344, 0, 0, 0, 0x44332211, true, NULL},
    {183, 283, 0x8000000, 0, -4, 0x94000000, 0x95ffffff, true, NULL},
    /* No tool at hand makes these. */
    {183, 570, 0xff0, 0, 0, 0x3dc00000, 0x3dc3fc00, false, NULL},
    {183, 570, 0x1000, 0, 0, 0, 0, false,
     "R_AARCH64_TLSLE_LDST128_TPREL_LO12: value 0x1000 does not fit 12-bit offset"},
    {183, 570, 0xff8, 0, 0, 0, 0, false,
     "R_AARCH64_TLSLE_LDST128_TPREL_LO12: value 0xff8 is not a multiple of 16"},
    {183, 315, 0x2000, 0x1000, 8, 0, 0x1008, false, NULL},
    {183, 1029, 0x40, 0x1000, 8, 0, 0x48, false, NULL},
};

START_TEST(applies_or_says_why_not)
{
    struct diag d = {0};
    const struct reloc_type *t =
        reloc_row(elf_machine_find(cases[_i].machine)->rows, cases[_i].number);
    struct reloc_at at = {.x = cases[_i].x, .a = cases[_i].a, .p = cases[_i].p};
    uint8_t unit[8];

    store_uint(unit, 8, false, cases[_i].before);
    ck_assert(reloc_apply(&d, t, &at, unit, cases[_i].big) == !cases[_i].error);
    ck_assert_uint_eq(load_uint(unit, 8, false), cases[_i].after);
    ck_assert_str_eq(d.text, cases[_i].error ? cases[_i].error : "");
}
END_TEST

START_TEST(implicit_addends)
{
    static const uint8_t minus_two[8] = {0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    static const uint8_t big[4] = {0xff, 0xff, 0xff, 0xfe};
    const struct reloc_range *x86 = elf_x86_64.rows, *a64 = elf_aarch64.rows;
    uint8_t bl[4];

    ck_assert_int_eq(reloc_implicit_addend(reloc_row(x86, 2), minus_two, false), -2);
    ck_assert_int_eq(reloc_implicit_addend(reloc_row(x86, 1), minus_two, false), -2);
    ck_assert_int_eq(reloc_implicit_addend(reloc_row(x86, 10), minus_two, false), 0xfffffffe);
    ck_assert_int_eq(reloc_implicit_addend(reloc_row(x86, 0), minus_two, false), 0);
    ck_assert_int_eq(reloc_implicit_addend(reloc_row(a64, 261), big, true), -2);
    store_uint(bl, 4, false, 0x97fffc00);
    ck_assert_int_eq(reloc_implicit_addend(reloc_row(a64, 283), bl, true), -0x1000);
}
END_TEST

/* BIAS counts with the addend, and the GOT's page is its own. */
START_TEST(values)
{
    struct reloc_type t = {.name = "t", .what = WHAT_SYMBOL, .from = FROM_ZERO, .bias = -4};
    struct reloc_at at = {.x = 0x12345, .a = 0x10, .p = 0x1004, .got = 0x3008};

    ck_assert_uint_eq(reloc_value(&t, &at), 0x12351);
    t.from = FROM_PLACE;
    ck_assert_uint_eq(reloc_value(&t, &at), 0x1134d);
    t.from = FROM_PAGE;
    ck_assert_uint_eq(reloc_value(&t, &at), 0x11000);
    t.from = FROM_GOT;
    ck_assert_uint_eq(reloc_value(&t, &at), 0xf349);
    t.from = FROM_GOTPAGE;
    ck_assert_uint_eq(reloc_value(&t, &at), 0xf351);
}
END_TEST

START_TEST(machines)
{
    ck_assert_ptr_eq(elf_machine_find(62), &elf_x86_64);
    ck_assert_ptr_eq(elf_machine_find(183), &elf_aarch64);
    ck_assert_ptr_null(elf_machine_find(3));
    ck_assert_str_eq(elf_machine_name(62), elf_x86_64.arch->name);
    ck_assert_str_eq(elf_machine_name(183), elf_aarch64.arch->name);
    ck_assert_str_eq(elf_machine_name(243), "riscv");
    ck_assert_ptr_null(elf_machine_name(0));
    for (size_t i = 0; i < COUNT(cpus); i++) {
        const struct elf_machine *m = cpus[i].machine;
        const uint32_t dynamic[] = {m->relative,  m->glob_dat, m->jump_slot,
                                    m->irelative, m->dtpmod,   m->tlsdesc};

        for (size_t k = 0; k < COUNT(dynamic); k++)
            ck_assert_int_eq(reloc_row(m->rows, dynamic[k])->what, WHAT_DYNAMIC);
        ck_assert_int_eq(reloc_row(m->rows, m->abs)->what, WHAT_SYMBOL);
        ck_assert_int_eq(reloc_row(m->rows, m->dtpoff)->what, WHAT_DTPREL);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("reloc");
    TCase *c = tcase_create("reloc");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_loop_test(c, rows_agree_with_linkers, 0, COUNT(cpus));
    tcase_add_loop_test(c, rows_compute_what_was_varied, 0, COUNT(cpus));
    tcase_add_loop_test(c, rows_are_whole, 0, COUNT(cpus));
    tcase_add_loop_test(c, fields_round_trip, 0, COUNT(cpus));
    tcase_add_loop_test(c, data_round_trips, 0, COUNT(data));
    tcase_add_loop_test(c, applies_or_says_why_not, 0, COUNT(cases));
    tcase_add_loop_test(c, rows_without_vectors, 0, COUNT(brothers));
    tcase_add_test(c, every_row_without_vectors);
    tcase_add_test(c, implicit_addends);
    tcase_add_test(c, values);
    tcase_add_test(c, machines);
    suite_add_tcase(s, c);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
