/* SPDX-License-Identifier: MIT */
/* Interrupts of VPCI devices: made by the VMM's calls, moved by the guest's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <kernel/arch.h>
#include <kernel/syscall.h>
#include <kernel/task.h>

#include "hypercall_fake.h"

#define IN	    0x1000u
#define ADDRESS	    0xfee00000u
#define DEVICE	    0x123456789abcull
#define VARIABLE(n) ((uint64_t)(n) << 17)
#define RETARGET    HV_CALL_RETARGET_DEVICE_INTERRUPT

static struct task task;
static struct thread thread = {.task = &task};
static struct object *objects[8]; /* by handle */
static struct vpci_interrupt parameters;
static struct hv_retarget_input *input;
static uint64_t device;

/* ---- what the kernel gives ---- */

status_t user_copy_in(void *destination, uint64_t user, size_t size)
{
	if (!user)
		return STATUS_INVALID_ADDRESS;
	memcpy(destination, (const void *)user, size);
	return STATUS_OK;
}

status_t syscall_object(struct thread *t, uint64_t handle, enum object_type type, uint32_t rights,
			struct object **object)
{
	assert_ptr_equal(t, &thread);
	assert_int_equal(rights, RIGHT_WRITE);
	if (handle >= ARRAY_SIZE(objects) || !objects[handle])
		return STATUS_INVALID_HANDLE;
	if (objects[handle]->type != type)
		return STATUS_WRONG_TYPE;
	*object = objects[handle];
	object_get(*object);
	return STATUS_OK;
}

status_t syscall_built_partition(struct thread *t, uint64_t handle, uint32_t rights,
				 struct partition **partition)
{
	assert_ptr_equal(t, &thread);
	assert_int_equal(rights, RIGHT_WRITE);
	if (handle != 1)
		return STATUS_INVALID_HANDLE;
	*partition = fake_partition;
	object_get(&fake_partition->object);
	return STATUS_OK;
}

status_t handle_create(struct handle_table *table, struct object *object, uint32_t rights,
		       handle_t *handle)
{
	assert_ptr_equal(table, &task.handles);
	assert_int_equal(rights, RIGHTS_ALL);
	for (*handle = 2; *handle < ARRAY_SIZE(objects); ++*handle)
		if (!objects[*handle]) {
			objects[*handle] = object;
			object_get(object);
			return STATUS_OK;
		}
	return STATUS_NO_MEMORY;
}

/* ---- calls ---- */

static struct syscall_result create(uint64_t vtl, uint64_t id)
{
	return sys_vpci_device_create(&thread, (const uint64_t[6]){1, vtl, id});
}

static struct syscall_result registers(uint64_t count)
{
	return sys_vpci_register_interrupt(
		&thread, (const uint64_t[6]){device, count, (uintptr_t)&parameters});
}

static status_t signals(uint64_t address, uint64_t data)
{
	return sys_vpci_signal_msi(&thread, (const uint64_t[6]){device, address, data}).status;
}

static status_t unregisters(uint64_t address, uint64_t data)
{
	return sys_vpci_unregister_interrupt(&thread, (const uint64_t[6]){device, address, data})
		.status;
}

static void closes(uint64_t handle)
{
	object_put(objects[handle]);
	objects[handle] = NULL;
}

static uint64_t hypercall(uint64_t control)
{
	fake_vp->arch.gpr[GPR_RCX] = control;
	fake_vp->arch.gpr[GPR_RDX] = IN;
	fake_instruction(1);
	assert_int_equal(fake_fault, -1);
	return fake_vp->arch.gpr[GPR_RAX];
}

/* The VPs below 64, and as bit 63 all others, that have the vector pending. */
static uint64_t interrupted(uint8_t vector)
{
	uint64_t mask = 0;
	uint32_t i;

	for (i = 0; i < FAKE_VPS; i++) {
		struct lapic *lapic = vp_lapic(fake_partition->vps[i], 0);

		if (!lapic_is_pending(lapic, vector))
			continue;
		mask |= BIT(MIN(i, 63));
		assert_int_equal(lapic_pending_vector(lapic), vector);
		lapic_acknowledge(lapic, vector);
		guest_lapic_msr_write(fake_partition->vps[i], 0x80b, 0);
	}
	return mask;
}

