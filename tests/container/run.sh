#!/bin/bash
# tests/container/run.sh: build the image, start it as compose.yaml says, use it as an owner does, leave nothing behind.
# Needs podman, and debootstrap where no image registry can be reached. BASE=… names a base image that is here already.
set -euo pipefail
cd "$(dirname "$0")/../.."

here=tests/container
project=imageserver-test-$$
work=$(mktemp -d)
container=

say() { printf '== %s\n' "$*"; }
fail() {
  printf 'FAILED: %s\n' "$*" >&2
  [ -z "$container" ] || podman logs --tail 30 "$container" >&2
  exit 1
}
# within SECONDS COMMAND…: again and again until it succeeds; fails when the time is over
within() {
  local end=$((SECONDS + $1))
  shift
  until "$@" >"$work/last" 2>&1; do
    [ "$SECONDS" -lt "$end" ] || { cat "$work/last" >&2; return 1; }
    sleep 0.3
  done
}
compose() { "$work/compose/bin/podman-compose" --project-name "$project" "$@"; }
inside() { podman exec "$container" "$@"; }
cleanup() {
  local code=$?
  if [ -x "$work/compose/bin/podman-compose" ]; then compose down --volumes >"$work/down" 2>&1 || cat "$work/down"; fi
  podman rmi --force "localhost/${project}_imageserver" >/dev/null 2>&1 || true
  [ ! -e "$work/own-base" ] || podman rmi --force "$BASE" >/dev/null 2>&1 || true
  rm -rf "$work"
  exit "$code"
}
trap cleanup EXIT

command -v podman >/dev/null || { echo "podman is missing: apt-get install podman" >&2; exit 2; }
if [ ! -d /run/systemd/system ]; then
  # Without systemd there are no cgroups to ask it for, no timers for health checks, and limits cannot be raised.
  export DISABLE_HC_SYSTEMD=true
  if [ -z "${CONTAINERS_CONF:-}" ]; then
    cat >"$work/containers.conf" <<'CONF'
[containers]
default_ulimits = ["nofile=8192:8192", "nproc=16384:16384"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
[network]
network_backend = "netavark"
CONF
    export CONTAINERS_CONF=$work/containers.conf
  fi
fi

say "tools"
python3 -m venv "$work/compose"
"$work/compose/bin/pip" install --quiet --disable-pip-version-check --require-hashes -r "$here/requirements.txt"
python3 .ci/environment.py run

say "base image"
if [ -z "${BASE:-}" ]; then
  BASE=$(sed -n 's/^ARG BASE=//p' Containerfile)
  if ! timeout 120 podman pull --quiet "$BASE" >"$work/pull" 2>&1; then
    BASE=localhost/imageserver-test-base:$$
    touch "$work/own-base"
    "$here/base.sh" "$BASE" "$work"
  fi
fi

say "build on $BASE"
# Without layers no half-made image stays behind.
build="--pull=never --format=docker --layers=false --build-arg=BASE=$BASE"
certificates=/etc/ssl/certs/ca-certificates.crt # the host may trust more than the base does
[ ! -r $certificates ] || build="$build --volume=$certificates:$certificates:ro"
PORT=$(python3 -c 'import socket; s = socket.socket(); s.bind(("", 0)); print(s.getsockname()[1])')
export PORT
compose --podman-build-args="$build" build >"$work/build" 2>&1 || { cat "$work/build" >&2; fail "no image"; }

say "first start"
compose up --detach --no-build >"$work/up" 2>&1 || { cat "$work/up" >&2; fail "compose up"; }
container=$(podman ps --quiet --filter "label=com.docker.compose.project=$project")
[ -n "$container" ] || { cat "$work/up" >&2; fail "no container runs"; }
within 60 podman healthcheck run "$container" || fail "not healthy within a minute"
within 60 .venv/bin/imageserver frame "localhost:$PORT" --fast --save "$work/first.png" || fail "no picture"
[ "$(inside id -u)" != 0 ] || fail "runs as root"
! inside touch /opt/imageserver/x 2>/dev/null || fail "the root file system can be written to"
! inside sh -c 'command -v gcc || /opt/imageserver/bin/python -m pip' >/dev/null 2>&1 || fail "build tools inside"
[ "$(inside date +%z)" = "$(date +%z)" ] || fail "another time zone than the host's"

say "a plugin"
plugins=$(podman inspect --format '{{range .Mounts}}{{if eq .Destination "/plugins"}}{{.Name}}{{end}}{{end}}' "$container")
tar --create --directory "$here" dropped.py | podman volume import "$plugins" -
podman restart "$container" >/dev/null
within 60 podman healthcheck run "$container" || fail "not healthy after the restart"
inside imageserver plugins >"$work/plugins"
grep -q '^dropped .*loaded' "$work/plugins" || { cat "$work/plugins" >&2; fail "the plugin is not loaded"; }
within 30 .venv/bin/imageserver frame "localhost:$PORT" --fast --provider dropped --save "$work/plugin.png" ||
  fail "no picture from the plugin"

say "stop"
inside imageserver jobs --count 1000 | grep -c ' done ' >"$work/before"
began=$SECONDS
podman stop --time 20 "$container" >/dev/null # longer than allowed, so that a hang shows as time and not as a kill
[ $((SECONDS - began)) -le 10 ] || fail "the stop took $((SECONDS - began)) s"
code=$(podman inspect --format '{{.State.ExitCode}}' "$container")
[ "$code" = 0 ] || fail "exit code $code"

say "second start"
compose down >"$work/down" 2>&1 # a new container with the old volumes, as an update does it
compose up --detach --no-build >"$work/up" 2>&1
container=$(podman ps --quiet --filter "label=com.docker.compose.project=$project")
within 60 podman healthcheck run "$container" || fail "not healthy at the second start"
.venv/bin/imageserver frame "localhost:$PORT" --fast --type old --save "$work/second.png" >"$work/frame" ||
  { cat "$work/frame" >&2; fail "no stored picture"; }
after=$(inside imageserver jobs --count 1000 | grep -c ' done ')
[ "$after" -gt "$(cat "$work/before")" ] || fail "jobs were forgotten: $(cat "$work/before") before, $after after"

podman image inspect --format 'image: {{.Size}} bytes' "$(podman inspect --format '{{.Image}}' "$container")"
say "the container does what it should"
