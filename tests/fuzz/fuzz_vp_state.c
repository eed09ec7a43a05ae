/* SPDX-License-Identifier: MIT */
/*
 * Saved states that anybody may have written: restored into a VP, whole, by element, and into a partition.
 * What is refused has changed nothing; what is taken can be saved, and restored again, to the same.
 *
 * The first byte says how the rest is used: as it is, or as changes to a state that is right (an offset of
 * two bytes, then a byte).
 */
#include "vp_state_stubs.h"
#include <tsc.h>
#include <kernel/state_format.h>
#include <stdlib.h>
#include <string.h>

static uint64_t input[STATE_SIZE_MAX / 8], before[STATE_SIZE_MAX / 8], after[STATE_SIZE_MAX / 8];

static void check(bool condition)
{
	if (!condition)
		abort();
}

static uint64_t save(struct vp *vp, uint64_t *to)
{
	uint64_t size = 0;

	memset(to, 0, STATE_SIZE_MAX);
	check(vp_save(vp, to, STATE_SIZE_MAX, &size) == STATUS_OK);
	return size;
}

static void restore(struct vp *vp, uint64_t size)
{
	uint8_t *exact = aligned_alloc(8, ALIGN_UP(size + 1, 8ull));
	uint64_t length = save(vp, before);
	status_t status;

	memcpy(exact, input, size);
	status = vp_restore(vp, exact, size);
	check(save(vp, after) == length);
	if (status != STATUS_OK)
		check(memcmp(before, after, length) == 0);
	else
		check(vp_restore(vp, after, length) == STATUS_OK);
	free(exact);
}

static void element(struct vp *vp, const uint8_t *data, size_t size)
{
	uint64_t length = save(vp, before);
	uint32_t id = data[0] == 0xff ? VP_STATE_XSAVE_STANDARD : data[0];

	memcpy(input, data + 1, size - 1);
	if (vp_state_set(vp, 0, id, input, size - 1) != STATUS_OK) {
		check(save(vp, after) == length && memcmp(before, after, length) == 0);
		return;
	}
	length = save(vp, before);
	check(vp_restore(vp, before, length) == STATUS_OK);
}

/* A partition whose guest is prepared for another rate of its TSC, and then learns of it: no time goes back. */
static void partition(struct partition *p, const uint8_t *data, size_t size)
{
	uint64_t length, again, i, tsc;

	p->hv->tsc.reenlightenment = 0x10055;
	p->hv->tsc.emulation = 1;
	check(partition_save(p, input, STATE_SIZE_MAX, &length) == STATUS_OK);
	for (i = 0; i + 3 <= size; i += 3)
		((uint8_t *)input)[(data[i] | data[i + 1] << 8) % length] ^= data[i + 2];
	if (partition_restore(p, input, length) != STATUS_OK) {
		check(partition_save(p, after, STATE_SIZE_MAX, &again) == STATUS_OK);
		check(again == length && !p->arch.tsc_ratio);
		return;
	}
	check(partition_save(p, after, STATE_SIZE_MAX, &again) == STATUS_OK && again == length);
	for (i = 0; i < 2; i++)
		guest_tsc_notice(p->vps[i]);
	tsc = arch_partition_tsc(p);
	check(hv_tsc_status_set(p, 0) == STATUS_OK && !p->hv->tsc.emulated);
	check(arch_partition_tsc(p) == tsc);
	fake_timestamp += 1000;
	for (i = 0; i < 2; i++)
		guest_tsc_notice(p->vps[i]);
	check(arch_partition_tsc(p) >= tsc || tsc > UINT64_MAX - BIT(20));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vp *vp;
	uint64_t length, i;

	if (size < 2 || size > STATE_SIZE_MAX)
		return 0;
	vp = stub_state_vp(data[0] >> 6 == 1 ? HOST_SKYLAKE : HOST_EPYC);
	switch (data[0] & 3) {
	case 0:
		length = save(vp, input);
		for (i = 1; i + 3 <= size; i += 3)
			((uint8_t *)input)[(data[i] | data[i + 1] << 8) % length] ^= data[i + 2];
		restore(vp, length);
		break;
	case 1:
		memcpy(input, data + 1, size - 1);
		restore(vp, size - 1);
		break;
	case 2: element(vp, data + 1, size - 1); break;
	default:
		if ((data[0] & 4) && vp->partition->hv) {
			partition(vp->partition, data + 1, size - 1);
			break;
		}
		memcpy(input, data + 1, size - 1);
		if (partition_restore(vp->partition, input, size - 1) == STATUS_OK)
			check(partition_save(vp->partition, after, STATE_SIZE_MAX, &length) ==
			      STATUS_OK);
		break;
	}
	stub_state_vp_free(vp);
	return 0;
}
