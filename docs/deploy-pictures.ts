/**
 * Takes the pictures of docs/deploys.md: `node docs/deploy-pictures.ts`. Starts the demo with its APIs behind the edge, deploys
 * Billing, and shows the pages while the new release has all traffic and can be rolled back.
 */
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

import { DeployDetail } from "#dashboards/deploys/messages.ts";

import { openBrowser } from "../tests/harness/browser.ts";
import { createOwner, startControlPlane } from "../tests/harness/control-plane.ts";
import { runProgram, until } from "../tests/harness/program.ts";

const OUT = fileURLToPath(new URL("pictures/deploys/", import.meta.url));
const WIDTHS = [1440, 390];
const THEMES = ["light", "dark"] as const;
const DEPLOYED_MS_MAX = 180_000;
/** So that the demo's own ports do not matter. */
const EDGE_HOST = "127.210.1.1";

const stateOf = ({ stdout }: { stdout: string }): string =>
  DeployDetail.parse(JSON.parse(stdout)).deploy.state;

const data = await mkdtemp(path.join(tmpdir(), "quarterdeck-pictures-"));
try {
  await using app = await startControlPlane(["--demo", "--data", data], {
    apis: true,
    deploys: true,
    env: { QUARTERDECK_EDGE_HOST: EDGE_HOST },
  });
  await app.printed(/(The domain APIs: .+)\n/);
  const cookie = await createOwner(app);
  const run = (...args: string[]) => runProgram([...args, "--data", data]);
  const started = await run("deploy", "billing", "r2", "--observe", "2", "--bake", "1200");
  const id = /dep_[0-9a-f]{24}/.exec(started.stdout)?.[0];
  if (id === undefined) throw new Error(started.output);
  await until(
    "all traffic on the new release",
    async () => stateOf(await run("deploys", id, "--json")) === "baking",
    DEPLOYED_MS_MAX,
  );
  const views = [
    { name: "deploys", at: "/deploys", ready: "All deploys" },
    { name: "deploy", at: `/deploys/${id}`, ready: "Way back:" },
    { name: "fleet", at: "/fleet?service=billing-blue", ready: "steady state" },
    { name: "edge", at: "/edge", ready: "has the newest configuration" },
  ];
  await using browser = await openBrowser();
  await mkdir(OUT, { recursive: true });
  for (const width of WIDTHS) {
    for (const theme of THEMES) {
      await using context = await browser.newContext({
        viewport: { width, height: 844 },
        colorScheme: theme,
        locale: "en",
        timezoneId: "UTC",
      });
      const [key = "", value = ""] = cookie.split("=", 2);
      await context.addCookies([{ name: key, value, url: app.url }]);
      const page = await context.newPage();
      for (const { name, at, ready } of views) {
        await page.goto(`${app.url}${at}`);
        await page.getByText(ready).first().waitFor();
        const file = path.join(OUT, `${name}-${width}-${theme}.png`);
        await page.screenshot({ path: file, fullPage: true, scale: "css" });
        process.stdout.write(`${path.relative(process.cwd(), file)}\n`);
      }
    }
  }
} finally {
  await rm(data, { recursive: true, force: true });
}
