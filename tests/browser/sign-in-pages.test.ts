import { createHash } from "node:crypto";

import { AxeBuilder } from "@axe-core/playwright";
import type { Browser, BrowserContext, Page } from "playwright";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { accounts } from "#api/accounts/service.ts";
import { testService } from "#api/kit/testing.ts";

import { CAN_RUN, openBrowser } from "./start-app.ts";

const ADA = { email: "ada@example.com", password: "correct horse battery staple" };
const CHALLENGE = createHash("sha256").update("v".repeat(43)).digest("base64url");
const AUTHENTICATOR = {
  protocol: "ctap2",
  transport: "internal",
  hasResidentKey: true,
  hasUserVerification: true,
  isUserVerified: true,
  automaticPresenceSimulation: true,
} as const;

describe.skipIf(!CAN_RUN)("the pages of Accounts, in a real browser", () => {
  let service: Awaited<ReturnType<typeof testService>>;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  let origin: string;
  let authorize: string;
  const complaints: string[] = [];

  beforeAll(async () => {
    [service, browser] = await Promise.all([testService(accounts), openBrowser()]);
    // Passkeys need a domain; the client is at another origin, as clients are.
    origin = service.url.replace("127.0.0.1", "localhost");
    const redirectUri = `${service.url}/livez`;
    await service.send("POST", "/v1/accounts", { body: { ...ADA, name: "Ada" } });
    const client = await service.send("POST", "/v1/clients", {
      as: service.root,
      body: { name: "The shop", kind: "public", redirectUris: [redirectUri] },
    });
    const query = new URLSearchParams({
      client_id: (client.json as { id: string }).id,
      redirect_uri: redirectUri,
      response_type: "code",
      scope: "openid",
      code_challenge: CHALLENGE,
      code_challenge_method: "S256",
      state: "kept",
    });
    authorize = `${origin}/oauth/authorize?${query.toString()}`;
    context = await browser.newContext();
    page = await context.newPage();
    page.on("console", (said) => {
      if (said.type() === "error") complaints.push(said.text());
    });
    page.on("pageerror", (error) => complaints.push(error.message));
    const devtools = await context.newCDPSession(page);
    await devtools.send("WebAuthn.enable");
    await devtools.send("WebAuthn.addVirtualAuthenticator", { options: AUTHENTICATOR });
  });
  afterAll(async () => {
    await browser?.close();
    await service?.stop();
  });

  /** Types into the fields in the order of the page, without a mouse. */
  async function type(...values: string[]): Promise<void> {
    await page.getByLabel("E-mail").focus();
    for (const value of values) {
      await page.keyboard.type(value);
      await page.keyboard.press("Tab");
    }
  }

  const sentBack = async (): Promise<URLSearchParams> => {
    await page.waitForURL(/\/livez\?/);
    return new URL(page.url()).searchParams;
  };

  test("somebody makes a passkey and signs in with it, by keyboard alone", async () => {
    await page.goto(`${origin}/passkeys`);
    await type(ADA.email, ADA.password, "");
    await page.keyboard.press("Enter");
    await page.getByText("The passkey is kept").waitFor();
    await page.goto(authorize);
    const button = page.getByRole("button", { name: "Use a passkey" });
    await button.focus();
    await page.keyboard.press("Enter");
    const sent = await sentBack();
    expect(sent.get("state")).toBe("kept");
    expect(sent.get("code")).toMatch(/^[\w-]{43}$/);
    const trail = await service.send("GET", "/v1/audit?limit=20", { as: service.root });
    expect(trail.text).toContain('"method":"passkey"');
  });

  test("somebody signs in with their password, by keyboard alone, after a mistake", async () => {
    await page.goto(authorize);
    await type(ADA.email, "wrong");
    await page.keyboard.press("Enter");
    await page.getByRole("alert").waitFor();
    expect(await page.getByLabel("E-mail").inputValue()).toBe(ADA.email);
    await page.getByLabel("Password").focus();
    await page.keyboard.type(ADA.password);
    await page.keyboard.press("Enter");
    expect((await sentBack()).get("code")).toMatch(/^[\w-]{43}$/);
  });

  for (const colorScheme of ["light", "dark"] as const) {
    for (const width of [390, 1440]) {
      test(`axe finds nothing and nothing is cut off at ${width} px, ${colorScheme}`, async () => {
        await page.emulateMedia({ colorScheme });
        await page.setViewportSize({ width, height: 844 });
        for (const url of [authorize, `${origin}/passkeys`, `${origin}/oauth/authorize`]) {
          await page.goto(url);
          const { violations } = await new AxeBuilder({ page }).analyze();
          expect(violations.map((it) => `${url}: ${it.id}`)).toEqual([]);
          const tooWide = await page.evaluate(
            () => document.documentElement.scrollWidth > document.documentElement.clientWidth,
          );
          expect(tooWide).toBe(false);
        }
      });
    }
  }

  test("the browser has nothing against what the pages do", () => {
    // A refused sign-in and a wrong address are answers, which a browser lists too.
    expect(complaints.filter((it) => !/status of 40[01]/.test(it))).toEqual([]);
  });
});
