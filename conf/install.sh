#!/bin/sh
# sudo make install: ImageServer as a service of systemd. Again after `git pull`: the newer version takes its place.
# Each version has a folder of its own in /opt/imageserver, and `current` leads to the one that runs; so a download that
# breaks off changes nothing, and the version before is still there.
set -eu
cd "$(dirname "$0")/.."

home=/opt/imageserver
data=/var/lib/imageserver/data
new=$home/$(date +%Y%m%d-%H%M%S)

[ "$(id -u)" = 0 ] || { echo "This writes to /opt and /etc: sudo make install" >&2; exit 2; }
command -v systemctl >/dev/null || { echo "There is no systemd here. docs/install.md has other ways." >&2; exit 2; }
python3 -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null ||
  { echo "Python 3.11 or newer with its venv module is needed: apt install python3 python3-venv" >&2; exit 2; }

echo "Installing into $new"
mkdir -p "$home"
trap 'rm -rf "$new"' EXIT
trap 'exit 130' INT TERM
python3 -m venv "$new"
pip() { "$new/bin/python" -m pip --quiet --disable-pip-version-check --no-input install "$@"; }
pip --require-hashes -r requirements-build.txt
pip --require-hashes --no-build-isolation --use-pep517 -r requirements-all.txt
# A copy, because building leaves traces in the checkout, which belongs to somebody else.
mkdir "$new/source"
cp -R imageserver pyproject.toml README.md LICENSE "$new/source"
pip --no-deps --no-index --no-build-isolation "$new/source"
rm -r "$new/source"
"$new/bin/imageserver" --version

getent passwd imageserver >/dev/null ||
  useradd --system --user-group --home-dir /var/lib/imageserver --no-create-home --shell /usr/sbin/nologin imageserver
install -d -o imageserver -g imageserver -m 750 /var/lib/imageserver /var/lib/imageserver/plugins /var/lib/imageserver/certs
cp conf/imageserver.service /etc/systemd/system/imageserver.service
cat >/usr/local/bin/imageserver <<COMMAND
#!/bin/sh
# Commands for the service, as the user that it runs under.
as="env IMAGESERVER_DATA=$data $home/current/bin/imageserver"
cd /
[ "\$(id -u)" != 0 ] || exec runuser -u imageserver -- \$as "\$@"
exec sudo -u imageserver \$as "\$@"
COMMAND
chmod 755 /usr/local/bin/imageserver

before=$(readlink "$home/current" || true)
ln -sfn "$new" "$home/current"
trap - EXIT
for each in "$home"/2*; do
  [ "$each" = "$new" ] || [ "$each" = "$before" ] || rm -rf "$each"
done

if [ -d /run/systemd/system ]; then
  systemctl daemon-reload
  systemctl enable --quiet imageserver
  code=0
  systemctl restart imageserver || code=$?
  journalctl --unit imageserver --lines 20 --output cat --no-pager
  exit "$code"
else
  echo "systemd does not run here. After the next start: systemctl enable --now imageserver"
fi
