import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

import { type Browser, chromium } from "playwright";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const START_MS_MAX = 90_000;
const STOP_MS_MAX = 20_000;

const OWNER = {
  name: "Ada Owner",
  email: "ada@example.test",
  password: "correct horse battery staple",
};

export type RunningApp = AsyncDisposable & { url: string; setupUrl: string };

/** `quarterdeck start` with these arguments, as a process of its own on any free port. */
export async function startApp(
  args: readonly string[],
  { apis = false }: { apis?: boolean } = {},
): Promise<RunningApp> {
  if (!existsSync(path.join(ROOT, ".next", "BUILD_ID"))) {
    throw new Error("the pages are not built: run npm start once");
  }
  const alone = apis ? [] : ["--no-apis"];
  const command = ["cli.ts", "start", ...alone, "--port", "0", ...args];
  const child = spawn(process.execPath, command, { cwd: ROOT, stdio: ["ignore", "pipe", "pipe"] });
  const setupUrl = await printed(child, /(http:\/\/\S+\/setup\?token=\S+)/);
  return {
    url: new URL(setupUrl).origin,
    setupUrl,
    [Symbol.asyncDispose]: () => stopped(child),
  };
}

/** Makes the first owner by the one-time link; returns the session cookie as `name=value`. */
export async function createOwner({ url, setupUrl }: RunningApp): Promise<string> {
  const token = new URL(setupUrl).searchParams.get("token");
  const answer = await fetch(`${url}/api/setup`, {
    method: "POST",
    headers: { "content-type": "application/json", origin: url },
    body: JSON.stringify({ ...OWNER, token }),
  });
  const cookie = answer.headers.get("set-cookie")?.split(";")[0];
  if (!answer.ok || cookie === undefined) {
    throw new Error(`the first owner was refused: ${answer.status} ${await answer.text()}`);
  }
  return cookie;
}

/** A sample of `/metrics`, by its name without labels. */
export async function metric({ url }: RunningApp, name: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const sample = new RegExp(`^${name} (\\S+)$`, "m").exec(text)?.[1];
  if (sample === undefined) throw new Error(`/metrics has no ${name}`);
  return Number(sample);
}

export function openBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: process.env["QUARTERDECK_CHROMIUM"] ?? "/usr/bin/chromium",
    args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"],
  });
}

/** Resolves when it is true; asks again every so often. */
export async function until(
  what: string,
  isTrue: () => Promise<boolean> | boolean,
  waitMs: number,
): Promise<void> {
  const endMs = performance.now() + waitMs;
  while (!(await isTrue())) {
    if (performance.now() > endMs) throw new Error(`${what}: not within ${waitMs} ms`);
    await new Promise((resolve) => {
      setTimeout(resolve, 100);
    });
  }
}

function printed(child: ChildProcess, pattern: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    let output = "";
    const fail = (why: string): void => {
      child.kill("SIGKILL");
      reject(new Error(`${why}; it printed:\n${output}`));
    };
    const timer = setTimeout(() => fail("the app did not start in time"), START_MS_MAX);
    const take = (chunk: unknown): void => {
      output += String(chunk);
      const found = pattern.exec(output)?.[1];
      if (found === undefined) return;
      clearTimeout(timer);
      resolve(found);
    };
    child.stdout?.on("data", take);
    child.stderr?.on("data", take);
    child.once("exit", (code) => fail(`the app ended with ${code}`));
  });
}

async function stopped(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGINT");
  const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS_MAX);
  await ended;
  clearTimeout(timer);
}
