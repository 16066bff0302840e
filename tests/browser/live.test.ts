import { appendFile } from "node:fs/promises";

import type { BrowserContext, Page } from "playwright";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { accessLine } from "../harness/access-log.ts";
import { CAN_RUN_BROWSER } from "../harness/browser.ts";
import { type RunningBoard, startBoard } from "./board.ts";

/** Time limit for the page on a busy machine. */
const SOON = { timeout: 20_000 };

describe.skipIf(!CAN_RUN_BROWSER)("a growing log, in a real browser", () => {
  let board: RunningBoard;
  let context: BrowserContext;
  let page: Page;

  const line = (path: string, atMs: number): string => accessLine({ path, atMs, seconds: 0.05 });

  beforeAll(async () => {
    const nowMs = Date.now();
    const log = Array.from({ length: 300 }, (_, index) =>
      line("/before", nowMs - (300 - index) * 1_000),
    );
    board = await startBoard({ log });
    context = await board.newContext();
    page = await context.newPage();
  });
  afterAll(() => board?.[Symbol.asyncDispose]());

  const newestEventMs = async (): Promise<number> =>
    Number(await page.getByTestId("tile-requests").getAttribute("data-newest-event-ms"));

  const append = (path: string): Promise<void> => appendFile(board.logFile, line(path, Date.now()));

  const openLive = async (): Promise<void> => {
    await page.goto(board.url);
    await expect.poll(() => page.getByTestId("live-status").innerText(), SOON).toBe("Live");
  };

  test("an appended line changes the board without a request", async () => {
    await openLive();
    const requestedUrls: string[] = [];
    page.on("request", (request) => requestedUrls.push(request.url()));
    const beforeMs = await newestEventMs();
    await expect
      .poll(async () => {
        await append("/after");
        return newestEventMs();
      }, SOON)
      .toBeGreaterThan(beforeMs);
    expect(requestedUrls.filter((url) => url.includes("/api/"))).toEqual([]);
  });

  test("the tail shows new events, stops when the reader scrolls, and resumes on request", async () => {
    await page.goto(`${board.url}/explore`);
    await expect
      .poll(() => page.getByTestId("tail-status").innerText(), SOON)
      .toContain("Live tail");
    const list = page.getByTestId("events");
    // Only the loaded events make the list long enough to scroll.
    await expect.poll(() => list.innerText(), SOON).toContain("/before");
    await expect
      .poll(async () => {
        await append("/tailed");
        return list.innerText();
      }, SOON)
      .toContain("/tailed");
    await list.evaluate((element) => element.scrollTo({ top: 200 }));
    const resume = page.getByTestId("resume-live");
    await resume.waitFor();
    await expect
      .poll(async () => {
        await append("/while-paused");
        return resume.innerText();
      }, SOON)
      .toMatch(/\([1-9]\d* new\)/);
    expect(await list.innerText()).not.toContain("/while-paused");
    await resume.click();
    await expect.poll(() => list.innerText(), SOON).toContain("/while-paused");
  });

  test("the counts of a search and of its facets follow the tail, and name their time", async () => {
    await page.goto(`${board.url}/explore`);
    await page.getByTestId("facets-time").getByText("Counts as of").waitFor();
    const facet = page.getByRole("list", { name: "Values of http.route" });
    await append("/counted");
    await append("/counted");
    const value = facet.getByRole("button", { name: /^\/counted/ });
    // The slower the counts load, the more seldom they are loaded.
    const counted = { timeout: 60_000 };
    await expect.poll(() => value.innerText(), counted).toMatch(/\b2$/);
    await append("/counted");
    await expect.poll(() => value.innerText(), counted).toMatch(/\b3$/);
  }, 150_000);

  test("the board is marked as disconnected while the server is down, and reconnects automatically", async () => {
    await openLive();
    const status = page.getByTestId("live-status");
    await board.stop();
    await expect.poll(() => status.innerText(), SOON).toBe("Connection lost, retrying");
    const tile = page.getByTestId("tile-requests");
    expect(await tile.getAttribute("data-stale")).toBe("true");
    expect(await tile.innerText()).toContain("stale");
    await board.startAgain();
    await expect.poll(() => status.innerText(), SOON).toBe("Live");
    await expect.poll(() => page.locator(".message").count(), SOON).toBe(0);
  }, 90_000);
});

describe.skipIf(!CAN_RUN_BROWSER)("the demo, in a real browser", () => {
  test("the demo is labelled, asks for confirmation before it is turned off, and the page keeps working", async () => {
    await using board = await startBoard({ log: "demo" });
    const page = await (await board.newContext()).newPage();
    await page.goto(board.url);
    const ribbon = page.getByRole("complementary", { name: "Demo data" });
    await ribbon.getByRole("button", { name: "Turn it off" }).click();
    const dialog = page.getByRole("dialog", { name: "Turn the demo off" });
    await dialog.getByRole("button", { name: "Keep it" }).click();
    await dialog.waitFor({ state: "hidden" });
    await page.evaluate(() => Object.assign(globalThis, { sameDocument: true }));
    await ribbon.getByRole("button", { name: "Turn it off" }).click();
    await dialog.getByRole("button", { name: "Turn it off" }).click();
    await ribbon.waitFor({ state: "detached", timeout: 25_000 });
    await page.getByText("No events yet").waitFor();
    expect(await page.evaluate(() => "sameDocument" in globalThis)).toBe(true);
  }, 90_000);
});
