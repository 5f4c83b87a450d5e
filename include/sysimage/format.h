/* SPDX-License-Identifier: MIT */
/* format.h - what is on disk: the heap container (.heap) and the table that a
 * sysimage carries about its heaps.
 *
 * Numbers only, for whoever reads or writes these files without libsysimage;
 * docs/heap-format.md and docs/image-format.md say what they mean.  Values
 * are part of the formats: add at the end, never renumber. */

#ifndef SYSIMAGE_FORMAT_H
#define SYSIMAGE_FORMAT_H

#include <stdint.h>

/* ---- the heap container ---- */

#define SIMG_HEAP_MAGIC "\x89HEAP\r\n\x1a" /* 8 bytes */

enum {
    SIMG_HEAP_MAJOR = 1, /* a reader refuses any other */
    SIMG_HEAP_MINOR = 0, /* a reader takes any */
    SIMG_HEADER_SIZE = 128,
    SIMG_PART_SIZE = 64,
    SIMG_SEGMENT_SIZE = 48,
    SIMG_IMPORT_SIZE = 16,
    SIMG_IMPORT_SLOT_SIZE = 24,
    SIMG_ROOT_SIZE = 32,
    SIMG_TYPE_SIZE = 16,
    SIMG_META_SIZE = 8,
    SIMG_IDENTITY_SIZE = 16,
    SIMG_CHECK_BLOCK = 1 << 20, /* a checksum is taken of blocks of this size */
    SIMG_SEGMENT_ALIGN_LOG2 = 16, /* segments start at multiples of at least this */
    SIMG_DATA_ALIGN = 4096, /* where in the file the bytes of a segment start */
};

enum simg_order { SIMG_LITTLE = 1, SIMG_BIG = 2 };

enum simg_part {
    SIMG_PART_SEGMENTS = 1,
    SIMG_PART_DATA = 2,         /* the bytes of segment INDEX */
    SIMG_PART_SLOTS = 3,        /* the slots of segment INDEX */
    SIMG_PART_IMPORTS = 4,
    SIMG_PART_IMPORT_SLOTS = 5,
    SIMG_PART_ROOTS = 6,
    SIMG_PART_TYPES = 7,
    SIMG_PART_OBJECTS = 8,      /* the objects of segment INDEX */
    SIMG_PART_IDENTITY = 9,
    SIMG_PART_META = 10,
    SIMG_PART_STRINGS = 11,
};

enum simg_part_flag {
    SIMG_PART_MUST = 1, /* who does not know this type of part must refuse the file */
    SIMG_PART_ZSTD = 2, /* stored as zstd frames of at most SIMG_CHECK_BLOCK bytes each */
};

enum simg_segment_kind {
    SIMG_SEGMENT_READ_ONLY = 1,
    SIMG_SEGMENT_READ_WRITE = 2,
    SIMG_SEGMENT_ZERO = 3, /* read-write, no bytes in the file */
    SIMG_SEGMENT_CODE = 4,
};

enum simg_slots_encoding { SIMG_SLOTS_BITMAP = 0, SIMG_SLOTS_GAPS = 1 };

enum simg_import_kind {
    SIMG_IMPORT_DATA = 0,     /* its slots hold the symbol's own address */
    SIMG_IMPORT_FUNCTION = 1, /* its slots are only called: they may hold a stub's address */
    SIMG_IMPORT_MODULE = 2,   /* in images of the engine cache: a whole program or library; slots
                                 hold places in it, and nobody but the cache fills them */
};

enum simg_root_kind { SIMG_ROOT_DATA = 0, SIMG_ROOT_FUNCTION = 1 };

/* ---- the image ---- */

#define SIMG_NOTE_NAME "SYSIMAGE"
/* In a Mach-O image the table is this section of this segment. */
#define SIMG_MACHO_SEGMENT "__TEXT"
#define SIMG_MACHO_SECTION "__sysimage"
/* In a PE image it is this section, from its first byte. */
#define SIMG_PE_SECTION ".sysimg"
#define SIMG_TABLE_MAGIC "SYSIMAGE" /* 8 bytes, no NUL */

