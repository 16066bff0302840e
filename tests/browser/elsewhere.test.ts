import { appendFile } from "node:fs/promises";

import type { BrowserContext, BrowserContextOptions, Page } from "playwright";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { numberedLine } from "../harness/access-log.ts";
import { CAN_RUN_BROWSER } from "../harness/browser.ts";
import { type RunningBoard, startBoard } from "./board.ts";
import { FROM_MS, PAST_LOG } from "./past-log.ts";

const SOON = { timeout: 20_000 };
/** Unlike those of any server on which tests run. */
const ELSEWHERE = { timezoneId: "Asia/Kathmandu", locale: "ar-EG" };

/** The errors that the page reports, such as a failed hydration. */
function errorsOf(page: Page): string[] {
  const errors: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error") errors.push(message.text());
  });
  page.on("pageerror", (error) => errors.push(error.message));
  return errors;
}

/** As when another tab is in front of it. */
const setHidden = (page: Page, isHidden: boolean): Promise<void> =>
  page.evaluate((hidden) => {
    Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
    document.dispatchEvent(new Event("visibilitychange"));
  }, isHidden);

describe.skipIf(!CAN_RUN_BROWSER)("a browser in another zone and language than the server", () => {
  let board: RunningBoard;
  const contexts: BrowserContext[] = [];

  beforeAll(async () => {
    board = await startBoard({ log: PAST_LOG });
  });
  afterAll(async () => {
    for (const context of contexts) await context.close();
    await board?.[Symbol.asyncDispose]();
  });

  const newPage = async (options: BrowserContextOptions = {}): Promise<Page> => {
    const context = await board.newContext({ ...ELSEWHERE, ...options });
    contexts.push(context);
    return context.newPage();
  };
  const open = async (page: Page, path: string): Promise<void> => {
    await page.goto(board.url + path);
    await page.locator(".chart svg").first().waitFor();
  };

  test.each(["/", "/explore"])("the page %s hydrates without an error", async (path) => {
    const page = await newPage();
    const errors = errorsOf(page);
    await open(page, path);
    await page.getByLabel("Presets and time zone").click();
    await page.getByText(/^Asia.*UTC\+5:45\)$/).waitFor();
    expect(errors).toEqual([]);
  });

  test("the range box reads the range that it shows, and the syntax of the URL", async () => {
    const page = await newPage();
    await open(page, "/");
    const field = page.getByLabel(/^Time range, such as/);
    const shown = await field.inputValue();
    expect(shown).toBe("5 Mar 2024 14:45 – 15:35");
    await field.fill(`${shown} `);
    await field.press("Enter");
    await page.waitForURL(new RegExp(`from=${FROM_MS}`));
    await field.fill("now-1h");
    await field.press("Enter");
    await page.waitForURL(/from=now-1h&to=now/);
  });

  test.each(["Presets and time zone", /^Signed in as/])(
    "the menu %s closes on Escape and on a press outside of it",
    async (name) => {
      const page = await newPage();
      await open(page, "/");
      const menu = page.locator("details.menu", { has: page.getByLabel(name) });
      for (const leave of [() => page.keyboard.press("Escape"), () => page.mouse.click(20, 500)]) {
        await page.getByLabel(name).click();
        await menu.locator(".menu-body").waitFor();
        await leave();
        await menu.locator(".menu-body").waitFor({ state: "hidden" });
      }
    },
  );

  test("a range is selected with a finger", async () => {
    const page = await newPage({ hasTouch: true, viewport: { width: 768, height: 1_000 } });
    await open(page, "/?tz=utc");
    const chart = page.getByTestId("tile-requests").locator(".chart svg").first();
    const box = await chart.boundingBox();
    if (!box) throw new Error("the chart is not on the page");
    const client = await page.context().newCDPSession(page);
    const touch = (type: "touchStart" | "touchMove" | "touchEnd", share: number) =>
      client.send("Input.dispatchTouchEvent", {
        type,
        touchPoints:
          type === "touchEnd" ? [] : [{ x: box.x + box.width * share, y: box.y + box.height / 2 }],
      });
    await touch("touchStart", 0.3);
    for (const share of [0.35, 0.4, 0.45, 0.5, 0.55, 0.6]) {
      await touch("touchMove", share);
      // The chart reads the place of a finger in the next frame.
      await page.evaluate(() => new Promise(requestAnimationFrame));
    }
    await touch("touchEnd", 0.6);
    await page.waitForURL(/from=\d+&to=\d+/);
  });

  test("at 768 px an open event and the list are both readable", async () => {
    const page = await newPage({ viewport: { width: 768, height: 1_000 } });
    await page.goto(`${board.url}/explore?tz=utc`);
    await page.locator(".event").first().click();
    const detail = page.getByTestId("event-detail");
    await detail.waitFor();
    const widths = async () =>
      Promise.all(
        [detail, page.getByTestId("events")].map(
          async (it) => (await it.boundingBox())?.width ?? 0,
        ),
      );
    for (const width of await widths()) expect(width).toBeGreaterThan(300);
  });

  test("at 2560 px the board fills the height of the screen", async () => {
    const page = await newPage({ viewport: { width: 2560, height: 1_440 } });
    await open(page, "/?tz=utc");
    const box = await page.locator(".board").boundingBox();
    expect((box?.y ?? 0) + (box?.height ?? 0)).toBeGreaterThan(1_400);
  });

  test("signing out in one tab ends the live numbers of another one, which says so", async () => {
    const page = await newPage();
    const other = await page.context().newPage();
    await open(other, "/?from=now-1h&to=now");
    await other.getByTestId("live-status").getByText("Live").waitFor();
    const hidden = await page.context().newPage();
    await open(hidden, "/?from=now-1h&to=now");
    await setHidden(hidden, true);
    await open(page, "/");
    await page.getByLabel(/^Signed in as/).click();
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.waitForURL(/\/sign-in$/);
    // Earlier than permissions are examined again.
    await other.getByText("Your session has ended").waitFor({ timeout: 12_000 });
    await setHidden(hidden, false);
    await hidden.getByText("Your session has ended").waitFor();
  });
});

describe.skipIf(!CAN_RUN_BROWSER)("the board of an empty log", () => {
  test("names the file that it waits for, and appears with the first line", async () => {
    await using board = await startBoard({ log: [] });
    const context = await board.newContext(ELSEWHERE);
    const page = await context.newPage();
    const errors = errorsOf(page);
    await page.goto(board.url);
    await page.getByText("Waiting for the first event").waitFor();
    await page.getByText(board.logFile).waitFor();
    await appendFile(board.logFile, numberedLine(1, Date.now()));
    await page.getByTestId("total-requests").waitFor();
    await expect.poll(() => page.getByTestId("total-requests").innerText(), SOON).toBe("1");
    expect(errors).toEqual([]);
    await context.close();
  });
});
