import { appendFile } from "node:fs/promises";

import type { Browser, Page } from "playwright";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { accessLine } from "./access-lines.ts";
import { type App, CAN_RUN, openBrowser, signUp, startApp } from "./start-app.ts";

/** How long the page may take on a machine that is busy with something else. */
const SOON = { timeout: 20_000 };

describe.skipIf(!CAN_RUN)("a log that is being written, in a real browser", () => {
  let app: App;
  let browser: Browser;
  let page: Page;

  beforeAll(async () => {
    const nowMs = Date.now();
    const lines = Array.from({ length: 300 }, (_, index) =>
      accessLine({ atMs: nowMs - (300 - index) * 1000, path: "/before" }),
    );
    [app, browser] = await Promise.all([startApp(lines), openBrowser()]);
    page = await browser.newPage();
    await signUp(page, app);
  });
  afterAll(async () => {
    await browser?.close();
    await app?.[Symbol.asyncDispose]();
  });

  const newestEventMs = async (): Promise<number> =>
    Number(await page.getByTestId("tile-requests").getAttribute("data-newest-event-ms"));

  const append = (path: string): Promise<void> =>
    appendFile(app.logFile, `${accessLine({ atMs: Date.now(), path })}\n`);

  test("a line that is appended changes the board without a request", async () => {
    await expect
      .poll(
        async () => {
          await page.goto(app.url);
          await page
            .getByTestId("live-status")
            .or(page.getByText("No events yet"))
            .first()
            .waitFor();
          return page.getByTestId("live-status").count();
        },
        { timeout: 25_000 },
      )
      .toBe(1);
    await expect.poll(() => page.getByTestId("live-status").innerText(), SOON).toBe("Live");
    const asked: string[] = [];
    page.on("request", (request) => asked.push(request.url()));
    const beforeMs = await newestEventMs();
    await expect
      .poll(
        async () => {
          await append("/after");
          return newestEventMs();
        },
        { timeout: 15_000 },
      )
      .toBeGreaterThan(beforeMs);
    expect(asked.filter((url) => url.includes("/api/"))).toEqual([]);
  });

  test("the tail shows new events, stops when the reader scrolls, and goes on when told", async () => {
    await page.goto(`${app.url}/explore`);
    await expect
      .poll(() => page.getByTestId("tail-status").innerText(), SOON)
      .toContain("Live tail");
    const list = page.getByTestId("events");
    await expect
      .poll(
        async () => {
          await append("/tailed");
          return list.innerText();
        },
        { timeout: 15_000 },
      )
      .toContain("/tailed");
    await list.evaluate((element) => element.scrollTo({ top: 200 }));
    const resume = page.getByTestId("resume-live");
    await resume.waitFor();
    await expect
      .poll(
        async () => {
          await append("/while-paused");
          return resume.innerText();
        },
        { timeout: 15_000 },
      )
      .toMatch(/\([1-9]\d* new\)/);
    expect(await list.innerText()).not.toContain("/while-paused");
    await resume.click();
    await expect.poll(() => list.innerText(), SOON).toContain("/while-paused");
  });
});
