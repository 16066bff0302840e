import { randomInt } from "node:crypto";
import { dirname, join } from "node:path";

import type { Page } from "playwright";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { DeployDetail, DeploySummary } from "#dashboards/deploys/messages.ts";
import { programForTests } from "#deployer/edge/haproxy/testing-haproxy.ts";

import { accessLine } from "../harness/access-log.ts";
import { axeViolations, CAN_RUN_BROWSER } from "../harness/browser.ts";
import { type Program, startProgram, until } from "../harness/program.ts";
import { type RunningBoard, startBoard } from "./board.ts";

const SOON = { timeout: 30_000 };
/** Tasks are processes that start, are checked, and stop. */
const DEPLOYED = { timeout: 120_000 };
const QUICK = { kind: "all-at-once", analyseMs: 0, bakeMs: 0, drainMs: 0, warmUp: false } as const;
const hasPrograms = ["haproxy", "varnishd", "varnishadm"].every(
  (name) => programForTests(name) !== undefined,
);
/** Other tests use the same ports at addresses of their own. */
const EDGE_HOST = `127.${randomInt(200, 250)}.${randomInt(1, 250)}.${randomInt(1, 250)}`;

/** For people who change the design. */
async function screenshot(page: Page, name: string): Promise<void> {
  const folder = process.env["QUARTERDECK_SCREENSHOTS"];
  if (folder) await page.screenshot({ path: `${folder}/${name}.png`, fullPage: true });
}

