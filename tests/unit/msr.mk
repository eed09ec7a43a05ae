test_msr_SRCS := arch/x86_64/guest/lapic.c arch/x86_64/guest/lapic_timer.c arch/x86_64/guest/lapic_registers.c arch/x86_64/guest/lapic_state.c arch/x86_64/guest/lapic_glue.c arch/x86_64/guest/apic_bus.c arch/x86_64/guest/cpuid.c arch/x86_64/guest/cpuid_policy.c arch/x86_64/guest/msr.c arch/x86_64/guest/mtrr.c tests/unit/guest_stubs.c
test_msr_CFLAGS := -Iarch/x86_64/include -Iarch/x86_64/guest
