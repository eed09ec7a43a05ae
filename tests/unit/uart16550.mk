test_uart16550_SRCS := root/devices/device.c root/devices/timer.c root/devices/uart16550.c
