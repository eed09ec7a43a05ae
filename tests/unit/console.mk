test_console_SRCS := kernel/console.c kernel/format.c kernel/cmdline.c kernel/status.c arch/fake/machine.c tests/unit/fake_cpus.c
test_console_CFLAGS := -Wno-format-truncation -Wno-format
