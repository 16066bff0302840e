import type { BrowserContext, Page } from "playwright";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { accessLine } from "../harness/access-log.ts";
import { CAN_RUN_BROWSER } from "../harness/browser.ts";
import { type RunningBoard, startBoard } from "./board.ts";

const SOON = { timeout: 20_000 };
const ACTIONS_MAX = 3;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAYS = 9;
const ADDRESS = "203.0.113.77";
const OF_ADDRESS = 12;

/**
 * About a request a minute for nine days up to now, at odd distances; the last ones are of one client, and one of them is
 * not found.
 */
function lines(nowMs: number): string[] {
  const count = DAYS * 24 * 60;
  return Array.from({ length: count }, (_, index) => {
    const left = count - index;
    const isOfAddress = left <= OF_ADDRESS;
    return accessLine({
      atMs: nowMs - left * MINUTE_MS - ((left * 7_919) % 601) * 300,
      path: left === 7 ? "/no-such-page" : "/page",
      status: left === 7 ? 404 : left % 50 === 0 ? 403 : 200,
      ...(isOfAddress ? { address: ADDRESS } : {}),
    });
  });
}

describe.skipIf(!CAN_RUN_BROWSER)("from the board, in at most three actions", () => {
  let board: RunningBoard;
  let context: BrowserContext;
  let page: Page;
  /** A click, a shortcut, a paste, or a text with its Enter. */
  let actions = 0;

  beforeAll(async () => {
    board = await startBoard({ log: lines(Date.now()) });
    context = await board.newContext({
      viewport: { width: 1440, height: 900 },
      permissions: ["clipboard-read", "clipboard-write"],
    });
    page = await context.newPage();
  }, 120_000);
  afterAll(() => board?.[Symbol.asyncDispose]());

  const openBoard = async (search = "?from=now-6h&to=now"): Promise<void> => {
    await page.goto(`${board.url}/${search}`);
    await page.getByTestId("total-requests").waitFor();
    await page.locator(".chart svg").first().waitFor();
    actions = 0;
  };
  const click = async (name: string | RegExp, role: "button" | "link" = "button") => {
    actions += 1;
    await page
      .getByRole(role, { name, exact: typeof name === "string" })
      .first()
      .click();
  };
  const shortcut = async (keys: string): Promise<void> => {
    actions += 1;
    for (const key of keys.split(" ")) await page.keyboard.press(key);
  };
  const paste = async (text: string): Promise<void> => {
    await page.evaluate((it) => navigator.clipboard.writeText(it), text);
    actions += 1;
    await page.keyboard.press("Control+V");
  };
  const write = async (text: string): Promise<void> => {
    actions += 1;
    await page.keyboard.type(text);
    await page.keyboard.press("Enter");
  };
  const eventCount = (): Promise<string> => page.getByTestId("event-count").innerText();
  const expectFew = (): void => expect(actions).toBeLessThanOrEqual(ACTIONS_MAX);

  const expectRawLine = async (): Promise<void> => {
    const line = page.getByTestId("original-line").locator("pre").first();
    await expect.poll(() => line.innerText(), SOON).toMatch(/"GET \/no-such-page HTTP\/1\.1" 404 /);
    expect(await line.evaluate((it) => it.getBoundingClientRect().bottom <= innerHeight)).toBe(
      true,
    );
    expectFew();
  };

  test("the raw line of a 404, by mouse", async () => {
    await openBoard();
    await click("4xx", "link");
    await click(/^404 /);
    await expect.poll(eventCount, SOON).toBe("1 event");
    actions += 1;
    await page.locator("button.event").first().click();
    await expectRawLine();
  });

  test("the raw line of a 404, by keyboard", async () => {
    await openBoard();
    await page.keyboard.press("/");
    await write("status:404");
    await page.waitForURL(/q=status/);
    await shortcut("g e");
    await expect.poll(eventCount, SOON).toBe("1 event");
    await page.locator("button.event").first().waitFor();
    await shortcut("Enter");
    await expectRawLine();
  });

  const expectRequestsOfAddress = async (): Promise<void> => {
    await page.waitForURL(/\/explore\?/);
    await expect.poll(eventCount, SOON).toBe(`${OF_ADDRESS} events`);
    await expect.poll(() => page.locator("button.event").count(), SOON).toBe(OF_ADDRESS);
    expectFew();
  };

  test("all requests of a pasted address, by mouse", async () => {
    await openBoard();
    actions += 1;
    await page.getByLabel("Filter the board").click();
    await paste(ADDRESS);
    await click("Search these events", "link");
    await expectRequestsOfAddress();
  });

  test("all requests of a pasted address, by keyboard", async () => {
    await openBoard();
    await paste(` ${ADDRESS}\n`);
    await page.waitForURL(/q=ip/);
    await shortcut("g e");
    await expectRequestsOfAddress();
  });

  const expectTodayWithLastWeek = async (): Promise<void> => {
    await page.waitForURL(/compare=week/);
    const midnight = new Date();
    midnight.setHours(0, 0, 0, 0);
    const { searchParams } = new URL(page.url());
    expect([searchParams.get("from"), searchParams.get("to")]).toEqual([`${+midnight}`, "now"]);
    await page.getByTestId("comparison").getByText("last week").waitFor();
    for (const name of ["requests", "errors", "users"]) {
      const dotted = page.getByTestId(`tile-${name}`).locator('path[stroke-dasharray="1 3"]');
      await expect.poll(() => dotted.count(), SOON).toBeGreaterThan(0);
    }
    await page
      .getByText(/^was [\d,]+$/)
      .first()
      .waitFor();
    expectFew();
  };

  test("today against last week, by mouse", async () => {
    await openBoard();
    actions += 2;
    await page.getByLabel("Compare with").selectOption("today");
    await expectTodayWithLastWeek();
  });

  test("today against last week, by keyboard", async () => {
    await openBoard();
    await shortcut("c t");
    await expectTodayWithLastWeek();
  });

  const expectNextHours = async (): Promise<void> => {
    await page.waitForURL(/from=now&to=now(?:%2B|\+)3h/);
    const tile = page.getByTestId("tile-requests");
    await tile.getByText("80 % band", { exact: true }).waitFor({ timeout: 40_000 });
    const bands = tile.locator(".recharts-area-area");
    await expect.poll(() => bands.count(), SOON).toBe(2);
    await page.getByTestId("ahead").getByText("No data yet: the range is in the future").waitFor();
    expect(await page.locator("[data-stale]").count()).toBe(0);
    // A chart that is drawn again has no box for a moment.
    const covered = async (): Promise<number> => {
      const plot = await tile.locator(".recharts-cartesian-grid").boundingBox();
      const band = await bands.first().boundingBox();
      return plot && band ? band.width / plot.width : 0;
    };
    await expect.poll(covered, SOON).toBeGreaterThan(0.9);
    const { fromMs, toMs } = await page.evaluate(async () => {
      const { search } = globalThis.location;
      return (await fetch(`/api/board${search}`)).json();
    });
    expect(toMs - fromMs).toBe(3 * HOUR_MS);
    expect(await page.getByLabel(/^Time range, such as/).inputValue()).toBe("next 3h");
    expectFew();
  };

  test("the next three hours with their band, by mouse", async () => {
    await openBoard();
    actions += 1;
    await page.getByLabel("Presets and time zone").click();
    await click("Next 3 h, predicted");
    await expectNextHours();
  }, 60_000);

  test("the next three hours with their band, by keyboard", async () => {
    await openBoard();
    await shortcut("t n");
    await expectNextHours();
  }, 60_000);

  const expectShared = async (): Promise<void> => {
    const copied = (): Promise<string> => page.evaluate(() => navigator.clipboard.readText());
    await expect.poll(copied).toContain("/?");
    expectFew();
    const link = new URL(await copied());
    expect(link.searchParams.get("q")).toBe("status:200");
    const [from, to] = [link.searchParams.get("from"), link.searchParams.get("to")].map(Number);
    expect(Number(to) - Number(from)).toBe(HOUR_MS);
    const other = await context.newPage();
    await other.goto(link.href);
    await other.getByTestId("total-requests").waitFor();
    expect(await other.getByLabel("Filter the board").inputValue()).toBe("status:200");
    await other.close();
  };

  test("a link to this view, by mouse", async () => {
    await openBoard("?from=now-1h&to=now&q=status:200");
    await page.evaluate(() => navigator.clipboard.writeText(""));
    actions += 1;
    await page.getByLabel("Presets and time zone").click();
    await click("Copy link");
    await expectShared();
  });

  test("a link to this view, by keyboard", async () => {
    await openBoard("?from=now-1h&to=now&q=status:200");
    await page.evaluate(() => navigator.clipboard.writeText(""));
    await shortcut("s");
    await expectShared();
  });
});
