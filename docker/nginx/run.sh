#!/bin/sh
# Runs nginx in front of the workers of a task until SIGTERM. Then it is a lame duck: /healthz answers 503, so that load
# balancers send no more requests, and what still comes is served for some seconds before it closes.
#
#   FRONT_LISTEN       address:port on which it listens
#   FRONT_UPSTREAM     address:port of the workers
#   FRONT_LAME_DUCK_S  for how many seconds it goes on serving (default 4: two failed checks and some more)
set -eu
configuration=$(dirname "$0")/nginx.conf
folder=$(mktemp -d "${TMPDIR:-/tmp}/front.XXXXXX")
# Started by root, nginx works as another user, who must see whether the file `draining` is there.
chmod 711 "$folder"
sed -e "s|@LISTEN@|$FRONT_LISTEN|" -e "s|@UPSTREAM@|$FRONT_UPSTREAM|" -e "s|@FOLDER@|$folder|" \
  "$configuration" > "$folder/nginx.conf"
nginx -p "$folder" -e stderr -c "$folder/nginx.conf" &
nginx=$!

stop() {
  trap '' TERM INT
  : > "$folder/draining"
  sleep "${FRONT_LAME_DUCK_S:-4}"
  kill -QUIT "$nginx" 2> /dev/null || :
}
trap stop TERM INT

code=0
while kill -0 "$nginx" 2> /dev/null; do
  code=0
  # A signal ends `wait` before nginx has ended.
  wait "$nginx" || code=$?
done
rm -rf "$folder"
exit "$code"
