import type { BrowserContext, Page } from "playwright";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import type { RunningBoard } from "./board.ts";
import { EVENTS, FAILED, FROM_MS, RARE_ROUTES, TO_MS } from "./past-log.ts";

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

    test("older pages load as the reader scrolls, each event once, down to the oldest, and rows out of view leave the page", async () => {
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
      await expect.poll(() => page.locator(".event").last().innerText(), SOON).toContain("n=0");
      const seen = new Map<string, string>();
      for (let top = 0; seen.size < EVENTS && top < 60_000; top += 600) {
        await list.evaluate((element, to) => element.scrollTo({ top: to }), top);
        await expect
          .poll(() =>
            list.evaluate((element) => {
              const { x, y, height } = element.getBoundingClientRect();
              return document
                .elementsFromPoint(x + 60, y + height / 2)
                .some((one) => one.matches(".event"));
            }),
          )
          .toBe(true);
        const rows = await page
          .locator("button.event")
          .evaluateAll((found) =>
            found.map((row) => [
              row.getAttribute("data-event-id") ?? "",
              row.parentElement?.getAttribute("aria-posinset") ?? "",
            ]),
          );
        expect(rows.length).toBeLessThan(200);
        for (const [id = "", position = ""] of rows) {
          expect(seen.get(id) ?? position).toBe(position);
          seen.set(id, position);
        }
      }
      expect(seen.size).toBe(EVENTS);
      expect(new Set(seen.values()).size).toBe(EVENTS);
    }, 90_000);

    test("columns can be chosen, are in the URL, and are those of the CSV file", async () => {
      await page.goto(`${board().url}/explore?from=${FROM_MS}&to=${TO_MS}&q=status:503`);
      await page.getByLabel("Columns").fill("url.path, source.address");
      await page.getByLabel("Columns").press("Enter");
      await page.waitForURL(/cols=url\.path/);
      const row = page.locator("button.event").first();
      await expect
        .poll(() => row.innerText(), SOON)
        .toMatch(/\/(?:checkout|products)\s+192\.0\.2\.7/);
      const href = await page.getByRole("link", { name: "CSV" }).getAttribute("href");
      const csv = await context.request.get(board().url + href);
      const lines = (await csv.text()).trimEnd().split("\r\n");
      expect(lines[0]).toBe("url.path,source.address");
      expect(lines).toHaveLength(FAILED + 1);
      const ndjson = await page.getByRole("link", { name: "NDJSON" }).getAttribute("href");
      const text = await (await context.request.get(board().url + ndjson)).text();
      const events = text
        .trimEnd()
        .split("\n")
        .map((line): unknown => JSON.parse(line));
      expect(events).toHaveLength(FAILED);
      expect(events[0]).toMatchObject({ "http.response.status_code": 503 });
    });

    test("an event shows its surroundings, whatever the search", async () => {
      await page.goto(`${board().url}/explore?q="n=700"`);
      await page.locator("button.event").first().click();
      await page.getByRole("button", { name: "Surrounding events" }).click();
      const around = page.getByTestId("surroundings");
      await around.waitFor();
      expect(await around.locator("li").count()).toBe(21);
      const text = await around.innerText();
      for (const near of ["n=690", "n=699", "n=701", "n=710"]) expect(text).toContain(near);
    });

    test("a facet filters by its value, or excludes it by its minus or with alt", async () => {
      await openAll();
      const status = page.locator(".facet").filter({ hasText: /^503/ });
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

    test("several values of a field are selected by mouse or keyboard, the query shows them, and the URL restores them", async () => {
      await openAll();
      const value = (name: RegExp) => page.locator(".facet").filter({ hasText: name });
      const query = (): Promise<string> => page.getByLabel("Search events").inputValue();
      await value(/^503/).click();
      await expect.poll(count, SOON).toBe(`${FAILED} events`);
      await value(/^200/).focus();
      await page.keyboard.press("Space");
      await expect.poll(count, SOON).toBe("1,500 events");
      expect(await query()).toBe("http.response.status_code:(503 OR 200)");
      await value(/^\/products/).click();
      await expect.poll(count, SOON).toBe("992 events");
      expect(await query()).toBe("http.response.status_code:(503 OR 200) http.route:/products");
      await page.reload();
      await value(/^503/).and(page.locator('[aria-pressed="true"]')).waitFor();
      await value(/^200/).and(page.locator('[aria-pressed="true"]')).waitFor();
      await value(/^\/checkout/)
        .and(page.locator('[aria-pressed="false"]'))
        .waitFor();
      await value(/^200/).click();
      await expect.poll(query, SOON).toBe("http.response.status_code:503 http.route:/products");
      await expect.poll(count, SOON).toBe("30 events");
    });

    test("a facet shows more than eight values, and finds those with a text", async () => {
      await openAll();
      const routes = page.getByRole("list", { name: "Values of http.route" });
      await expect.poll(() => routes.locator("li").count(), SOON).toBe(8);
      await page.getByRole("button", { name: "More values of http.route" }).click();
      await expect
        .poll(() => routes.locator("li").count(), SOON)
        .toBeGreaterThan(RARE_ROUTES.length);
      await page.getByLabel("Search the values of http.route").fill("ARE-J");
      await expect.poll(() => routes.locator("li").count(), SOON).toBe(1);
      await page.keyboard.press("Tab");
      await page.keyboard.press("Enter");
      await expect.poll(count, SOON).toBe("1 event");
      expect(await page.getByLabel("Search events").inputValue()).toBe("http.route:/rare-j");
      await page.getByRole("button", { name: "Fewer values of http.route" }).click();
      await routes.getByRole("button", { name: /^\/rare-j/, pressed: true }).waitFor();
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
