test_hypercall_SRCS := $(addprefix arch/x86_64/guest/,lapic.c lapic_timer.c lapic_registers.c lapic_state.c lapic_glue.c apic_page.c apic_bus.c cpuid.c cpuid_policy.c hv_call.c hv_cpuid.c hv_msr.c outside.c msr.c mtrr.c) $(addprefix kernel/,hv_calls.c hv_port_calls.c hypercall.c hyperv.c) tests/unit/guest_stubs.c
test_hypercall_CFLAGS := -Iarch/x86_64/include -Iarch/x86_64/guest
