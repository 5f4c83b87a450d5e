/* SPDX-License-Identifier: GPL-3.0-or-later */
/* verify_headers.c - rules about headers and sections (PE specification, 3 and 4;
 * what Windows' kernel checks when it makes a section object of an image). */

#include "coff/machine.h"
#include "coff/verify_rules.h"

enum { PAGE = 4096, MOST_SECTIONS = 96 };

static bool is_power(uint64_t v) { return v && !(v & (v - 1)); }

void coff_verify_headers(struct coff_verify *v)
{
    const struct coff_optional *o = &v->f.optional;
    uint64_t pe = v->f.header - 4;

    if (v->f.machine != IMAGE_FILE_MACHINE_AMD64 && v->f.machine != IMAGE_FILE_MACHINE_ARM64)
        coff_found(v, "machine 0x%x; x86-64 and ARM64 images are known", v->f.machine);
    if (pe % 8)
        coff_found(v, "e_lfanew 0x%" PRIx64 " is no multiple of 8", pe);
    if (o->directory_count != DIRECTORY_COUNT)
        coff_found(v, "%" PRIu32 " directories, 16 are there in every image", o->directory_count);
    if (v->f.optional_size != OPTIONAL_HEADER_SIZE + o->directory_count * DATA_DIRECTORY_SIZE)
        coff_found(v, "SizeOfOptionalHeader 0x%" PRIx32 ", with %" PRIu32 " directories it is 0x%" PRIx32,
                   v->f.optional_size, o->directory_count,
                   OPTIONAL_HEADER_SIZE + o->directory_count * DATA_DIRECTORY_SIZE);
    if (o->win32_version)
        coff_found(v, "Win32VersionValue 0x%" PRIx32 " is to be 0", o->win32_version);
    if (o->loader_flags)
        coff_found(v, "LoaderFlags 0x%" PRIx32 " are to be 0", o->loader_flags);
    if (o->subsystem == 0 || o->subsystem > 16)
        coff_found(v, "subsystem %u is not known", o->subsystem);
    if (o->subsystem_version[0] < 4)
        coff_found(v, "subsystem version %u.%u: 64-bit systems are at least 5.2",
                   o->subsystem_version[0], o->subsystem_version[1]);
}

void coff_verify_flags(struct coff_verify *v)
{
    const struct coff_optional *o = &v->f.optional;
    bool moves = o->characteristics & IMAGE_DLLCHARACTERISTICS_DYNAMIC_BASE;
    bool has_relocs = o->directories[DIRECTORY_BASERELOC].size > 0;

    if (!(v->f.characteristics & IMAGE_FILE_EXECUTABLE_IMAGE))
        coff_found(v, "EXECUTABLE_IMAGE is not set: a linker found errors");
    if (!(v->f.characteristics & IMAGE_FILE_LARGE_ADDRESS_AWARE))
        coff_found(v, "LARGE_ADDRESS_AWARE is not set, and 64-bit images are");
    if (v->f.characteristics & IMAGE_FILE_RELOCS_STRIPPED && (moves || has_relocs))
        coff_found(v, "RELOCS_STRIPPED is set, and the image %s",
                   moves ? "may be moved (DYNAMIC_BASE)" : "has base relocations");
    if (v->f.machine == IMAGE_FILE_MACHINE_ARM64 && !moves)
        coff_found(v, "DYNAMIC_BASE is not set, which ARM64 systems insist on");
    if (o->characteristics & IMAGE_DLLCHARACTERISTICS_HIGH_ENTROPY_VA && !moves)
        coff_found(v, "HIGH_ENTROPY_VA without DYNAMIC_BASE");
    if (o->characteristics & IMAGE_DLLCHARACTERISTICS_FORCE_INTEGRITY &&
        !o->directories[DIRECTORY_SECURITY].size)
        coff_found(v, "FORCE_INTEGRITY without a signature");
    if (o->characteristics & 0x000f)
        coff_found(v, "DllCharacteristics 0x%x: the lowest 4 bits are reserved", o->characteristics);
}

void coff_verify_align(struct coff_verify *v)
{
    const struct coff_optional *o = &v->f.optional;

    if (!is_power(o->section_align) || o->section_align < PAGE)
        coff_found(v, "SectionAlignment 0x%" PRIx32 ": a power of two from 0x1000 up is allowed",
                   o->section_align);
    if (!is_power(o->file_align) || o->file_align < 512 || o->file_align > 65536)
        coff_found(v, "FileAlignment 0x%" PRIx32 ": a power of two from 0x200 to 0x10000 is allowed",
                   o->file_align);
    if (o->file_align > o->section_align)
        coff_found(v, "FileAlignment 0x%" PRIx32 " is more than SectionAlignment 0x%" PRIx32,
                   o->file_align, o->section_align);
    if (o->image_base % 65536)
        coff_found(v, "ImageBase 0x%" PRIx64 " is no multiple of 64 KiB", o->image_base);
    if (o->image_base >> 47)
        coff_found(v, "ImageBase 0x%" PRIx64 " is no address of a program", o->image_base);
}

