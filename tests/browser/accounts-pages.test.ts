import { createHash } from "node:crypto";

import type { Browser, BrowserContext, Page } from "playwright";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import {
  type TestAccounts,
  mailsOf,
  signUp,
  testAccounts,
  trySignIn,
} from "#api/accounts/testing.ts";

import { CAN_RUN_BROWSER, axeViolations, openBrowser } from "../harness/browser.ts";

const LOOKS = [
  { width: 390, colorScheme: "light" },
  { width: 390, colorScheme: "dark" },
  { width: 1440, colorScheme: "light" },
  { width: 1440, colorScheme: "dark" },
] as const;

describe.skipIf(!CAN_RUN_BROWSER)("the pages of Accounts, in a real browser", () => {
  let service: TestAccounts;
  let browser: Browser;
  beforeAll(async () => {
    [service, browser] = await Promise.all([testAccounts(), openBrowser()]);
  });
  afterAll(async () => {
    await browser?.close();
    await service?.stop();
  });

  /** A page whose console errors and CSP violations are recorded. */
  async function openPage(complaints: string[]): Promise<{ context: BrowserContext; page: Page }> {
    const context = await browser.newContext();
    const page = await context.newPage();
    page.on("pageerror", (error) => complaints.push(error.message));
    page.on("console", (message) => {
      if (message.type() === "error") complaints.push(message.text());
    });
    return { context, page };
  }

  /** Accessibility violations, and content wider than the window. */
  async function faultsOf(page: Page): Promise<string[]> {
    const isTooWide = await page.evaluate(
      () => document.documentElement.scrollWidth > document.documentElement.clientWidth,
    );
    return [...(await axeViolations(page)), ...(isTooWide ? ["it is cut off"] : [])];
  }

  describe("to sign in", () => {
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
    let context: BrowserContext;
    let page: Page;
    let origin: string;
    let authorize: string;
    const complaints: string[] = [];

    beforeAll(async () => {
      // Passkeys need a domain; the client has another origin, as in production.
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
      ({ context, page } = await openPage(complaints));
      const devtools = await context.newCDPSession(page);
      await devtools.send("WebAuthn.enable");
      await devtools.send("WebAuthn.addVirtualAuthenticator", { options: AUTHENTICATOR });
    });

    /** Types into the fields in the order of the page, by keyboard. */
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

    test("a person creates a passkey and signs in with it, by keyboard alone", async () => {
      await page.goto(`${origin}/passkeys`);
      await type(ADA.email, ADA.password, "");
      await page.keyboard.press("Enter");
      await page.getByText("The passkey is saved").waitFor();
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

    test("a person signs in with their password, by keyboard alone, after a mistake", async () => {
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

    test.each(LOOKS)(
      "pages are accessible and not cut off at $width px, $colorScheme",
      async ({ width, colorScheme }) => {
        await page.emulateMedia({ colorScheme });
        await page.setViewportSize({ width, height: 844 });
        for (const url of [authorize, `${origin}/passkeys`, `${origin}/oauth/authorize`]) {
          await page.goto(url);
          expect(await faultsOf(page), url).toEqual([]);
        }
      },
    );

    test("no page causes a console error or CSP violation", () => {
      // Browsers also list a refused sign-in and a wrong address.
      expect(complaints.filter((it) => !/status of 40[01]/.test(it))).toEqual([]);
    });
  });

  describe("that mails lead to", () => {
    const EMAIL = "grace@example.com";
    const NEW = "another line of words";
    let page: Page;
    const complaints: string[] = [];
    const requestedUrls: string[] = [];
    const tokens = { verify: "", reset: "" };
    const link = (to: "verify-email" | "reset-password", token: string): string =>
      `${service.url}/${to}#token=${token}`;

    beforeAll(async () => {
      await signUp(service, { email: EMAIL });
      await service.send("POST", "/v1/password-resets", { body: { email: EMAIL } });
      await service.runJobs();
      const mails = (await mailsOf(service.folder)).filter(({ raw }) => raw.includes(EMAIL));
      const of = (kind: string) => mails.find((it) => it.token.startsWith(kind))?.token ?? "";
      Object.assign(tokens, { verify: of("qdv_"), reset: of("qdp_") });
      ({ page } = await openPage(complaints));
      page.on("request", (request) => requestedUrls.push(request.url()));
    });

    const press = async (): Promise<void> => {
      await page.keyboard.press("Tab");
      await page.keyboard.press("Enter");
    };

    test.each(LOOKS)(
      "pages are accessible and not cut off at $width px, $colorScheme",
      async ({ width, colorScheme }) => {
        await page.emulateMedia({ colorScheme });
        await page.setViewportSize({ width, height: 844 });
        for (const to of ["verify-email", "reset-password"] as const) {
          // With a complete and an incomplete link.
          for (const token of ["qdv_not-ours", ""]) {
            await page.goto("about:blank");
            await page.goto(link(to, token));
            await page.getByRole("heading").waitFor();
            expect(await page.getByRole("button").count()).toBe(token === "" ? 0 : 1);
            expect(await faultsOf(page), to).toEqual([]);
          }
        }
      },
    );

    test("a person confirms their address, by keyboard alone, and merely opening the link does not", async () => {
      await page.goto(link("verify-email", tokens.verify));
      const read = () => service.send("GET", `/v1/accounts?email=${EMAIL}`, { as: service.root });
      expect((await read()).text).toContain('"emailVerified":false');
      await press();
      await page.getByText("Your address is confirmed").waitFor();
      expect((await read()).text).toContain('"emailVerified":true');
    });

    test("a used link is refused with an instruction", async () => {
      await page.goto("about:blank");
      await page.goto(link("verify-email", tokens.verify));
      await press();
      await page.getByText("request a new one").waitFor();
    });

    test("a person sets a new password, by keyboard alone, after one that is too weak", async () => {
      await page.goto(link("reset-password", tokens.reset));
      await page.getByLabel(/New password/).focus();
      await page.keyboard.type("passwordpassword");
      await page.keyboard.press("Enter");
      await page.getByText("too common").waitFor();
      await page.getByLabel(/New password/).fill(NEW);
      await page.getByLabel(/New password/).press("Enter");
      await page.getByText("Your password is set").waitFor();
      expect((await trySignIn(service, { email: EMAIL, password: NEW })).status).toBe(201);
    });

    test("no token is in a requested URL or in the history", () => {
      expect(requestedUrls.filter((url) => /token=q|newPassword/.test(url))).toEqual([]);
      expect(page.url()).not.toContain("token");
    });

    test("without JavaScript the pages give an instruction, and no form sends a password in a URL", async () => {
      const plain = await browser.newContext({ javaScriptEnabled: false });
      const view = await plain.newPage();
      for (const to of ["verify-email", "reset-password", "passkeys"]) {
        await view.goto(`${service.url}/${to}#token=qdp_any`);
        await view.getByText(/JavaScript: allow it here/).waitFor();
        expect(await view.getByRole("button").count()).toBe(0);
      }
      await plain.close();
    });

    test("no page causes a console error or CSP violation", () => {
      // Browsers also list a refused link or password.
      expect(complaints.filter((it) => !/status of 400/.test(it))).toEqual([]);
    });
  });
});
