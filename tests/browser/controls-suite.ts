import type { BrowserContext, Locator, Page } from "playwright";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { actions, KEYS } from "#dashboards/shell/keys.ts";

import type { RunningBoard } from "./board.ts";
import { FROM_MS, TO_MS } from "./past-log.ts";

const SOON = { timeout: 20_000 };

export function testControls(board: () => RunningBoard): void {
  describe("the controls of a board", () => {
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

    const open = async (path: string): Promise<void> => {
      await page.goto(board().url + path);
      await page.locator(".chart svg").first().waitFor();
    };
    const shown = (): { from: number; to: number } => {
      const { searchParams } = new URL(page.url());
      return { from: Number(searchParams.get("from")), to: Number(searchParams.get("to")) };
    };
    const requests = (): Promise<string> => page.getByTestId("total-requests").innerText();

    /** Drags over a part of a chart, given as shares of its width. */
    const drag = async (chart: Locator, start: number, end: number): Promise<void> => {
      const box = await chart.boundingBox();
      if (!box) throw new Error("the chart is not on the page");
      const y = box.y + box.height / 2;
      await page.mouse.move(box.x + box.width * start, y);
      await page.mouse.down();
      await page.mouse.move(box.x + box.width * ((start + end) / 2), y, { steps: 4 });
      await page.mouse.move(box.x + box.width * end, y, { steps: 4 });
      await page.mouse.up();
    };

    test("a click on a chart draws no outline, and after a zoom its tooltip belongs to the new range", async () => {
      await open("/?tz=utc");
      const chart = page.getByTestId("tile-requests").locator(".chart");
      await chart.locator("svg").first().click();
      const outlined = await page.evaluate(() =>
        [...document.querySelectorAll(".chart, .chart *")].some(
          (element) => getComputedStyle(element).outlineStyle !== "none",
        ),
      );
      expect(outlined).toBe(false);
      const readout = page.locator(".readout-time");
      await readout.first().waitFor();
      await drag(chart.locator("svg").first(), 0.3, 0.6);
      await page.waitForURL(/from=\d+&to=\d+/);
      await expect.poll(requests, SOON).not.toBe("1,500");
      // A tooltip of the old range would stay until the pointer moves.
      for (const text of await readout.allInnerTexts()) {
        const atMs = Date.parse(`${text} UTC`);
        expect(atMs).toBeGreaterThanOrEqual(shown().from - 60_000);
        expect(atMs).toBeLessThan(shown().to);
      }
    });

    test("every tile names the window of its numbers, and ticks of an axis differ", async () => {
      await open(`/?tz=utc&from=${FROM_MS + 90_500}&to=${FROM_MS + 700_500}`);
      const tile = (name: string): Promise<string> => page.getByTestId(`tile-${name}`).innerText();
      expect(await tile("requests")).toContain("per second, over the range");
      expect(await tile("response")).toContain("p95, over the range");
      expect(await tile("errors")).toContain("over the range");
      expect(await tile("users")).toContain("whole minutes, 09:01 – 09:12");
      expect(await tile("routes")).toContain("over the range");
      expect(await tile("totals")).toContain("over the range");
      expect(await tile("turnover")).toContain("15 min to 09:11:40");
      await page.getByText("5 Mar 2024 09:01:30 – 09:11:40").first().waitFor();
      expect(await requests()).toBe("305");
      for (const axis of await page.locator(".recharts-cartesian-axis-tick-labels").all()) {
        const labels = await axis.locator(".recharts-cartesian-axis-tick-value").allTextContents();
        expect(labels.length).toBeGreaterThan(1);
        expect(new Set(labels).size).toBe(labels.length);
      }
    });

    test("a range in the future has no data yet, rather than 0, and one click leads to the last hour", async () => {
      await page.goto(`${board().url}/?tz=utc&from=now%2B1h&to=now%2B3h`);
      const note = page.getByTestId("ahead");
      await note.getByText("No data yet: the range is in the future.").waitFor();
      for (const name of ["requests", "response", "turnover", "instances", "routes", "totals"]) {
        await page.getByTestId(`tile-${name}`).getByText("No data yet").waitFor();
      }
      for (const name of ["requests", "errors", "sent", "quarantined-lines"]) {
        expect(await page.getByTestId(`total-${name}`).innerText()).toBe("–");
      }
      await note.getByRole("button", { name: "Show the last hour" }).click();
      await page.waitForURL(/from=now-1h/);
      await note.waitFor({ state: "detached" });
    });

    test.each([
      ["the board", "/?tz=utc", "tile-requests"],
      ["the histogram", "/explore?tz=utc", "histogram"],
    ])("dragging over a range of %s zooms in", async (_, path, name) => {
      await open(path);
      const of = name === "histogram" ? page.locator(".histogram") : page.getByTestId(name);
      await drag(of.locator(".chart svg").first(), 0.3, 0.6);
      await page.waitForURL(/from=\d+&to=\d+/);
      const { from, to } = shown();
      expect(from).toBeGreaterThan(FROM_MS + 5 * 60_000);
      expect(to).toBeLessThan(TO_MS - 5 * 60_000);
      expect(to - from).toBeGreaterThan(5 * 60_000);
    });

    test("the crosshair is at the same time in every chart", async () => {
      await open("/?tz=utc");
      const box = await page
        .getByTestId("tile-requests")
        .locator(".chart svg")
        .first()
        .boundingBox();
      if (!box) throw new Error("the chart is not on the page");
      await page.mouse.move(box.x + box.width * 0.4, box.y + box.height / 2);
      const times = page.locator(".readout-time");
      await expect.poll(() => times.count(), SOON).toBeGreaterThan(2);
      expect(new Set(await times.allInnerTexts()).size).toBe(1);
    });

    test("earlier, later and zoom out change the range; the browser's back and forward restore it", async () => {
      await open(`/?tz=utc&from=${FROM_MS + 600_000}&to=${FROM_MS + 1_200_000}`);
      await page.getByRole("button", { name: "Earlier" }).click();
      await expect.poll(shown).toEqual({ from: FROM_MS, to: FROM_MS + 600_000 });
      await page.getByRole("button", { name: "Later" }).click();
      await expect.poll(shown).toEqual({ from: FROM_MS + 600_000, to: FROM_MS + 1_200_000 });
      await page.getByRole("button", { name: "Zoom out" }).click();
      await expect.poll(shown).toEqual({ from: FROM_MS + 300_000, to: FROM_MS + 1_500_000 });
      await expect.poll(requests, SOON).toBe("600");
      await page.goBack();
      await expect.poll(shown).toEqual({ from: FROM_MS + 600_000, to: FROM_MS + 1_200_000 });
      await expect.poll(requests, SOON).toBe("300");
      await page.goForward();
      await expect.poll(requests, SOON).toBe("600");
    });

    test("times are shown in the viewer's zone or in UTC, as set in the URL", async () => {
      await open("/");
      await page.getByLabel("Presets and time zone").click();
      await page.getByText("UTC", { exact: true }).click({ force: true });
      await page.waitForURL(/tz=utc/);
      await page.reload();
      await page.getByText("5 Mar 2024 09:00 – 09:50").first().waitFor();
    });

    test("a copied link has the times on the screen; a relative one stays live", async () => {
      await open("/?tz=utc&from=now-30m&to=now");
      await page.getByLabel("Presets and time zone").click();
      const copied = async (name: string): Promise<URL> => {
        await page.evaluate(() => navigator.clipboard.writeText(""));
        await page.getByRole("button", { name }).click();
        const text = (): Promise<string> => page.evaluate(() => navigator.clipboard.readText());
        await expect.poll(text).not.toBe("");
        return new URL(await text());
      };
      const held = await copied("Copy link");
      const spanMs = Number(held.searchParams.get("to")) - Number(held.searchParams.get("from"));
      expect(spanMs).toBe(30 * 60_000);
      expect(held.searchParams.get("tz")).toBe("utc");
      const live = await copied("Copy live link");
      expect(live.searchParams.get("from")).toBe("now-30m");
      expect(live.searchParams.get("to")).toBe("now");
    });

    test("a theme survives a reload, and the system's is followed until one is chosen", async () => {
      await page.emulateMedia({ colorScheme: "dark" });
      await open("/");
      const background = (): Promise<string> =>
        page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
      const dark = await background();
      await page.getByRole("button", { name: /^Theme: system/ }).click();
      const light = await background();
      expect(light).not.toBe(dark);
      await page.reload();
      expect(await background()).toBe(light);
      await page.getByRole("button", { name: /^Theme: light/ }).click();
      await page.emulateMedia({ colorScheme: "light" });
      await page.reload();
      expect(await background()).toBe(dark);
      await page.getByRole("button", { name: /^Theme: dark/ }).click();
      expect(await background()).toBe(light);
    });

    test("the filter applies to the whole board, is in the URL and on every page, by mouse and by keyboard", async () => {
      await open("/?tz=utc");
      await page.keyboard.press("/");
      await page.keyboard.type("status:503");
      await page.keyboard.press("Enter");
      await page.waitForURL(/q=status(?::|%3A)503/);
      await expect.poll(requests, SOON).toBe("45");
      expect(await page.getByTestId("tile-errors").innerText()).toContain("100");
      await page.reload();
      await expect.poll(requests, SOON).toBe("45");
      await page.getByRole("link", { name: "Search these events" }).click();
      await page.getByTestId("event-count").getByText("45", { exact: true }).waitFor();
      await page.goBack();
      await page.getByRole("button", { name: "Clear the filter" }).click();
      await expect.poll(requests, SOON).toBe("1,500");
      await page.getByLabel("Filter the board").fill("status:");
      await page.getByRole("button", { name: "Filter", exact: true }).click();
      await page
        .getByRole("alert")
        .filter({ hasText: /column \d+/ })
        .waitFor();
    });

    test("the board is broken down by a field, and a value filters it", async () => {
      await open("/?tz=utc");
      await page.keyboard.press("b");
      await page.keyboard.type("status");
      await page.keyboard.press("Enter");
      const tile = page.getByTestId("tile-break-down");
      await tile.getByRole("button", { name: "503" }).waitFor();
      expect(await tile.getByRole("row", { name: /^200/ }).innerText()).toContain("1,455");
      await tile.getByRole("button", { name: "503" }).click();
      await expect.poll(requests, SOON).toBe("45");
      // Values that are not selected stay, so that several can be selected, by keyboard too.
      const ok = tile.getByRole("button", { name: "200" });
      await expect.poll(() => ok.getAttribute("aria-pressed"), SOON).toBe("false");
      await ok.press("Enter");
      await expect.poll(requests, SOON).toBe("1,500");
      const query = new URL(page.url()).searchParams.get("q");
      expect(query).toBe("http.response.status_code:(503 OR 200)");
      await page.reload();
      await expect.poll(() => ok.getAttribute("aria-pressed"), SOON).toBe("true");
      await tile.getByRole("button", { name: "503" }).press("Space");
      await expect.poll(requests, SOON).toBe("1,455");
      await page.setViewportSize({ width: 390, height: 844 });
      const overflow = (): Promise<number> =>
        page.evaluate(
          () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
        );
      await expect.poll(overflow, SOON).toBe(0);
      await page.setViewportSize({ width: 1440, height: 900 });
    });

    test("the board is compared with the previous period on every chart, and today with last week by one choice", async () => {
      await open(`/?tz=utc&from=${FROM_MS + 600_000}&to=${FROM_MS + 1_200_000}`);
      await page.getByLabel("Compare with").selectOption("previous");
      await page.getByTestId("comparison").getByText("5 Mar 2024 09:00 – 09:10").waitFor();
      for (const name of ["requests", "response", "errors", "users"]) {
        const lines = page.getByTestId(`tile-${name}`).locator('path[stroke-dasharray="1 3"]');
        await expect.poll(() => lines.count(), SOON).toBeGreaterThan(0);
      }
      await page.getByText("was 303").waitFor();
      await page.keyboard.press("c");
      await page.keyboard.press("t");
      await page.waitForURL(/compare=week/);
      expect(new URL(page.url()).searchParams.get("to")).toBe("now");
      const midnightMs = Number(new URL(page.url()).searchParams.get("from"));
      expect(midnightMs % 86_400_000).toBe(0);
    });

    test("a break-down is compared too: a dotted line and the former count of each value", async () => {
      const range = `from=${FROM_MS + 600_000}&to=${FROM_MS + 1_200_000}`;
      await open(`/?tz=utc&${range}&by=method&compare=previous`);
      const tile = page.getByTestId("tile-break-down");
      await tile.getByRole("row", { name: /^GET 300 was 30[0-3]/ }).waitFor();
      await expect.poll(() => tile.locator('path[stroke-dasharray="1 3"]').count(), SOON).toBe(1);
    });

    test("all requests of a pasted address are two actions from the board", async () => {
      await open("/?tz=utc");
      await page.getByLabel("Filter the board").fill("192.0.2.7");
      await page.keyboard.press("Enter");
      await page.waitForURL(/q=ip(?::|%3A)192\.0\.2\.7/);
      await expect.poll(requests, SOON).toBe("1,500");
      await page.getByRole("link", { name: "Search these events" }).click();
      await page.getByTestId("event-count").getByText("1,500", { exact: true }).waitFor();
    });

    test("the help lists every key, and each performs its action", async () => {
      await open(`/?tz=utc&from=${FROM_MS + 600_000}&to=${FROM_MS + 1_200_000}`);
      await page.keyboard.press("?");
      const sheet = page.getByRole("dialog", { name: "Keys" });
      for (const action of actions()) await sheet.getByText(KEYS[action].does).waitFor();
      await page.keyboard.press("Escape");
      await sheet.waitFor({ state: "hidden" });
      const press = async (keys: string): Promise<void> => {
        for (const key of keys.split(" ")) await page.keyboard.press(key);
      };
      await press(KEYS.earlier.keys);
      await expect.poll(() => shown().from).toBe(FROM_MS);
      await press(KEYS.later.keys);
      await expect.poll(() => shown().from).toBe(FROM_MS + 600_000);
      await expect.poll(requests, SOON).toBe("300");
      await press(KEYS.zoomOut.keys);
      await expect.poll(() => shown().from).toBe(FROM_MS + 300_000);
      await press(KEYS.range.keys);
      const field = page.getByLabel(/^Time range, such as/);
      await field.fill("last 30 minutes");
      await page.keyboard.press("Enter");
      await page.waitForURL(/from=now-30m/);
      await page.getByTestId("live-status").getByText("Live").waitFor();
      await press(KEYS.absolute.keys);
      await page.waitForURL(/from=\d+/);
      await press(KEYS.compareWeek.keys);
      await page.waitForURL(/compare=week/);
      await press(KEYS.comparePrevious.keys);
      await page.waitForURL(/compare=previous/);
      await press(KEYS.compareNothing.keys);
      await page.waitForURL((url) => !url.searchParams.has("compare"));
      await page.evaluate(() => navigator.clipboard.writeText(""));
      await press(KEYS.share.keys);
      await page.getByText("Link to this view: copied").waitFor();
      const copied = await page.evaluate(() => navigator.clipboard.readText());
      expect(new URL(copied).searchParams.get("from")).toBe(String(shown().from));
      await press(KEYS.explore.keys);
      await page.waitForURL(/\/explore\?/);
      await page.goto(`${board().url}/explore?tz=utc`);
      await page.locator(".event").first().waitFor();
      await press(KEYS.search.keys);
      await page.keyboard.type("gh?");
      expect(await page.getByLabel("Search events").inputValue()).toBe("gh?");
      await page.getByLabel("Search events").blur();
      await press(KEYS.next.keys);
      await press(KEYS.next.keys);
      await press(KEYS.previous.keys);
      await expect
        .poll(() => page.locator(".event").first().getAttribute("aria-current"), SOON)
        .toBe("true");
      await press(KEYS.open.keys);
      await page.getByTestId("event-detail").waitFor();
      await press(KEYS.close.keys);
      await page.getByTestId("event-detail").waitFor({ state: "detached" });
      await press(KEYS.board.keys);
      await page.waitForURL((url) => url.pathname === "/");
    });

    test.each(["keys", "link"] as const)(
      "leaving the page by %s right after a change counts, and going back shows that change",
      async (by) => {
        await page.goto(`${board().url}/explore?tz=utc`);
        await page.locator(".event").first().click();
        await page.waitForURL(/event=/);
        // Escape closes what is shown, which may be later than the URL.
        await page.getByTestId("event-detail").waitFor();
        await page.evaluate((way) => {
          const press = (key: string): boolean =>
            document.body.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
          press("Escape");
          if (way === "keys") ["g", "h"].forEach(press);
          else document.querySelector<HTMLElement>("nav a")?.click();
        }, by);
        await page.waitForURL((url) => url.pathname === "/");
        await page.goBack();
        await page.waitForURL((url) => url.pathname === "/explore");
        expect(new URL(page.url()).searchParams.has("event")).toBe(false);
      },
    );

    test("the formats of a log and its quarantined lines are one click away", async () => {
      await open("/?tz=utc");
      const sources = page.getByTestId("sources");
      await sources.locator("summary").click();
      await sources.getByText(/ · nginx\.access · 1 quarantined$/).waitFor();
    });

    test("quarantined lines are one click away", async () => {
      await open("/?tz=utc");
      await page.getByTestId("total-quarantined-lines").getByRole("link", { name: "1" }).click();
      await page.getByTestId("events").getByText("quarantined", { exact: true }).waitFor();
    });
  });
}