static uint64_t memory_size(const struct coff_section *s) { return s->vsize ? s->vsize : s->raw_size; }

static uint64_t section_align(const struct coff_verify *v)
{
    return is_power(v->f.optional.section_align) ? v->f.optional.section_align : PAGE;
}

void coff_verify_size(struct coff_verify *v)
{
    const struct coff_optional *o = &v->f.optional;
    uint64_t headers = v->f.sections_at + (uint64_t)v->f.section_count * SECTION_HEADER_SIZE;
    const struct coff_section *last =
        v->f.section_count ? &v->f.sections[v->f.section_count - 1] : NULL;
    uint64_t end = last ? align_up(last->rva + memory_size(last), section_align(v)) : 0;

    if (o->headers_size < headers)
        coff_found(v, "SizeOfHeaders 0x%" PRIx32 ", the headers have 0x%" PRIx64 " bytes",
                   o->headers_size, headers);
    if (is_power(o->file_align) && o->headers_size % o->file_align)
        coff_found(v, "SizeOfHeaders 0x%" PRIx32 " is no multiple of FileAlignment", o->headers_size);
    if (o->headers_size > v->f.in.size)
        coff_found(v, "SizeOfHeaders 0x%" PRIx32 ", the file has 0x%" PRIx64 " bytes",
                   o->headers_size, v->f.in.size);
    if (last && o->image_size != end)
        coff_found(v, "SizeOfImage 0x%" PRIx32 ", the last section ends at 0x%" PRIx64,
                   o->image_size, end);
    if (end > INT32_MAX)
        coff_found(v, "the image has 0x%" PRIx64 " bytes; Windows loads none of 2 GiB", end);
}

void coff_verify_sections(struct coff_verify *v)
{
    uint64_t at = align_up(v->f.optional.headers_size, section_align(v));

    if (v->f.section_count == 0 || v->f.section_count > MOST_SECTIONS)
        coff_found(v, "%" PRIu32 " sections, 1 to %d are allowed", v->f.section_count,
                   MOST_SECTIONS);
    for (uint32_t i = 0; i < v->f.section_count && coff_go_on(v); i++) {
        const struct coff_section *s = &v->f.sections[i];

        if (s->rva != at)
            coff_found(v, "section %" PRIu32 " (%s): at 0x%" PRIx32 ", what is before it ends at 0x%" PRIx64,
                       i + 1, s->name, s->rva, at);
        if (memory_size(s) == 0)
            coff_found(v, "section %" PRIu32 " (%s): no bytes", i + 1, s->name);
        at = align_up((uint64_t)s->rva + memory_size(s), section_align(v));
    }
}

void coff_verify_raw(struct coff_verify *v)
{
    uint64_t end = v->f.optional.headers_size;
    uint32_t align = is_power(v->f.optional.file_align) ? v->f.optional.file_align : 512;

    for (uint32_t i = 0; i < v->f.section_count && coff_go_on(v); i++) {
        const struct coff_section *s = &v->f.sections[i];

        if (s->raw_size == 0)
            continue;
        if (s->raw == 0) {
            coff_found(v, "section %" PRIu32 " (%s): 0x%" PRIx32 " bytes in the file, and no place there",
                       i + 1, s->name, s->raw_size);
            continue;
        }
        if (s->raw % align || s->raw_size % align)
            coff_found(v, "section %" PRIu32 " (%s): 0x%" PRIx32 " bytes at 0x%" PRIx32
                          " of the file are no multiples of FileAlignment",
                       i + 1, s->name, s->raw_size, s->raw);
        if (s->raw < end)
            coff_found(v, "section %" PRIu32 " (%s): at 0x%" PRIx32
                          " of the file, what is before it ends at 0x%" PRIx64,
                       i + 1, s->name, s->raw, end);
        if ((uint64_t)s->raw + s->raw_size > v->f.in.size)
            coff_found(v, "section %" PRIu32 " (%s): ends at 0x%" PRIx64
                          " of the file, which has 0x%" PRIx64 " bytes",
                       i + 1, s->name, (uint64_t)s->raw + s->raw_size, v->f.in.size);
        if (s->raw_size > align_up(s->vsize, align) && s->vsize)
            coff_found(v, "section %" PRIu32 " (%s): 0x%" PRIx32 " bytes in the file for 0x%" PRIx32
                          " in memory",
                       i + 1, s->name, s->raw_size, s->vsize);
        end = (uint64_t)s->raw + s->raw_size;
    }
}

