/* SPDX-License-Identifier: GPL-3.0-or-later */
/* reloc.h - relocation is data.
 *
 * A CPU owns fields: which bits of a value land in which bits of a unit, and
 * what range is allowed.  A format owns rows: number, name, what is computed,
 * field, bias.  One encoder and one decoder serve all of them. */

#ifndef OBJ_RELOC_H
#define OBJ_RELOC_H

#include "base/bytes.h"
#include "base/diag.h"

/* What the value starts from (X).  A is added to all of them. */
enum reloc_what {
    WHAT_NONE,    /* nothing is written */
    WHAT_SYMBOL,  /* S, the symbol's address */
    WHAT_PLT,     /* L, the symbol or the PLT entry that leads to it */
    WHAT_GOT,     /* the GOT slot that holds S */
    WHAT_GOTBASE, /* GOT, the address of the table itself */
    WHAT_SIZE,    /* Z, the symbol's size */
    WHAT_TLSGD,   /* the GOT pair (module, offset) of the symbol */
    WHAT_TLSLD,   /* the GOT pair (module, 0) of this image */
    WHAT_TLSIE,   /* the GOT slot that holds the offset from the thread pointer */
    WHAT_TLSDESC, /* the GOT pair of the TLS descriptor */
    WHAT_TLV,     /* the slot that holds the address of the symbol's descriptor */
    WHAT_DTPREL,  /* the offset in this image's TLS block */
    WHAT_TPREL,   /* the offset from the thread pointer */
    WHAT_SECTION, /* COFF: the number of the section that S is in, in the image */
    WHAT_SECREL,  /* COFF: the distance of S from where that section starts */
    WHAT_TLSMARK, /* marks an instruction of a TLS sequence; nothing is written */
    WHAT_DYNAMIC, /* for the dynamic linker: refused in an object file */
};

/* What is subtracted from it. */
enum reloc_from {
    FROM_ZERO,    /* X + A */
    FROM_PLACE,   /* X + A - P */
    FROM_PAGE,    /* page(X + A) - page(P); page() clears 12 bits */
    FROM_GOT,     /* X + A - GOT */
    FROM_GOTPAGE, /* X + A - page(GOT) */
    FROM_IMAGE,   /* X + A - B, where the image begins */
};

enum range { ANY, SIGNED, UNSIGNED, EITHER /* -2^(n-1) <= v < 2^n */ };

/* COUNT bits of the value, from bit FROM up, land at bit TO of the field. */
struct piece {
    uint8_t from, count, to;
};

struct field {
    const char *name;
    uint8_t bytes; /* size of the patched unit: 1, 2, 4 or 8 */
    uint8_t bits;  /* bits of value checked against RANGE */
    uint8_t align; /* log2: lower bits must be clear; 0 for no check */
    enum range range;
    struct piece piece[4]; /* ends at count 0 */
    /* For the few that do not fit the pieces (AArch64 MOVZ/MOVN): changes
       the unit (after the pieces were set) for VALUE; NULL for most.  What
       it does is not undone by field_get(). */
    uint64_t (*fix)(uint64_t unit, uint64_t value);
    bool insn; /* an instruction: little-endian even in big-endian files */
};

struct reloc_type {
    const char *name; /* NULL: a hole in the table */
    enum reloc_what what;
    enum reloc_from from;
    const struct field *field; /* NULL exactly for WHAT_NONE, WHAT_TLSMARK and WHAT_DYNAMIC */
    int8_t bias;               /* added to A: the format counts P from elsewhere */
    uint8_t relax;             /* the CPU's number of a relaxation that this row allows; 0: none */
};

/* Rows FIRST, FIRST + 1, ... FIRST + COUNT - 1. */
struct reloc_range {
    uint32_t first, count;
    const struct reloc_type *rows;
};

/* A CPU's rows in one format: ranges, ended by one of count 0. */
static inline const struct reloc_type *reloc_row(const struct reloc_range *r, uint32_t number)
{
    for (; r->count; r++)
        if (number - r->first < r->count)
            return r->rows[number - r->first].name ? &r->rows[number - r->first] : NULL;
    return NULL;
}

/* The operands of one relocation, as the psABIs name them. */
struct reloc_at {
    uint64_t x;   /* by reloc_what: S, L, slot... */
    int64_t a;    /* A */
    uint64_t p;   /* P, the address of the field */
    uint64_t got; /* GOT */
    uint64_t base; /* B */
};

/* The value of T at AT, before it is put in its field. */
uint64_t reloc_value(const struct reloc_type *t, const struct reloc_at *at);

/* True if VALUE may be stored in F; otherwise the reason is put in D as
   "NAME: value 0x... does not fit F" or "... is not a multiple of N". */
bool field_check(struct diag *d, const char *name, const struct field *f, uint64_t value);

/* UNIT with VALUE in F's bits, and back.  field_get() sign-extends a SIGNED
   field; bits that the field does not hold come back as 0. */
uint64_t field_set(const struct field *f, uint64_t unit, uint64_t value);
uint64_t field_get(const struct field *f, uint64_t unit);

/* Compute, check and write one relocation: BYTES has the whole unit.  BIG is
   the byte order of data fields.  Nothing is written on failure, nor by rows
   without a field. */
bool reloc_apply(struct diag *d, const struct reloc_type *t, const struct reloc_at *at,
                 uint8_t *bytes, bool big);

/* The addend that a format without explicit addends keeps in the field; 0
   for rows without one. */
int64_t reloc_implicit_addend(const struct reloc_type *t, const uint8_t *bytes, bool big);

#endif
