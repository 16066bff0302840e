#!/bin/bash
# Whether a program of this container is alive: ends with 0 if GET PATH at its port answers 200 within 3 s. A shell, as starting
# Node for each check takes more CPU time than many programs use.
#
#   docker/health.sh PORT PATH [ADDRESS]
exec 3<> "/dev/tcp/${3:-127.0.0.1}/$1" || exit 1
printf 'GET %s HTTP/1.0\r\nHost: localhost\r\n\r\n' "$2" >&3
read -r -t 3 _ status _ <&3
[ "${status:-}" = 200 ]
