import type { Page } from "playwright";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { CAN_RUN_BROWSER } from "../harness/browser.ts";
import { type RunningBoard, startBoard } from "./board.ts";

const SOON = { timeout: 20_000 };
const FROM_MS = Date.UTC(2024, 2, 5, 9);
const NAMES = 3_000;

const event = (index: number, dataset: string): string =>
  `${JSON.stringify({
    "@timestamp": new Date(FROM_MS + index * 1_000).toISOString(),
    "data_stream.dataset": dataset,
    "http.response.status_code": 200,
    message: `event ${index}`,
  })}\n`;

/** A shop, and a sender with a random dataset in each event. */
const LOG = [
  ...Array.from({ length: 500 }, (_, index) => event(index, "shop.orders")),
  ...Array.from({ length: NAMES }, (_, index) => event(index, `random.${index}`)),
];

describe.skipIf(!CAN_RUN_BROWSER)("a log with thousands of datasets, in a real browser", () => {
  let board: RunningBoard;
  let page: Page;

  beforeAll(async () => {
    board = await startBoard({ log: LOG });
    page = await (await board.newContext()).newPage();
  });
  afterAll(() => board?.[Symbol.asyncDispose]());

  const choice = () => page.locator(".dataset select");
  const filter = () => page.getByLabel("Filter datasets");
  const optionTexts = () => choice().locator("option").allInnerTexts();

  test("the largest datasets can be chosen, with those of the refused events", async () => {
    await page.goto(board.url);
    await choice().waitFor();
    const options = await optionTexts();
    expect(options.length).toBeLessThanOrEqual(203);
    expect(options).toContain("shop.orders · 500 events");
    expect(options).toContainEqual(
      expect.stringMatching(/^quarterdeck\.overflow · [\d,]+ events$/),
    );
  });

  test("the list can be filtered, and a dataset that is not listed can be named", async () => {
    await filter().fill("orders");
    await expect
      .poll(async () => (await optionTexts()).filter((text) => text.includes("orders")), SOON)
      .toEqual(["shop.orders · 500 events"]);
    const listed = await optionTexts();
    const unlisted = Array.from({ length: 900 }, (_, index) => `random.${index}`).find(
      (name) => !listed.some((text) => text.startsWith(`${name} `)),
    );
    await filter().fill(unlisted ?? "");
    await filter().press("Enter");
    await expect.poll(() => new URL(page.url()).searchParams.get("dataset"), SOON).toBeTruthy();
    await expect.poll(() => choice().inputValue(), SOON).toMatch(/^random\./);
  });
});
