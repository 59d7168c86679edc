#!/bin/bash
# base.sh NAME FOLDER: make a base image from Debian's packages alone, for where no image registry can be reached.
# It has what the official slim image has and the Containerfile relies on: `python` with venv, zone data, certificates.
set -euo pipefail

name=$1
folder=$2
rootfs=$folder/rootfs

debootstrap --variant=minbase --include=python3-minimal,python3-venv,tzdata,ca-certificates,netbase bookworm "$rootfs" \
  "${DEBIAN_MIRROR:-http://deb.debian.org/debian}" >"$folder/debootstrap.log"
ln -s ../../bin/python3 "$rootfs/usr/local/bin/python"
rm -rf "$rootfs"/var/cache/apt/* "$rootfs"/var/lib/apt/lists/*
tar --create --directory "$rootfs" --exclude=./proc/* --exclude=./sys/* --exclude=./dev/* . |
  podman import --quiet --change 'ENV PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin' - "$name"
rm -rf "$rootfs"
