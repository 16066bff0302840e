import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { constants } from "node:os";
import path from "node:path";

import { endWithNpm } from "./parent.mjs";
import { SetupError, endChildren, root } from "./run.mjs";
import { node24, setUp } from "./setup.mjs";
import { v8FlagsOf } from "./v8-flags.mjs";

/** A Ctrl-C arrives twice: from the terminal and from npm. */
const SAME_SIGNAL_MS = 500;
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"];

/** Sets up what is missing, then runs the command line: same terminal, same arguments, same exit status. */
export async function launch(args, wanted) {
  endWithNpm(() => process.kill(process.pid, "SIGTERM"));
  stopSetupOn(SIGNALS);
  await orExplain(() => setUp(wanted));
  for (const signal of SIGNALS) process.removeAllListeners(signal);

  const preload = new URL(`exit-with-parent.mjs?parent=${process.pid}`, import.meta.url).href;
  const child = spawn(
    node24(),
    [...v8FlagsOf(args), "--import", preload, path.join(root, "bin", "cli.mjs"), ...args],
    {
      stdio: "inherit",
      // In a separate session the terminal's Ctrl-C reaches only this process, which forwards it once.
      detached: process.platform !== "win32",
      env: { ...process.env, NEXT_TELEMETRY_DISABLED: "1" },
    },
  );
  forwardSignals(child);
  child.on("error", (error) => fail(`Node 24 could not be started: ${error.message}`));
  child.on("exit", (code, signal) => {
    process.exit(code ?? 128 + (constants.signals[signal] ?? 0));
  });
}

function forwardSignals(child) {
  const hadTerminal = hasTerminal();
  for (const signal of SIGNALS) {
    let forwardedMs = 0;
    process.on(signal, () => {
      if (Date.now() - forwardedMs < SAME_SIGNAL_MS) return;
      forwardedMs = Date.now();
      // A SIGHUP of `kill` is for the command (an API replaces its workers); that of a closed terminal ends it.
      const isClosed = signal === "SIGHUP" && hadTerminal && !hasTerminal();
      child.kill(isClosed ? "SIGTERM" : signal);
    });
  }
}

/** Whether the process has a terminal that is open. */
function hasTerminal() {
  try {
    closeSync(openSync("/dev/tty", "r"));
    return true;
  } catch {
    return false;
  }
}

/** Shows a SetupError without a stack. */
export async function orExplain(work) {
  try {
    return await work();
  } catch (error) {
    if (error instanceof SetupError) fail(error.message);
    throw error;
  }
}

export function stopSetupOn(signals) {
  for (const signal of signals) {
    process.on(signal, () => {
      endChildren();
      process.stderr.write("\nStopped. The next start goes on from here.\n");
      process.exit(128 + constants.signals[signal]);
    });
  }
}

function fail(message) {
  process.stderr.write(`\n${message}\n`);
  process.exit(1);
}