enum {
    SIMG_NOTE_TABLE = 1,   /* n_type: where the table is */
    SIMG_NOTE_REQUEST = 2, /* n_type: a heap was asked for, and a plugin should have put it here */
    SIMG_TABLE_VERSION = 1,
    SIMG_WRITTEN_UNIT = 1 << 16, /* bytes */
    SIMG_STUB_SIZE = 16, /* a jump through the import table, for every CPU */
};

/* The note's descriptor.  4-aligned: copy it out before use. */
struct simg_note {
    uint32_t version;
    uint32_t flags; /* 0 */
    int64_t table;  /* bytes from the start of this descriptor to the table */
    uint64_t size;  /* of the table */
};

enum simg_reloc_mode {
    SIMG_MODE_NATIVE = 1,    /* the system's loader relocates every slot */
    SIMG_MODE_PRELINKED = 2, /* slots hold final values for BASE */
    SIMG_MODE_NONE = 3,      /* slots hold heap addresses: the runtime adds the base */
};

enum simg_heap_flag {
    SIMG_HEAP_NEEDS_IMAGE = 1, /* slots point at other parts of the image */
    SIMG_HEAP_HAS_SLOTS = 2,   /* the slot maps are in the table */
    SIMG_HEAP_KEEPS_CRC = 4,   /* the first segment ends with a struct simg_crc */
};

/* With SIMG_HEAP_KEEPS_CRC: the last bytes of the first segment, in front of them COUNT sums of 4
   bytes (runtime/crc.h).  The start-up code changes BALANCE so that the CRC-32C of the segment is
   the same wherever it lies.  All slots are in it, are 8-aligned and point into it. */
struct simg_crc {
    uint32_t count;
    uint32_t magic; /* SIMG_CRC_MAGIC */
    uint32_t reserved;
    uint32_t balance;
};
#define SIMG_CRC_MAGIC 0x43524331u /* "1CRC" */
enum { SIMG_CRC_CHUNK_LOG2 = 21 }; /* there is a sum for each so many bytes */

enum simg_table_segment_flag {
    SIMG_SEG_LOADED_WRITABLE = 1, /* mapped read-write, to be given PROT once relocated */
    SIMG_SEG_ZERO = 2,
    SIMG_SEG_IMPORTS = 4, /* the table of imported functions */
    SIMG_SEG_STUBS = 8,   /* jumps through it */
};

enum simg_prot { SIMG_PROT_X = 1, SIMG_PROT_W = 2, SIMG_PROT_R = 4 };

#define SIMG_NO_PLACE UINT64_MAX

/* In the image's own byte order.  Everything is found by its distance from
   the table's first byte, so the table needs no relocation. */
struct simg_table {
    char magic[8];
    uint32_t version;
    uint32_t header_size; /* of this struct: it may grow */
    uint64_t size;        /* of the table with all that its offsets lead to, slot maps aside */
    uint64_t checksum;    /* see docs/image-format.md; 0: none */
    uint32_t machine;     /* ELF's e_machine */
    uint32_t flags;
    uint32_t heap_count, segment_count, root_count, import_count, meta_count;
    uint32_t strings_size;
    uint64_t import_slot_count;
    uint64_t heaps, segments, roots, imports, import_slots, metas, strings; /* offsets */
};

struct simg_table_heap {
    int64_t at;    /* heap address 0, from the table's start */
    uint64_t base; /* the address that slots are relocated for (0 with SIMG_MODE_NONE) */
    uint64_t span; /* size of the heap's address space */
    uint32_t mode; /* enum simg_reloc_mode */
    uint32_t flags;
    uint32_t address_bits;
    uint32_t first_segment, segment_count;
    uint32_t first_root, root_count;
    uint32_t first_import, import_count;
    uint32_t first_meta, meta_count;
    uint32_t written; /* 0, or: all slots lie in the heap's first so many SIMG_WRITTEN_UNITs, and
                         the runtime writes to most of their pages at start */
    uint64_t first_import_slot, import_slot_count;
    uint64_t slot_count;
    uint8_t id[16];                                /* the container's content id */
    uint32_t runtime, version, build_id, options; /* strings */
};

