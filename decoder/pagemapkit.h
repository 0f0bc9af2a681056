/* pagemapkit.h: what the words of /proc/PID/pagemap, /proc/kpage* and PAGEMAP_SCAN mean.
 *
 * Introduction
 *
 *	The kernel describes a page in 64-bit words. A word of pagemap says of one page of a process
 *	whether it is absent, present (and in which frame, its PFN) or "swap-like": neither. A word of
 *	kpageflags says what the kernel knows of one frame. What the bits mean has changed from kernel
 *	to kernel, and most programs that read them get some of it wrong; this library does not.
 *
 * Simple calls
 *
 *	struct pmk_pagemap page;
 *
 *	pmk_pagemap_decode(NULL, word, &page);
 *	if (page.state == PMK_PAGE_PRESENT && page.frame != 0)
 *		use(pmk_phys(page.frame, address, page_shift));
 *
 *	A frame of 0 is not "no page": without CAP_SYS_ADMIN at open(2) the kernel shows 0.
 *	A swap-like page is not "in swap": look at page.kind.
 *
 * Explicit calls
 *
 *	A NULL layout means the newest kernel this library knows. For a dump of another kernel make
 *	one, once, and hand it to every call:
 *
 *	struct pmk_layout layout;
 *
 *	pmk_layout_init(&layout, PMK_KERNEL(5, 10, 0), PMK_CONFIG_ALL);
 *	pmk_pagemap_decode(&layout, word, &page);
 *
 * Batches
 *
 *	The pmk_batch_* calls take arrays of words of the current layout (any kernel since 4.3) and
 *	run at about the speed of memory: histogram, classes, runs and PFNs.
 *
 * What holds for every call
 *
 *	Purity	no allocation, no I/O, no errno, no logging, no variable outside the stack.
 *	Threads	any call in any thread at any time, if the caller's own arguments are not shared.
 *	Total	every word decodes, also words no kernel writes. A pointer must not be NULL unless its
 *		call says so.
 *	Lossless encode(decode(w)) == w for all 2^64 words: bits without a meaning are kept.
 *	Units	addresses and sizes in bytes; frames are PFNs, counted in base pages; page_shift is
 *		log2 of the base page size (12 for 4 KiB, 16 for 64 KiB) and never assumed.
 *	Order	words are in the host's byte order; a dump of another machine goes through
 *		pmk_words_from_be() or pmk_words_from_le() first.
 *	Errors	calls that can fail return 0 or a negative enum pmk_err, and then leave *ret alone.
 *	Text	calls that write text return, as snprintf(3) does, the length of the whole text
 *		without its final NUL; when that is >= size the text was cut short. A NUL is always
 *		written if size > 0. buf may be NULL if size is 0.
 *	Since	all calls are of version 0.1.
 *
 *	Names in round brackets, as in (E-B56), are clauses of the conformance ledger.
 *
 * SPDX-License-Identifier: MIT */
#ifndef PAGEMAPKIT_H
#define PAGEMAPKIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Version of this header and of the library. */
#define PMK_VERSION_MAJOR 0
#define PMK_VERSION_MINOR 1
#define PMK_VERSION_PATCH 0

/* pmk_version: the version of the library linked, "0.1.0". Static storage. */
const char *pmk_version(void);

/* A kernel version as one number that compares as versions do: 6.1.192 is PMK_KERNEL(6, 1, 192). */
#define PMK_KERNEL(major, minor, patch) \
	(((uint32_t)(major) << 24) | ((uint32_t)(minor) << 16) | (uint32_t)(patch))

/* The newest kernel known here; where a call takes a kernel, 0 means this one. */
#define PMK_KERNEL_NEWEST PMK_KERNEL(7, 3, 0)

/* In place of a kernel: none ever. */
#define PMK_NEVER	  UINT32_MAX

/* Why a call failed. */
enum pmk_err {
	PMK_OK = 0,
	PMK_ERR_NAME = -1, /* no bit has this name: pmk_kpageflags_from_names("LRU,GUARD") */
	PMK_ERR_FIELD = -2, /* a field is missing or malformed: pmk_maps_parse("1000-2000 rwxq") */
	PMK_ERR_RANGE = -3, /* a number is too large or a range backwards: "2000-1000 r--p ..." */
	PMK_ERR_SPACE = -4, /* a field is not followed by one blank: "1000-2000  r--p ..." */
};

/* pmk_error_text: one line in English for an error, "unknown error" for any other number. Static
 * storage. */
const char *pmk_error_text(int error);

/*
 * Bits
 *
 * PMK_X_BIT is a number, PMK_X_MASK a mask. This block is written from bits.def.
 */

/* from bits.def: begin */
/* clang-format off */

enum pmk_pagemap_bit_number {
	/* 3.11.. written since 4 was last written to clear_refs, or mapped since (E-B55) */
	PMK_PAGEMAP_SOFT_DIRTY_BIT = 55,
	PMK_PAGEMAP_EXCLUSIVE_BIT = 56, /* 4.3.. mapped exactly once, here (E-B56) */
	PMK_PAGEMAP_UFFD_WP_BIT = 57, /* 5.14.. write-protected by userfaultfd (E-B57) */
	PMK_PAGEMAP_GUARD_BIT = 58, /* 6.15.. guard region: any access is SIGSEGV (E-B58) */
	PMK_PAGEMAP_FILE_BIT = 61, /* 3.5.. page of a file or of shared anonymous memory (E-B61) */
	/* 2.6.25.. swap-like: neither absent nor present, not always in swap (E-B62) */
	PMK_PAGEMAP_SWAP_BIT = 62,
	/* 2.6.25.. mapped to a page frame in RAM, PROT_NONE too (E-B63) */
	PMK_PAGEMAP_PRESENT_BIT = 63,
};

#define PMK_PAGEMAP_SOFT_DIRTY_MASK (UINT64_C(1) << 55)
#define PMK_PAGEMAP_EXCLUSIVE_MASK (UINT64_C(1) << 56)
#define PMK_PAGEMAP_UFFD_WP_MASK (UINT64_C(1) << 57)
#define PMK_PAGEMAP_GUARD_MASK (UINT64_C(1) << 58)
#define PMK_PAGEMAP_FILE_MASK (UINT64_C(1) << 61)
#define PMK_PAGEMAP_SWAP_MASK (UINT64_C(1) << 62)
#define PMK_PAGEMAP_PRESENT_MASK (UINT64_C(1) << 63)