static int setup(void **state)
{
	uint32_t i;

	(void)state;
	fake_machine_create();
	for (i = 0; i < FAKE_VPS; i++)
		assert_true(guest_lapic_msr_write(fake_partition->vps[i], 0x80f, 0x1ff));
	memset(&parameters, 0, sizeof(parameters));
	parameters.vector = 0x40;
	parameters.valid_banks = 1;
	parameters.banks[0] = 2;
	input = (struct hv_retarget_input *)(fake_memory + IN);
	*input = (struct hv_retarget_input){.partition_id = HV_PARTITION_ID_SELF,
					    .device_id = DEVICE,
					    .source = HV_INTERRUPT_SOURCE_MSI,
					    .message = {ADDRESS, 0},
					    .vector = 0x50,
					    .mask = 8};
	device = create(0, DEVICE).value;
	return 0;
}

static int teardown(void **state)
{
	uint32_t i;

	(void)state;
	fake_objects_left = UINT32_MAX;
	for (i = 0; i < ARRAY_SIZE(objects); i++)
		if (objects[i])
			closes(i);
	assert_int_equal(fake_partition->object.references, 1);
	assert_null(fake_partition->hv->vpci.devices);
	assert_int_equal(fake_partition->hv->vpci.count, 0);
	fake_machine_destroy();
	return 0;
}

/* ---- devices ---- */

static void test_devices(void **state)
{
	struct hv_partition *hv = fake_partition->hv;

	(void)state;
	assert_int_equal(device, 2);
	assert_int_equal(create(0, DEVICE).status, STATUS_ALREADY_EXISTS);
	assert_int_equal(create(1, DEVICE + 1).status, STATUS_INVALID_VTL);
	assert_int_equal(create(UINT64_MAX, DEVICE + 1).status, STATUS_INVALID_VTL);
	assert_int_equal(create(BIT(32), DEVICE + 1).status, STATUS_INVALID_VTL);
	fake_objects_left = 0;
	assert_int_equal(create(0, DEVICE + 1).status, STATUS_NO_MEMORY);
	fake_objects_left = UINT32_MAX;
	fake_partition->config.flags |= PARTITION_USER_MODE_APIC;
	assert_int_equal(create(0, DEVICE + 1).status, STATUS_WRONG_STATE);
	fake_partition->config.flags = PARTITION_HYPERV;
	fake_partition->hv = NULL;
	assert_int_equal(create(0, DEVICE + 1).status, STATUS_NOT_SUPPORTED);
	fake_partition->hv = hv;
	hv->vpci.count = VPCI_DEVICES_MAX;
	assert_int_equal(create(0, DEVICE + 1).status, STATUS_TOO_LARGE);
	hv->vpci.count = 1;
	assert_int_equal(create(0, DEVICE + 1).value, 3);
	assert_int_equal(create(0, DEVICE + 2).value, 4);
	closes(3); /* in the midst of the list */
	assert_int_equal(create(0, DEVICE + 1).value, 3);
	assert_int_equal(fake_partition->object.references, 4);
}

/* ---- messages ---- */

static void test_registered_and_signalled(void **state)
{
	struct syscall_result result = registers(1);

	(void)state;
	assert_int_equal(result.status, STATUS_OK);
	assert_int_equal(result.value, ADDRESS);
	assert_int_equal(signals(ADDRESS, 0), STATUS_OK);
	assert_int_equal(interrupted(0x40), 2);
	/* to one of the set, or to all of it */
	parameters.banks[0] = 0x70;
	assert_int_equal(registers(1).value >> 32, 32);
	assert_int_equal(signals(ADDRESS, 32), STATUS_OK);
	assert_int_equal(interrupted(0x40), 0x10);
	parameters.flags = VPCI_MULTICAST;
	assert_int_equal(registers(1).value >> 32, 64);
	assert_int_equal(signals(ADDRESS, 64), STATUS_OK);
	assert_int_equal(interrupted(0x40), 0x70);
	parameters.format = HV_VP_SET_ALL;
	assert_int_equal(registers(1).value >> 32, 96);
	assert_int_equal(signals(ADDRESS, 96), STATUS_OK);
	assert_int_equal(interrupted(0x40), UINT64_MAX);
	/* nothing else is a message */
	assert_int_equal(signals(ADDRESS + 4, 0), STATUS_NOT_FOUND);
	assert_int_equal(signals(ADDRESS | BIT(32), 0), STATUS_NOT_FOUND);
	assert_int_equal(signals(ADDRESS, 1), STATUS_NOT_FOUND);
	assert_int_equal(signals(ADDRESS, BIT(32)), STATUS_NOT_FOUND);
	assert_int_equal(signals(ADDRESS, 128), STATUS_NOT_FOUND);
	device = 9;
	assert_int_equal(signals(ADDRESS, 0), STATUS_INVALID_HANDLE);
	assert_int_equal(interrupted(0x40), 0);
}

