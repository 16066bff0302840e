import type { Browser, Page } from "playwright";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { accessLine } from "./access-lines.ts";
import { type App, CAN_RUN, openBrowser, signUp, startApp, untilRead } from "./start-app.ts";

const SOON = { timeout: 25_000 };

describe.skipIf(!CAN_RUN)("a board whose server went away, in a real browser", () => {
  let app: App;
  let browser: Browser;
  let page: Page;

  beforeAll(async () => {
    const nowMs = Date.now();
    const lines = Array.from({ length: 300 }, (_, index) =>
      accessLine({ atMs: nowMs - (300 - index) * 1000 }),
    );
    [app, browser] = await Promise.all([startApp(lines), openBrowser()]);
    page = await browser.newPage();
    await signUp(page, app);
    await untilRead(page, app, 300);
  });
  afterAll(async () => {
    await browser?.close();
    await app?.[Symbol.asyncDispose]();
  });

  test("it looks dead while the server is away, and comes back by itself", async () => {
    await page.goto(app.url);
    const status = page.getByTestId("live-status");
    await expect.poll(() => status.innerText(), SOON).toBe("Live");
    await app.stop();
    await expect.poll(() => status.innerText(), SOON).toBe("Connection lost, retrying");
    const tile = page.getByTestId("tile-requests");
    expect(await tile.getAttribute("data-stale")).toBe("true");
    expect(await tile.innerText()).toContain("stale");
    await app.startAgain();
    await expect.poll(() => status.innerText(), SOON).toBe("Live");
    await expect.poll(() => page.locator(".message").count(), SOON).toBe(0);
  }, 90_000);
});

describe.skipIf(!CAN_RUN)("the demo, in a real browser", () => {
  let app: App;
  let browser: Browser;
  let page: Page;

  beforeAll(async () => {
    [app, browser] = await Promise.all([startApp("demo"), openBrowser()]);
    page = await browser.newPage();
    await signUp(page, app);
  });
  afterAll(async () => {
    await browser?.close();
    await app?.[Symbol.asyncDispose]();
  });

  test("it is marked as such, asks before it is turned off, and the page goes on", async () => {
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
  }, 60_000);
});