enum pmk_kpf_bit_number {
	PMK_KPF_LOCKED_BIT = 0, /* 2.6.25.. locked, as for I/O (KPF-LOCKED) */
	PMK_KPF_ERROR_BIT = 1, /* 2.6.25..<6.12 an I/O error, unused since 6.12 (KPF-ERROR) */
	/* 2.6.25.. referenced lately, or kernel page table (KPF-REFERENCED) */
	PMK_KPF_REFERENCED_BIT = 2,
	/* 2.6.25.. holds valid data, may linger when free (KPF-UPTODATE) */
	PMK_KPF_UPTODATE_BIT = 3,
	PMK_KPF_DIRTY_BIT = 4, /* 2.6.25.. holds data not yet written back (KPF-DIRTY) */
	PMK_KPF_LRU_BIT = 5, /* 2.6.25.. on an LRU list, not yet when fresh (KPF-LRU) */
	PMK_KPF_ACTIVE_BIT = 6, /* 2.6.25.. on the active LRU list (KPF-ACTIVE) */
	PMK_KPF_SLAB_BIT = 7, /* 2.6.25.. slab, ANON and KSM are garbage here (KPF-SLAB) */
	PMK_KPF_WRITEBACK_BIT = 8, /* 2.6.25.. being written back (KPF-WRITEBACK) */
	PMK_KPF_RECLAIM_BIT = 9, /* 2.6.25.. to be reclaimed, or the readahead mark (KPF-RECLAIM) */
	PMK_KPF_BUDDY_BIT = 10, /* 2.6.25.. free, in the buddy allocator (KPF-BUDDY) */
	PMK_KPF_MMAP_BIT = 11, /* 2.6.31.. some page of the folio is mapped (KPF-MMAP) */
	PMK_KPF_ANON_BIT = 12, /* 2.6.31.. anonymous, or in the swap cache (KPF-ANON) */
	PMK_KPF_SWAPCACHE_BIT = 13, /* 2.6.31.. in the swap cache (KPF-SWAPCACHE) */
	/* 2.6.31.. backed by swap: anonymous or shmem (KPF-SWAPBACKED) */
	PMK_KPF_SWAPBACKED_BIT = 14,
	PMK_KPF_COMPOUND_HEAD_BIT = 15, /* 2.6.31.. first page of any compound page (KPF-HEAD) */
	PMK_KPF_COMPOUND_TAIL_BIT = 16, /* 2.6.31.. later page of any compound page (KPF-TAIL) */
	PMK_KPF_HUGE_BIT = 17, /* 2.6.31.. hugetlb page, head or tail (KPF-HUGE) */
	PMK_KPF_UNEVICTABLE_BIT = 18, /* 2.6.31.. on the unevictable list (KPF-UNEVICTABLE) */
	PMK_KPF_HWPOISON_BIT = 19, /* 2.6.31.. hardware found the memory bad (KPF-HWPOISON) */
	PMK_KPF_NOPAGE_BIT = 20, /* 2.6.31.. no frame here, since 6.16 holes read 0 (KPF-NOPAGE) */
	PMK_KPF_KSM_BIT = 21, /* 2.6.32.. merged by KSM (KPF-KSM) */
	PMK_KPF_THP_BIT = 22, /* 3.4.. THP, since 6.10 any large folio (KPF-THP) */
	PMK_KPF_OFFLINE_BIT = 23, /* 3.18.. logically offline: balloon, virtio-mem (KPF-OFFLINE) */
	PMK_KPF_ZERO_PAGE_BIT = 24, /* 4.0.. the shared zero page, small or huge (KPF-ZERO) */
	PMK_KPF_IDLE_BIT = 25, /* 4.3.. not accessed since marked idle (KPF-IDLE) */
	PMK_KPF_PGTABLE_BIT = 26, /* 4.18.. page table (KPF-PGTABLE) */
	/* 2.6.31.. reserved: firmware, kernel, zero page (KPF-RESERVED) */
	PMK_KPF_RESERVED_BIT = 32,
	PMK_KPF_MLOCKED_BIT = 33, /* 2.6.31.. locked by mlock (KPF-MLOCKED) */
	PMK_KPF_OWNER_2_BIT = 34, /* 2.6.31.. on disk, or anonymous and exclusive (KPF-OWNER_2) */
	PMK_KPF_PRIVATE_BIT = 35, /* 2.6.31.. the filesystem keeps private data (KPF-PRIVATE) */
	/* 2.6.31.. the filesystem keeps more private data (KPF-PRIVATE_2) */
	PMK_KPF_PRIVATE_2_BIT = 36,
	/* 2.6.31.. for the owner, or in the swap cache (KPF-OWNER_PRIVATE) */
	PMK_KPF_OWNER_PRIVATE_BIT = 37,
	PMK_KPF_ARCH_BIT = 38, /* 2.6.31.. for the architecture (KPF-ARCH) */
	PMK_KPF_UNCACHED_BIT = 39, /* 2.6.31..<6.12 mapped uncached, gone in 6.12 (KPF-UNCACHED) */
	PMK_KPF_SOFTDIRTY_BIT = 40, /* never made up by page-types, never set (KPF-SOFTDIRTY) */
	PMK_KPF_ARCH_2_BIT = 41, /* 5.10.. for the architecture: arm64 memory tags (KPF-ARCH_2) */
	PMK_KPF_ARCH_3_BIT = 42, /* 6.2.. for the architecture: arm64 memory tags (KPF-ARCH_3) */
};

