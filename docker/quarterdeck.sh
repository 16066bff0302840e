#!/bin/sh
# quarterdeck in an image, where everything is installed: with the V8 flags of the command, which bin/launch.mjs gives it elsewhere.
set -eu
flags=$(node --input-type=module --eval 'const { v8FlagsOf } = await import("/app/bin/v8-flags.mjs"); console.log(v8FlagsOf(process.argv.slice(1)).join(" "));' -- "$@")
# shellcheck disable=SC2086 # each flag is a word
exec node $flags /app/bin/cli.mjs "$@"
