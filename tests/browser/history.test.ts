import type { Browser } from "playwright";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { CAN_RUN_BROWSER } from "../harness/browser.ts";
import { type ControlPlane, OWNER } from "../harness/control-plane.ts";
import { type RunningBoard, startBoard } from "./board.ts";
import { testControls } from "./controls-suite.ts";
import { testExplore } from "./explore-suite.ts";
import { testHistory } from "./history-suite.ts";
import { PAST_LOG } from "./past-log.ts";
import { testSearchBox } from "./search-suite.ts";

describe.skipIf(!CAN_RUN_BROWSER)("the pages of a control plane, in a real browser", () => {
  let board: RunningBoard;
  let setupUrl = "";
  let isShortPasswordRefused = false;

  /** Creates the owner on the page of the one-time link. */
  async function signUp(app: ControlPlane, browser: Browser): Promise<string> {
    setupUrl = app.setupUrl ?? "";
    const context = await browser.newContext();
    const page = await context.newPage();
    await page.goto(setupUrl);
    await page.getByLabel("Name").fill(OWNER.name);
    await page.getByLabel("E-mail").fill(OWNER.email);
    const password = page.getByLabel("Password");
    await password.fill("short");
    await page.getByRole("button", { name: "Create the account" }).click();
    isShortPasswordRefused = await password.evaluate(
      (input: HTMLInputElement) => input.validity.tooShort,
    );
    await password.fill(OWNER.password);
    await page.getByRole("button", { name: "Create the account" }).click();
    await page.getByTestId("member-menu").waitFor();
    const [cookie] = await context.cookies();
    await context.close();
    return `${cookie?.name}=${cookie?.value}`;
  }

  beforeAll(async () => {
    board = await startBoard({ log: PAST_LOG, signUp });
  });
  afterAll(() => board?.[Symbol.asyncDispose]());

  test("the one-time link creates the first owner, once, with a long password", async () => {
    expect(isShortPasswordRefused).toBe(true);
    const page = await board.browser.newPage();
    await page.goto(setupUrl);
    await page.getByText("Quarterdeck is set up").waitFor();
    await page.close();
  });

  testHistory(() => board);
  testControls(() => board);
  testExplore(() => board);
  testSearchBox(() => board);
});
