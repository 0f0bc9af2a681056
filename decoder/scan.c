/* scan.c: the rules of ioctl PAGEMAP_SCAN that need no address space. */
#include "internal.h"

/* Errno numbers of the generic ABI: part of what is decoded, so not taken from this host's headers. */
enum {
	KERNEL_EFAULT = 14,
	KERNEL_EINVAL = 22,
	KERNEL_ENOTTY = 25,
};

bool pmk_scan_match(const struct pmk_scan_arg *arg, uint64_t categories)
{
	uint64_t seen = categories ^ arg->category_inverted;

	if ((seen & arg->category_mask) != arg->category_mask)
		return false;
	return !arg->category_anyof_mask || (seen & arg->category_anyof_mask);
}

static const uint8_t category_bits[] = {
#define PMK_SCAN_CATEGORY(id, number, ...) number,
#include "bits.def"
};

static const uint8_t flag_bits[] = {
#define PMK_SCAN_FLAG(id, number, ...) number,
#include "bits.def"
};

static uint64_t accepted(pmk_bit_fn *describe, const uint8_t *bit, size_t n, uint32_t kernel)
{
	uint64_t mask = 0;

	kernel = pmk_kernel_or_newest(kernel);
	for (size_t i = 0; i < n; i++) {
		const struct pmk_bit *b = describe(bit[i]);

		if (pmk_kernel_within(kernel, b->since, b->until))
			mask |= UINT64_C(1) << bit[i];
	}
	return mask;
}

uint64_t pmk_scan_categories(uint32_t kernel)
{
	return accepted(pmk_scan_category, category_bits, sizeof(category_bits), kernel);
}

/* access_ok(): size bytes from start lie below the limit. */
static bool access_ok(uint64_t start, uint64_t size, uint64_t limit)
{
	if (limit == UINT64_MAX)
		return true;
	return size <= limit && start <= limit - size;
}

/* 24 * vec_len, as size_mul() of the kernel: no wrapping. */
static uint64_t vec_bytes(uint64_t vec_len)
{
	if (vec_len > UINT64_MAX / sizeof(struct pmk_scan_region))
		return UINT64_MAX;
	return vec_len * sizeof(struct pmk_scan_region);
}

int pmk_scan_validate(uint32_t kernel, const struct pmk_scan_arg *arg, unsigned page_shift,
		      uint64_t limit)
{
	uint64_t categories = pmk_scan_categories(kernel);
	uint64_t asked = arg->category_inverted | arg->category_mask | arg->category_anyof_mask |
			 arg->return_mask;

	if (!categories)
		return KERNEL_ENOTTY;
	if (arg->size != sizeof(*arg))
		return KERNEL_EINVAL;
	if (arg->flags & ~accepted(pmk_scan_flag, flag_bits, sizeof(flag_bits), kernel))
		return KERNEL_EINVAL;
	if (asked & ~categories)
		return KERNEL_EINVAL;
	if (arg->start & ((UINT64_C(1) << (page_shift & 63)) - 1))
		return KERNEL_EINVAL;
	if (!access_ok(arg->start, arg->end - arg->start, limit))
		return KERNEL_EFAULT;
	if (!arg->vec && arg->vec_len)
		return KERNEL_EINVAL;
	if (arg->vec && !access_ok(arg->vec, vec_bytes(arg->vec_len), limit))
		return KERNEL_EFAULT;
	return 0;
}
