/* SPDX-License-Identifier: MIT */
/*
 * What the root task measures of a VP that runs on another CPU: from the moment at which something is asked
 * of it to the moment at which it is seen. On an emulator that counts the instructions of all CPUs these
 * are those of both.
 */
#include <string.h>
#include <bench.h>
#include <lib/log.h>
#include <lib/memory.h>
#include <lib/model.h>
#include <lib/run.h>
#include <lib/thread.h>
#include <lib/time.h>
#include <vmm/vmm.h>

#define ROUNDS	  100u
#define MSI_LIMIT 1500u
#define PATIENCE  (5 * NS_PER_SECOND)

struct bench_vp {
	handle_t partition;
	uint8_t *memory; /* a block of 2 MiB */
	struct vp_run_page *page;
	struct vp_control control;
	_Atomic uint32_t cancelled; /* how often it has come back */
	_Atomic uint32_t status;
};

/* ---- the VP's thread ---- */

/* The guest asks for nothing. */
static void port_io(void *context)
{
	(void)context;
}

static bool serve(void *context, uint32_t reason)
{
	(void)context;
	(void)reason;
	return false;
}

static status_t no_memory(void *context)
{
	(void)context;
	return STATUS_NO_MEMORY;
}

static const struct vp_run_ops ops = {
	.access = port_io,
	.serve = serve,
	.no_memory = no_memory,
};

static void vp_main(void *argument)
{
	struct bench_vp *bench = argument;
	struct vp_halt halt = {.reason = VP_HALT_CANCEL};
	handle_t vp = HANDLE_NONE;
	status_t status = vp_bind(bench->partition, 0, bench->page, &vp);

	if (status == STATUS_OK)
		status = bench_guest_start(vp);
	while (status == STATUS_OK && halt.reason == VP_HALT_CANCEL) {
		vp_run_until(vp, bench->page, &bench->control, &ops, bench, &halt);
		if (halt.reason == VP_HALT_CANCEL)
			atomic_fetch_add(&bench->cancelled, 1);
		else if (halt.reason != VP_HALT_STOP)
			status = STATUS_BACKEND_FAILED;
	}
	atomic_store(&bench->status, status);
	if (vp != HANDLE_NONE)
		handle_close(vp);
}

/* ---- what is measured ---- */

/* False: it takes too long. */
static bool wait_for(const volatile uint32_t *count, uint32_t value)
{
	uint64_t limit = time_now() + PATIENCE;
	uint32_t turns = 0;

	while (*count != value) {
		bench_pause();
		if (++turns % 1024 == 0 && time_now() > limit)
			return false;
	}
	return true;
}

/* From the request to the handler's first instruction; what that does afterwards is not in it. */
static bool messages_measure(struct bench_vp *bench)
{
	const volatile uint32_t *count = (const uint32_t *)(bench->memory + BENCH_COUNT);
	uint64_t time = 0;
	bool merged;

	if (!wait_for(count, 1))
		return false;
	for (uint32_t i = 0; i < ROUNDS; i++) {
		uint64_t from = bench_stamp();

		if (partition_request_msi(bench->partition, 0, bench_message.address,
					  bench_message.data, &merged) != STATUS_OK ||
		    !wait_for(count, i + 2))
			return false;
		time += bench_stamp() - from;
		if (!wait_for(count + 1, i + 1))
			return false;
	}
	bench_report("MSI to a running VP, until its handler runs", bench_stamp() - time, ROUNDS,
		     MSI_LIMIT);
	return true;
}

static bool yields_measure(struct bench_vp *bench)
{
	const volatile uint32_t *cancelled = (const volatile uint32_t *)&bench->cancelled;
	uint64_t from = bench_stamp();

	for (uint32_t i = 0; i < ROUNDS; i++) {
		(void)vp_ask_cancel(&bench->control);
		if (!wait_for(cancelled, i + 1))
			return false;
	}
	bench_report("yield of a VP that spins on another CPU", from, ROUNDS, 0);
	return true;
}

/* ---- the guest ---- */

/* The run page is behind the guest's memory, where no guest sees it. */
static void memory_fill(struct bench_vp *bench)
{
	memset(bench->memory, 0, BENCH_GUEST_SIZE);
	bench_guest_load(bench->memory);
	bench->page = (struct vp_run_page *)(bench->memory + BENCH_GUEST_SIZE);
	memset(bench->page, 0, PAGE_SIZE);
}

static status_t guest_create(struct bench_vp *bench, void *deposit)
{
	const struct partition_config final = {0};
	status_t status = proto_partition_create(&bench_proto, &bench->partition);

	if (status != STATUS_OK)
		return status;
	status = partition_deposit(bench->partition, deposit, LARGE_PAGE_SIZE);
	if (status == STATUS_OK)
		status = proto_partition_build(bench->partition, &final);
	if (status == STATUS_OK)
		status = partition_map(bench->partition, 0, bench->memory, BENCH_GUEST_SIZE, 0,
				       GPA_WRITABLE | GPA_EXECUTABLE);
	return status;
}

static status_t guest_measure(struct bench_vp *bench)
{
	struct thread *thread;
	status_t status;
	bool good;

	memory_fill(bench);
	vp_control_init(&bench->control, bench->partition, 0);
	status = thread_start(vmm_boot_info->cpu_count - 1, vmm_service_priority() - 1, vp_main,
			      bench, &thread);
	if (status != STATUS_OK)
		return status;
	good = messages_measure(bench) && yields_measure(bench);
	(void)vp_ask_stop(&bench->control);
	thread_join(thread);
	return good ? atomic_load(&bench->status) : STATUS_TIMED_OUT;
}

void bench_vps(void)
{
	struct bench_vp bench = {.partition = HANDLE_NONE};
	void *deposit = memory_allocate(LARGE_PAGE_SIZE, LARGE_PAGE_SIZE);
	status_t status = STATUS_NO_MEMORY;

	if (vmm_boot_info->cpu_count < 2)
		return;
	bench.memory = memory_allocate(LARGE_PAGE_SIZE, LARGE_PAGE_SIZE);
	if (deposit && bench.memory)
		status = guest_create(&bench, deposit);
	if (status == STATUS_OK)
		status = guest_measure(&bench);
	if (bench.partition != HANDLE_NONE)
		handle_close(bench.partition);
	if (status != STATUS_OK)
		print("bench: a VP on another CPU: %s\n", status_words(status));
	if (bench.memory)
		memory_free(bench.memory, LARGE_PAGE_SIZE);
	if (deposit)
		memory_free(deposit, LARGE_PAGE_SIZE);
}
