import { AxeBuilder } from "@axe-core/playwright";
import type { Browser, BrowserContext, Page } from "playwright";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { accessLine } from "./access-lines.ts";
import { type App, CAN_RUN, openBrowser, OWNER, signIn, signUp, startApp } from "./start-app.ts";

const DAY_MS = Date.UTC(2024, 2, 5, 9);
const REQUESTS = 1500;
const FAILED = 45;
const HOSTILE = [
  accessLine({ atMs: DAY_MS + 1000, path: "/<img src=x onerror=window.hacked=1>" }),
  accessLine({ atMs: DAY_MS + 2000, agent: "<script>window.hacked=1</script>\u202Egpj" }),
  accessLine({
    atMs: DAY_MS + 3000,
    path: "/javascript:window.hacked=1//",
    agent: "\u001b[31mred",
  }),
];
const LINES = [
  ...Array.from({ length: REQUESTS - HOSTILE.length }, (_, index) =>
    accessLine({
      atMs: DAY_MS + index * 2000,
      path: index % 3 === 0 ? "/checkout" : "/products",
      status: index < FAILED ? 503 : 200,
    }),
  ),
  ...HOSTILE,
];

/** How long the page may take on a machine that is busy with something else. */
const SOON = { timeout: 20_000 };

describe.skipIf(!CAN_RUN)("a log of the past, in a real browser", () => {
  let app: App;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;

  beforeAll(async () => {
    [app, browser] = await Promise.all([startApp(LINES), openBrowser()]);
    context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
    page = await context.newPage();
    await page.goto(app.setupUrl);
    await page.getByLabel("Name").fill(OWNER.name);
    await page.getByLabel("E-mail").fill(OWNER.email);
  });
  afterAll(async () => {
    await browser?.close();
    await app?.[Symbol.asyncDispose]();
  });

  const total = (name: string): Promise<string> => page.getByTestId(`total-${name}`).innerText();

  /** Reads again until the log is in: it is being read while the first pages are looked at. */
  const openBoard = async (): Promise<void> => {
    await expect
      .poll(
        async () => {
          await page.goto(`${app.url}/?tz=utc`);
          const requests = page.getByTestId("total-requests");
          await requests.or(page.getByText("No events yet")).first().waitFor();
          return (await requests.count()) > 0 ? requests.innerText() : "";
        },
        { timeout: 25_000 },
      )
      .toBe("1,500");
  };

  test("the first owner is made by the one-time link, once, with a long password", async () => {
    const password = page.getByLabel("Password");
    await password.fill("short");
    await page.getByRole("button", { name: "Create the account" }).click();
    expect(await password.evaluate((input: HTMLInputElement) => input.validity.tooShort)).toBe(
      true,
    );
    await signUp(page, app);
    const second = await browser.newContext();
    const stranger = await second.newPage();
    await stranger.goto(app.setupUrl);
    await stranger.getByText("Quarterdeck is set up").waitFor();
    await second.close();
  });

  test("the board opens on the range that the data has, and shows its true numbers", async () => {
    await openBoard();
    expect(await total("errors")).toBe(String(FAILED));
    expect(await page.getByTestId("tile-errors").getByTestId("value").innerText()).toBe("3 %");
    expect(await page.getByTestId("live-status").innerText()).toBe("History");
    await page.getByText("5 Mar 2024 09:00 – 09:50").first().waitFor();
    const row = page.getByTestId("tile-routes").getByRole("row", { name: /\/products/ });
    expect(await row.innerText()).toMatch(/99[5-9]|1,00\d/);
  });

  test("every chart can be read as a table", async () => {
    const tile = page.getByTestId("tile-requests");
    await tile.getByRole("button", { name: "Requests as a table" }).click();
    await tile.getByRole("region", { name: "Requests, as a table" }).waitFor();
    expect(await tile.getByRole("row").count()).toBeGreaterThan(10);
    await tile.getByRole("button", { name: "Requests as a table" }).click();
  });

  test("a range is typed in words and stands in the URL", async () => {
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

  test("a route leads to its events; a facet narrows them; an event opens in full, by keys", async () => {
    await page.goto(`${app.url}/?tz=utc`);
    await page.getByRole("link", { name: "/checkout" }).click();
    await page
      .getByTestId("event-count")
      .getByText(/^(499|500)$/)
      .waitFor();
    await page.getByRole("button", { name: /^503/ }).click();
    await page.waitForURL(/status_code/);
    await page.getByTestId("event-count").getByText("15", { exact: true }).waitFor();
    await page.keyboard.press("j");
    await page.keyboard.press("Enter");
    const detail = page.getByTestId("event-detail");
    await detail.getByText("http.response.status_code").waitFor();
    expect(await detail.innerText()).toContain("/checkout");
    await page.keyboard.press("Escape");
    await detail.waitFor({ state: "detached" });
  });

  test("a query that cannot be read says so at its column", async () => {
    await page.goto(`${app.url}/explore?q=${encodeURIComponent("status:")}`);
    const alert = page.getByRole("alert").filter({ hasText: /column \d+/ });
    await alert.waitFor();
  });

  test("a hostile line is text: nothing of it runs, and what is invisible is shown", async () => {
    await page.goto(`${app.url}/explore?tz=utc&q=${encodeURIComponent("hacked")}`);
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
    "axe finds nothing serious at $width px, $theme",
    async ({ width, theme }) => {
      await page.setViewportSize({ width, height: 900 });
      await page.emulateMedia({ colorScheme: theme });
      for (const path of ["/", "/explore?q=hacked"]) {
        await page.goto(app.url + path);
        await page.locator(".chart svg, .event").first().waitFor();
        const { violations } = await new AxeBuilder({ page }).analyze();
        const grave = violations.filter(
          ({ impact }) => impact === "serious" || impact === "critical",
        );
        expect(grave.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`)).toEqual([]);
        const overflow = await page.evaluate(
          () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
        );
        expect(overflow).toBe(0);
      }
    },
    120_000,
  );

  test("signing out ends the session; a wrong password does not begin one", async () => {
    await page.setViewportSize({ width: 1440, height: 900 });
    await page.goto(`${app.url}/explore?q=hacked`);
    await page.getByTestId("member-menu").locator("summary").click();
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.waitForURL(/\/sign-in/);
    expect((await context.request.get(`${app.url}/api/board`)).status()).toBe(401);
    await page.goto(`${app.url}/explore?q=hacked`);
    await page.waitForURL(/\/sign-in\?next=/);
    await signIn(page, "not the password at all");
    await page.getByRole("alert").waitFor();
    await signIn(page);
    await page.waitForURL(/\/explore\?q=hacked/);
  });
});
