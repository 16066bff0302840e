import type { BrowserContext, Page } from "playwright";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { axeViolations } from "../harness/browser.ts";
import { type RunningBoard, signIn } from "./board.ts";
import { FAILED } from "./past-log.ts";

const SOON = { timeout: 20_000 };

export function testHistory(board: () => RunningBoard): void {
  describe("a log of the past", () => {
    let context: BrowserContext;
    let page: Page;

    beforeAll(async () => {
      context = await board().newContext({ viewport: { width: 1440, height: 900 } });
      page = await context.newPage();
    });
    afterAll(() => context.close());

    const total = (name: string): Promise<string> => page.getByTestId(`total-${name}`).innerText();

    const openBoard = async (): Promise<void> => {
      await page.goto(`${board().url}/?tz=utc`);
      await page.getByTestId("total-requests").waitFor();
    };

    test("the board opens on the range of the data, and shows its exact numbers", async () => {
      await openBoard();
      expect(await total("requests")).toBe("1,500");
      expect(await total("errors")).toBe(String(FAILED));
      expect(await page.getByTestId("tile-errors").getByTestId("value").innerText()).toBe("3 %");
      expect(await page.getByTestId("live-status").innerText()).toBe("History");
      await page.getByText("5 Mar 2024 09:00 – 09:50").first().waitFor();
      const row = page.getByTestId("tile-routes").getByRole("row", { name: /\/products/ });
      expect(await row.innerText()).toMatch(/99\d|1,00\d/);
    });

    test("every chart can be read as a table", async () => {
      await openBoard();
      const tile = page.getByTestId("tile-requests");
      await tile.getByRole("button", { name: "Requests as a table" }).click();
      await tile.getByRole("region", { name: "Requests, as a table" }).waitFor();
      expect(await tile.getByRole("row").count()).toBeGreaterThan(10);
      await tile.getByRole("button", { name: "Requests as a table" }).click();
    });

    test("a range can be typed in words and is in the URL", async () => {
      await openBoard();
      const field = page.getByLabel(/^Time range, such as/);
      await field.fill("2024-03-05 09:10 to 09:20");
      await field.press("Enter");
      await page.waitForURL(/from=1709629800000&to=1709630400000/);
      await expect.poll(() => total("requests"), SOON).toBe("300");
      await field.fill("next week sometime");
      await field.press("Enter");
      await page.getByText('cannot read "next week sometime"').waitFor();
      await field.press("Escape");
    });

    test("a route links to its events, a facet narrows them, and an event opens in full, by keys", async () => {
      await page.goto(`${board().url}/?tz=utc`);
      await page.getByRole("link", { name: "/checkout" }).click();
      await page
        .getByTestId("event-count")
        .getByText(/^(495|496)$/)
        .waitFor();
      await page.getByRole("button", { name: /^503/ }).click();
      await page.waitForURL(/status_code/);
      await page.getByTestId("event-count").getByText("15", { exact: true }).waitFor();
      // The count and the events are loaded by separate requests.
      const rows = page.getByTestId("events").locator(".event");
      await expect.poll(() => rows.count(), SOON).toBe(15);
      await page.keyboard.press("j");
      await page.keyboard.press("Enter");
      const detail = page.getByTestId("event-detail");
      await detail.getByText("http.response.status_code").waitFor();
      expect(await detail.innerText()).toContain("/checkout");
      await page.keyboard.press("Escape");
      await detail.waitFor({ state: "detached" });
    });

    test("an invalid query is reported at its column", async () => {
      await page.goto(`${board().url}/explore?q=${encodeURIComponent("status:")}`);
      const alert = page.getByRole("alert").filter({ hasText: /column \d+/ });
      await alert.waitFor();
    });

    test("a hostile line is shown as text: no script runs, and invisible characters are visible", async () => {
      await page.goto(`${board().url}/explore?tz=utc&q=${encodeURIComponent("hacked")}`);
      await page.getByTestId("event-count").getByText("3", { exact: true }).waitFor();
      const rows = page.getByTestId("events").locator(".event");
      await expect.poll(() => rows.count(), SOON).toBe(3);
      for (let at = 0; at < 3; at += 1) {
        await rows.nth(at).click();
        await page.getByTestId("event-detail").getByText("user_agent.original").waitFor();
      }
      const text = await page.getByTestId("events").innerText();
      expect(text).toContain("<script>window.hacked=1</script>");
      expect(text).toContain(String.raw`\u{202e}`);
      expect(text).toContain(String.raw`\x1b[31m`);
      expect(await page.evaluate(() => "hacked" in globalThis)).toBe(false);
      expect(await page.locator("a[href^='javascript:'], #main img").count()).toBe(0);
    });

    const widths = [1440, 390];
    const themes = ["light", "dark"] as const;
    const cases = widths.flatMap((width) => themes.map((theme) => ({ width, theme })));
    test.each(cases)(
      "axe finds no serious violation at $width px, $theme",
      async ({ width, theme }) => {
        await page.setViewportSize({ width, height: 900 });
        await page.emulateMedia({ colorScheme: theme });
        for (const path of ["/", "/explore?q=hacked"]) {
          await page.goto(board().url + path);
          await page.locator(".chart svg, .event").first().waitFor();
          const impacts = ["serious", "critical"];
          expect(await axeViolations(page, { impacts })).toEqual([]);
          const overflow = await page.evaluate(
            () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
          );
          expect(overflow).toBe(0);
        }
      },
      120_000,
    );

    test("signing out ends the session; a wrong password does not start one", async () => {
      const own = await board().browser.newContext({ viewport: { width: 1440, height: 900 } });
      const visitor = await own.newPage();
      const search = `${board().url}/explore?q=hacked`;
      await visitor.goto(search);
      await visitor.waitForURL(/\/sign-in\?next=/);
      await signIn(visitor, "not the password at all");
      await visitor.getByRole("alert").filter({ hasText: "password" }).waitFor();
      await signIn(visitor);
      await visitor.waitForURL(/\/explore\?q=hacked/);
      await visitor.getByTestId("member-menu").locator("summary").click();
      await visitor.getByRole("button", { name: "Sign out" }).click();
      await visitor.waitForURL(/\/sign-in/);
      expect((await own.request.get(`${board().url}/api/board`)).status()).toBe(401);
      await visitor.goto(search);
      await visitor.waitForURL(/\/sign-in\?next=/);
      await own.close();
    });
  });
}
