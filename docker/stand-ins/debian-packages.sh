#!/bin/bash
# debian-packages.sh SUITE DIR PACKAGE...: unpacks Debian packages into DIR without installing them. SUITE is a release such as trixie, or
# "own" for what the machine's apt is set up with; another release is read with lists of its own, so that nothing of it can be installed by mistake.
set -euo pipefail
suite=$1 tree=$2
shift 2

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

if [ "$suite" != own ]; then
  # The mirror that the machine uses already.
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -m 1 '/debian/*$' || true)
  [ -n "$mirror" ] || { echo "debian-packages.sh: no Debian mirror among apt's sources" >&2; exit 1; }
  lists=${XDG_CACHE_HOME:-$HOME/.cache}/shadowfleet/apt-$suite
  mkdir -p "$lists/state/lists/partial" "$lists/cache/archives/partial"
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main" >"$lists/sources.list"
  cat >"$lists/apt.conf" <<CONF
Dir::Etc::sourcelist "$lists/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::State::lists "$lists/state/lists";
Dir::Cache "$lists/cache";
Acquire::Languages "none";
Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled "false";
CONF
  export APT_CONFIG=$lists/apt.conf
  apt-get update -qq -o APT::Sandbox::User=root
fi

chmod 755 "$work"
cd "$work"
apt-get download -q -o APT::Sandbox::User=root "$@" >log 2>&1 || { cat log >&2; exit 1; }
# Debian's folders are merged into /usr; unpacking first would make real ones of the links.
mkdir -p "$tree"/usr/{bin,sbin,lib,lib64}
for folder in bin sbin lib lib64; do ln -sfn "usr/$folder" "$tree/$folder"; done
for package in *.deb; do dpkg-deb --fsys-tarfile "$package" | tar -x -C "$tree" --keep-directory-symlink --no-same-owner; done
rm -rf "$tree"/usr/share/{doc,man,info,locale,lintian,bash-completion} "$tree"/usr/lib/systemd "$tree"/etc/{init.d,cron.*,logrotate.d}