static void test_several_at_once(void **state)
{
	unsigned int i;

	(void)state;
	assert_int_equal(registers(32).value >> 32, 0);
	for (i = 0; i < 32; i++) {
		assert_int_equal(signals(ADDRESS, i), STATUS_OK);
		assert_int_equal(interrupted((uint8_t)(0x40 + i)), 2);
	}
	assert_int_equal(registers(1).value >> 32, 32);
	assert_int_equal(registers(3).value >> 32, 64);
	/* a gap is filled again */
	assert_int_equal(unregisters(ADDRESS, 32), STATUS_OK);
	assert_int_equal(unregisters(ADDRESS, 32), STATUS_NOT_FOUND);
	assert_int_equal(unregisters(ADDRESS, 65), STATUS_NOT_FOUND); /* not the first of its own */
	assert_int_equal(signals(ADDRESS, 32), STATUS_NOT_FOUND);
	assert_int_equal(signals(ADDRESS, 66), STATUS_OK);
	assert_int_equal(registers(32).value >> 32, 32);
	assert_int_equal(unregisters(ADDRESS, 0), STATUS_OK);
	assert_int_equal(unregisters(ADDRESS, 64), STATUS_OK);
	assert_int_equal(signals(ADDRESS, 63), STATUS_OK);
	assert_int_equal(unregisters(ADDRESS + 8, 32), STATUS_NOT_FOUND);
}

static void test_wrong_registrations(void **state)
{
	(void)state;
	assert_int_equal(registers(0).status, STATUS_INVALID_ARGUMENT);
	assert_int_equal(registers(33).status, STATUS_INVALID_ARGUMENT);
	assert_int_equal(registers(UINT64_MAX).status, STATUS_INVALID_ARGUMENT);
	assert_int_equal(registers(BIT(32) | 1).status, STATUS_INVALID_ARGUMENT);
	parameters.vector = 15;
	assert_int_equal(registers(1).status, STATUS_INVALID_ARGUMENT);
	parameters.vector = 256;
	assert_int_equal(registers(1).status, STATUS_INVALID_ARGUMENT);
	parameters.vector = 255;
	assert_int_equal(registers(2).status, STATUS_INVALID_ARGUMENT);
	assert_int_equal(registers(1).status, STATUS_OK);
	parameters.flags = 2;
	assert_int_equal(registers(1).status, STATUS_INVALID_ARGUMENT);
	parameters.flags = 0;
	parameters.format = 2;
	assert_int_equal(registers(1).status, STATUS_INVALID_ARGUMENT);
	parameters.format = 0;
	parameters.valid_banks = BIT(63); /* nobody */
	assert_int_equal(registers(1).status, STATUS_INVALID_ARGUMENT);
	parameters.valid_banks = 0;
	assert_int_equal(registers(1).status, STATUS_INVALID_ARGUMENT);
	parameters.valid_banks = UINT64_MAX;
	assert_int_equal(registers(1).status, STATUS_OK);
	parameters.vector = 0x40;
	fake_objects_left = 7;
	assert_int_equal(registers(8).status, STATUS_NO_MEMORY);
	fake_objects_left = UINT32_MAX;
	assert_int_equal(registers(30).status, STATUS_OK);
	for (unsigned int i = 0; i < 63; i++)
		assert_int_equal(registers(32).status, STATUS_OK);
	assert_int_equal(registers(1).status, STATUS_TOO_LARGE);
	assert_int_equal(signals(ADDRESS, 65 * 32 + 31), STATUS_OK);
}

/* ---- retargeted ---- */

