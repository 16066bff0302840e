import { readFileSync } from "node:fs";

const CHECK_EVERY_MS = 1_000;
/** npm runs a script by one of these. Some replace themselves by its last command, others remain. */
const SHELL = /^(?:ba|da|a|z|k)?sh$/;
/** Our own commands, unless the script continues beside them. */
const OWN_SCRIPT = /^["']?(?:node bin\/(?:start|test)\.mjs|quarterdeck)\b[^&]*$/;

/** Calls `end` once the process has another parent, because that one has ended. */
export function endWith(parent, end) {
  checkUntil(() => process.ppid !== parent, end);
}

/** Calls `end` once the npm (or npx) that runs this process has ended: a killed npm leaves its script running. */
export function endWithNpm(end) {
  if (!OWN_SCRIPT.test(process.env.npm_lifecycle_script ?? "")) return;
  const before = pathToNpm();
  checkUntil(() => pathToNpm() !== before, end);
}

function checkUntil(isOver, end) {
  const timer = setInterval(() => {
    if (!isOver()) return;
    clearInterval(timer);
    end();
  }, CHECK_EVERY_MS);
  timer.unref();
}

/** The pids of the shells above this process and of the first other process; only the parent where /proc is missing. */
function pathToNpm() {
  const pids = [process.ppid];
  for (const pid of pids) {
    const parent = parentOfShell(pid);
    if (parent !== undefined) pids.push(parent);
  }
  return pids.join(" ");
}

/** Undefined if it is no shell. */
function parentOfShell(pid) {
  try {
    // "PID (NAME) STATE PARENT …"
    const [, name, parent] =
      /^\d+ \((.*)\) \S (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, "utf8")) ?? [];
    return SHELL.test(name) ? Number(parent) : undefined;
  } catch {
    return undefined;
  }
}
