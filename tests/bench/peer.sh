# SPDX-License-Identifier: MIT
# What the Linux that has KVM runs in its first process: loads the modules of /extra/modules, runs
# the guest under KVM. Where a step fails, the words on the console tell of it.
cd /extra || exit
for module in $(cat modules); do
	insmod "$module" || exit
done
./kvm_peer exits.elf
