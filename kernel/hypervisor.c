/* SPDX-License-Identifier: MIT */
/*
 * Which backend this machine has, and whether it can run partitions at all. Where it can't, the
 * kernel still starts the root task, and every call that makes a partition answers why.
 */
#include <kernel/backend.h>
#include <kernel/console.h>

const struct backend_ops *backend;
uint32_t backend_assists;

static status_t available = STATUS_NO_VIRTUALIZATION;

status_t hypervisor_available(void)
{
	return available;
}

/* The first backend that can; else the answer that tells most, which is the one that is not
 * "there is no such extension". */
void hypervisor_init(void)
{
	status_t status;
	uint32_t i;

	for (i = 0; i < arch_backend_count; i++) {
		status = arch_backends[i]->probe();
		if (status == STATUS_OK)
			status = arch_backends[i]->init();
		if (status == STATUS_OK) {
			backend = arch_backend_guard(arch_backends[i]);
			available = STATUS_OK;
			return;
		}
		if (status != STATUS_NO_VIRTUALIZATION)
			available = status;
	}
	log_warn("no guest can run: %s", status_words(available));
}

status_t hypervisor_cpu_enable(void)
{
	return backend ? backend->cpu_enable() : STATUS_OK;
}