#define PMK_KPF_LOCKED_MASK (UINT64_C(1) << 0)
#define PMK_KPF_ERROR_MASK (UINT64_C(1) << 1)
#define PMK_KPF_REFERENCED_MASK (UINT64_C(1) << 2)
#define PMK_KPF_UPTODATE_MASK (UINT64_C(1) << 3)
#define PMK_KPF_DIRTY_MASK (UINT64_C(1) << 4)
#define PMK_KPF_LRU_MASK (UINT64_C(1) << 5)
#define PMK_KPF_ACTIVE_MASK (UINT64_C(1) << 6)
#define PMK_KPF_SLAB_MASK (UINT64_C(1) << 7)
#define PMK_KPF_WRITEBACK_MASK (UINT64_C(1) << 8)
#define PMK_KPF_RECLAIM_MASK (UINT64_C(1) << 9)
#define PMK_KPF_BUDDY_MASK (UINT64_C(1) << 10)
#define PMK_KPF_MMAP_MASK (UINT64_C(1) << 11)
#define PMK_KPF_ANON_MASK (UINT64_C(1) << 12)
#define PMK_KPF_SWAPCACHE_MASK (UINT64_C(1) << 13)
#define PMK_KPF_SWAPBACKED_MASK (UINT64_C(1) << 14)
#define PMK_KPF_COMPOUND_HEAD_MASK (UINT64_C(1) << 15)
#define PMK_KPF_COMPOUND_TAIL_MASK (UINT64_C(1) << 16)
#define PMK_KPF_HUGE_MASK (UINT64_C(1) << 17)
#define PMK_KPF_UNEVICTABLE_MASK (UINT64_C(1) << 18)
#define PMK_KPF_HWPOISON_MASK (UINT64_C(1) << 19)
#define PMK_KPF_NOPAGE_MASK (UINT64_C(1) << 20)
#define PMK_KPF_KSM_MASK (UINT64_C(1) << 21)
#define PMK_KPF_THP_MASK (UINT64_C(1) << 22)
#define PMK_KPF_OFFLINE_MASK (UINT64_C(1) << 23)
#define PMK_KPF_ZERO_PAGE_MASK (UINT64_C(1) << 24)
#define PMK_KPF_IDLE_MASK (UINT64_C(1) << 25)
#define PMK_KPF_PGTABLE_MASK (UINT64_C(1) << 26)
#define PMK_KPF_RESERVED_MASK (UINT64_C(1) << 32)
#define PMK_KPF_MLOCKED_MASK (UINT64_C(1) << 33)
#define PMK_KPF_OWNER_2_MASK (UINT64_C(1) << 34)
#define PMK_KPF_PRIVATE_MASK (UINT64_C(1) << 35)
#define PMK_KPF_PRIVATE_2_MASK (UINT64_C(1) << 36)
#define PMK_KPF_OWNER_PRIVATE_MASK (UINT64_C(1) << 37)
#define PMK_KPF_ARCH_MASK (UINT64_C(1) << 38)
#define PMK_KPF_UNCACHED_MASK (UINT64_C(1) << 39)
#define PMK_KPF_SOFTDIRTY_MASK (UINT64_C(1) << 40)
#define PMK_KPF_ARCH_2_MASK (UINT64_C(1) << 41)
#define PMK_KPF_ARCH_3_MASK (UINT64_C(1) << 42)

enum pmk_scan_category_number {
	/* 6.7.. the VMA takes asynchronous write protection (SCAN-WPALLOWED) */
	PMK_SCAN_WPALLOWED_BIT = 0,
	/* 6.7.. not write-protected by userfaultfd now (SCAN-WRITTEN-MEANS) */
	PMK_SCAN_WRITTEN_BIT = 1,
	PMK_SCAN_FILE_BIT = 2, /* 6.7.. page of a file or of shared anonymous memory (SCAN-CAT) */
	PMK_SCAN_PRESENT_BIT = 3, /* 6.7.. mapped to a page frame in RAM (SCAN-CAT) */
	/* 6.7.. swap-like: neither absent nor present (SCAN-SWAPPED-MEANS) */
	PMK_SCAN_SWAPPED_BIT = 4,
	PMK_SCAN_PFNZERO_BIT = 5, /* 6.7.. the shared zero page, small or huge (SCAN-CAT) */
	PMK_SCAN_HUGE_BIT = 6, /* 6.7.. mapped by a PMD or by hugetlb (SCAN-HUGE) */
	PMK_SCAN_SOFT_DIRTY_BIT = 7, /* 6.8.. soft-dirty (SCAN-CATS) */
	PMK_SCAN_GUARD_BIT = 8, /* 6.16.. guard region (SCAN-CATS) */
	/* 7.3.. not read-write-protected by userfaultfd now (SCAN-CATS) */
	PMK_SCAN_ACCESSED_BIT = 9,
};

#define PMK_SCAN_WPALLOWED_MASK (UINT64_C(1) << 0)
#define PMK_SCAN_WRITTEN_MASK (UINT64_C(1) << 1)
#define PMK_SCAN_FILE_MASK (UINT64_C(1) << 2)
#define PMK_SCAN_PRESENT_MASK (UINT64_C(1) << 3)
#define PMK_SCAN_SWAPPED_MASK (UINT64_C(1) << 4)
#define PMK_SCAN_PFNZERO_MASK (UINT64_C(1) << 5)
#define PMK_SCAN_HUGE_MASK (UINT64_C(1) << 6)
#define PMK_SCAN_SOFT_DIRTY_MASK (UINT64_C(1) << 7)
#define PMK_SCAN_GUARD_MASK (UINT64_C(1) << 8)
#define PMK_SCAN_ACCESSED_MASK (UINT64_C(1) << 9)

enum pmk_scan_flag_number {
	PMK_SCAN_WP_MATCHING_BIT = 0, /* 6.7.. write-protect the pages that match (SCAN-WP) */
	/* 6.7.. fail with EPERM at a VMA that is not WPALLOWED (SCAN-CHECK) */
	PMK_SCAN_CHECK_WPASYNC_BIT = 1,
};

#define PMK_SCAN_WP_MATCHING_MASK (UINT64_C(1) << 0)
#define PMK_SCAN_WP_MATCHING PMK_SCAN_WP_MATCHING_MASK
#define PMK_SCAN_CHECK_WPASYNC_MASK (UINT64_C(1) << 1)
#define PMK_SCAN_CHECK_WPASYNC PMK_SCAN_CHECK_WPASYNC_MASK

/* clang-format on */
/* from bits.def: end */

/* pagemap: the frame is bits 0 to 54, the flags are the rest (E-LAYOUT). */
#define PMK_PAGEMAP_FRAME_BITS 55
#define PMK_PAGEMAP_FRAME_MASK ((UINT64_C(1) << PMK_PAGEMAP_FRAME_BITS) - 1)
#define PMK_PAGEMAP_FLAGS_MASK (~PMK_PAGEMAP_FRAME_MASK)

/* pagemap up to 3.10: log2 of the page size, in bits 55 to 60 (E-PSHIFT). */
#define PMK_PAGEMAP_SHIFT_BIT  55
#define PMK_PAGEMAP_SHIFT_MASK (UINT64_C(0x3f) << PMK_PAGEMAP_SHIFT_BIT)

