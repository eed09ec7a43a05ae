# Also of fuzz_hypercall and of test_hv_calls.
HYPERCALL_SRCS := $(addprefix arch/x86_64/guest/,lapic.c lapic_timer.c lapic_registers.c lapic_state.c lapic_glue.c tsc.c apic_page.c apic_bus.c cpuid.c cpuid_policy.c hv_call.c hv_cpuid.c hv_msr.c hv_synic.c hv_vp.c outside.c msr.c mtrr.c translate.c) $(addprefix kernel/,hv_calls.c hv_flush_calls.c hv_interrupt_calls.c hv_port_calls.c hv_vp_calls.c vp_set.c vpci.c hypercall.c hyperv.c hv_registers.c hv_tsc.c stimer.c synic.c) tests/unit/guest_stubs.c tests/unit/hypercall_fake.c
HYPERCALL_CFLAGS := -Iarch/x86_64/include -Iarch/x86_64/guest
test_hypercall_SRCS = $(HYPERCALL_SRCS)
test_hypercall_CFLAGS = $(HYPERCALL_CFLAGS)
