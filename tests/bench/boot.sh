# SPDX-License-Identifier: MIT
# What the Linux guest of the measurement runs in its first process, before it powers off.
/extra/stamp.elf