/* One bit as bits.def has it. */
struct pmk_bit {
	const char *name; /* "soft-dirty", "COMPOUND_HEAD", "WPALLOWED" */
	unsigned bit;
	uint32_t since; /* first kernel that can set it; PMK_NEVER: none does */
	uint32_t until; /* first kernel that no longer can; 0: the newest still does */
	const char *meaning;
	const char *clause;
};

/* pmk_pagemap_bit, pmk_kpageflags_bit, pmk_scan_category, pmk_scan_flag: the description of a bit.
 * bit	a number, not a mask; any number will do.
 * Returns static storage, or NULL if the bit has no meaning, as pmk_kpageflags_bit(27) has not. */
const struct pmk_bit *pmk_pagemap_bit(unsigned bit);
const struct pmk_bit *pmk_kpageflags_bit(unsigned bit);
const struct pmk_bit *pmk_scan_category(unsigned bit);
const struct pmk_bit *pmk_scan_flag(unsigned bit);

/* pmk_pagemap_from_names, pmk_kpageflags_from_names, pmk_scan_from_names: names to a word.
 * text	names separated by blanks, commas or bars, in any case, "-" and "_" being the same;
 *	"BIT27" for a bit without a name; kpageflags knows old names too (MAPPEDTODISK, BALLOON).
 *	It need not end in NUL; at most len bytes are read.
 * ret	the word; 0 for no names.
 * Returns 0, or PMK_ERR_NAME: "LRU,FOO", "BIT64". */
int pmk_pagemap_from_names(const char *text, size_t len, uint64_t *ret);
int pmk_kpageflags_from_names(const char *text, size_t len, uint64_t *ret);
int pmk_scan_from_names(const char *text, size_t len, uint64_t *ret);

/* pmk_pagemap_to_names, pmk_kpageflags_to_names, pmk_scan_to_names: a word to names.
 * Names from the lowest bit up, one blank between: "UPTODATE LRU BIT27"; "" for 0. pagemap's frame,
 * bits 0 to 54, is left out.
 * Returns the length of the whole text (see Text above). */
size_t pmk_pagemap_to_names(uint64_t word, char *buf, size_t size);
size_t pmk_kpageflags_to_names(uint64_t word, char *buf, size_t size);
size_t pmk_scan_to_names(uint64_t categories, char *buf, size_t size);

/*
 * Layouts: what a word means on which kernel
 */

/* What bits 55 to 60 of a pagemap word are (E-PSHIFT). */
enum pmk_layout_era {
	PMK_ERA_SHIFT, /* up to 3.10: log2 of the page size */
	PMK_ERA_SWITCH, /* 3.11 to 4.2: that, until anybody first writes 4 to a clear_refs file, then
			 * flags. A field above 1 is the shift: only bit 55 existed as a flag. */
	PMK_ERA_FLAGS, /* since 4.3: flags */
};

/* What kind of thing a swap-like word is (SWAP-TYPE). */
enum pmk_swap_kind {
	PMK_SWAP_NONE, /* not swap-like */
	PMK_SWAP_HIDDEN, /* the reader may not know: type and offset are shown as 0 (PM-CRED-WHAT) */
	PMK_SWAP_REAL, /* in swap area swap_type, at page swap_offset (K-SWAP) */
	PMK_SWAP_HWPOISON, /* the memory is bad; swap_offset is a PFN (K-HWP) */
	PMK_SWAP_MIGRATION, /* on its way to another frame; swap_offset is a PFN (K-MIG) */
	PMK_SWAP_DEVICE, /* in device memory; swap_offset is a PFN (K-DEVPRIV) */
	PMK_SWAP_MARKER, /* no page, only a note: see marker (K-GUARD, K-UFFDM, K-POISM) */
	PMK_SWAP_SWAPIN_ERROR, /* could not be read back from swap; 6.0 to 6.2 */
	PMK_SWAP_KINDS
};

/* pmk_swap_kind_name: "none", "hidden", "real", "hwpoison", "migration", "device", "marker",
 * "swapin-error", or "?" for any other number. Static storage. */
const char *pmk_swap_kind_name(enum pmk_swap_kind kind);

/* What a marker says: bits of its swap offset; several may be set. */
#define PMK_MARKER_UFFD_WP 1u /* write-protected by userfaultfd, since 5.19 */
#define PMK_MARKER_POISON  2u /* poisoned by UFFDIO_POISON or lost in swap, since 6.3 */
#define PMK_MARKER_GUARD   4u /* guard region, since 6.13 */

/* pmk_marker_name: "uffd-wp", "poison" or "guard" for one bit, "?" for anything else. Static
 * storage. */
const char *pmk_marker_name(unsigned mask);

/* Type and offset share the frame: type in the low bits. */
#define PMK_SWAP_TYPE_BITS	  5
#define PMK_SWAP_TYPES		  (1u << PMK_SWAP_TYPE_BITS)

/* What a kernel is built with, as far as words show it. */
#define PMK_CONFIG_MIGRATION	  (1u << 0) /* CONFIG_MIGRATION */
#define PMK_CONFIG_MEMORY_FAILURE (1u << 1) /* CONFIG_MEMORY_FAILURE */
#define PMK_CONFIG_DEVICE_PRIVATE (1u << 2) /* CONFIG_DEVICE_PRIVATE */
#define PMK_CONFIG_SOFT_DIRTY	  (1u << 3) /* CONFIG_MEM_SOFT_DIRTY */
#define PMK_CONFIG_UFFD_WP	  (1u << 4) /* CONFIG_HAVE_ARCH_USERFAULTFD_WP and CONFIG_USERFAULTFD */
#define PMK_CONFIG_ALL		  (~0u)

/* What the words of one kernel mean. Plain data: make it with pmk_layout_init(), copy it, change it. */
struct pmk_layout {
	uint32_t kernel; /* PMK_KERNEL() */
	unsigned config; /* PMK_CONFIG_* */
	enum pmk_layout_era era;
	unsigned markers; /* PMK_MARKER_* that have a meaning */
	uint64_t flags; /* PMK_PAGEMAP_*_MASK that have a meaning */
	uint8_t swap_kind[PMK_SWAP_TYPES]; /* enum pmk_swap_kind of each swap type */
};

/* The layout that NULL stands for: PMK_KERNEL_NEWEST with all of PMK_CONFIG_ALL. */
extern const struct pmk_layout pmk_layout_current;

