#!/bin/sh
# Makes the secrets of docker/compose.yaml, once: a password of PostgreSQL, the URL with it, and the root key of the domain APIs. The
# files can be read by containers, whose user is another one; the folder keeps them from other users of this machine.
set -eu
folder=$(dirname "$0")/secrets
umask 077
mkdir -p "$folder"
random() { head -c 32 /dev/urandom | base64 | tr '+/' '-_' | tr -d '=\n'; }
[ -e "$folder/root-key" ] || random > "$folder/root-key"
if [ ! -e "$folder/database-url" ]; then
  password=$(random)
  printf %s "$password" > "$folder/postgres-password"
  printf %s "postgres://quarterdeck:$password@postgres:5432/quarterdeck" > "$folder/database-url"
fi
chmod 444 "$folder"/*
