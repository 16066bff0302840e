import { writeFile } from "node:fs/promises";

import type { Browser, BrowserContext, BrowserContextOptions, Page } from "playwright";

import { openBrowser } from "../harness/browser.ts";
import {
  type ControlPlane,
  createOwner,
  metricOf,
  OWNER,
  startControlPlane,
} from "../harness/control-plane.ts";
import { temporaryFolder, until } from "../harness/program.ts";

/** A running control plane and a browser whose contexts are signed in as its owner. */
export type RunningBoard = AsyncDisposable & {
  url: string;
  browser: Browser;
  /** Path of the log that it tails. */
  logFile: string;
  newContext(options?: BrowserContextOptions): Promise<BrowserContext>;
  stop(): Promise<void>;
  /** Restarts it at the same address with the same data. */
  startAgain(): Promise<void>;
};

export type BoardOptions = {
  /** Lines of the log that it tails; "demo": it runs the demo instead. */
  log: readonly string[] | "demo";
  /** Settings, as environment variables. */
  env?: Readonly<Record<string, string>>;
  /** Creates the first owner; resolves with the session cookie. */
  signUp?(app: ControlPlane, browser: Browser): Promise<string>;
};

export async function startBoard({
  log,
  env = {},
  signUp = createOwner,
}: BoardOptions): Promise<RunningBoard> {
  await using started = new AsyncDisposableStack();
  const folder = started.use(await temporaryFolder());
  const logFile = `${folder.path}/access.log`;
  if (log !== "demo") await writeFile(logFile, log.join(""));
  const args = ["--data", `${folder.path}/data`, log === "demo" ? "--demo" : logFile];
  let app = await startControlPlane(args, { env });
  started.defer(() => app[Symbol.asyncDispose]());
  const browser = await openBrowser();
  started.defer(() => browser.close());
  const [name = "", value = ""] = (await signUp(app, browser)).split("=", 2);
  if (log !== "demo") await untilStored(app, log.length);
  const resources = started.move();
  const { url } = app;
  return {
    url,
    browser,
    logFile,
    async newContext(options = {}) {
      const context = await browser.newContext(options);
      await context.addCookies([{ name, value, url }]);
      return context;
    },
    stop: async () => void (await app.end("SIGTERM")),
    async startAgain() {
      app = await startControlPlane(args, { env, port: new URL(url).port });
    },
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

async function untilStored(app: ControlPlane, lines: number): Promise<void> {
  await until(
    `${lines} stored lines`,
    async () => (await metricOf(app, "quarterdeck_store_rows")) >= lines,
  );
}

export async function signIn(page: Page, password = OWNER.password): Promise<void> {
  await page.getByLabel("E-mail").fill(OWNER.email);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
}
