import { appendFile, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";

import type { Page } from "playwright";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { axeViolations, CAN_RUN_BROWSER } from "../harness/browser.ts";
import { type RunningBoard, startBoard } from "./board.ts";

const SOON = { timeout: 20_000 };
const LINES = 40;
const PATTERN = "^order %{INT:order.id:int} %{WORD:order.state} at %{TIMESTAMP_ISO8601:@timestamp}";

/** For people who change the design. */
async function screenshot(page: Page, name: string): Promise<void> {
  const folder = process.env["QUARTERDECK_SCREENSHOTS"];
  if (folder) await page.screenshot({ path: `${folder}/${name}.png`, fullPage: true });
}

describe.skipIf(!CAN_RUN_BROWSER)("the page of formats, in a real browser", () => {
  let board: RunningBoard;
  let page: Page;

  const line = (i: number): string =>
    `order ${i} paid at ${new Date(Date.now() - i * 1_000).toISOString()}`;

  beforeAll(async () => {
    board = await startBoard({ log: Array.from({ length: LINES }, (_, i) => `${line(i)}\n`) });
    const context = await board.newContext({ viewport: { width: 1440, height: 900 } });
    page = await context.newPage();
  });
  afterAll(() => board?.[Symbol.asyncDispose]());

  const pattern = () => page.getByLabel("Pattern");
  const lines = () => page.getByLabel("Lines to try it on");

  test("a pattern is tried while it is typed, saved for a file, and reads its stored lines again", async () => {
    await page.goto(`${board.url}/formats?path=${encodeURIComponent(board.logFile)}`);
    expect(await page.getByLabel("Files").inputValue()).toBe(board.logFile);
    await lines().fill(`${line(7)}\nrubbish`);
    await pattern().fill("^order %{INT:order.id:int} (?<order.state>");
    await page.getByText(/the expression cannot be read/).waitFor(SOON);
    await pattern().fill(PATTERN);
    await page.getByText("1 of 2 lines match").waitFor(SOON);
    await page.getByText("order.state", { exact: true }).waitFor();
    await page.getByText("the pattern of this format does not match").waitFor();
    await page.getByLabel("Name").fill("Shop");
    await page.getByRole("button", { name: "Save" }).click();
    await page
      .getByRole("alert")
      .getByText(/use a-z, 0-9/)
      .waitFor(SOON);
    await page.getByLabel("Name").fill("shop.orders");
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByLabel("Of which time").selectOption("of any time");
    await page.getByRole("button", { name: "Read again" }).click();
    await page
      .getByText(`Of ${LINES} stored events ${LINES} are other events now, and 0 are the same`)
      .waitFor(SOON);
    await page.getByLabel("Which lines").selectOption("All lines of its files");
    await page.getByRole("button", { name: "Read again" }).click();
    await page
      .getByText(`Of ${LINES} stored events 0 are other events now, and ${LINES} are the same`)
      .waitFor(SOON);
    const file = join(dirname(board.logFile), "data", "formats.yaml");
    expect(await readFile(file, "utf8")).toContain("shop.orders");
  });

  test("lines that are written afterwards are events of the format", async () => {
    await expect
      .poll(async () => {
        await appendFile(board.logFile, `${line(1)}\n`);
        const url = `${board.url}/api/events?q=${encodeURIComponent("data_stream.dataset:shop.orders")}&from=now-1h&to=now%2B1h`;
        const response = await page.request.get(url);
        const { events } = (await response.json()) as { events: unknown[] };
        return events.length;
      }, SOON)
      .toBeGreaterThan(LINES);
  });

  const cases = [1440, 390].flatMap((width) =>
    (["light", "dark"] as const).map((theme) => ({ width, theme })),
  );
  test.each(cases)(
    "the page is legible and accessible at $width px, $theme",
    async ({ width, theme }) => {
      const own = await board.newContext({ viewport: { width, height: 900 }, colorScheme: theme });
      page = await own.newPage();
      await page.goto(`${board.url}/formats?name=shop.orders`);
      await lines().fill(`${line(7)}\n${"rubbish ".repeat(40)}`);
      await page.getByText("1 of 2 lines match").waitFor(SOON);
      await screenshot(page, `formats-${width}-${theme}`);
      expect(await axeViolations(page)).toEqual([]);
      const overflow = await page.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      );
      expect(overflow).toBe(0);
      await own.close();
    },
    60_000,
  );

  test("a format is removed", async () => {
    const context = await board.newContext();
    page = await context.newPage();
    await page.goto(`${board.url}/formats?name=shop.orders`);
    await page.getByRole("button", { name: "Remove" }).click();
    await page.getByRole("button", { name: "Remove" }).waitFor({ state: "detached", ...SOON });
    expect(await page.getByLabel("Name").inputValue()).toBe("");
  });
});
