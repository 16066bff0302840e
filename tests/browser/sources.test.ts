import { createSocket } from "node:dgram";
import { once } from "node:events";
import { appendFile, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

import type { BrowserContext, Page } from "playwright";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { accessLine } from "../harness/access-log.ts";
import { axeViolations, CAN_RUN_BROWSER } from "../harness/browser.ts";
import { type RunningBoard, startBoard } from "./board.ts";

const SOON = { timeout: 20_000 };
const LINES = 300;

/** For people who change the design. */
async function screenshot(page: Page, name: string): Promise<void> {
  const folder = process.env["QUARTERDECK_SCREENSHOTS"];
  if (folder) await page.screenshot({ path: `${folder}/${name}.png` });
}

describe.skipIf(!CAN_RUN_BROWSER)("the sources page, in a real browser", () => {
  let board: RunningBoard;
  let context: BrowserContext;
  let page: Page;
  let folder = "";

  const line = (atMs: number): string => accessLine({ atMs, seconds: 0.05 });

  beforeAll(async () => {
    const nowMs = Date.now();
    const log = Array.from({ length: LINES }, (_, index) => line(nowMs - (LINES - index) * 2_000));
    board = await startBoard({ log, env: { QUARTERDECK_PUSH_PORT: "0" } });
    folder = dirname(board.logFile);
    const many = Array.from(
      { length: 150 },
      (_, n) => `  - {id: shop-${n}, kind: files, paths: ["${folder}/shop-${n}/*.log"]}`,
    );
    await writeFile(join(folder, "data", "sources.yaml"), `sources:\n${many.join("\n")}\n`);
    context = await board.newContext({ viewport: { width: 1440, height: 900 } });
    page = await context.newPage();
  });
  afterAll(() => board?.[Symbol.asyncDispose]());

  const row = (name: string) => page.getByRole("row").filter({ hasText: name });
  const detail = () => page.getByRole("complementary", { name: "Source in full" });

  test("a log is shown with its last line, raw and parsed, as soon as it is written", async () => {
    await page.goto(`${board.url}/sources?sort=rate`);
    await row(board.logFile).getByText("Receiving").waitFor(SOON);
    await row(board.logFile).getByRole("button").click();
    await detail().getByText("nginx.access").first().waitFor(SOON);
    const requests: string[] = [];
    page.on("request", (request) => requests.push(request.url()));
    await appendFile(board.logFile, line(Date.now()).replace("GET /", "GET /the-newest"));
    await detail().getByLabel("Last line as it arrived").getByText("/the-newest").waitFor(SOON);
    await detail().getByText("url.original").waitFor();
    // Live data is pushed.
    expect(requests.filter((url) => url.includes("/api/"))).toEqual([]);
    await detail().getByText("Why not another format?").click();
    await detail().getByText("reads it, and fits best").waitFor(SOON);
    await detail().getByText("not held back").waitFor();
  });

  test("many sources are searched, grouped and opened by keyboard, and the URL keeps it", async () => {
    await page.goto(`${board.url}/sources`);
    await page.getByRole("button", { name: /^All 151$/ }).waitFor(SOON);
    expect(await page.getByRole("row").count()).toBeLessThan(110);
    await page.getByRole("heading", { name: "Sources" }).click();
    await page.keyboard.press("/");
    await page.keyboard.type("shop-14");
    await page.waitForURL(/find=shop-14/, SOON);
    await row("shop-149").waitFor(SOON);
    await expect.poll(() => page.locator("tbody tr").count(), SOON).toBe(11);
    await page.getByRole("heading", { name: "Sources" }).click();
    await page.keyboard.press("j");
    await page.waitForURL(/source=shop-14/, SOON);
    await detail().getByText("matches no file yet").first().waitFor(SOON);
    await page.keyboard.press("Escape");
    await detail().waitFor({ state: "detached" });
    await page.getByLabel("Group by").selectOption("kind");
    await page.waitForURL(/group=kind/);
    await page.reload();
    await row("Log files").first().waitFor(SOON);
  });

  test("a mistake in the sources file is shown with its line", async () => {
    const file = join(folder, "data", "sources.yaml");
    const before = await readFile(file, "utf8");
    await page.goto(`${board.url}/sources`);
    await writeFile(file, "sources:\n  - id: x\n    kind: file\n");
    await page.getByRole("alert").getByText("line 3, sources.0.kind: choose one of").waitFor(SOON);
    await writeFile(file, before);
    await page
      .getByRole("alert")
      .getByText("line 3")
      .waitFor({ state: "detached", ...SOON });
  });

  test("log files are added by keyboard, changed and removed while Quarterdeck runs", async () => {
    await page.goto(`${board.url}/sources?sort=rate`);
    await row(board.logFile).waitFor(SOON);
    await page.keyboard.press("a");
    await page.getByRole("button", { name: /^Log files/ }).click();
    const form = page.getByRole("complementary", { name: "Add a source" });
    await form.getByLabel("Paths or patterns").fill("logs/shop.log");
    await form.getByRole("button", { name: "Add it" }).click();
    await form.getByText("give an absolute path").first().waitFor(SOON);
    await writeFile(join(folder, "checkout.log"), line(Date.now()));
    await form.getByLabel("Paths or patterns").fill(join(folder, "check*.log"));
    await form.getByLabel("Name").fill("checkout");
    await screenshot(page, "add-source");
    expect(await axeViolations(page)).toEqual([]);
    await form.getByRole("button", { name: "Add it" }).click();
    await detail().getByLabel("Last line as it arrived").getByText("GET /").waitFor(SOON);
    expect(await readFile(join(folder, "data", "sources.yaml"), "utf8")).toContain("id: checkout");

    await detail().getByText("Change it").click();
    await detail().getByLabel("Format (optional)").selectOption("nginx.access");
    await detail().getByLabel("Name").fill("tills");
    await detail().getByRole("button", { name: "Save" }).click();
    await page.waitForURL(/source=tills/);
    await detail().getByText("Idle").first().waitFor(SOON);
    await detail().getByText("was chosen: lines are tried with it first").waitFor(SOON);

    await detail().getByRole("button", { name: "Remove it" }).click();
    await detail().getByRole("button", { name: "Remove it" }).click();
    await detail().waitFor({ state: "detached", ...SOON });
    await row("tills").waitFor({ state: "detached", ...SOON });
  }, 60_000);

  test("a log that was named at start is not read until it is wanted again", async () => {
    await page.goto(`${board.url}/sources?source=${encodeURIComponent(board.logFile)}`);
    await detail().getByRole("button", { name: "Stop reading it" }).click();
    await detail().getByRole("button", { name: "Stop reading it" }).click();
    await page.getByText("1 not read").click(SOON);
    await page.getByRole("button", { name: /^All 150$/ }).waitFor(SOON);
    await page.getByRole("button", { name: "Read it again" }).click();
    await page.getByRole("button", { name: /^All 151$/ }).waitFor(SOON);
  });

  test("a sender gets a token and its configuration, and its first event is seen to arrive", async () => {
    await page.goto(`${board.url}/sources?sort=rate`);
    await page.getByRole("button", { name: "Add a source" }).click();
    const panel = page.getByRole("complementary", { name: "Add a source" });
    await panel.getByRole("button", { name: "curl" }).click();
    await panel.getByLabel("Name of its token").fill("checkout");
    await panel.getByLabel("Events per second").fill("1000");
    await panel.getByRole("button", { name: "Make a token" }).click();
    const snippet = await panel.locator("pre").innerText();
    await panel.getByText("Listening … no event yet").waitFor(SOON);
    await screenshot(page, "shipper");
    expect(await axeViolations(page)).toEqual([]);
    const [, url = ""] = /curl (\S+)/.exec(snippet) ?? [];
    const [, authorization = ""] = /Authorization: (Bearer qd_\S+)"/.exec(snippet) ?? [];
    const headers = { authorization, "content-type": "text/plain" };
    const body = line(Date.now());
    const answer = await fetch(url, { method: "POST", headers, body });
    expect(answer.status).toBe(202);
    await panel.getByText(/First event .* ago, read as nginx\.access/).waitFor(SOON);
    await page.goto(`${board.url}/sources?source=token/checkout`);
    await detail().getByLabel("Last line as it arrived").getByText("GET /").waitFor(SOON);
    await detail().getByText("nginx.access").first().waitFor(SOON);
    await detail()
      .getByText("It may write all datasets, at most 1,000 events per second.")
      .waitFor(SOON);
    await detail().getByRole("button", { name: "Remove the token" }).click();
    await detail().getByRole("button", { name: "Remove the token" }).click();
    await row("token/checkout").waitFor({ state: "detached", ...SOON });
    const pushed = async () => (await fetch(url, { method: "POST", headers, body })).status;
    await expect.poll(pushed, SOON).toBe(401);
  }, 60_000);

  test("a port for syslog is opened in the page, and its first event is seen to arrive", async () => {
    await page.goto(`${board.url}/sources?add=`);
    const panel = page.getByRole("complementary", { name: "Add a source" });
    await panel.getByRole("button", { name: "nginx over syslog" }).click();
    const used = createSocket("udp4");
    used.bind(0, "127.0.0.1");
    await once(used, "listening");
    const { port } = used.address();
    await panel.getByLabel("Port (UDP)").fill(String(port));
    await panel.getByRole("button", { name: "Open the port" }).click();
    await panel.getByText(`port ${port} is in use: choose another one`).waitFor(SOON);
    await screenshot(page, "open-port");
    expect(await axeViolations(page)).toEqual([]);
    used.close();
    await panel.getByRole("button", { name: "Open the port" }).click();
    await panel.getByText(`access_log syslog:server=127.0.0.1:${port},`).waitFor(SOON);
    await panel.getByText("Listening … no event yet").waitFor(SOON);
    const sender = createSocket("udp4");
    sender.send(`<190>Mar 14 10:11:12 edge-1 nginx: ${line(Date.now())}`, port, "127.0.0.1");
    await panel.getByText(/First event .* ago, read as nginx\.access/).waitFor(SOON);
    await screenshot(page, "first-event");
    sender.close();
    await page.goto(`${board.url}/sources?source=syslog-udp`);
    await detail().getByText(`syslog+udp://127.0.0.1:${port}`).first().waitFor(SOON);
    await detail().getByText("Change it").click();
    await detail().getByLabel("Over").selectOption("tls");
    await detail().getByLabel("File with its private key").waitFor();
    await detail().getByRole("button", { name: "Remove it" }).click();
    await detail().getByRole("button", { name: "Remove it" }).click();
    await detail().waitFor({ state: "detached", ...SOON });
  }, 60_000);

  test("quarantined lines are shown by reason, and read again", async () => {
    await appendFile(board.logFile, `${"no format can read this ".repeat(3)}\n`);
    await page.goto(`${board.url}/sources?sort=rate`);
    await page.getByRole("button", { name: "Quarantine" }).click();
    const panel = page.getByRole("complementary", { name: "Quarantine" });
    await panel.getByText("1 line:").waitFor(SOON);
    await panel.getByText("no format can read this").first().waitFor(SOON);
    await screenshot(page, "quarantine");
    expect(await axeViolations(page)).toEqual([]);
    await panel.getByRole("button", { name: "Read them again" }).click();
    await panel.getByText("Of 1 lines that were read again, 0 are events now.").waitFor(SOON);
    await panel.getByRole("link", { name: "Make a format from these lines" }).click();
    await page.waitForURL(/\/formats\?reason=/, SOON);
    expect(await page.getByLabel("Lines to try it on").inputValue()).toContain(
      "no format can read",
    );
    expect(await page.getByLabel("Files").inputValue()).toBe(board.logFile);
  }, 60_000);

  test("all stored lines of a source are read again in another format, which the panel tells", async () => {
    await page.goto(`${board.url}/sources?source=${encodeURIComponent(board.logFile)}`);
    await detail().getByText("Read its stored lines again").click();
    await detail().getByLabel("Lines of").selectOption("any time");
    await detail().getByLabel("In the format").selectOption("apache.access");
    await detail().getByRole("button", { name: "Read them again" }).click();
    await detail()
      .getByText(/^Of 302 stored events 301 are other events now, and 0 are the same/)
      .waitFor(SOON);
    await detail().getByText("1 is left as before: no format can read them").waitFor();
    await screenshot(page, "reread");
    expect(await axeViolations(page)).toEqual([]);
    const apache = encodeURIComponent("data_stream.dataset:apache.access");
    const url = `${board.url}/api/events/overview?q=${apache}&from=now-1d&to=now%2B1h`;
    const overview = await page.request.get(url);
    expect(overview.status()).toBe(200);
    expect(await overview.text()).toContain("301");
  }, 60_000);

  const widths = [1440, 390];
  const themes = ["light", "dark"] as const;
  const cases = widths.flatMap((width) => themes.map((theme) => ({ width, theme })));
  test.each(cases)(
    "the page is legible and accessible at $width px, $theme",
    async ({ width, theme }) => {
      const own = await board.newContext({ viewport: { width, height: 900 }, colorScheme: theme });
      page = await own.newPage();
      const overflow = (): Promise<number> =>
        page.evaluate(
          () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
        );
      await page.goto(`${board.url}/sources?sort=rate`);
      await row(board.logFile).waitFor(SOON);
      await screenshot(page, `sources-${width}-${theme}`);
      expect(await axeViolations(page)).toEqual([]);
      expect(await overflow()).toBe(0);
      await appendFile(board.logFile, line(Date.now()));
      await row(board.logFile).getByRole("button").click();
      await detail().getByLabel("Last line as it arrived").waitFor(SOON);
      await screenshot(page, `source-${width}-${theme}`);
      expect(await axeViolations(page)).toEqual([]);
      expect(await overflow()).toBe(0);
      await detail().getByText("Read its stored lines again").click();
      await detail().getByRole("button", { name: "Read them again" }).click();
      await detail()
        .getByText(/are the same as before/)
        .waitFor(SOON);
      await screenshot(page, `reread-${width}-${theme}`);
      expect(await axeViolations(page)).toEqual([]);
      expect(await overflow()).toBe(0);
      await own.close();
    },
    60_000,
  );
});
