import { AxeBuilder } from "@axe-core/playwright";
import type { Browser, BrowserContext, Page } from "playwright";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { type Running, mailsOf, signUp, testAccounts, trySignIn } from "#api/accounts/testing.ts";

import { CAN_RUN, openBrowser } from "./start-app.ts";

const EMAIL = "ada@example.com";
const NEW = "another line of words";

describe.skipIf(!CAN_RUN)("the pages that mails lead to, in a real browser", () => {
  let service: Running;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  const complaints: string[] = [];
  const asked: string[] = [];
  const tokens = { verify: "", reset: "" };
  const link = (to: "verify-email" | "reset-password", token: string): string =>
    `${service.url}/${to}#token=${token}`;

  beforeAll(async () => {
    [service, browser] = await Promise.all([testAccounts(), openBrowser()]);
    await signUp(service, { email: EMAIL });
    await service.send("POST", "/v1/password-resets", { body: { email: EMAIL } });
    await service.runJobs();
    const mails = await mailsOf(service.folder);
    const of = (kind: string) => mails.find((it) => it.token.startsWith(kind))?.token ?? "";
    Object.assign(tokens, { verify: of("qdv_"), reset: of("qdp_") });
    context = await browser.newContext();
    page = await context.newPage();
    page.on("request", (request) => asked.push(request.url()));
    page.on("pageerror", (error) => complaints.push(error.message));
    page.on("console", (said) => {
      if (said.type() === "error") complaints.push(said.text());
    });
  });
  afterAll(async () => {
    await browser?.close();
    await service?.stop();
  });

  const press = async (): Promise<void> => {
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
  };

  for (const colorScheme of ["light", "dark"] as const) {
    for (const width of [390, 1440]) {
      test(`axe finds nothing and nothing is cut off at ${width} px, ${colorScheme}`, async () => {
        await page.emulateMedia({ colorScheme });
        await page.setViewportSize({ width, height: 844 });
        for (const to of ["verify-email", "reset-password"] as const) {
          // With a link that is whole and one that is not.
          for (const token of ["qdv_not-ours", ""]) {
            await page.goto("about:blank");
            await page.goto(link(to, token));
            await page.getByRole("heading").waitFor();
            expect(await page.getByRole("button").count()).toBe(token === "" ? 0 : 1);
            const { violations } = await new AxeBuilder({ page }).analyze();
            expect(violations.map((it) => `${to}: ${it.id}`)).toEqual([]);
            const tooWide = await page.evaluate(
              () => document.documentElement.scrollWidth > document.documentElement.clientWidth,
            );
            expect(tooWide).toBe(false);
          }
        }
      });
    }
  }

  test("somebody confirms their address, by keyboard alone, and opening the link alone does not", async () => {
    await page.goto(link("verify-email", tokens.verify));
    const read = () => service.send("GET", `/v1/accounts?email=${EMAIL}`, { as: service.root });
    expect((await read()).text).toContain('"emailVerified":false');
    await press();
    await page.getByText("Your address is confirmed").waitFor();
    expect((await read()).text).toContain('"emailVerified":true');
  });

  test("a link that was used is refused in words that say what to do", async () => {
    await page.goto("about:blank");
    await page.goto(link("verify-email", tokens.verify));
    await press();
    await page.getByText("ask for a new one").waitFor();
  });

  test("somebody sets a new password, by keyboard alone, after one that is too weak", async () => {
    await page.goto(link("reset-password", tokens.reset));
    await page.getByLabel(/New password/).focus();
    await page.keyboard.type("passwordpassword");
    await page.keyboard.press("Enter");
    await page.getByText("among the first that are tried").waitFor();
    await page.getByLabel(/New password/).fill(NEW);
    await page.getByLabel(/New password/).press("Enter");
    await page.getByText("Your password is set").waitFor();
    expect((await trySignIn(service, { email: EMAIL, password: NEW })).status).toBe(201);
  });

  test("no token is in any address that was asked for or is left in the history", () => {
    expect(asked.filter((url) => /token=q|newPassword/.test(url))).toEqual([]);
    expect(page.url()).not.toContain("token");
  });

  test("without JavaScript the pages say what to do, and no form sends a password in an address", async () => {
    const plain = await browser.newContext({ javaScriptEnabled: false });
    const view = await plain.newPage();
    for (const to of ["verify-email", "reset-password", "passkeys"]) {
      await view.goto(`${service.url}/${to}#token=qdp_any`);
      await view.getByText(/JavaScript: allow it here/).waitFor();
      expect(await view.getByRole("button").count()).toBe(0);
    }
    await plain.close();
  });

  test("the browser has nothing against what the pages do", () => {
    // A refused link or password is an answer, which a browser lists too.
    expect(complaints.filter((it) => !/status of 400/.test(it))).toEqual([]);
  });
});