/* pmk_layout_init: the layout of a kernel.
 * ret	  the caller's; nothing to release.
 * kernel PMK_KERNEL(6, 1, 0); 0 or a later one than we know: the newest. Before 2.6.25 there is no
 *	  pagemap: as 2.6.25.
 * config PMK_CONFIG_* or'ed. */
void pmk_layout_init(struct pmk_layout *ret, uint32_t kernel, unsigned config);

/* pmk_layout_swap_type: the lowest swap type of a kind, for making words.
 * layout may be NULL.
 * Returns 0 to 31, or -1 if that kernel has no such type: PMK_SWAP_MARKER before 5.19. */
int pmk_layout_swap_type(const struct pmk_layout *layout, enum pmk_swap_kind kind);

/*
 * /proc/PID/pagemap
 */

/* A page is in one of three states (E-B62, E-B63). */
enum pmk_page_state {
	PMK_PAGE_ABSENT, /* nothing mapped */
	PMK_PAGE_SWAPPED, /* swap-like: bit 62; see kind */
	PMK_PAGE_PRESENT, /* bit 63, whatever bit 62 says */
};

/* pmk_page_state_name: "absent", "swapped", "present", or "?". Static storage. */
const char *pmk_page_state_name(enum pmk_page_state state);

/* A pagemap word, decoded. A member that has no meaning in this state or layout is 0. */
struct pmk_pagemap {
	enum pmk_page_state state;
	uint64_t frame; /* present: the PFN; 0 if the reader may not know */

	/* swapped: */
	uint32_t swap_type; /* 0 to 31 */
	uint64_t swap_offset; /* 50 bits */
	enum pmk_swap_kind kind; /* from swap_type; encode() does not read it */
	unsigned marker; /* PMK_MARKER_*, from swap_offset; encode() does not read it */

	/* any state: */
	bool soft_dirty;
	bool exclusive;
	bool uffd_wp;
	bool guard;
	bool file;
	uint8_t page_shift; /* kernels up to 4.2: log2 of the page size; 0: bits 55 to 60 are flags */
	uint64_t unknown; /* bits set that mean nothing here: bits 59 and 60, the frame of an absent
			     * page, bit 62 of a present one, flags that kernel does not have */
};

/* pmk_pagemap_decode: a word to its parts.
 * layout may be NULL. Every word decodes.
 * (E-LAYOUT, E-PSHIFT, E-B55 to E-B63, SWAP-TYPE) */
void pmk_pagemap_decode(const struct pmk_layout *layout, uint64_t word, struct pmk_pagemap *ret);

/* pmk_pagemap_encode: parts to a word, the inverse of pmk_pagemap_decode().
 * layout may be NULL. Flags the layout does not have are not set, as on that kernel: a guard page
 *	encodes without bit 58 before 6.15. frame is read in state present, swap_type and
 *	swap_offset in state swapped; each is cut to its width. page_shift is read up to 4.2.
 * Returns the word. */
uint64_t pmk_pagemap_encode(const struct pmk_layout *layout, const struct pmk_pagemap *page);

/* pmk_swap_frame, pmk_swap_type, pmk_swap_offset: the frame of a swap-like word and its two parts
 * (K-SWAP, SWAP-OFFSET-WIDTH). */
static inline uint64_t pmk_swap_frame(uint32_t type, uint64_t offset)
{
	return ((offset << PMK_SWAP_TYPE_BITS) | (type & (PMK_SWAP_TYPES - 1))) &
	       PMK_PAGEMAP_FRAME_MASK;
}

static inline uint32_t pmk_swap_type(uint64_t frame)
{
	return (uint32_t)(frame & (PMK_SWAP_TYPES - 1));
}

static inline uint64_t pmk_swap_offset(uint64_t frame)
{
	return (frame & PMK_PAGEMAP_FRAME_MASK) >> PMK_SWAP_TYPE_BITS;
}

/* What is wrong with a word: no kernel writes such. */
enum pmk_invariant {
	PMK_INV_OK = 0,

	/* pagemap (E-INV) */
	PMK_INV_SWAP_PRESENT, /* 0xc000000000000000 */
	PMK_INV_RESERVED, /* 0x0800000000000000 */
	PMK_INV_GUARD_NOT_SWAP, /* 0x8400000000000000 */
	PMK_INV_EXCLUSIVE_ABSENT, /* 0x0100000000000000 */
	PMK_INV_EXCLUSIVE_SWAPPED, /* 0x4100000000000000, since 6.11 */
	PMK_INV_FILE_ABSENT, /* 0x2000000000000000 */
	PMK_INV_FRAME_ABSENT, /* 0x0000000000000001 */

	/* kpageflags (KPF-INV-OK) */
	PMK_INV_KPF_REST, /* BIT27 */
	PMK_INV_KPF_KERNEL, /* ERROR, since 6.12 */
	PMK_INV_KPF_NOPAGE, /* NOPAGE LRU */
	PMK_INV_KPF_HEAD_TAIL, /* COMPOUND_HEAD COMPOUND_TAIL */
	PMK_INV_KPF_HUGE_THP, /* COMPOUND_HEAD HUGE THP */
	PMK_INV_KPF_HUGE_COMPOUND, /* HUGE */
	PMK_INV_KPF_THP_COMPOUND, /* THP */
	PMK_INV_KPF_KSM_ANON, /* KSM */
	PMK_INV_KPF_SWAPCACHE, /* SWAPCACHE, since 4.10 */
	PMK_INV_KPF_TYPES, /* SLAB BUDDY */
	PMK_INV_KPF_MAPPED, /* MMAP BUDDY */
	PMK_INV_KPF_ZERO, /* ZERO_PAGE LRU */
	PMK_INV_COUNT
};

/* pmk_invariant_text: one line in English, "nothing is wrong" for PMK_INV_OK; and
 * pmk_invariant_clause: the clause it comes from, "" for PMK_INV_OK. Both give static storage, and
 * "?" for any other number. */
const char *pmk_invariant_text(enum pmk_invariant invariant);
const char *pmk_invariant_clause(enum pmk_invariant invariant);

/* pmk_pagemap_check: does a word break what holds for all words of a kernel?
 * layout may be NULL. A word with hidden frame or type passes.
 * Returns the first broken invariant in the order of the enum, PMK_INV_OK if none is. (E-INV) */
