/**
 * Takes the README's pictures: `node docs/pictures.ts [--data DIR]`. Starts the demo and waits until its whole past is
 * read and its predictions are ready. With --data it uses a data folder and keeps it.
 */
import { mkdir, mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

import type { Browser, Page } from "playwright";

import { apiPortSettings } from "#api/kit/settings.ts";
import { Board } from "#dashboards/api.ts";

import { openBrowser } from "../tests/harness/browser.ts";
import {
  type ControlPlane,
  createOwner,
  metricOf,
  startControlPlane,
} from "../tests/harness/control-plane.ts";
import { until } from "../tests/harness/program.ts";

const OUT = fileURLToPath(new URL("pictures/", import.meta.url));
const BYTES_MAX = 400_000;
const HISTORY_MS_MAX = 600_000;
/** The demo's shop has one or two visitors a second: a higher rate means that its past is still being read. */
const PRESENT_LINES_PER_SECOND_MAX = 20;
/** Until the charts have a minute of frames and all tiles are current. */
const WATCH_MS = 20_000;

type Picture = {
  name: string;
  width: number;
  height: number;
  scheme: "light" | "dark";
  path: string;
  wholePage: boolean;
  ready(page: Page): Promise<unknown>;
};

const live = (page: Page): Promise<void> =>
  page.locator('[data-testid="live-status"][data-status="live"]').waitFor();

const board = { path: "/", wholePage: true, ready: live };
const PICTURES: Picture[] = [
  { ...board, name: "board-light", width: 1440, height: 900, scheme: "light" },
  { ...board, name: "board-dark", width: 1440, height: 900, scheme: "dark" },
  { ...board, name: "board-phone", width: 390, height: 844, scheme: "dark", wholePage: false },
  {
    name: "explore",
    width: 1440,
    height: 900,
    scheme: "light",
    path: "/explore?q=status%3A%3E%3D400",
    wholePage: false,
    ready: openEvent,
  },
];

const data = process.argv[2] === "--data" ? process.argv[3] : undefined;
const folder = data ?? (await mkdtemp(path.join(tmpdir(), "quarterdeck-pictures-")));
try {
  await using app = await startControlPlane(["--demo", "--data", folder], { apis: true });
  const cookie = await createOwner(app);
  await until("the demo's past to be read", () => isComplete(app, cookie), HISTORY_MS_MAX);
  await using browser = await openBrowser();
  await mkdir(OUT, { recursive: true });
  for (const picture of PICTURES) await take(picture, { app, cookie, browser });
  await takeDocs(browser);
} finally {
  if (data === undefined) await rm(folder, { recursive: true, force: true });
}

async function openEvent(page: Page): Promise<void> {
  await page.locator("[data-event-id]").nth(2).click();
  await page.getByTestId("event-detail").locator(".field").first().waitFor();
}

async function isComplete(app: ControlPlane, cookie: string): Promise<boolean> {
  const before = await metricOf(app, "quarterdeck_lines_read_total");
  const waitS = 3;
  await sleep(waitS * 1000);
  const lines = (await metricOf(app, "quarterdeck_lines_read_total")) - before;
  if (lines > waitS * PRESENT_LINES_PER_SECOND_MAX) return false;
  const answer = await fetch(`${app.url}/api/board`, { headers: { cookie } });
  const { predictedRequestsPerSecond, turnover } = Board.parse(await answer.json());
  return (
    predictedRequestsPerSecond.status === "ready" &&
    turnover.every(({ expectedSignIns }) => expectedSignIns !== null)
  );
}

type Session = { app: ControlPlane; cookie: string; browser: Browser };

async function take(picture: Picture, { app, cookie, browser }: Session): Promise<void> {
  const { width, height, scheme } = picture;
  await using context = await browser.newContext({
    viewport: { width, height },
    deviceScaleFactor: 1,
    colorScheme: scheme,
    locale: "en",
    timezoneId: "UTC",
  });
  const [name = "", value = ""] = cookie.split("=", 2);
  await context.addCookies([{ name, value, url: app.url }]);
  const page = await context.newPage();
  await page.goto(`${app.url}${picture.path}`);
  await picture.ready(page);
  await sleep(WATCH_MS);
  const file = path.join(OUT, `${picture.name}.png`);
  await page.screenshot({ path: file, fullPage: picture.wholePage, scale: "css" });
  const { size } = await stat(file);
  process.stdout.write(`${path.relative(process.cwd(), file)} ${(size / 1000).toFixed(0)} kB\n`);
  if (size > BYTES_MAX) throw new Error(`${file}: larger than ${BYTES_MAX} bytes`);
}

/** The documentation page of an API, which needs no session. */
async function takeDocs(browser: Browser): Promise<void> {
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  await page.goto(`http://127.0.0.1:${apiPortSettings.billing.default}/docs#addSubscription`);
  const file = path.join(OUT, "billing-docs.png");
  await page.screenshot({ path: file, scale: "css" });
  process.stdout.write(`${path.relative(process.cwd(), file)}\n`);
  await page.close();
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, ms));
}
