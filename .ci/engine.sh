# Sourced by .ci/run: a container engine with compose and buildx, and Prometheus' programs, from Debian packages alone.

# Debian 12 has no compose of version 2 and no buildx; the next release's run here as they are.
add_docker_plugins() {
  docker compose version >/dev/null 2>&1 && docker buildx version >/dev/null 2>&1 && return
  local tree=$work/plugins plugins=${DOCKER_CONFIG:-$HOME/.docker}/cli-plugins
  echo "Adding docker compose and docker buildx"
  docker/stand-ins/debian-packages.sh trixie "$tree" docker-compose docker-buildx
  mkdir -p "$plugins"
  cp "$tree"/usr/libexec/docker/cli-plugins/* "$plugins"
  docker compose version >/dev/null
  docker buildx version >/dev/null
}

add_prometheus() {
  if ! { command -v prometheus && command -v promtool; } >/dev/null; then
    echo "Adding prometheus and promtool"
    mkdir -p "$work/prometheus"
    docker/stand-ins/prometheus.sh "$work/prometheus" >/dev/null
    export PATH=$PATH:$work/prometheus/usr/bin
  fi
}

# An engine that was killed leaves its containers' network namespaces behind, still on the bridge, and the next engine gives their addresses out again:
# two hosts with one address, of which the dead one answers.
clear_dead_engine() {
  pidof dockerd >/dev/null && return
  local left bridge
  for left in /run/docker/netns/*; do
    [ -e "$left" ] || continue
    echo "Removing what a dead engine left: $left"
    umount -l "$left" 2>/dev/null || true
    rm -f "$left"
  done
  for bridge in /sys/class/net/docker0 /sys/class/net/br-????????????; do
    [ -d "$bridge/bridge" ] || continue
    for left in "$bridge"/brif/*; do
      [ ! -e "$left" ] || ip link delete "${left##*/}"
    done
    ip link delete "${bridge##*/}"
  done
}

# Uses the engine that answers already, if one does.
start_engine() {
  docker version >/dev/null 2>&1 && return
  echo "Starting a container engine"
  clear_dead_engine
  mkdir -p "$work/engine"
  dockerd --data-root "$work/engine/data" --exec-root "$work/engine/exec" --pidfile "$work/engine/pid" >"$work/engine/log" 2>&1 &
  engine=$!
  for _ in $(seq 60); do
    docker version >/dev/null 2>&1 && return
    kill -0 "$engine" 2>/dev/null || break
    sleep 0.5
  done
  echo "The container engine did not start" >&2
  return 1
}

# Ends what start_engine started. When the run failed its log is kept, and shown if the engine itself is to blame: the last line of a run is the tests'.
stop_engine() {
  [ -n "${engine:-}" ] || return 0
  if [ "$1" -ne 0 ]; then
    mkdir -p .test-output
    cp "$work/engine/log" .test-output/engine.log
    if ! docker version >/dev/null 2>&1; then
      echo "The engine does not answer; the end of its log (.test-output/engine.log):" >&2
      tail -n 40 "$work/engine/log" >&2
    fi
  fi
  kill "$engine" 2>/dev/null || true
  wait "$engine" 2>/dev/null || true
  # It may leave mounts of its data folder behind.
  awk -v below="$work/" 'index($2, below) == 1 { print $2 }' /proc/mounts | sort -r | while read -r mount; do umount -l "$mount"; done
}
