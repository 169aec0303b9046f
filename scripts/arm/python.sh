#!/bin/sh
# An aarch64 Python under QEMU. scripts/arm/guest.py sets what is needed:
#   EDGEBENCH_ARM         folder of the emulated environment
#   EDGEBENCH_ARM_CPU     QEMU's -cpu
#   EDGEBENCH_ARM_ROOT    where the guest's absolute paths are looked up first
#   EDGEBENCH_ARM_PLUGIN  optional: counts instructions into EDGEBENCH_INSTRUCTIONS
# QEMU runs with the C library it was built for, whatever this machine has.
tree=$EDGEBENCH_ARM/qemu
libraries=$tree/lib/x86_64-linux-gnu:$tree/usr/lib/x86_64-linux-gnu
plugin=${EDGEBENCH_ARM_PLUGIN:+-plugin $EDGEBENCH_ARM_PLUGIN,dir=$EDGEBENCH_INSTRUCTIONS}
# shellcheck disable=SC2086 # the option and its value are two words
exec "$tree/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2" --library-path "$libraries" \
    "$tree/usr/bin/qemu-aarch64" -cpu "$EDGEBENCH_ARM_CPU" $plugin \
    -L "$EDGEBENCH_ARM_ROOT" "$EDGEBENCH_ARM_ROOT/usr/bin/python3.11" "$@"
