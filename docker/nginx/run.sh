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

is_stopping=
stop() {
  is_stopping=1
  trap '' TERM INT
  : > "$folder/draining"
  sleep "${FRONT_LAME_DUCK_S:-4}"
  kill -QUIT "$nginx" 2> /dev/null || :
}
trap stop TERM INT

code=0
wait "$nginx" || code=$?
if [ -n "$is_stopping" ] && [ "$code" -gt 128 ]; then
  # The signal ended `wait` before nginx had ended.
  code=0
  wait "$nginx" || code=$?
fi
rm -rf "$folder"
exit "$code"
