test_root_machine_SRCS := $(wildcard root/vmm/*.c root/x86_64/vmm/*.c root/vmbus/*.c root/gdb/*.c root/x86_64/gdb/*.c root/devices/*.c root/x86_64/devices/*.c root/x86_64/emulator/*.c root/loader/*.c root/x86_64/loader/*.c root/firmware/*.c root/x86_64/firmware/*.c) \
	root/lib/memory.c root/lib/memory_pool.c root/lib/run.c root/lib/sync.c root/lib/time.c root/lib/log.c root/lib/log_limit.c root/lib/format.c root/lib/inspect.c root/lib/inspect_kernel.c root/lib/inspect_vp.c root/x86_64/lib/inspect_registers.c \
	kernel/state_format.c kernel/status.c $(APIC_MODEL) tests/unit/root_fake_kernel.c $(BUILD)/gen/x86_64/dsdt.c $(BUILD)/gen/x86_64/vmbus.c
test_root_machine_CFLAGS := $(APIC_MODEL_CFLAGS) -include tests/unit/root_fake_thread.h
