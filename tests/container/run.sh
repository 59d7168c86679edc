#!/bin/bash
# tests/container/run.sh: build the image, start it as compose.yaml says, use it as an owner does, leave nothing behind.
# Needs podman, and debootstrap where no image registry can be reached. BASE=… names a base image that is here already.
# IMAGE=… names one that was built before from this checkout.
# Ends with 77 where the machine permits no containers at all. What stays is the base image, for the next time.
set -euo pipefail
cd "$(dirname "$0")/../.."

here=tests/container
project=imageserver-test-$$
work=$(mktemp -d)
limit=$((150 * 1000 * 1000)) # bytes above the base image
container=
projects=()
images=()
spoiled=
missed=()

part=start
part_began=$SECONDS
say() {
  printf '   %s s for %s\n' "$((SECONDS - part_began))" "$part"
  part=$*
  part_began=$SECONDS
  printf '== %s\n' "$*"
}
fail() {
  printf 'FAILED: %s\n' "$*" >&2
  [ -z "$container" ] || podman logs --tail 30 "$container" >&2 || true
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
# wrongly COMMAND…: a check that must go red, or it would prove nothing
wrongly() { ! "$@" >/dev/null 2>&1 || fail "a check is blind: $*"; }
compose() { "$work/compose/bin/podman-compose" "$@"; }
of() { podman ps --all --quiet --filter "label=com.docker.compose.project=$1"; }
inside() { podman exec "$container" "$@"; }
frame() { .venv/bin/imageserver frame "localhost:$PORT" --fast "$@"; }
# Below those that the system gives away by itself, for the port is let go and taken again several times.
free_port() {
  python3 - <<'PYTHON'
import random, socket
while True:
    port = random.randrange(20000, 32000)
    with socket.socket() as sock:
        try:
            sock.bind(("", port))
        except OSError:
            continue
    print(port)
    break
PYTHON
}
# up PROJECT FILE: start it, and wait until it is healthy
up() {
  projects+=("$1")
  compose --project-name "$1" --file "$2" up --detach --no-build >"$work/up" 2>&1 || { cat "$work/up" >&2; fail "compose up"; }
  container=$(of "$1")
  [ -n "$container" ] || { cat "$work/up" >&2; fail "no container runs"; }
  within 120 is_healthy "$container" || fail "not healthy within two minutes"
}
down() { # PROJECT FILE; its volumes stay
  compose --project-name "$1" --file "$2" down >"$work/down" 2>&1 || { cat "$work/down" >&2; fail "compose down"; }
  container=
  [ -z "$(of "$1")" ] || fail "the container of $1 is still there"
}
what_there_is() { # of ours, for others may be at work here too
  podman ps --all --format '{{.Names}}' --filter "name=$project"
  podman volume ls --quiet --filter "name=$project"
  podman network ls --format '{{.Name}}' --filter "name=$project"
  podman images --all --no-trunc --format '{{.Repository}} {{.ID}}' --filter label=org.opencontainers.image.title=ImageServer
}
cleanup() {
  local code=$?
  trap - EXIT
  set +e
  container=
  for each in "${projects[@]}"; do
    compose --project-name "$each" --file compose.yaml down --volumes >"$work/down" 2>&1 || cat "$work/down" >&2
  done
  [ -z "$spoiled" ] || podman rm --force --time 0 --volumes "$spoiled" >/dev/null
  for each in "${images[@]}"; do podman rmi --force "$each" >/dev/null 2>&1; done
  if [ -e "$work/before" ] && ! what_there_is | sort | diff "$work/before" - >"$work/left"; then
    echo "FAILED: not everything was cleaned up:" >&2
    cat "$work/left" >&2
    code=1
  fi
  rm -rf "$work"
  exit "$code"
}

# What an owner relies on, each a question about one container.
is_healthy() { podman healthcheck run "$1"; }
is_not_root() { [ "$(podman exec "$1" id -u)" = "$2" ]; }
is_read_only() { podman exec "$1" sh -c 'touch /opt/imageserver/x 2>&1 || true' | grep -q 'Read-only file system'; }
has_no_tools() { podman exec "$1" sh -c '! command -v gcc && ! command -v make && ! /opt/imageserver/bin/python -m pip' >/dev/null 2>&1; }
has_no_rights() { podman exec "$1" grep -c -E '^Cap(Eff|Bnd|Prm):[[:space:]]0+$|^NoNewPrivs:[[:space:]]1$' /proc/1/status | grep -qx 4; }
has_limits() { podman inspect --format '{{.HostConfig.Memory}} {{.HostConfig.PidsLimit}}' "$1" | grep -qx '[1-9][0-9]* 200'; }
has_our_zone() { [ "$(podman exec "$1" date +%z)" = "$(date +%z)" ]; }
stops_within() { # SECONDS CONTAINER; the engine kills a second later, so a hang shows as time and as a code
  local began=$SECONDS
  podman stop --time "$(($1 + 1))" "$2" >/dev/null
  printf 'stopped after %s s with exit code %s\n' $((SECONDS - began)) "$(podman inspect --format '{{.State.ExitCode}}' "$2")"
  [ $((SECONDS - began)) -le "$1" ] && [ "$(podman inspect --format '{{.State.ExitCode}}' "$2")" = 0 ]
}
is_small() { [ "$(($(podman image inspect --format '{{.Size}}' "$1") - $(podman image inspect --format '{{.Size}}' "$BASE")))" -le "$2" ]; }
# remember FILE: its pictures, finished jobs and spending; remembers FILE: whether all of it is there
remember() {
  inside sh -c 'cd /images/original && sha256sum *' | sort >"$1.pictures"
  inside imageserver jobs --count 1000 | awk '$3 == "done" || $4 == "done"' | wc -l >"$1.jobs"
  spent >"$1.spent"
  [ -s "$1.pictures" ] && [ "$(cat "$1.jobs")" -gt 0 ]
}
remembers() {
  remember "$work/now"
  [ -z "$(comm -23 "$1.pictures" "$work/now.pictures")" ] && [ "$(cat "$work/now.jobs")" -ge "$(cat "$1.jobs")" ] &&
    cmp "$1.spent" "$work/now.spent"
}
spent() { inside imageserver plugins | grep -oE '^dropped .*this month [0-9]+, costing [0-9.]+' | grep -oE 'this month.*' || echo nothing; }

code=0
"$here/possible.sh" || code=$?
[ "$code" = 0 ] || { rm -rf "$work"; exit "$code"; }
command -v podman >/dev/null || { rm -rf "$work"; echo "podman is missing: apt-get install podman" >&2; exit 2; }
trap cleanup EXIT
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
unset IMAGESERVER_DATA_ROOT IMAGE_SERVER_DATA_ROOT IMAGESERVER_UID IMAGESERVER_GID IMAGESERVER_MEMORY
# Commands for owners begin with sudo; root has none everywhere.
if [ "$(id -u)" = 0 ] && ! command -v sudo >/dev/null; then
  mkdir "$work/bin"
  printf '#!/bin/sh\nexec "$@"\n' >"$work/bin/sudo"
  chmod +x "$work/bin/sudo"
  PATH=$work/bin:$PATH
fi

say "tools"
python3 -m venv "$work/compose"
"$work/compose/bin/pip" install --quiet --disable-pip-version-check --require-hashes -r "$here/requirements.txt"
python3 .ci/environment.py run

say "base image"
if [ -z "${BASE:-}" ]; then
  BASE=$(sed -n 's/^ARG BASE=//p' Containerfile)
  if ! timeout 120 podman pull --quiet "$BASE" >"$work/pull" 2>&1; then
    BASE=localhost/imageserver-test-base:$(sha256sum "$here/base.sh" | cut -c1-12)
    podman image exists "$BASE" || "$here/base.sh" "$BASE" "$work"
  fi
fi
what_there_is | sort >"$work/before"

say "build on $BASE"
certificates=/etc/ssl/certs/ca-certificates.crt # the host may trust more than the base does
# build FOLDER PROJECT: as its compose.yaml says. Without layers no half-made image stays behind.
build() {
  local more="--pull=never --format=docker --layers=false --build-arg=BASE=$BASE"
  [ ! -r $certificates ] || more="$more --volume=$certificates:$certificates:ro"
  images+=("localhost/$2_imageserver")
  (cd "$1" && compose --podman-build-args="$more" --project-name "$2" build) >"$work/build" 2>&1 ||
    { cat "$work/build" >&2; fail "no image"; }
}
PORT=$(free_port)
export PORT
image=localhost/${project}_imageserver
if [ -n "${IMAGE:-}" ]; then
  images+=("$image")
  podman tag "$IMAGE" "$image"
else
  build . "$project"
fi
size=$(($(podman image inspect --format '{{.Size}}' "$image") - $(podman image inspect --format '{{.Size}}' "$BASE")))
printf 'the image is %s MB above its base\n' "$((size / 1000 / 1000))"
is_small "$image" "$limit" || fail "$size bytes above the base"
wrongly is_small "$image" 1000000
podman image inspect --format '{{.Labels}}' "$image" | grep -q 'org.opencontainers.image.version:' || fail "no labels"
podman image inspect --format '{{.HealthCheck.Test}}' "$image" | grep -q 'imageserver healthcheck' || fail "no health check in the image"

say "first start, with nothing there"
up "$project" compose.yaml
frame --save "$work/first.png" >"$work/frame" || { cat "$work/frame" >&2; fail "no first picture"; }
is_not_root "$container" 1000 || fail "runs as $(inside id)"
is_read_only "$container" || fail "the root file system can be written to"
has_no_tools "$container" || fail "build tools inside"
has_no_rights "$container" || fail "has capabilities: $(inside cat /proc/1/status)"
has_limits "$container" || fail "no limits"
has_our_zone "$container" || fail "another time zone than the host's"

say "a container with every mistake, which each check must see"
spoiled=$project-spoiled
podman run --detach --name "$spoiled" --image-volume ignore --user 0 --env TZ=Asia/Kathmandu --entrypoint sh "$image" \
  -c 'cp /bin/true /bin/gcc; trap "" TERM; while :; do sleep 1; done' >/dev/null
within 20 podman exec "$spoiled" test -x /bin/gcc
wrongly is_healthy "$spoiled"
wrongly is_not_root "$spoiled" 1000
wrongly is_read_only "$spoiled"
wrongly has_no_tools "$spoiled"
wrongly has_no_rights "$spoiled"
wrongly has_limits "$spoiled"
wrongly has_our_zone "$spoiled"
wrongly stops_within 3 "$spoiled"

# drop_plugin: dropped.py into the volume of the plugins, and a price for its pictures into the options
drop_plugin() {
  local plugins
  plugins=$(podman inspect --format '{{range .Mounts}}{{if eq .Destination "/plugins"}}{{.Name}}{{end}}{{end}}' "$container")
  tar --create --directory "$here" dropped.py | podman volume import "$plugins" -
  podman exec --interactive "$container" sh -c 'cat >/data/options.yml' <<'OPTIONS'
disabled_providers: [atelier]
providers:
  dropped: {price: 2.5, max_per_day: 10}
OPTIONS
  podman restart "$container" >/dev/null
  within 120 is_healthy "$container" || fail "not healthy after the restart"
  inside imageserver plugins >"$work/plugins"
  grep -q '^dropped .*loaded' "$work/plugins" || { cat "$work/plugins" >&2; fail "the plugin is not loaded"; }
  frame --type provider --provider dropped --save "$work/plugin.png" >"$work/frame" ||
    { cat "$work/frame" >&2; fail "no picture from the plugin"; }
  [ "$(spent)" = 'this month 1, costing 2.5' ] || { inside imageserver plugins >&2; fail "what was spent is not counted"; }
}
say "a plugin"
wrongly grep -q '^dropped .*loaded' <(inside imageserver plugins)
drop_plugin

say "stop, and a new container with the old volumes"
remember "$work/fresh" || fail "nothing to remember"
stops_within 10 "$container" || fail "the stop"
down "$project" compose.yaml
up "$project" compose.yaml
frame --type old --save "$work/second.png" >"$work/frame" || { cat "$work/frame" >&2; fail "no stored picture"; }
remembers "$work/fresh" || fail "not everything is there after the second start"
down "$project" compose.yaml

say "folders of one's own that cannot be written"
own=$project-own
images+=("localhost/${own}_imageserver")
podman tag "$image" "localhost/${own}_imageserver"
export IMAGESERVER_DATA_ROOT=$work/"data root"
mkdir -p "$IMAGESERVER_DATA_ROOT"/{data,images,log,certs,plugins}
chmod 755 "$work" "$IMAGESERVER_DATA_ROOT" # mktemp lets nobody else look in
# uncommented END FILE: compose.yaml with those of its five lines for one's own folders that end so, and no volumes
uncommented() {
  sed -E -e '/^      - (data|images|log|certs|plugins):/d' -e "s|^      # (- [\$][{]IMAGESERVER_DATA_ROOT[^#]*/(data:/data\|images:/images\|log:/log\|certs:/certs\|plugins:/plugins:ro)$1)\$|      \1|" \
    -e "s|context: \.|context: $PWD|" compose.yaml >"$2"
  [ "$(grep -c '^      - .*IMAGESERVER_DATA_ROOT:-/srv' "$2")" = 5 ] || fail "compose.yaml does not show the five folders"
}
uncommented "" "$work/own.yaml"
code=0
projects+=("$own")
compose --project-name "$own" --file "$work/own.yaml" run --rm -T imageserver serve >"$work/refused" 2>&1 || code=$?
[ "$code" = 2 ] || { cat "$work/refused" >&2; fail "exit code $code instead of 2"; }
grep -oE 'sudo chown -R .*' "$work/refused" | sort -u >"$work/chown" || { cat "$work/refused" >&2; fail "no chown line"; }
cat "$work/chown"
sh "$work/chown" # exactly what the server said, and nothing else
up "$own" "$work/own.yaml"
frame --save "$work/own.png" >"$work/frame" || { cat "$work/frame" >&2; fail "no picture from folders of one's own"; }
ls "$IMAGESERVER_DATA_ROOT"/images/original/* >/dev/null || fail "the pictures are elsewhere"
down "$own" "$work/own.yaml"

say "folders of one's own that podman hands over"
rm -rf "$IMAGESERVER_DATA_ROOT"
mkdir -p "$IMAGESERVER_DATA_ROOT"/{data,images,log,certs,plugins}
uncommented "(:U\|,U)" "$work/handed.yaml"
up "$own" "$work/handed.yaml"
frame --save "$work/handed.png" >"$work/frame" || { cat "$work/frame" >&2; fail "no picture from folders handed over"; }
down "$own" "$work/handed.yaml"
unset IMAGESERVER_DATA_ROOT

say "upgrade from the first release"
first=$(grep -v '^#' "$here/first-release")
if git cat-file -e "$first^{commit}" 2>/dev/null; then
  upgraded=$project-upgraded
  mkdir "$work/old"
  git archive "$first" | tar --extract --directory "$work/old"
  build "$work/old" "$upgraded"
  old_image=$(podman image inspect --format '{{.Id}}' "localhost/${upgraded}_imageserver")
  up "$upgraded" "$work/old/compose.yaml"
  drop_plugin
  remember "$work/old-data" || fail "the old version keeps nothing"
  wrongly [ "$(podman inspect --format '{{.Image}}' "$container")" = "$(podman image inspect --format '{{.Id}}' "$image")" ]
  down "$upgraded" "$work/old/compose.yaml"
  podman tag "$image" "localhost/${upgraded}_imageserver" # as `compose build` in the new checkout does
  images+=("$old_image")
  up "$upgraded" compose.yaml
  frame --type old --save "$work/upgraded.png" >"$work/frame" || { cat "$work/frame" >&2; fail "no stored picture"; }
  remembers "$work/old-data" || fail "not everything is there after the upgrade"
  frame --type provider --provider dropped --save "$work/bought.png" >"$work/frame" ||
    { cat "$work/frame" >&2; fail "nothing can be bought after the upgrade"; }
  wrongly remembers "$work/old-data" # one more was bought
else
  [ "$(git rev-parse --is-shallow-repository)" = true ] || fail "there is no commit $first to upgrade from"
  echo "NOT TESTED: commit $first is not in this clone, which has no history (git fetch --unshallow)" >&2
  missed+=("the upgrade")
fi

say "clean up"
if [ "${#missed[@]}" -gt 0 ]; then
  say "the container does what it should; not tested: ${missed[*]}"
else
  say "the container does what it should"
fi
printf '   %s s in all\n' "$SECONDS"