enum pmk_invariant pmk_pagemap_check(const struct pmk_layout *layout, uint64_t word);

/* pmk_pagemap_offset: where in pagemap the word of an address is, in bytes; and
 * pmk_pagemap_address: the first address that the word at an offset speaks of.
 * page_shift	log2 of the base page size, 3 to 63. (A-PAGE64K) */
static inline uint64_t pmk_pagemap_offset(uint64_t address, unsigned page_shift)
{
	return (address >> (page_shift & 63)) * 8;
}

static inline uint64_t pmk_pagemap_address(uint64_t offset, unsigned page_shift)
{
	return (offset / 8) << (page_shift & 63);
}

/* pmk_phys: the physical address that a virtual one has in a frame. */
static inline uint64_t pmk_phys(uint64_t pfn, uint64_t address, unsigned page_shift)
{
	uint64_t inside = (UINT64_C(1) << (page_shift & 63)) - 1;

	return (pfn << (page_shift & 63)) | (address & inside);
}

/*
 * /proc/kpageflags, /proc/kpagecount, /proc/kpagecgroup
 */

/* pmk_kpage_offset: where in a kpage* file the word of a frame is, in bytes; pmk_kpage_pfn: the
 * frame of an offset. (KP-INDEX) */
static inline uint64_t pmk_kpage_offset(uint64_t pfn)
{
	return pfn * 8;
}

static inline uint64_t pmk_kpage_pfn(uint64_t offset)
{
	return offset / 8;
}

/* pmk_kpageflags_known: the bits that a kernel can set. kernel 0: the newest. */
uint64_t pmk_kpageflags_known(uint32_t kernel);

/* pmk_kpageflags_check: does a word of kpageflags break what holds for all words of a kernel?
 * kernel	0: the newest.
 * Returns the first broken invariant in the order of the enum, PMK_INV_OK if none is. On a running
 * machine read a suspect twice: the kernel takes no lock. (KPF-INV-OK, KP-RACE) */
enum pmk_invariant pmk_kpageflags_check(uint32_t kernel, uint64_t word);

/* pmk_kpageflags_is_anon: is the page anonymous? Not when it is slab, where bits ANON and KSM hold
 * garbage since 6.10. (KPF-SLAB-ANON) */
static inline bool pmk_kpageflags_is_anon(uint64_t word)
{
	return (word & (PMK_KPF_ANON_MASK | PMK_KPF_SLAB_MASK)) == PMK_KPF_ANON_MASK;
}

/* pmk_kpagecount_valid: is a word of kpagecount a count? With CONFIG_NO_PAGE_MAPCOUNT (6.15..) a
 * page of a typed kind (free, slab, page table) can show a negative number. (KC-NOMAPCOUNT) */
static inline bool pmk_kpagecount_valid(uint64_t word)
{
	return word <= INT32_MAX;
}

/* pmk_kpagecount_mappings: how many page table entries map the frame, all processes together; 0 if
 * the word is no count. Neither a reference count nor a number of processes. (KC-MEANING) */
static inline uint32_t pmk_kpagecount_mappings(uint64_t word)
{
	return pmk_kpagecount_valid(word) ? (uint32_t)word : 0;
}

/* pmk_kpagecgroup_charged: is the frame charged to a memory cgroup? The word is then the inode
 * number of its directory. (KG-MEANING) */
static inline bool pmk_kpagecgroup_charged(uint64_t word)
{
	return word != 0;
}

/*
 * ioctl PAGEMAP_SCAN and ioctl PROCMAP_QUERY
 */

/* The request numbers, the same on every architecture (SCAN-ABI, PQ-ABI). */
#define PMK_SCAN_IOCTL		0xC0606610u
#define PMK_PROCMAP_QUERY_IOCTL 0xC0686611u

/* The argument of PAGEMAP_SCAN: 96 bytes (SCAN-ABI). */
struct pmk_scan_arg {
	uint64_t size; /* 96; anything else is EINVAL */
	uint64_t flags;
	uint64_t start;
	uint64_t end;
	uint64_t walk_end; /* out: where to go on */
	uint64_t vec; /* address of struct pmk_scan_region [vec_len] */
	uint64_t vec_len;
	uint64_t max_pages; /* 0: no limit */
	uint64_t category_inverted;
	uint64_t category_mask;
	uint64_t category_anyof_mask;
	uint64_t return_mask;
};

/* What it reports: 24 bytes. */
struct pmk_scan_region {
	uint64_t start;
	uint64_t end;
	uint64_t categories;
};

/* The argument of PROCMAP_QUERY: 104 bytes (PQ-ABI). */
struct pmk_procmap_query {
	uint64_t size;
	uint64_t query_flags;
	uint64_t query_addr;
	uint64_t vma_start;
	uint64_t vma_end;
	uint64_t vma_flags;
	uint64_t vma_page_size;
	uint64_t vma_offset;
	uint64_t inode;
	uint32_t dev_major;
	uint32_t dev_minor;
	uint32_t vma_name_size;
	uint32_t build_id_size;
	uint64_t vma_name_addr;
	uint64_t build_id_addr;
};

/* Bits of query_flags; the first four are also those of vma_flags (PQ-FLAGS). */
#define PMK_PROCMAP_READABLE	     0x01u
#define PMK_PROCMAP_WRITABLE	     0x02u
#define PMK_PROCMAP_EXECUTABLE	     0x04u
#define PMK_PROCMAP_SHARED	     0x08u
#define PMK_PROCMAP_COVERING_OR_NEXT 0x10u
#define PMK_PROCMAP_FILE_BACKED	     0x20u

/* pmk_scan_match: does a page of these categories match a query? (SCAN-MATCH) */
bool pmk_scan_match(const struct pmk_scan_arg *arg, uint64_t categories);

/* pmk_scan_categories: the categories that a kernel accepts in a query, 0 before 6.7.
 * kernel	0: the newest. (SCAN-CATS) */
uint64_t pmk_scan_categories(uint32_t kernel);

/* pmk_scan_validate: the errno that a kernel gives for an argument before it walks, found in the
 * kernel's own order. Address tags must be off already.
 * kernel	0: the newest.
 * page_shift	log2 of the base page size.
 * limit	what access_ok() lets pass: addresses up to it. TASK_SIZE_MAX of the caller, or
 *		UINT64_MAX where nothing is refused (s390, or when only the rest matters).
 * Returns 0, or a positive errno, the same numbers on every host: 25 (ENOTTY) before 6.7,
 * 22 (EINVAL) for a wrong size, unknown flag or category, misaligned start or a vec_len without
 * vec, 14 (EFAULT) for end < start, or a range or vec beyond the limit. (SCAN-VALID-ORDER) */
