import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath, pathToFileURL } from "node:url";

import { v8FlagsOf } from "../../bin/v8-flags.mjs";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** Stops the program when the test run or benchmark is killed. */
const EXIT_WITH_PARENT = pathToFileURL(path.join(ROOT, "bin/exit-with-parent.mjs")).href;
const START_MS_MAX = 90_000;
const STOP_MS_MAX = 30_000;
const WAIT_MS_MAX = 60_000;
const POLL_MS = 50;
const OUTPUT_LINES_SHOWN = 30;

/** A running `quarterdeck` command. Disposing it sends SIGTERM and waits for its end. */
export type Program = AsyncDisposable & {
  child: ChildProcess;
  /** Output so far. */
  stdout(): string;
  stderr(): string;
  /** Both, in the order of their arrival. */
  output(): string;
  /**
   * The first group of the pattern in the output, once it matches.
   * @throws Error with the last lines of the output when the program ends or takes too long
   */
  printed(pattern: RegExp): Promise<string>;
  /** Resolves at its end with the exit status, or null when a signal ended it. */
  ended: Promise<number | null>;
  /** Sends the signal and waits for the end. */
  end(signal: NodeJS.Signals): Promise<number | null>;
};

export type ProgramOptions = {
  /** Added to the environment of this process. */
  env?: Readonly<Record<string, string>>;
  /** Its complete standard input. */
  input?: string;
  /** A file descriptor for its standard output, which is not collected then. */
  stdout?: number;
  /** A command that runs it, such as one that puts it into namespaces of its own. */
  prefix?: readonly string[];
};

/** Starts `quarterdeck …` as a separate process. */
export function startProgram(args: readonly string[], options: ProgramOptions = {}): Program {
  const node = [process.execPath, ...v8FlagsOf(args), "--import", EXIT_WITH_PARENT];
  const command = [...(options.prefix ?? []), ...node, "bin/cli.mjs", ...args];
  const child = spawn(command[0] ?? "", command.slice(1), {
    cwd: ROOT,
    env: { ...process.env, NODE_OPTIONS: "", QUARTERDECK_DATA: "", ...options.env },
    stdio: [options.input === undefined ? "ignore" : "pipe", options.stdout ?? "pipe", "pipe"],
  });
  child.stdin?.end(options.input);
  const text = { stdout: "", stderr: "", output: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name]?.on("data", (chunk: unknown) => {
      text[name] += String(chunk);
      text.output += String(chunk);
    });
  }
  const ended = once(child, "close").then(() => child.exitCode);
  const end = async (signal: NodeJS.Signals): Promise<number | null> => {
    child.kill(signal);
    const kill = setTimeout(() => child.kill("SIGKILL"), STOP_MS_MAX);
    return ended.finally(() => clearTimeout(kill));
  };
  return {
    child,
    stdout: () => text.stdout,
    stderr: () => text.stderr,
    output: () => text.output,
    printed: (pattern) => waitForOutput(child, { pattern, output: () => text.output }),
    ended,
    end,
    [Symbol.asyncDispose]: async () => void (await end("SIGTERM")),
  };
}

/** Runs `quarterdeck …` to its end. */
export async function runProgram(
  args: readonly string[],
  options: ProgramOptions = {},
): Promise<{ code: number | null; stdout: string; output: string }> {
  const { ended, stdout, output } = startProgram(args, options);
  return { code: await ended, stdout: stdout(), output: output() };
}

type Expected = { pattern: RegExp; output(): string };

function waitForOutput(child: ChildProcess, { pattern, output }: Expected): Promise<string> {
  return new Promise((resolve, reject) => {
    const look = (): void => {
      const found = pattern.exec(output())?.[1];
      if (found !== undefined) settle(() => resolve(found));
    };
    const fail = (reason: string): void => {
      const shown = output().trimEnd().split("\n").slice(-OUTPUT_LINES_SHOWN).join("\n");
      const command = child.spawnargs.slice(3).join(" ");
      settle(() => reject(new Error(`${command} ${reason}; its last output:\n${shown}`)));
    };
    const close = (): void => fail(`ended with ${child.exitCode ?? child.signalCode}`);
    const timer = setTimeout(() => fail(`did not print ${String(pattern)}`), START_MS_MAX);
    const settle = (done: () => void): void => {
      clearTimeout(timer);
      for (const stream of [child.stdout, child.stderr]) stream?.off("data", look);
      child.off("close", close);
      done();
    };
    for (const stream of [child.stdout, child.stderr]) stream?.on("data", look);
    child.on("close", close);
    look();
  });
}

type Found<T> = T | false | undefined;

/**
 * Repeats the request until it has a result, and returns that.
 * @throws Error that names the missing result
 */
export async function until<T>(
  what: string,
  find: () => Found<T> | Promise<Found<T>>,
  waitMs = WAIT_MS_MAX,
): Promise<T> {
  const endMs = performance.now() + waitMs;
  for (;;) {
    const found = await find();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > endMs) throw new Error(`waited ${waitMs} ms in vain for ${what}`);
    await delay(POLL_MS);
  }
}

/** With a space in its name, as folders of users may have. */
export async function temporaryFolder(): Promise<AsyncDisposable & { path: string }> {
  const folder = await mkdtemp(path.join(tmpdir(), "quarterdeck test "));
  return {
    path: folder,
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}
