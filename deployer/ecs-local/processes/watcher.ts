/** A function of the shell that prints what `startOf` returns for a pid. $proc is the folder of proc(5). */
export const START_OF = `start_of() {
  if [ -r "$proc/$1/stat" ]; then
    read -r stat < "$proc/$1/stat"
    # The fields after the name in parentheses: 3 to 22.
    set -- \${stat##*) }
    shift 19
    echo "$1"
  else
    LC_ALL=C TZ=UTC /bin/ps -o lstart= -p "$1" | { read -r a b c d e; echo "\${a}_\${b}_\${c}_\${d}_\${e}"; }
  fi
}
`;

/**
 * A shell that starts one process of a container and waits for its end, so that it survives the endpoint and the exit code
 * is known to the endpoint that comes after. It writes three files into its working directory:
 *
 * - `claim`, created exclusively: whoever creates it decides whether the process is started, so that it is started once;
 * - `started`: the identity of the machine's boot, then the pid and the start of the watcher and of the process;
 * - `exit`: the exit code, as a shell counts it (128 and the signal).
 *
 * Then it kills what the process left behind in their common process group. Arguments: the boot, the folder of
 * proc(5), the directory of the process, and the process with its arguments. Only builtins are used, because the PATH is that of the container.
 */
export const WATCHER = `
set -C
(: > claim) 2> /dev/null || exit 0
boot=$1 proc=$2 directory=$3
shift 3
(cd -- "$directory" && exec "$@") &
process=$!
trap '' TERM INT HUP
${START_OF}own=$(start_of $$) its=$(start_of $process)
printf '%s %s %s %s %s end\\n' "$boot" $$ "$own" $process "$its" > started
wait $process
printf '%s end\\n' $? > exit
kill -KILL 0
`;

export type Started = {
  boot: string;
  watcher: { pid: number; start: string };
  process: { pid: number; start: string };
};

/** The content of `started`; undefined while it is incomplete. */
export function parseStarted(text: string): Started | undefined {
  const [boot = "", pid, start = "", itsPid, itsStart = "", end] = text.trim().split(" ");
  if (end !== "end") return undefined;
  return {
    boot,
    watcher: { pid: Number(pid), start },
    process: { pid: Number(itsPid), start: itsStart },
  };
}

/** The exit code in `exit`; undefined while it is incomplete. */
export function parseExit(text: string): number | undefined {
  const [code, end] = text.trim().split(" ");
  return end === "end" ? Number(code) : undefined;
}
