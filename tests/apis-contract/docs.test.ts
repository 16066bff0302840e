import type { Browser } from "playwright";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { CAN_RUN_BROWSER, axeViolations, openBrowser } from "../harness/browser.ts";
import type { RunningApi } from "./fuzz.ts";
import { APIS } from "./subjects.ts";

const LOOKS = [
  { width: 1440, colorScheme: "light" },
  { width: 1440, colorScheme: "dark" },
  { width: 390, colorScheme: "light" },
  { width: 390, colorScheme: "dark" },
] as const;

/** Opens all details; returns the number of pixels by which the page is wider than the window. */
const OPEN_ALL = `(() => {
  for (const it of document.querySelectorAll("details")) it.open = true;
  const { scrollWidth, clientWidth } = document.documentElement;
  return scrollWidth - clientWidth;
})()`;
const SHORTEN = `(() => {
  const parts = [...document.querySelectorAll("section")];
  for (const it of parts.slice(3)) it.remove();
  for (const it of document.querySelectorAll("nav a")) {
    if (document.querySelector(it.hash) === null) it.parentElement.remove();
  }
  for (const it of document.querySelectorAll("details")) it.open = true;
})()`;

let browser: Browser | undefined;
beforeAll(async () => {
  if (CAN_RUN_BROWSER) browser = await openBrowser();
});
afterAll(() => browser?.close());

async function openPage(running: RunningApi, look: (typeof LOOKS)[number]) {
  const { width, colorScheme } = look;
  const context = await browser?.newContext({ viewport: { width, height: 900 }, colorScheme });
  const page = await context?.newPage();
  if (context === undefined || page === undefined) throw new Error("there is no browser");
  const consoleMessages: string[] = [];
  page.on("console", (message) => consoleMessages.push(message.text()));
  await page.goto(`${running.url}/docs`);
  return { context, page, consoleMessages };
}

describe.skipIf(!CAN_RUN_BROWSER).each(APIS)(
  "the page of $name, in a real browser",
  ({ name, start }) => {
    let running: RunningApi;
    beforeAll(async () => {
      running = await start();
    });
    afterAll(() => running.stop());

    test("every theme and width is styled, logs nothing to the console, and is not cut off", async () => {
      for (const look of LOOKS) {
        const { context, page, consoleMessages } = await openPage(running, look);
        expect(consoleMessages).toEqual([]);
        // If the content security policy blocked the style sheet, the browser default would apply.
        const { maxWidth } = await page
          .locator("body")
          .evaluate((it) => ({ maxWidth: getComputedStyle(it).maxWidth }));
        expect(maxWidth).toBe("1248px");
        const folder = process.env["SCREENSHOTS"];
        const file = `${folder}/docs-${name}-${look.width}-${look.colorScheme}.png`;
        if (folder !== undefined) await page.screenshot({ path: file });
        expect(await page.evaluate(OPEN_ALL)).toBe(0);
        await context.close();
      }
    }, 60_000);

    // All sections are rendered by the same function, and checking all of them in every theme and width takes minutes.
    const isWhole = name === "billing";
    test(`axe finds nothing on ${isWhole ? "the whole page, in every theme and width" : "its first sections"}`, async () => {
      for (const look of isWhole ? LOOKS : LOOKS.slice(0, 1)) {
        const { context, page } = await openPage(running, look);
        // Contrast takes minutes on the whole page; it is checked on the first sections.
        const whole = isWhole && look === LOOKS[0];
        if (!whole) await page.evaluate(SHORTEN);
        const without = whole ? ["color-contrast"] : [];
        expect(await axeViolations(page, { without })).toEqual([]);
        await context.close();
      }
    }, 90_000);

    test("an operation and its example can be reached by keyboard only", async () => {
      const page = await browser?.newPage();
      if (page === undefined) throw new Error("there is no browser");
      await page.goto(`${running.url}/docs`);
      const [first] = await page.locator("nav a").all();
      await first?.focus();
      await page.keyboard.press("Enter");
      const target = page.locator("section:target");
      expect(await target.count()).toBe(1);
      const example = target.locator("summary", { hasText: "Try it" });
      for (let tabs = 0; tabs < 30; tabs += 1) {
        if (await example.evaluate((it) => it === document.activeElement)) break;
        await page.keyboard.press("Tab");
      }
      await page.keyboard.press("Enter");
      expect(await target.locator("pre").isVisible()).toBe(true);
      await page.close();
    });
  },
);
