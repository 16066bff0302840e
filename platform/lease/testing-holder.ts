import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";

import { containedPid } from "./testing-namespaces.ts";

const ROOT = join(import.meta.dirname, "..", "..");

/** Short times, but long enough for a busy machine. */
export const TEST_TIMES = { heartbeatMs: 150, staleMs: 3_000 };

const PROGRAM = `
import { contendForLease, findHolder, tryLease } from "#platform/lease/lease.ts";
import { createInterface } from "node:readline";
const [folder, name, times] = [process.argv[1], process.argv[2], JSON.parse(process.argv[3])];
let lease;
const commands = {
  try: async () => (lease = await tryLease(folder, name, times)) !== undefined,
  contend: async () => {
    const found = await contendForLease(folder, name, { times });
    if ("lease" in found) lease = found.lease;
    return "lease" in found ? true : found.holder.record;
  },
  find: async () => findHolder(folder, name, times)?.record ?? null,
  held: async () => lease.isHeld(),
  confirm: async () => lease.confirm(),
  lost: async () => lease.lost.aborted,
  release: async () => lease.release(),
};
console.log("ready");
for await (const line of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify((await commands[line]()) ?? null));
}`;

type Command = "try" | "contend" | "find" | "held" | "confirm" | "lost" | "release";

/** Another process that takes and releases one lease on command. */
export type TestHolder = AsyncDisposable & {
  ask(command: Command): Promise<unknown>;
  /** Signals the process itself, not the `unshare` around it. */
  signal(signal: NodeJS.Signals): void;
  /** Kills it, as in a crash. */
  kill(): Promise<void>;
  pid(): number;
};

export async function startHolder(
  folder: string,
  options: { prefix?: readonly string[]; name?: string } = {},
): Promise<TestHolder> {
  const { prefix = [], name = "test" } = options;
  const flags = ["--no-warnings", "--input-type=module-typescript", "--eval", PROGRAM];
  const args = [...flags, folder, name, JSON.stringify(TEST_TIMES)];
  const [program = "", ...rest] = [...prefix, process.execPath, ...args];
  const child = spawn(program, rest, { cwd: ROOT, stdio: ["pipe", "pipe", "ignore"] });
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  await answers.next();
  const pid = (): number =>
    prefix[0] === "unshare" ? containedPid(child.pid ?? 0) : (child.pid ?? 0);
  const kill = (): Promise<void> => killed(child, pid);
  return {
    async ask(command) {
      child.stdin.write(`${command}\n`);
      const { value } = await answers.next();
      return JSON.parse(String(value));
    },
    signal: (signal) => void process.kill(pid(), signal),
    pid,
    kill,
    [Symbol.asyncDispose]: kill,
  };
}

async function killed(child: ChildProcess, pid: () => number): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const closed = once(child, "close");
  process.kill(pid(), "SIGKILL");
  await closed;
}
