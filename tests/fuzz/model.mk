# What of the kernel needs no machine, and no other.
fuzz_model_SRCS := $(addprefix tests/fuzz/model_,machine.c check.c boot.c backend.c wrap.c) tests/hostile/calls.c \
	$(filter-out $(addprefix kernel/,main.c panic.c cmdline.c symbols.c selftest.c string.c),$(wildcard kernel/*.c)) \
	$(filter-out %/guard.c,$(wildcard arch/x86_64/guest/*.c)) \
	svm/npt.c vmx/ept.c arch/fake/machine.c arch/fake/stack.c
fuzz_model_CFLAGS := -Itests/hostile -Itests/fuzz/model_include -Iarch/x86_64/include -Iarch/x86_64/guest -I. \
	-DUSER_LIMIT=0x7ffffffff000ull -Dsched_yield=kernel_sched_yield -Wno-pass-failed
fuzz_model_LIBS := $(addprefix -Wl$(shell printf ,)--wrap=,heap_alloc heap_free page_alloc page_free heap_take_locked \
	heap_give_locked heap_add_block heap_remove_block blocks_pin handle_create object_put sched_ready user_copy_in \
	user_copy_out)
