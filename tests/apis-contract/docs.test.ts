import { AxeBuilder } from "@axe-core/playwright";
import type { Browser } from "playwright";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import type { TestService } from "#api/kit/testing.ts";

import { CAN_RUN, openBrowser } from "../browser/start-app.ts";
import { SUBJECTS } from "./subjects.ts";

const LOOKS = [
  { width: 1440, colorScheme: "light" },
  { width: 1440, colorScheme: "dark" },
  { width: 390, colorScheme: "light" },
  { width: 390, colorScheme: "dark" },
] as const;

let browser: Browser | undefined;
beforeAll(async () => {
  if (CAN_RUN) browser = await openBrowser();
});
afterAll(() => browser?.close());

describe
  .skipIf(!CAN_RUN)
  .each(SUBJECTS.map((subject) => ({ name: subject.service.name, subject })))(
  "the page of $name, in a real browser",
  ({ name, subject }) => {
    let running: TestService;
    beforeAll(async () => {
      running = await subject.start();
    });
    afterAll(() => running.stop());

    test.each(LOOKS)(
      "axe finds nothing and nothing is cut off at $width px, $colorScheme",
      async ({ width, colorScheme }) => {
        const context = await browser?.newContext({
          viewport: { width, height: 900 },
          colorScheme,
        });
        const page = await context?.newPage();
        if (context === undefined || page === undefined) throw new Error("there is no browser");
        const complaints: string[] = [];
        page.on("console", (message) => complaints.push(message.text()));
        await page.goto(`${running.url}/docs`);
        expect(complaints).toEqual([]);
        // The style is there: a policy that refuses it would leave the page as browsers draw it.
        const drawn = page.locator("body");
        expect(await drawn.evaluate((it) => getComputedStyle(it).maxWidth)).toBe("1248px");
        await page.evaluate(() => {
          for (const it of document.querySelectorAll("details")) it.open = true;
        });
        const wide = await page.evaluate(() => {
          const { scrollWidth, clientWidth } = document.documentElement;
          return scrollWidth - clientWidth;
        });
        expect(wide).toBe(0);
        const { violations } = await new AxeBuilder({ page }).analyze();
        expect(violations.map((it) => `${it.id}: ${it.nodes[0]?.html}`)).toEqual([]);
        const folder = process.env["SCREENSHOTS"];
        if (folder !== undefined) {
          await page.screenshot({ path: `${folder}/docs-${name}-${width}-${colorScheme}.png` });
        }
        await context.close();
      },
      60_000,
    );

    test("the keyboard alone leads to an operation and opens its example", async () => {
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
