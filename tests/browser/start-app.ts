import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

import { type Browser, chromium, type Page } from "playwright";
import { vi } from "vitest";

import { Board } from "#dashboards/api.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const START_MS_MAX = 60_000;
const STOP_MS_MAX = 15_000;

const CHROMIUM = process.env["QUARTERDECK_CHROMIUM"] ?? "/usr/bin/chromium";
/** Without a browser or a built app these tests cannot run; where that counts as failure, CI says so. */
export const CAN_RUN = existsSync(CHROMIUM) && existsSync(path.join(ROOT, ".next/BUILD_ID"));

export const OWNER = {
  name: "Ada Owner",
  email: "ada@example.test",
  password: "correct horse battery staple",
};

export type App = AsyncDisposable & {
  url: string;
  setupUrl: string;
  logFile: string;
  stop(): Promise<void>;
  /** Starts it again after a stop, at the same address with the same data. */
  startAgain(): Promise<void>;
};

/** The real program, as a process of its own, tailing a file with these lines; without lines, the demo. */
export async function startApp(lines: readonly string[] | "demo"): Promise<App> {
  const folder = await mkdtemp(path.join(tmpdir(), "quarterdeck-browser-"));
  const logFile = path.join(folder, "access.log");
  if (lines !== "demo") await writeFile(logFile, lines.map((line) => `${line}\n`).join(""));
  const start = (port: string): ChildProcess => {
    const what = lines === "demo" ? "--demo" : logFile;
    const args = [
      "cli.ts",
      "start",
      "--data",
      path.join(folder, "data"),
      "--port",
      port,
      "--no-apis",
      what,
    ];
    return spawn(process.execPath, args, { cwd: ROOT, stdio: ["ignore", "pipe", "pipe"] });
  };
  let child = start("0");
  const setupUrl = await printed(child, /(http:\/\/\S+\/setup\?token=\S+)/);
  const { origin, port } = new URL(setupUrl);
  return {
    url: origin,
    setupUrl,
    logFile,
    stop: () => stopped(child),
    async startAgain() {
      child = start(port);
      await printed(child, /(Quarterdeck is at)/);
    },
    async [Symbol.asyncDispose]() {
      await stopped(child);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export function openBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: CHROMIUM,
    args: [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}

/** Makes the first owner by the one-time link, and so signs the page in. */
export async function signUp(page: Page, app: App): Promise<void> {
  await page.goto(app.setupUrl);
  await page.getByLabel("Name").fill(OWNER.name);
  await page.getByLabel("E-mail").fill(OWNER.email);
  await page.getByLabel("Password").fill(OWNER.password);
  await page.getByRole("button", { name: "Create the account" }).click();
  await page.getByTestId("member-menu").waitFor();
}

/** Waits until that many lines are stored: a log is being read while the first pages are looked at. */
export async function untilRead(page: Page, app: App, lines: number): Promise<void> {
  const read = async (): Promise<void> => {
    const answer = await page.request.get(`${app.url}/api/board`);
    const { datasets } = Board.pick({ datasets: true }).parse(await answer.json());
    const rows = datasets.reduce((sum, one) => sum + one.rows, 0);
    if (rows < lines) throw new Error(`${rows} of ${lines} lines are stored`);
  };
  await vi.waitFor(read, { timeout: 25_000, interval: 250 });
}

export async function signIn(page: Page, password = OWNER.password): Promise<void> {
  await page.getByLabel("E-mail").fill(OWNER.email);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
}

function printed(child: ChildProcess, pattern: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    let output = "";
    const fail = (why: string): void => reject(new Error(`${why}; it printed:\n${output}`));
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
  const ended = new Promise((resolve) => {
    child.once("exit", resolve);
  });
  child.kill("SIGINT");
  const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS_MAX);
  await ended;
  clearTimeout(timer);
}
