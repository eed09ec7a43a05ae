test_interrupt_controllers_SRCS := root/devices/device.c root/devices/timer.c root/devices/pic8259.c root/devices/ioapic.c root/devices/irq_router.c
