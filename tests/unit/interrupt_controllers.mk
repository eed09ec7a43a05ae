test_interrupt_controllers_SRCS := root/devices/device.c root/devices/timer.c root/x86_64/devices/pic8259.c root/x86_64/devices/ioapic.c root/x86_64/devices/irq_router.c
