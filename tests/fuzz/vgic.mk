fuzz_vgic_SRCS := $(addprefix arch/aarch64/guest/,vgic.c vgic_interface.c vgic_list.c vgic_registers.c vgic_state.c) tests/unit/vgic_fake.c
fuzz_vgic_CFLAGS := -Iarch/aarch64/include -Iarch/aarch64/guest -Itests/unit