struct simg_table_segment {
    uint64_t addr; /* heap address */
    uint64_t size;
    uint32_t prot;  /* enum simg_prot, once relocated */
    uint32_t flags; /* enum simg_table_segment_flag */
    uint32_t kind;  /* enum simg_segment_kind */
    uint32_t name;  /* string */
    int64_t bitmap; /* one bit for each 8 bytes, bit 0 first; from the table's start; 0: none */
    uint64_t bitmap_size; /* bytes */
    int64_t odd;    /* uint64_t offsets of slots that are not 8-aligned, ascending; 0: none */
    uint64_t odd_count;
    uint64_t slot_count;
    uint64_t checksum; /* of the bytes as they are in the file; 0: none */
};

struct simg_table_root {
    uint32_t name, kind;
    uint64_t addr, size;
};

struct simg_table_import {
    uint32_t name;
    uint16_t kind;
    uint16_t weak;
    uint64_t place; /* heap address of its word in the import table; SIMG_NO_PLACE: it has none */
};

/* A slot that holds the address of a symbol outside the heap. */
struct simg_table_import_slot {
    uint64_t place; /* heap address */
    uint32_t import; /* counted from the heap's first */
    uint32_t pad;
    int64_t addend;
};

struct simg_table_meta {
    uint32_t key, value;
};

/* ---- the engine cache: what an image of it has besides (docs/cache-format.md) ---- */

#define SIMG_ARENA_MAGIC "SIMARENA" /* 8 bytes: the heap's first */
#define SIMG_CACHE_MAGIC "SIMCACHE" /* 8 bytes: the register's first */
#define SIMG_CACHE_SEGMENT "cache"  /* the name of the segment that is the register */

enum {
    SIMG_ARENA_VERSION = 1,
    SIMG_ARENA_BINS = 192,
    SIMG_ARENA_CODE_GAPS = 32,
    SIMG_CACHE_VERSION = 1,
};

/* The arena's first page.  All places are distances from the arena's start. */
struct simg_arena_head {
    char magic[8];
    uint32_t version;
    uint32_t header_size; /* of this struct: it may grow */
    uint64_t size;        /* of the arena's address space */
    uint64_t limit;       /* blocks are below it, code above */
    uint64_t first, top;  /* blocks: from FIRST up to TOP, one behind the other */
    uint64_t code_top;    /* code: from LIMIT up to it */
    uint64_t live_blocks, live_bytes;
    uint64_t committed;   /* up to where there is memory; for the process */
    uint64_t bin_bits[SIMG_ARENA_BINS / 64]; /* which bins are not empty */
    uint64_t bins[SIMG_ARENA_BINS];          /* the first free block of each size */
    struct {
        uint64_t at, size;
    } code_gaps[SIMG_ARENA_CODE_GAPS]; /* pages of code that were given back; size 0: none */
};

/* A block's header, the 8 bytes before what its owner sees: at distances of 8 plus a multiple of
   16.  A free block has its size again in its last 8 bytes. */
enum simg_block {
    SIMG_BLOCK_LIVE = 1,
    SIMG_BLOCK_AFTER_FREE = 2, /* the block before it is free */
};
#define SIMG_BLOCK_SIZE UINT64_C(0x0000fffffffffff0) /* with the header */
#define SIMG_BLOCK_TYPE_SHIFT 48 /* the type's number: 0 none, else 1 + its row */

/* The register: in the image's byte order, offsets from its first byte. */
struct simg_cache_head {
    char magic[8];
    uint32_t version;
    uint32_t header_size;
    uint64_t size;
    uint64_t checksum; /* XXH3-64 of SIZE bytes with this field as 0 */
    uint32_t flags;    /* enum simg_engine_flag of cache.h */
    uint32_t compile;  /* enum simg_compile of cache.h */
    uint32_t inputs, cpu; /* strings */
    uint32_t source_count, function_count, module_count, type_count;
    uint64_t sources, functions, modules, types; /* offsets of rows */
    uint64_t strings, strings_size;
};

struct simg_cache_source_row {
    uint64_t hash, size;
    uint32_t name, flags; /* 0 */
};

struct simg_cache_function_row {
    uint32_t name, source, line, flags;
    uint64_t calls;
    uint64_t object, code, code_size; /* heap addresses; SIMG_NO_PLACE: none */
};

/* A program or library that words of the heap point into; import number INDEX is this module. */
struct simg_cache_module_row {
    uint64_t address, slots; /* where it was; how many words */
    uint32_t name, build;    /* strings; BUILD: hexadecimal */
};

struct simg_cache_type_row {
    uint32_t name;
};

#endif
