#!/bin/sh
# runtime-tree.sh DIR: writes the part of the images that is no program of ours.
set -eu
tree=$1
node=$(command -v node)

mkdir -p "$tree/etc/ssl/certs" "$tree/usr/local/bin"
cp "$(readlink -f "$node")" "$tree/usr/local/bin/node"
ldd "$node" | grep -o '/[^ ]*' | sort -u | while read -r library; do cp -L --parents "$library" "$tree"; done

# Node's own list of authorities as a file, for settings that want one; the host's may hold authorities that are nobody else's business.
node -p 'require("node:tls").rootCertificates.join("\n")' >"$tree/etc/ssl/certs/ca-certificates.crt"

printf 'root:x:0:0::/:/sbin/nologin\nshadowfleet:x:65532:65532::/app:/sbin/nologin\n' >"$tree/etc/passwd"
printf 'root:x:0:\nshadowfleet:x:65532:\n' >"$tree/etc/group"
printf 'hosts: files dns\n' >"$tree/etc/nsswitch.conf"
