import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";

import { CreateBucketCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import type { Browser, Locator, Page } from "playwright";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { freePort } from "#platform/free-port.ts";

import { type LoggingPostgres, startLoggingPostgres } from "../databases/logging-postgres.ts";
import { accessLine } from "../harness/access-log.ts";
import { CAN_RUN_BROWSER, openBrowser } from "../harness/browser.ts";
import { type ControlPlane, OWNER, startControlPlane } from "../harness/control-plane.ts";
import { startMoto } from "../harness/moto.ts";
import { temporaryFolder, until } from "../harness/program.ts";

const SOON = { timeout: 30_000 };
/** Each source must be connected within this time. */
const CONNECTED = { timeout: 120_000 };
/** Packages that tests need, which CI installs. */
const isInstalled = (program: string): boolean => {
  if (existsSync(program)) return true;
  if (process.env["CI"] === "true") throw new Error(`CI must have ${program}`);
  process.stderr.write(`\nSKIPPED: this test of a new user needs ${program}\n`);
  return false;
};
const NGINX = "/usr/sbin/nginx";
const HAPROXY = "/usr/sbin/haproxy";
const KEY = { accessKeyId: "testing", secretAccessKey: "testing" };

/** For people who change the design. */
async function screenshot(page: Page, name: string): Promise<void> {
  const folder = process.env["QUARTERDECK_SCREENSHOTS"];
  if (folder) await page.screenshot({ path: `${folder}/new-user-${name}.png` });
}

describe.skipIf(!CAN_RUN_BROWSER)("a new user connects logs with what the page says", () => {
  const resources = new AsyncDisposableStack();
  let app: ControlPlane;
  let browser: Browser;
  let page: Page;
  let folder = "";

  beforeAll(async () => {
    folder = resources.use(await temporaryFolder()).path;
    const args = ["--data", path.join(folder, "data")];
    app = await startControlPlane(args, { env: { QUARTERDECK_PUSH_PORT: "auto" } });
    resources.use(app);
    browser = await openBrowser();
    resources.defer(() => browser.close());
    page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
    await page.goto(app.setupUrl ?? app.url);
    await page.getByLabel("Name").fill(OWNER.name);
    await page.getByLabel("E-mail").fill(OWNER.email);
    await page.getByLabel("Password").fill(OWNER.password);
    await page.getByRole("button", { name: "Create the account" }).click();
    await page.getByRole("link", { name: "Sources" }).click(SOON);
    await page.getByRole("button", { name: "Add a source" }).first().waitFor(SOON);
    const demo = page.getByRole("complementary", { name: "Demo data" });
    if (await demo.isVisible()) {
      await demo.getByRole("button", { name: "Turn it off" }).click();
      const dialog = page.getByRole("dialog", { name: "Turn the demo off" });
      await dialog.getByRole("button", { name: "Turn it off" }).click();
      await demo.waitFor({ state: "detached", ...SOON });
    }
    await screenshot(page, "empty");
  }, 180_000);

  afterAll(() => resources.disposeAsync());

  const panel = (): Locator => page.getByRole("complementary", { name: "Add a source" });
  const detail = (): Locator => page.getByRole("complementary", { name: "Source in full" });

  async function add(kind: RegExp): Promise<Locator> {
    await page.getByRole("button", { name: "Add a source" }).first().click();
    const another = panel().getByRole("button", { name: "Choose another kind" });
    if (await another.isVisible()) await another.click();
    await panel().getByRole("button", { name: kind }).first().click(SOON);
    return panel();
  }

  function run(program: string, args: readonly string[]): ChildProcess {
    const child = spawn(program, args, { stdio: "inherit" });
    resources.defer(async () => {
      if (child.exitCode !== null) return;
      const exited = once(child, "exit");
      child.kill("SIGTERM");
      await exited;
    });
    return child;
  }

  const answers = (url: string): Promise<true> =>
    until(`an answer of ${url}`, () =>
      fetch(url).then(
        () => true as const,
        () => undefined,
      ),
    );

  test.skipIf(!isInstalled(NGINX))(
    "nginx that writes a file",
    async () => {
      const logs = path.join(folder, "nginx");
      await mkdir(logs);
      const port = await freePort();
      const config = path.join(logs, "nginx.conf");
      await writeFile(
        config,
        `daemon off; pid "${logs}/pid"; error_log "${logs}/error.log"; events {}
http { access_log "${logs}/access.log" combined;
client_body_temp_path "${logs}/b"; proxy_temp_path "${logs}/p"; fastcgi_temp_path "${logs}/f";
uwsgi_temp_path "${logs}/u"; scgi_temp_path "${logs}/s";
server { listen 127.0.0.1:${port}; location / { return 200; } } }`,
      );
      run(NGINX, ["-c", config, "-p", logs]);
      await answers(`http://127.0.0.1:${port}/`);
      const form = await add(/^Log files/);
      await form.getByLabel("Paths or patterns").fill(`${logs}/*.log`);
      await form.getByRole("button", { name: "Add it" }).click();
      await answers(`http://127.0.0.1:${port}/bought`);
      await detail().getByLabel("Last line as it arrived").getByText("/bought").waitFor(CONNECTED);
      await detail().getByText("nginx.access").first().waitFor(SOON);
      await screenshot(page, "nginx");
    },
    150_000,
  );

  test.skipIf(!isInstalled(HAPROXY))(
    "HAProxy by syslog",
    async () => {
      const form = await add(/^HAProxy over syslog/);
      await form.getByLabel("Port (UDP)").fill(String(await freePort()));
      await form.getByRole("button", { name: "Open the port" }).click();
      const snippet = await form.locator("pre").innerText(SOON);
      const port = await freePort();
      const config = path.join(folder, "haproxy.cfg");
      await writeFile(
        config,
        `${snippet}
    mode http
    timeout connect 1s
    timeout client 5s
    timeout server 5s
frontend shop
    bind 127.0.0.1:${port}
    http-request return status 200
`,
      );
      run(HAPROXY, ["-db", "-q", "-f", config]);
      await answers(`http://127.0.0.1:${port}/cart`);
      await form.getByText(/First event .* ago, read as .*haproxy/).waitFor(CONNECTED);
      await screenshot(page, "haproxy");
    },
    150_000,
  );

  test("a client of Elasticsearch with its bulk helper", async () => {
    const form = await add(/^Elasticsearch client/);
    await form.getByRole("button", { name: "Make a token" }).click();
    const snippet = await form.locator("pre").innerText(SOON);
    const program = path.join(folder, "client");
    await mkdir(program);
    await symlink(path.resolve("node_modules"), path.join(program, "node_modules"));
    await writeFile(path.join(program, "send.mjs"), snippet);
    await promisify(execFile)(process.execPath, [path.join(program, "send.mjs")]);
    await form.getByText(/First event .* ago, read as app/).waitFor(CONNECTED);
    await screenshot(page, "elasticsearch");
  }, 150_000);

  test("a bucket of a store with the protocol of S3", async (context) => {
    const moto = await startMoto();
    if (!moto) return context.skip("moto cannot start");
    resources.use(moto);
    const client = new S3Client({
      endpoint: moto.url,
      region: "us-east-1",
      forcePathStyle: true,
      credentials: KEY,
    });
    const Bucket = "shop-logs";
    await client.send(new CreateBucketCommand({ Bucket }));
    const Body = accessLine({ atMs: Date.now(), seconds: 0.05 });
    await client.send(new PutObjectCommand({ Bucket, Key: "web/access.log", Body }));
    const form = await add(/^S3 bucket/);
    await form.getByLabel("Bucket").fill(Bucket);
    await form.getByLabel("Endpoint").fill(moto.url);
    await form.getByLabel("Access key").fill(KEY.accessKeyId);
    await form.getByLabel("Secret key (optional)", { exact: true }).fill(KEY.secretAccessKey);
    await form.getByRole("button", { name: "Add it" }).click();
    await detail().getByLabel("Last line as it arrived").getByText("GET /").waitFor(CONNECTED);
    await detail().getByText("nginx.access").first().waitFor(SOON);
    await screenshot(page, "s3");
  }, 180_000);

  describe("PostgreSQL", () => {
    let postgres: LoggingPostgres;
    beforeAll(async () => {
      postgres = resources.use(await startLoggingPostgres());
    }, 60_000);

    test("its statistics by URL", async () => {
      const url = new URL(postgres.url);
      const { password } = url;
      const form = await add(/^Database/);
      await form.getByLabel("URL").fill(url.href);
      await form.getByRole("button", { name: "Add it" }).click();
      await form.getByText("leave the password out of the URL").waitFor(SOON);
      url.password = "";
      await form.getByLabel("URL").fill(url.href);
      await form.getByLabel("Password (optional)", { exact: true }).fill(password);
      await form.getByLabel("Seconds between two samples").fill("10");
      await form.getByRole("button", { name: "Add it" }).click();
      await detail().getByText("postgresql.status").first().waitFor(CONNECTED);
      await screenshot(page, "postgresql");
      expect(await page.content()).not.toContain(password);
    }, 150_000);

    test("its log by file", async () => {
      const form = await add(/^Log files/);
      await form.getByLabel("Paths or patterns").fill(postgres.logs.stderr);
      await form.getByRole("button", { name: "Add it" }).click();
      const client = await postgres.connect();
      await client.query("SELECT 'from the new user', pg_sleep(0.1)");
      await client.end();
      await detail().getByText("postgresql.log").first().waitFor(CONNECTED);
      await screenshot(page, "postgresql-log");
    }, 150_000);
  });
});
