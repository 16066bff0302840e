import type { BrowserContext, Page } from "playwright";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import type { RunningBoard } from "./board.ts";
import { EVENTS, FAILED, FROM_MS, TO_MS } from "./past-log.ts";

const SOON = { timeout: 20_000 };

export function testExplore(board: () => RunningBoard): void {
  describe("a search", () => {
    let context: BrowserContext;
    let page: Page;

    beforeAll(async () => {
      context = await board().newContext({
        viewport: { width: 1440, height: 900 },
        permissions: ["clipboard-read", "clipboard-write"],
      });
      page = await context.newPage();
    });
    afterAll(() => context.close());

    const openAll = async (): Promise<void> => {
      await page.goto(`${board().url}/explore?from=${FROM_MS}&to=${TO_MS}`);
      await page.locator(".event").first().waitFor();
    };
    const count = (): Promise<string> => page.getByTestId("event-count").innerText();

    test("older pages load as the reader scrolls, each event once, down to the oldest", async () => {
      await openAll();
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
      expect(await page.locator(".event").last().innerText()).toContain("n=0");
    });

    test("a facet filters by its value, or excludes it by its minus or with alt", async () => {
      await openAll();
      const status = page.getByRole("button", { name: /^503/ });
      await status.click();
      await expect.poll(count, SOON).toBe(`${FAILED} events`);
      await status.click();
      await expect.poll(count, SOON).toBe("1,501 events");
      await page.getByRole("button", { name: "Exclude http.response.status_code 503" }).click();
      await expect.poll(count, SOON).toBe("1,456 events");
      await page.goBack();
      await expect.poll(count, SOON).toBe("1,501 events");
      await status.click({ modifiers: ["Alt"] });
      await expect.poll(count, SOON).toBe("1,456 events");
      expect(new URL(page.url()).searchParams.get("q")).toBe("-http.response.status_code:503");
      await page.goBack();
      await expect.poll(count, SOON).toBe("1,501 events");
    });

    test("a field of an event is copied unchanged", async () => {
      await page.goto(`${board().url}/explore?q="n=1496"`);
      const newest = page.locator(".event").first();
      await newest.click();
      const detail = page.getByTestId("event-detail");
      await detail.getByRole("button", { name: "Copy url.original" }).click();
      await detail.getByText("copied").waitFor();
      const text = await page.evaluate(() => navigator.clipboard.readText());
      expect(text).toBe("/products?n=1496");
    });
  });
}