void coff_verify_rights(struct coff_verify *v)
{
    for (uint32_t i = 0; i < v->f.section_count && coff_go_on(v); i++) {
        const struct coff_section *s = &v->f.sections[i];

        if (s->flags & IMAGE_SCN_MEM_WRITE && s->flags & IMAGE_SCN_MEM_EXECUTE)
            coff_found(v, "section %" PRIu32 " (%s): is writable and executable", i + 1, s->name);
        if (!(s->flags & IMAGE_SCN_MEM_READ))
            coff_found(v, "section %" PRIu32 " (%s): cannot be read", i + 1, s->name);
        if (s->flags & IMAGE_SCN_MEM_SHARED)
            coff_found(v, "section %" PRIu32 " (%s): is shared by all processes", i + 1, s->name);
        if (s->flags & (IMAGE_SCN_LNK_INFO | IMAGE_SCN_LNK_REMOVE | IMAGE_SCN_LNK_COMDAT |
                        IMAGE_SCN_LNK_NRELOC_OVFL))
            coff_found(v, "section %" PRIu32 " (%s): flags 0x%" PRIx32 " are those of an object",
                       i + 1, s->name, s->flags);
    }
}

void coff_verify_entry(struct coff_verify *v)
{
    uint32_t entry = v->f.optional.entry;

    if (entry == 0 && v->f.characteristics & IMAGE_FILE_DLL)
        return;
    if (!coff_is_code(&v->f, entry))
        coff_found(v, "the entry point 0x%" PRIx32 " is not in code", entry);
}

void coff_verify_directories(struct coff_verify *v)
{
    static const enum data_directory reserved[] = {DIRECTORY_ARCHITECTURE, DIRECTORY_RESERVED};
    const struct coff_directory *all = v->f.optional.directories;

    for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++)
        if (all[reserved[i]].rva || all[reserved[i]].size)
            coff_found(v, "%s: is to be 0", coff_directory_name(reserved[i]));
    if (all[DIRECTORY_GLOBALPTR].size)
        coff_found(v, "%s: its size is to be 0", coff_directory_name(DIRECTORY_GLOBALPTR));
    for (enum data_directory i = 0; i < DIRECTORY_COUNT; i++) {
        const struct coff_section *s = coff_section_at(&v->f, all[i].rva);

        if (!all[i].rva && !all[i].size)
            continue;
        if (i == DIRECTORY_SECURITY) {
            if (all[i].rva % 8 || (uint64_t)all[i].rva + all[i].size > v->f.in.size)
                coff_found(v, "%s: 0x%" PRIx32 " bytes at 0x%" PRIx32
                              " of the file: at a multiple of 8 inside it is allowed",
                           coff_directory_name(i), all[i].size, all[i].rva);
            continue;
        }
        if (i == DIRECTORY_GLOBALPTR)
            continue;
        if (all[i].rva && !all[i].size && i != DIRECTORY_BASERELOC)
            coff_found(v, "%s: no bytes at 0x%" PRIx32, coff_directory_name(i), all[i].rva);
        if (!s && (uint64_t)all[i].rva + all[i].size > v->f.optional.headers_size)
            coff_found(v, "%s: 0x%" PRIx32 " is in no section", coff_directory_name(i), all[i].rva);
        else if (s && (uint64_t)(all[i].rva - s->rva) + all[i].size > memory_size(s))
            coff_found(v, "%s: 0x%" PRIx32 " bytes at 0x%" PRIx32 " reach out of section %s",
                       coff_directory_name(i), all[i].size, all[i].rva, s->name);
    }
}

/* As ImageHlp's CheckSumMappedFile() computes it. */
void coff_verify_checksum(struct coff_verify *v)
{
    uint64_t at = v->f.header + FILE_HEADER_SIZE + 64, sum = 0;
    struct span in = v->f.in;

    if (v->f.optional.checksum == 0)
        return;
    for (uint64_t i = 0; i + 2 <= in.size; i += 2)
        sum += i == at || i == at + 2 ? 0 : load_uint(in.at + i, 2, false);
    sum += in.size % 2 ? in.at[in.size - 1] : 0;
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    sum += in.size;
    if ((uint32_t)sum != v->f.optional.checksum)
        coff_found(v, "CheckSum 0x%" PRIx32 ", it would be 0x%" PRIx32, v->f.optional.checksum,
                   (uint32_t)sum);
}

void coff_verify_names(struct coff_verify *v)
{
    for (uint32_t i = 0; i < v->f.section_count && coff_go_on(v); i++)
        if (!*v->f.sections[i].name)
            coff_found(v, "section %" PRIu32 " has no name", i + 1);
}
