/* Once a copy is loaded, what nobody can change in it is the same as in the original: those pages are mapped from
 * there, so that all copies share them, profilers see the original's name, and the copy's own go back to the system.
 * Patched pages and what can be written stay. The caller's thread. */
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "library_copy_private.h"

typedef struct span { /* of the file, in whole pages */
    size_t begin, end;
} span;

typedef struct pages {
    const library_file *file;
    const struct link_map *map;
    size_t page;
    unsigned char *kept; /* by page of the file: the copy's own are in use */
    size_t count;
} pages;

static span span_of(const pages *p, const GElf_Phdr *segment)
{
    size_t begin = (size_t)segment->p_offset, end = begin + (size_t)segment->p_filesz;
    return (span){begin / p->page * p->page, (end + p->page - 1) / p->page * p->page};
}

/* true: the original's pages are there now. */
static bool map_original(const pages *p, const GElf_Phdr *segment, span s)
{
    int protection = (segment->p_flags & PF_R ? PROT_READ : 0) | (segment->p_flags & PF_X ? PROT_EXEC : 0);
    uintptr_t first = (uintptr_t)p->map->l_addr + (uintptr_t)segment->p_vaddr;
    first -= (size_t)segment->p_offset - s.begin; /* the segment begins somewhere in its first page */
    return s.begin >= s.end || mmap((void *)first, s.end - s.begin, protection, MAP_PRIVATE | MAP_FIXED,
                                    p->file->original, (off_t)s.begin) != MAP_FAILED;
}

/* What is before and behind the patches. */
static void share_segment(const pages *p, const GElf_Phdr *segment)
{
    span s = span_of(p, segment), patched = {s.end, s.end};
    if (p->file->first_patch <= p->file->last_patch) {
        size_t begin = p->file->first_patch / p->page * p->page;
        size_t end = p->file->last_patch / p->page * p->page + p->page;
        if (begin < s.end && end > s.begin) {
            patched = (span){begin > s.begin ? begin : s.begin, end < s.end ? end : s.end};
        }
    }
    const span free_spans[2] = {{s.begin, patched.begin}, {patched.end, s.end}};
    for (size_t i = s.begin / p->page; i < s.end / p->page && i < p->count; i++) {
        p->kept[i] = 1;
    }
    for (size_t k = 0; k < 2; k++) {
        bool shared = (segment->p_flags & PF_W) == 0 && free_spans[k].begin < free_spans[k].end &&
                      map_original(p, segment, free_spans[k]);
        for (size_t i = free_spans[k].begin / p->page; shared && i < free_spans[k].end / p->page && i < p->count; i++) {
            p->kept[i] = 0;
        }
    }
}

/* Page by page run; those that no segment keeps. */
static size_t give_back(const pages *p)
{
    size_t kept = 0;
    for (size_t i = 0; i < p->count;) {
        size_t end = i;
        while (end < p->count && p->kept[end] == p->kept[i]) {
            end++;
        }
        if (p->kept[i]) {
            kept += end - i;
        } else {
            fallocate(p->file->copy, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)(i * p->page),
                      (off_t)((end - i) * p->page)); /* where it can't be done, it is only not saved */
        }
        i = end;
    }
    return kept * p->page;
}

static uint64_t written_bytes(const elf_image *image, size_t page)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < image->segment_count; i++) {
        const GElf_Phdr *s = &image->segments[i];
        if (s->p_type == PT_LOAD && (s->p_flags & PF_W) != 0) {
            bytes += (s->p_memsz + page - 1) / page * page;
        }
    }
    return bytes;
}

uint64_t library_share_pages(const library_file *f, const elf_image *image, const struct link_map *map)
{
    pages p = {.file = f, .map = map, .page = (size_t)sysconf(_SC_PAGESIZE)};
    p.count = (f->size + p.page - 1) / p.page;
    p.kept = image->text_relocations ? NULL : plat_calloc(p.count, 1);
    uint64_t written = written_bytes(image, p.page);
    if (p.kept == NULL) {
        return f->size + written;
    }
    /* Those that can be written last: a page of the file may be in two segments. */
    for (int writable = 0; writable < 2; writable++) {
        for (size_t i = 0; i < image->segment_count; i++) {
            const GElf_Phdr *s = &image->segments[i];
            if (s->p_type == PT_LOAD && ((s->p_flags & PF_W) != 0) == (writable != 0)) {
                share_segment(&p, s);
            }
        }
    }
    uint64_t kept = give_back(&p);
    plat_free(p.kept);
    return kept + written;
}
