test_vgic_state_SRCS := $(addprefix arch/aarch64/guest/,vgic.c vgic_interface.c vgic_list.c vgic_registers.c vgic_state.c) tests/unit/vgic_fake.c
test_vgic_state_CFLAGS := -Iarch/aarch64/include -Iarch/aarch64/guest
