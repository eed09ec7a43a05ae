test_hyperv_SRCS := $(addprefix arch/x86_64/guest/,lapic.c lapic_timer.c lapic_registers.c lapic_state.c lapic_glue.c tsc.c apic_page.c apic_bus.c cpuid.c cpuid_policy.c hv_cpuid.c hv_msr.c hv_synic.c outside.c msr.c mtrr.c) $(addprefix kernel/,hyperv.c hv_registers.c hv_tsc.c stimer.c synic.c) tests/unit/guest_stubs.c
test_hyperv_CFLAGS := -Iarch/x86_64/include -Iarch/x86_64/guest
