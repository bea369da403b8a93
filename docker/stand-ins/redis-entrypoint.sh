#!/bin/sh
# As in the public image: options alone mean the server, root becomes the user redis, and the server answers other hosts (Debian's build
# refuses them without a password).
set -e
case "$1" in -* | *.conf) set -- redis-server "$@" ;; esac
if [ "$1" = redis-server ] || [ "$1" = redis-sentinel ]; then
  if [ "$(id -u)" = 0 ]; then
    find . ! -user redis -exec chown redis {} +
    exec setpriv --reuid=redis --regid=redis --clear-groups -- "$0" "$@"
  fi
  program=$1
  shift
  file=
  case "$1" in *.conf) file=$1 && shift ;; esac
  set -- "$program" $file --protected-mode no "$@"
fi
exec "$@"
