import { spawn } from "node:child_process";
import path from "node:path";
import { fileURLToPath } from "node:url";

export const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
export const inRoot = (...parts) => path.join(root, ...parts);

const OUTPUT_LINES_SHOWN = 30;

/** An error for people: shown without a stack. */
export class SetupError extends Error {}

const children = new Set();

/** Runs a program and resolves with its output; a failure contains its last lines. */
export function run([program, ...args], { cwd = root, env = {} } = {}) {
  return new Promise((resolve, reject) => {
    const child = start([program, ...args], { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (chunk) => (output += chunk));
    child.on("error", (error) => {
      const hint = error.code === "ENOENT" ? " Is it installed?" : "";
      reject(new SetupError(`${program} could not be started (${error.code}).${hint}`));
    });
    child.on("close", (code, signal) => {
      if (code === 0) return resolve(output);
      const words = output.trimEnd().split("\n").slice(-OUTPUT_LINES_SHOWN).join("\n");
      const failure = new SetupError(
        `${path.basename(program)} ${args.join(" ")} ended with ${code ?? signal}:\n${words}`,
      );
      failure.output = output;
      reject(failure);
    });
  });
}

/** Starts a program in a process group of its own, so that it and its children can be ended together. */
export function start([program, ...args], { cwd = root, env = {}, stdio }) {
  const child = spawn(program, args, {
    cwd,
    stdio,
    detached: process.platform !== "win32",
    env: {
      ...process.env,
      PATH: `${inRoot("node_modules", ".bin")}${path.delimiter}${process.env.PATH}`,
      ...env,
    },
  });
  children.add(child);
  for (const end of ["error", "close"]) child.on(end, () => children.delete(child));
  return child;
}

/** After Ctrl-C during the set-up; the next start repeats what is incomplete. */
export function endChildren() {
  for (const child of children) {
    try {
      process.kill(process.platform === "win32" ? child.pid : -child.pid, "SIGKILL");
    } catch {
      children.delete(child); // It has exited.
    }
  }
}