describe.skipIf(!CAN_RUN_BROWSER || !hasPrograms)(
  "the configuration of the edge, in a real browser",
  () => {
    let board: RunningBoard;
    let role: Program;
    let page: Page;

    beforeAll(async () => {
      board = await startBoard({ log: [accessLine({ atMs: Date.now(), seconds: 0.05 })] });
      const data = join(dirname(board.logFile), "data");
      role = startProgram(["role", "deploys", "--stop-tasks", "--data", data], {
        env: { QUARTERDECK_EDGE_HOST: EDGE_HOST, QUARTERDECK_EDGE: "haproxy" },
      });
      await role.printed(/Workloads that can be deployed: (.*)\n/);
      const context = await board.newContext({ viewport: { width: 1440, height: 900 } });
      page = await context.newPage();
      const body = { workload: "billing", release: "r1", strategy: QUICK, reason: "the first one" };
      const headers = { "idempotency-key": "first", origin: board.url };
      const started = await page.request.post(`${board.url}/api/deploys`, { data: body, headers });
      const { id } = DeploySummary.parse(await started.json());
      const outcome = async (): Promise<unknown> =>
        DeployDetail.parse(await (await page.request.get(`${board.url}/api/deploys/${id}`)).json())
          .deploy.outcome;
      await until("the deploy has succeeded", async () => (await outcome()) === "succeeded");
    }, 240_000);
    afterAll(async () => {
      await role?.end("SIGTERM");
      await board?.[Symbol.asyncDispose]();
    });

    const editor = () => page.getByRole("region", { name: "Edit the configuration" });
    const text = () => editor().getByLabel("Template");
    const replace = async (from: string, to: string): Promise<void> =>
      text().fill((await text().inputValue()).replace(from, to));

    test("a wrong one is marked at its line, a right one reaches all nodes, and a former one is restored", async () => {
      await page.goto(`${board.url}/edge`);
      await page
        .getByRole("region", { name: "Configuration", exact: true })
        .getByText("All nodes have version 0")
        .waitFor(SOON);
      await page.getByRole("button", { name: "Edit" }).click();
      await page.waitForURL(/edit=0/);
      await text().waitFor(SOON);
      const line = (await text().inputValue()).split("\n").indexOf("  retries 3") + 1;
      await replace("retries 3", "retrys 3");
      await editor().getByRole("button", { name: "Check" }).click();
      const mistake = editor().getByRole("button", { name: new RegExp(`Line ${line}: .*retrys`) });
      await mistake.waitFor(SOON);
      await mistake.focus();
      await page.keyboard.press("Enter");
      const selected = await text().evaluate((area: HTMLTextAreaElement) =>
        area.value.slice(area.selectionStart, area.selectionEnd),
      );
      expect(selected).toBe("  retrys 3");
      await editor().getByLabel("Reason").fill("fewer attempts");
      await editor().getByRole("button", { name: "Apply to all nodes" }).click();
      await mistake.waitFor(SOON);
      await replace("retrys 3", "retries 2");
      await editor().getByRole("button", { name: "Check" }).click();
      await editor().getByText("HAProxy accepts it on each node").waitFor(SOON);
      expect(await mistake.count()).toBe(0);
      await editor().getByRole("button", { name: "Difference" }).click();
      const diff = editor().getByRole("region", { name: "Difference from version 0" });
      await diff.getByText("removed:").waitFor({ state: "attached" });
      await diff.getByText("retries 2").waitFor(SOON);
      await screenshot(page, "edge-editor");
      expect(await axeViolations(page)).toEqual([]);
      await editor().getByRole("button", { name: "Apply to all nodes" }).click();
      await page.getByText("lb1 ◔ is observed").waitFor(DEPLOYED);
      await screenshot(page, "edge-progress");
      const section = page.getByRole("region", { name: "Configuration", exact: true });
      await section.getByText("All nodes have version 1.").waitFor(DEPLOYED);
      await section.getByText("fewer attempts").waitFor(SOON);
      await section.getByRole("button", { name: "Roll back to 0" }).click();
      const form = section.getByRole("form", { name: /Roll back to version 0/ });
      await form.getByRole("button", { name: "complaints" }).click();
      await form.getByRole("button", { name: "Roll back" }).click();
      await section.getByText("All nodes have version 2.").waitFor(DEPLOYED);
      await section.getByText("(version 0 (as Quarterdeck brings it) again)").waitFor(SOON);
    }, 240_000);

    test("a draft is kept while another version reaches the nodes, compared with it, and applied", async () => {
      await page.goto(`${board.url}/edge`);
      await page.getByRole("button", { name: "Edit" }).click(SOON);
      await text().waitFor(SOON);
      await replace("retries 3", "retries 4");
      expect(await page.getByRole("button", { name: /^Open \d/ }).count()).toBe(0);
      const headers = { origin: board.url };
      const data = { version: 1, reason: "somebody else" };
      const url = `${board.url}/api/edge/template/roll-back`;
      expect((await page.request.post(url, { data, headers })).status()).toBeLessThan(300);
      const alert = editor().getByRole("alert");
      await alert.getByText("All nodes have version 3 by now.").waitFor(DEPLOYED);
      await alert.getByRole("button", { name: "Compare with it" }).click();
      const diff = editor().getByRole("region", { name: "Difference from version 3" });
      await diff.getByText("retries 2").waitFor(SOON);
      await diff.getByText("retries 4").waitFor(SOON);
      await editor().getByLabel("Reason").fill("more attempts");
      await editor().getByRole("button", { name: "Apply to all nodes" }).click();
      const section = page.getByRole("region", { name: "Configuration", exact: true });
      await section.getByText("All nodes have version 4.").waitFor(DEPLOYED);
      await page.getByRole("button", { name: "Open 1" }).waitFor(SOON);
    }, 240_000);

    test("responses are removed from the caches with a reason, and mistakes are named", async () => {
      await page.goto(`${board.url}/edge`);
      const cache = page.getByRole("region", { name: "Cache" });
      await cache.getByRole("button", { name: "Remove responses" }).click(SOON);
      await cache.getByLabel("Tag").fill("a b");
      await cache.getByLabel("Reason").fill("a wrong price");
      await cache.getByRole("button", { name: "Remove them" }).click();
      await cache.getByText("must have letters, digits").first().waitFor(SOON);
      await cache.getByLabel("Tag").fill("product.7");
      await cache.getByRole("button", { name: "Remove them" }).click();
      await cache.getByText("Removed from cache1 and cache2.").waitFor(SOON);
    }, 60_000);

    const cases = [1440, 390].flatMap((width) =>
      (["light", "dark"] as const).map((theme) => ({ width, theme })),
    );
    test.each(cases)(
      "the editor is legible and accessible at $width px, $theme",
      async ({ width, theme }) => {
        const own = await board.newContext({
          viewport: { width, height: 844 },
          colorScheme: theme,
        });
        const other = await own.newPage();
        await other.goto(`${board.url}/edge?edit=1`);
        await other.getByLabel("Template").waitFor(SOON);
        await other.getByRole("button", { name: "Difference" }).click();
        await other.getByRole("region", { name: /^Difference/ }).waitFor(SOON);
        await screenshot(other, `edge-${width}-${theme}`);
        expect(await axeViolations(other)).toEqual([]);
        const overflow = await other.evaluate(
          () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
        );
        expect(overflow).toBe(0);
        await own.close();
      },
      60_000,
    );
  },
);
