fuzz_model_SRCS := $(addprefix tests/fuzz/model_,machine.c boot.c backend.c wrap.c) tests/hostile/calls.c \
	$(addprefix kernel/,partition.c partition_syscall.c vp_syscall.c processor.c object.c event.c syscall.c \
	task.c memory.c memory_map.c page_table.c heap.c slab.c reader.c thread.c timer.c sched.c cpu.c \
	console.c format.c status.c bundle.c elf.c hypervisor.c) \
	$(addprefix arch/x86_64/guest/,apic_bus.c apic_page.c cpuid.c cpuid_policy.c event.c exit.c lapic.c \
	lapic_glue.c lapic_registers.c lapic_state.c lapic_timer.c msr.c mtrr.c partition.c processor.c \
	registers.c run_page.c) \
	svm/npt.c vmx/ept.c arch/fake/machine.c arch/fake/stack.c
fuzz_model_CFLAGS := -Itests/hostile -Itests/fuzz/model_include -Iarch/x86_64/include -Iarch/x86_64/guest -I. -DUSER_LIMIT=0x7ffffffff000ull \
	-Dsched_yield=kernel_sched_yield -Wno-pass-failed
fuzz_model_LIBS := -Wl,--wrap=heap_alloc,--wrap=heap_free,--wrap=page_alloc,--wrap=page_free,--wrap=heap_take_locked \
	-Wl,--wrap=heap_give_locked,--wrap=heap_add_block,--wrap=heap_remove_block \
	-Wl,--wrap=handle_create,--wrap=object_put,--wrap=sched_ready,--wrap=user_copy_in,--wrap=user_copy_out
