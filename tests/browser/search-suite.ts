import type { BrowserContext, Page } from "playwright";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { axeViolations } from "../harness/browser.ts";
import type { RunningBoard } from "./board.ts";
import { FROM_MS, TO_MS } from "./past-log.ts";

const SOON = { timeout: 20_000 };
const RANGE = `from=${FROM_MS}&to=${TO_MS}`;

export function testSearchBox(board: () => RunningBoard): void {
  describe("a search box", () => {
    let context: BrowserContext;
    let page: Page;

    beforeAll(async () => {
      context = await board().newContext({ viewport: { width: 1440, height: 900 } });
      page = await context.newPage();
    });
    afterAll(() => context.close());

    const box = () => page.getByRole("combobox", { name: "Search events" });
    const options = () => page.getByRole("listbox", { name: "Suggestions" }).getByRole("option");
    const openExplore = async (): Promise<void> => {
      await page.goto(`${board().url}/explore?${RANGE}`);
      await page.locator(".event").first().waitFor();
    };

    test("completes fields and values by keyboard, and tells assistive technology which one is chosen", async () => {
      await openExplore();
      await page.keyboard.press("/");
      expect(await box().getAttribute("aria-expanded")).toBe("false");
      await page.keyboard.type("meth");
      await options().first().waitFor();
      expect(await box().getAttribute("aria-expanded")).toBe("true");
      const list = await box().getAttribute("aria-controls");
      expect(await page.getByRole("listbox").getAttribute("id")).toBe(list);
      expect(await box().getAttribute("aria-activedescendant")).toBeNull();
      await page.keyboard.press("ArrowDown");
      const chosen = await box().getAttribute("aria-activedescendant");
      expect(await options().first().getAttribute("id")).toBe(chosen);
      expect(await options().first().getAttribute("aria-selected")).toBe("true");
      await page.keyboard.press("ArrowUp");
      expect(await box().getAttribute("aria-activedescendant")).toBeNull();
      await page.keyboard.press("ArrowUp");
      expect(await options().last().getAttribute("aria-selected")).toBe("true");
      await page.keyboard.press("Escape");
      await expect.poll(() => options().count()).toBe(0);
      expect(await box().inputValue()).toBe("meth");
      await page.keyboard.type("o");
      await options().first().waitFor();
      await page.keyboard.press("ArrowDown");
      await page.keyboard.press("Tab");
      await expect.poll(() => box().inputValue()).toBe("method:");
      await options().filter({ hasText: "GET" }).waitFor();
      await page.keyboard.press("ArrowDown");
      await page.keyboard.press("Enter");
      expect(await box().inputValue()).toBe("method:GET ");
      await page.keyboard.press("Enter");
      await page.waitForURL(/q=method(?::|%3A)GET/);
    });

    test("accepts a suggestion by mouse and keeps the focus", async () => {
      await openExplore();
      await box().fill("rout");
      await options().filter({ hasText: "http.route" }).first().click();
      expect(await box().inputValue()).toBe("route:");
      await options().filter({ hasText: "/checkout" }).click();
      expect(await box().inputValue()).toBe("route:/checkout ");
      await expect.poll(() => box().evaluate((it) => it === document.activeElement)).toBe(true);
    });

    test("names a value that occurs only in another case, and corrects it by one click", async () => {
      await page.goto(`${board().url}/explore?${RANGE}&q=method:get`);
      await page.getByText('"get": did you mean "GET"?').waitFor();
      await page.getByRole("button", { name: "Search for http.request.method:GET" }).click();
      const count = page.getByTestId("event-count");
      await expect.poll(() => count.innerText(), SOON).toBe("1,500 events");
      await page.goto(`${board().url}/?${RANGE}&q=method:get`);
      await page.getByText('"get": did you mean "GET"?').waitFor();
    });

    test("links to the description of the language, which a key opens too and whose queries can be tried", async () => {
      for (const path of ["/", "/explore"]) {
        await page.goto(`${board().url}${path}?${RANGE}`);
        const link = page.getByRole("link", { name: "How to write a search, in a new tab" });
        expect(await link.getAttribute("href")).toBe("/help");
      }
      await page.locator(".event").first().waitFor();
      await page.keyboard.press("h");
      await page.waitForURL(/\/help$/);
      await page.getByRole("heading", { name: "Searching events" }).waitFor();
      await page.getByRole("link", { name: "status:5xx" }).click();
      await page.waitForURL(/\/explore\?q=status(?::|%3A)5xx/);
      await page.goBack();
      await page.getByRole("link", { name: "NOT status:200" }).click();
      await page.waitForURL(/\/explore\?q=NOT/);
    });

    const cases = [1440, 390].flatMap((width) =>
      (["light", "dark"] as const).map((theme) => ({ width, theme })),
    );
    test.each(cases)(
      "axe finds nothing in the list of suggestions and in the help at $width px, $theme",
      async ({ width, theme }) => {
        await page.setViewportSize({ width, height: 900 });
        await page.emulateMedia({ colorScheme: theme });
        await openExplore();
        await box().fill("stat");
        await options().first().waitFor();
        await page.keyboard.press("ArrowDown");
        expect(await axeViolations(page)).toEqual([]);
        const list = await page.getByRole("listbox", { name: "Suggestions" }).boundingBox();
        expect(list?.x).toBeGreaterThanOrEqual(0);
        expect((list?.x ?? 0) + (list?.width ?? 0)).toBeLessThanOrEqual(width);
        await page.goto(`${board().url}/help`);
        await page.getByRole("heading", { name: "Searching events" }).waitFor();
        expect(await axeViolations(page)).toEqual([]);
        const overflow = await page.evaluate(
          () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
        );
        expect(overflow).toBe(0);
      },
      120_000,
    );
  });
}
