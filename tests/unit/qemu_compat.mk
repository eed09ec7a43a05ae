test_qemu_compat_SRCS := root/devices/device.c root/devices/timer.c root/devices/fw_cfg.c root/devices/qemu_test.c root/devices/hyperv_test.c
