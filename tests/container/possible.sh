#!/bin/bash
# possible.sh: ask this machine's kernel, and not podman, for what every container engine needs. Ends with 77 and the
# kernel's own words where it refuses. So a podman that is missing or set up badly is never taken for a machine that
# forbids containers.
set -euo pipefail

refused() {
  echo "this machine permits no containers: $1" >&2
  exit 77
}

spaces=(unshare --mount --pid --fork --net --ipc --uts)
[ "$(id -u)" = 0 ] || spaces+=(--user --map-root-user)
said=$("${spaces[@]}" sh -c 'mount -t tmpfs none /mnt && mount -t proc proc /mnt' 2>&1) || refused "namespaces and mounts: $said"

if [ "$(id -u)" = 0 ]; then
  group=/sys/fs/cgroup
  [ ! -d $group/pids ] || group=$group/pids
  said=$(mkdir "$group/imageserver-$$" 2>&1) || refused "control groups: $said"
  rmdir "$group/imageserver-$$"
fi

if command -v ip >/dev/null; then
  said=$("${spaces[@]}" sh -c 'ip link add one type bridge && ip link add two type veth peer name three' 2>&1) ||
    refused "networks: $said"
fi