int pmk_scan_validate(uint32_t kernel, const struct pmk_scan_arg *arg, unsigned page_shift,
		      uint64_t limit);

/*
 * All matching regions of a range
 *
 *	static int64_t call(void *ctx, struct pmk_scan_arg *arg)
 *	{
 *		int n = ioctl(*(int *)ctx, PAGEMAP_SCAN, arg);
 *
 *		return n < 0 ? -errno : n;
 *	}
 *
 *	static int64_t read_words(void *ctx, uint64_t index, uint64_t *words, size_t n)
 *	{
 *		ssize_t got = pread(*(int *)ctx, words, n * 8, index * 8);
 *
 *		return got < 0 ? -errno : got / 8;
 *	}
 *
 *	struct pmk_scan_arg query = { .start = start, .end = end,
 *				      .category_mask = PMK_SCAN_PRESENT_MASK,
 *				      .return_mask = PMK_SCAN_PRESENT_MASK | PMK_SCAN_FILE_MASK };
 *	struct pmk_scan_region vec[64], region;
 *	struct pmk_scan_iter it;
 *
 *	pmk_scan_iter_init(&it, &query, 12, vec, 64, call, read_words, &fd);
 *	while ((result = pmk_scan_iter_next(&it, &region)) > 0)
 *		use(&region);
 *
 *	The loop ends, however small the vector is and whatever the kernel says: a full vector, walk_end
 *	below what was reported (SCAN-WALKEND-BATCH, SCAN-HUGETLB-PARTIAL-WP) and the kernels before 6.7
 *	are seen to. Regions come in ascending order, as long as they can be, and each once.
 *
 *	Where the kernel has no PAGEMAP_SCAN, or not a category that is asked for, and the query has no
 *	flags, pagemap is read instead. The difference: pages that have no entry are not reported,
 *	whatever the masks, for pagemap does not tell them from no memory at all; WPALLOWED, PFNZERO, HUGE
 *	and ACCESSED are never reported, and a query that selects by them is refused; what was written
 *	before 5.14 is everything. A query that asks for present or swapped pages gets the same answer.
 */

/* Does the ioctl: how many regions, or -errno. */
typedef int64_t pmk_scan_call_fn(void *ctx, struct pmk_scan_arg *arg);
/* Reads words of pagemap, `index` being the page's number: how many, 0 at the end, or -errno. */
typedef int64_t pmk_scan_read_fn(void *ctx, uint64_t index, uint64_t *words, size_t n);

struct pmk_scan_iter {
	/* to look at, once there has been a first region or the end */
	bool from_pagemap; /* the kernel cannot: see the difference above */
	uint64_t
		partial; /* start of a hugetlb page of which the range covers a part, so that it was
			   * neither protected nor reported; 0: none that the kernel let us know of, and
			   * it forgets when the vector fills up later. Use whole huge pages. */
	/* private */
	struct pmk_scan_arg query;
	unsigned page_shift;
	struct pmk_scan_region *vec;
	size_t vec_len, n, next;
	pmk_scan_call_fn *call;
	pmk_scan_read_fn *read;
	void *ctx;
	uint64_t at, end, base, left;
	struct pmk_scan_region held;
	bool begun, done;
};

/* pmk_scan_iter_init: begin. it is the caller's, and so is vec until the end.
 * query	start (page-aligned), end, flags, max_pages and the four masks count; the rest is ignored.
 *		PMK_SCAN_WP_MATCHING protects as it goes, also when the loop is left early: up to
 *		vec_len regions more than were taken.
 * vec_len	at least 1; more than 512 only speeds up reading pagemap.
 * read		NULL: fail where the kernel cannot. */
void pmk_scan_iter_init(struct pmk_scan_iter *it, const struct pmk_scan_arg *query,
			unsigned page_shift, struct pmk_scan_region *vec, size_t vec_len,
			pmk_scan_call_fn *call, pmk_scan_read_fn *read, void *ctx);

/* pmk_scan_iter_next: the next region.
 * Returns 1, 0 at the end, or what the callback returned when that was negative; it can be called again
 * after -EINTR or -EAGAIN (4, 11). -95 (EOPNOTSUPP): pagemap would have to do, but cannot answer the query. */
int pmk_scan_iter_next(struct pmk_scan_iter *it, struct pmk_scan_region *ret);

/*
 * /proc/PID/maps
 */

/* Permissions; the numbers of PROCMAP_QUERY. */
#define PMK_MAPS_READ	0x01u
#define PMK_MAPS_WRITE	0x02u
#define PMK_MAPS_EXEC	0x04u
#define PMK_MAPS_SHARED 0x08u

/* What the name of a mapping says (MAPS-NAME-PREC). */
enum pmk_maps_kind {
	PMK_MAPS_NAMELESS, /* private anonymous memory */
	PMK_MAPS_FILE, /* any other name: a path */
	PMK_MAPS_HEAP, /* [heap] */
	PMK_MAPS_STACK, /* [stack], [stack:TID] in 3.4 to 4.4 */
	PMK_MAPS_VDSO, /* [vdso] */
	PMK_MAPS_VVAR, /* [vvar], [vvar_vclock] */
	PMK_MAPS_VSYSCALL, /* [vsyscall]: not a real VMA, beyond the end of pagemap */
	PMK_MAPS_ANON, /* [anon:NAME] */
	PMK_MAPS_ANON_SHMEM, /* [anon_shmem:NAME] */
	PMK_MAPS_SPECIAL, /* [uprobes], [sigpage] or another in square brackets */
	PMK_MAPS_SHARED_ANON, /* /dev/zero (deleted) */
	PMK_MAPS_MEMFD, /* /memfd:NAME (deleted) */
	PMK_MAPS_ANON_HUGEPAGE, /* /anon_hugepage (deleted) */
	PMK_MAPS_SYSV, /* /SYSV00000000 (deleted) */
	PMK_MAPS_KINDS
};

/* pmk_maps_kind_name: "nameless", "file", "heap" and so on, or "?". Static storage. */
const char *pmk_maps_kind_name(enum pmk_maps_kind kind);

