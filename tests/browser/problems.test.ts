import { appendFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

import type { BrowserContext, Page } from "playwright";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { z } from "zod";

import { Board, EventOverview } from "#dashboards/api.ts";

import { accessLine } from "../harness/access-log.ts";
import { axeViolations, CAN_RUN_BROWSER } from "../harness/browser.ts";
import { type RunningBoard, startBoard } from "./board.ts";

const SOON = { timeout: 20_000 };
const HOLE_MINUTES = { from: 20, to: 10 };

type Range = { toMs: number };

/** Adds a range that cannot be read to the responses. */
async function addHole(page: Page, url: string, schema: z.ZodType<Range>): Promise<void> {
  await page.route(url, async (route) => {
    const response = await route.fetch();
    const loaded = schema.parse(await response.json());
    const at = (minutes: number): number => loaded.toMs - minutes * 60_000;
    const hole = { fromMs: at(HOLE_MINUTES.from), toMs: at(HOLE_MINUTES.to), events: 20_000 };
    await route.fulfill({ response, json: { ...loaded, holes: [hole] } });
  });
}

/** For people who change the design. */
async function screenshot(page: Page, name: string): Promise<void> {
  const folder = process.env["QUARTERDECK_SCREENSHOTS"];
  if (folder) await page.screenshot({ path: `${folder}/${name}.png` });
}

describe.skipIf(!CAN_RUN_BROWSER)("problems, in a real browser", () => {
  let board: RunningBoard;
  let context: BrowserContext;
  let page: Page;
  let scratch = "";

  const line = (atMs: number): string => accessLine({ atMs, seconds: 0.05 });

  beforeAll(async () => {
    const nowMs = Date.now();
    const log = Array.from({ length: 300 }, (_, index) => line(nowMs - (300 - index) * 6_000));
    board = await startBoard({ log });
    scratch = join(dirname(board.logFile), "data", "store", "tmp");
    context = await board.newContext({ viewport: { width: 1440, height: 900 } });
    page = await context.newPage();
  });
  afterAll(() => board?.[Symbol.asyncDispose]());

  /** Makes storing fail until the returned function is called. */
  async function breakStore(): Promise<() => Promise<void>> {
    await rename(scratch, `${scratch}.away`);
    await writeFile(scratch, "a file where a folder should be");
    await appendFile(board.logFile, line(Date.now()));
    return async () => {
      await rm(scratch);
      await rename(`${scratch}.away`, scratch);
    };
  }

  const notice = () => page.getByRole("region", { name: "Problems" });

  test("a problem appears on an open page with what to do, is announced, and disappears when it is over", async () => {
    await page.goto(board.url);
    await page.getByTestId("board").waitFor();
    expect(await notice().innerText()).toBe("");
    const sockets: string[] = [];
    page.on("websocket", (socket) => sockets.push(socket.url()));
    await page.reload();
    await page.getByTestId("board").waitFor();
    const requestedUrls: string[] = [];
    page.on("request", (request) => requestedUrls.push(request.url()));
    const mend = await breakStore();
    const item = notice().getByRole("listitem").filter({ hasText: "Events cannot be stored" });
    await item.waitFor(SOON);
    const text = await item.innerText();
    expect(text).toMatch(/Error:[^]+What to do:[^]+since/);
    expect(await notice().getByRole("status").textContent()).toMatch(/^1 error/);
    expect(requestedUrls.filter((url) => url.includes("/api/"))).toEqual([]);
    // Live data and problems share a connection.
    expect(sockets).toHaveLength(1);
    await page.goto(`${board.url}/explore`);
    await item.waitFor(SOON);
    await mend();
    await item.waitFor({ state: "detached", timeout: 30_000 });
  }, 90_000);

  test("the first HTML has the problems, without a script", async () => {
    const mend = await breakStore();
    const plain = await board.newContext({ javaScriptEnabled: false });
    const still = await plain.newPage();
    await expect
      .poll(async () => {
        await still.goto(board.url);
        return still.getByRole("region", { name: "Problems" }).innerText();
      }, SOON)
      .toContain("What to do");
    await plain.close();
    await mend();
  }, 60_000);

  const widths = [1440, 390];
  const themes = ["light", "dark"] as const;
  const cases = widths.flatMap((width) => themes.map((theme) => ({ width, theme })));
  test.each(cases)(
    "problems and unreadable ranges are legible and accessible at $width px, $theme",
    async ({ width, theme }) => {
      const own = await board.newContext({ viewport: { width, height: 900 }, colorScheme: theme });
      page = await own.newPage();
      await addHole(page, "**/api/board?*", Board);
      await addHole(page, "**/api/events/overview?*", EventOverview);
      const mend = await breakStore();
      await page.goto(board.url);
      await notice().getByRole("listitem").first().waitFor(SOON);
      await page.locator(".hole").first().waitFor(SOON);
      expect(await page.getByTestId("holes").innerText()).toContain("20,000 events cannot be read");
      await screenshot(page, `board-${width}-${theme}`);
      expect(await axeViolations(page, { impacts: ["serious", "critical"] })).toEqual([]);
      const overflow = await page.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      );
      expect(overflow).toBe(0);
      await page.goto(`${board.url}/explore`);
      await page.locator(".hole").first().waitFor(SOON);
      expect(await page.getByTestId("holes").innerText()).toContain("20,000 events cannot be read");
      await screenshot(page, `explore-${width}-${theme}`);
      await own.close();
      await mend();
    },
    90_000,
  );
});