static void test_retargeted(void **state)
{
	uint64_t *banks = (uint64_t *)(input + 1);

	(void)state;
	assert_int_equal(registers(2).status, STATUS_OK);
	assert_int_equal(hypercall(RETARGET), HV_SUCCESS);
	assert_int_equal(fake_outsides, 0);
	assert_int_equal(signals(ADDRESS, 0), STATUS_OK);
	assert_int_equal(interrupted(0x40), 0);
	assert_int_equal(interrupted(0x50), 8);
	assert_int_equal(signals(ADDRESS, 1), STATUS_OK);
	assert_int_equal(interrupted(0x41), 2); /* the other one stays */
	/* a set, whose second half is in the variable header */
	input->flags = HV_TARGET_PROCESSOR_SET | HV_TARGET_MULTICAST;
	input->mask = HV_VP_SET_SPARSE;
	banks[0] = 3;
	banks[1] = 0x11;
	banks[2] = 4;
	assert_int_equal(hypercall(RETARGET | VARIABLE(3)), HV_SUCCESS);
	assert_int_equal(signals(ADDRESS, 0), STATUS_OK);
	assert_int_equal(interrupted(0x50), BIT(63) | 0x11);
	assert_int_equal(hypercall(RETARGET | VARIABLE(2)), HV_INVALID_PARAMETER);
	assert_int_equal(hypercall(RETARGET | VARIABLE(4)), HV_INVALID_PARAMETER);
	assert_int_equal(hypercall(RETARGET), HV_INVALID_PARAMETER);
	banks[0] = UINT64_MAX;
	assert_int_equal(hypercall(RETARGET | VARIABLE(65)), HV_SUCCESS);
	input->mask = HV_VP_SET_ALL;
	assert_int_equal(hypercall(RETARGET), HV_SUCCESS);
	assert_int_equal(signals(ADDRESS, 0), STATUS_OK);
	assert_int_equal(interrupted(0x50), UINT64_MAX);
	input->mask = 2;
	assert_int_equal(hypercall(RETARGET | VARIABLE(1)), HV_INVALID_PARAMETER);
	input->flags = 0;
	assert_int_equal(hypercall(RETARGET | VARIABLE(1)), HV_INVALID_PARAMETER);
	assert_int_equal(hypercall(RETARGET), HV_SUCCESS);
}

static void test_wrong_retargets(void **state)
{
	const struct hv_retarget_input right = *input;

	(void)state;
	assert_int_equal(hypercall(RETARGET), HV_INVALID_PARAMETER); /* no message */
	assert_int_equal(registers(1).status, STATUS_OK);
	input->device_id++;
	assert_int_equal(hypercall(RETARGET), HV_INVALID_DEVICE_ID);
	*input = right;
	input->source = 2;
	assert_int_equal(hypercall(RETARGET), HV_INVALID_PARAMETER);
	*input = right;
	input->reserved = 1;
	assert_int_equal(hypercall(RETARGET), HV_INVALID_PARAMETER);
	*input = right;
	input->reserved2 = 1;
	assert_int_equal(hypercall(RETARGET), HV_INVALID_PARAMETER);
	*input = right;
	input->flags = BIT(2);
	assert_int_equal(hypercall(RETARGET), HV_INVALID_PARAMETER);
	*input = right;
	input->vector = 15;
	assert_int_equal(hypercall(RETARGET), HV_INVALID_PARAMETER);
	input->vector = 256;
	assert_int_equal(hypercall(RETARGET), HV_INVALID_PARAMETER);
	*input = right;
	input->mask = 0;
	assert_int_equal(hypercall(RETARGET), HV_INVALID_PARAMETER);
	*input = right;
	input->message.data = 7;
	assert_int_equal(hypercall(RETARGET), HV_INVALID_PARAMETER);
	*input = right;
	input->partition_id = 0;
	assert_int_equal(hypercall(RETARGET), HV_ACCESS_DENIED);
	*input = right;
	fake_partition->config.flags |= PARTITION_USER_MODE_APIC;
	assert_int_equal(hypercall(RETARGET), HV_INVALID_HYPERCALL_CODE);
	fake_partition->config.flags = PARTITION_HYPERV;
	assert_int_equal(signals(ADDRESS, 0), STATUS_OK);
	assert_int_equal(interrupted(0x40), 2); /* nothing was moved */
	closes(device);
	assert_int_equal(hypercall(RETARGET), HV_INVALID_DEVICE_ID);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(devices),	       TEST(registered_and_signalled),
		TEST(several_at_once), TEST(wrong_registrations),
		TEST(retargeted),      TEST(wrong_retargets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
