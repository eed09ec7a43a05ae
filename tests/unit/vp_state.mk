test_vp_state_SRCS := $(addprefix arch/x86_64/guest/,lapic.c lapic_timer.c lapic_registers.c lapic_state.c lapic_glue.c apic_page.c apic_bus.c cpuid.c cpuid_policy.c mtrr.c processor.c registers.c state_apic.c state_elements.c state_xsave.c) kernel/state.c kernel/state_format.c tests/unit/guest_stubs.c tests/unit/vp_state_stubs.c
test_vp_state_CFLAGS := -Iarch/x86_64/include -Iarch/x86_64/guest
