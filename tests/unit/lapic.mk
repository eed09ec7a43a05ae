test_lapic_SRCS := arch/x86_64/guest/lapic.c arch/x86_64/guest/lapic_timer.c arch/x86_64/guest/lapic_registers.c arch/x86_64/guest/lapic_state.c
test_lapic_CFLAGS := -Iarch/x86_64/include -Iarch/x86_64/guest