/* One line of maps. */
struct pmk_maps_line {
	uint64_t start;
	uint64_t end; /* one past the last byte */
	unsigned perms; /* PMK_MAPS_READ ... */
	uint64_t offset; /* in the file, bytes */
	uint32_t major;
	uint32_t minor;
	uint64_t inode;
	const char
		*name; /* as in the line: a newline of the name is still \012; no NUL at its end */
	size_t name_len;
	enum pmk_maps_kind kind; /* from the name; format() does not read it */
	bool deleted; /* the name ends in " (deleted)", of a path; likewise */
};

/* pmk_maps_parse: one line of /proc/PID/maps.
 * line	 need not end in NUL; ends at its newline if it has one, else at len.
 * ret	 its name points into line, or is NULL with name_len 0.
 * Returns 0, or PMK_ERR_FIELD: "1000-2000 rwxq ...", PMK_ERR_SPACE: "1000-2000  r--p ...",
 * PMK_ERR_RANGE: "2000-1000 r--p ...", "10000000000000000-...". (MAPS-FMT, MAPS-ESC) */
int pmk_maps_parse(const char *line, size_t len, struct pmk_maps_line *ret);

/* pmk_maps_classify: the kind of a name, and whether it says deleted. *deleted may be NULL. */
enum pmk_maps_kind pmk_maps_classify(const char *name, size_t len, bool *deleted);

/* pmk_maps_format: a line exactly as the kernel writes it, with its newline.
 * long_bytes	sizeof(long) of the kernel, 4 or 8: where the name starts.
 * A newline in the name becomes \012, a backslash stays as it is.
 * Returns the length of the whole text (see Text above). (MAPS-FMT, MAPS-ESC) */
size_t pmk_maps_format(const struct pmk_maps_line *line, unsigned long_bytes, char *buf,
		       size_t size);

/*
 * Batches: arrays of pagemap words of the current layout
 */

/* How many pages have what. absent + swapped + present == pages. */
struct pmk_histogram {
	uint64_t pages;
	uint64_t absent;
	uint64_t swapped; /* bit 62 without bit 63 */
	uint64_t present;
	uint64_t soft_dirty;
	uint64_t exclusive;
	uint64_t uffd_wp;
	uint64_t guard;
	uint64_t file;
};

/* pmk_batch_histogram: count n words. The counts are added to *ret: zero it first. */
void pmk_batch_histogram(const uint64_t *words, size_t n, struct pmk_histogram *ret);

/* A word's class: its flags in a byte. */
#define PMK_CLASS_SOFT_DIRTY 0x01u
#define PMK_CLASS_EXCLUSIVE  0x02u
#define PMK_CLASS_UFFD_WP    0x04u
#define PMK_CLASS_GUARD	     0x08u
#define PMK_CLASS_FILE	     0x10u
#define PMK_CLASS_SWAP	     0x20u
#define PMK_CLASS_PRESENT    0x40u

/* pmk_batch_classify: the class of each of n words.
 * ret	n bytes; must not overlap words. */
void pmk_batch_classify(const uint64_t *words, size_t n, uint8_t *ret);

/* pmk_batch_run: how many leading words have the state (absent, swapped, present) of the first; and
 * pmk_batch_run_mask: how many equal the first in the bits of mask.
 * Returns 1 to n, or 0 if n is 0. */
size_t pmk_batch_run(const uint64_t *words, size_t n);
size_t pmk_batch_run_mask(const uint64_t *words, size_t n, uint64_t mask);

/* pmk_batch_pfns: the PFNs of the present pages, in order.
 * ret	room for n words; it may be the array words itself. What lies past the result is undefined.
 * Returns how many. A PFN is 0 if the reader may not know it. */
size_t pmk_batch_pfns(const uint64_t *words, size_t n, uint64_t *ret);

/* pmk_word_swap: a word with its bytes reversed. */
static inline uint64_t pmk_word_swap(uint64_t word)
{
	word = ((word & UINT64_C(0x00ff00ff00ff00ff)) << 8) |
	       ((word >> 8) & UINT64_C(0x00ff00ff00ff00ff));
	word = ((word & UINT64_C(0x0000ffff0000ffff)) << 16) |
	       ((word >> 16) & UINT64_C(0x0000ffff0000ffff));
	return (word << 32) | (word >> 32);
}

/* pmk_words_swap: reverse the bytes of each of n words in place; pmk_words_from_be and
 * pmk_words_from_le: make words of a big- or little-endian machine the host's. (A-ENDIAN) */
void pmk_words_swap(uint64_t *words, size_t n);
void pmk_words_from_be(uint64_t *words, size_t n);
void pmk_words_from_le(uint64_t *words, size_t n);

/*
 * For people and for programs
 */

/* How a diagram is drawn; 0: ASCII without colour. */
#define PMK_DIAGRAM_COLOUR  (1u << 0) /* ANSI escapes */
#define PMK_DIAGRAM_UNICODE (1u << 1) /* lines of box-drawing characters, UTF-8 */

/* pmk_pagemap_diagram, pmk_kpageflags_diagram: a word drawn bit by bit, each set bit and field led
 * to its name and meaning, and what is impossible about it. Lines of at most 100 columns.
 * layout may be NULL; kernel 0: the newest.
 * Returns the length of the whole text (see Text above); 16 KiB holds any. */
size_t pmk_pagemap_diagram(const struct pmk_layout *layout, uint64_t word, unsigned flags,
			   char *buf, size_t size);
size_t pmk_kpageflags_diagram(uint32_t kernel, uint64_t word, unsigned flags, char *buf,
			      size_t size);

/* pmk_pagemap_json, pmk_kpageflags_json: a word as one JSON object on one line, no newline:
 *	{"word":"0x8100000000012345","state":"present","pfn":74565,"flags":["exclusive","present"],
 *	 "unknown":"0x0","invariant":null}
 *	{"word":"0x100000","flags":["NOPAGE"],"unknown":"0x0","invariant":null}
 * A swapped page has "swap":{"kind":...,"type":...,"offset":...,"marker":[...]} in place of "pfn".
 * layout may be NULL; kernel 0: the newest.
 * Returns the length of the whole text (see Text above). */
size_t pmk_pagemap_json(const struct pmk_layout *layout, uint64_t word, char *buf, size_t size);
size_t pmk_kpageflags_json(uint32_t kernel, uint64_t word, char *buf, size_t size);

#ifdef __cplusplus
}
#endif

#endif
