#!/bin/sh
# guard.sh FOLDER            waits until its input closes, then ends the cluster in the folder and removes it
# guard.sh FOLDER leftover   does so at once, unless a guard of the folder is alive
dir=$1

# A pid may have become another process's: ours names what is in the folder.
names() {
  cat "/proc/$1/cmdline" 2>/dev/null | tr "\0" "\n" | grep -qxF "$2"
}

if [ "$2" = leftover ]; then
  if [ -f "$dir/guard.pid" ] && names "$(cat "$dir/guard.pid")" "$dir"; then exit 0; fi
else
  echo $$ >"$dir/guard.pid"
  cat >/dev/null
fi

# Daemons, and tools that were at work when their starter died: each is told the same configuration. One may be about to begin.
rounds=0
quiet=0
while [ $quiet -lt 2 ] && [ $rounds -lt 50 ]; do
  quiet=$((quiet + 1))
  rounds=$((rounds + 1))
  for process in /proc/[0-9]*; do
    pid=${process#/proc/}
    if names "$pid" "$dir/ceph.conf"; then
      kill -9 "$pid" 2>/dev/null
      quiet=0
    fi
  done
  sleep 0.1
done
rm -rf "$dir"
