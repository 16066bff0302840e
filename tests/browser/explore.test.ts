import type { Browser, Page } from "playwright";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { accessLine } from "./access-lines.ts";
import { type App, CAN_RUN, openBrowser, signUp, startApp, untilRead } from "./start-app.ts";

const FROM_MS = Date.UTC(2024, 2, 5, 9);
const EVENTS = 1200;
const SOON = { timeout: 20_000 };

describe.skipIf(!CAN_RUN)("a search, in a real browser", () => {
  let app: App;
  let browser: Browser;
  let page: Page;

  beforeAll(async () => {
    const lines = Array.from({ length: EVENTS }, (_, index) =>
      accessLine({
        atMs: FROM_MS + index * 1000,
        path: `/page-${index}`,
        status: index % 4 === 0 ? 404 : 200,
      }),
    );
    [app, browser] = await Promise.all([startApp(lines), openBrowser()]);
    const context = await browser.newContext({
      viewport: { width: 1440, height: 900 },
      permissions: ["clipboard-read", "clipboard-write"],
    });
    page = await context.newPage();
    await signUp(page, app);
    await untilRead(page, app, EVENTS);
    await page.goto(`${app.url}/explore?from=${FROM_MS}&to=${FROM_MS + EVENTS * 1000}`);
    await page.locator(".event").first().waitFor();
  });
  afterAll(async () => {
    await browser?.close();
    await app?.[Symbol.asyncDispose]();
  });

  const count = (): Promise<string> => page.getByTestId("event-count").innerText();

  test("older pages load as the reader scrolls, each event once, down to the oldest", async () => {
    const list = page.getByTestId("events");
    await expect
      .poll(
        async () => {
          await list.evaluate((element) => element.scrollTo({ top: element.scrollHeight }));
          return list.getByText("No more events in this range.").count();
        },
        { timeout: 25_000 },
      )
      .toBe(1);
    const ids = await page
      .locator(".event")
      .evaluateAll((rows) => rows.map((row) => row.getAttribute("data-event-id")));
    expect(ids).toHaveLength(EVENTS);
    expect(new Set(ids).size).toBe(EVENTS);
    expect(await page.locator(".event").last().innerText()).toContain("/page-0");
  });

  test("a facet is asked for, or kept out by its minus or with alt", async () => {
    const status = page.getByRole("button", { name: /^404/ });
    await status.click();
    await expect.poll(count, SOON).toBe("300 events");
    await status.click();
    await expect.poll(count, SOON).toBe("1,200 events");
    await page.getByRole("button", { name: "Exclude http.response.status_code 404" }).click();
    await expect.poll(count, SOON).toBe("900 events");
    await page.goBack();
    await expect.poll(count, SOON).toBe("1,200 events");
    await status.click({ modifiers: ["Alt"] });
    await expect.poll(count, SOON).toBe("900 events");
    expect(new URL(page.url()).searchParams.get("q")).toBe("-http.response.status_code:404");
    await page.goBack();
    await expect.poll(count, SOON).toBe("1,200 events");
  });

  test("a field of an event is copied as it was", async () => {
    await page.goto(`${app.url}/explore?q=path:/page-${EVENTS - 1}`);
    const newest = page.locator(".event").first();
    await newest.click();
    const detail = page.getByTestId("event-detail");
    await detail.getByRole("button", { name: "Copy url.original" }).click();
    await detail.getByText("copied").waitFor();
    const text = await page.evaluate(() => navigator.clipboard.readText());
    expect(text).toBe(`/page-${EVENTS - 1}`);
  });
});
