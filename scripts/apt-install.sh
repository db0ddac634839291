#!/bin/sh
# apt-install.sh PACKAGE...: installs Debian packages, and nothing else that they bring along: no database cluster is
# made, no service is started. Needs root.
set -eu
export DEBIAN_FRONTEND=noninteractive

undo=:
trap 'eval "$undo"' EXIT
trap 'exit 1' HUP INT TERM

# invoke-rc.d and deb-systemd-invoke ask this program before they start a service; 101: action forbidden by policy.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  undo="$undo; rm -f $policy"
  printf '#!/bin/sh\nexit 101\n' > "$policy"
  chmod 755 "$policy"
fi

# Read by the createcluster.conf that postgresql-common is about to install; that file itself belongs to ucf.
cluster=/etc/postgresql-common/createcluster.d/no-main-cluster.conf
if [ ! -e "$cluster" ]; then
  undo="$undo; rm -f $cluster"
  mkdir -p "${cluster%/*}"
  echo 'create_main_cluster = false' > "$cluster"
fi

apt-get install -y --no-install-recommends "$@" || {
  apt-get update
  apt-get install -y --no-install-recommends "$@"
}
