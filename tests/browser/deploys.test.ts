import { randomInt } from "node:crypto";
import { dirname, join } from "node:path";

import type { BrowserContext, Page } from "playwright";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import {
  DeployDetail,
  DeployList,
  DeploySummary,
  WorkloadList,
} from "#dashboards/deploys/messages.ts";

import { accessLine } from "../harness/access-log.ts";
import { axeViolations, CAN_RUN_BROWSER } from "../harness/browser.ts";
import { addMember } from "../harness/control-plane.ts";
import { type Program, startProgram } from "../harness/program.ts";
import { type RunningBoard, startBoard } from "./board.ts";

const SOON = { timeout: 20_000 };
/** Tasks are processes that start, are checked, and stop. */
const DEPLOYED = { timeout: 90_000 };
const QUICK = { kind: "all-at-once", analyseMs: 0, bakeMs: 0, drainMs: 0, warmUp: false } as const;

/** For people who change the design. */
async function screenshot(page: Page, name: string): Promise<void> {
  const folder = process.env["QUARTERDECK_SCREENSHOTS"];
  if (folder) await page.screenshot({ path: `${folder}/${name}.png`, fullPage: true });
}

/** Other tests use the same ports at addresses of their own. */
const EDGE_HOST = `127.${randomInt(200, 250)}.${randomInt(1, 250)}.${randomInt(1, 250)}`;

const startRole = async (data: string): Promise<Program> => {
  const role = startProgram(["role", "deploys", "--stop-tasks", "--data", data], {
    env: { QUARTERDECK_EDGE_HOST: EDGE_HOST },
  });
  await role.printed(/Workloads that can be deployed: (.*)\n/);
  return role;
};

describe.skipIf(!CAN_RUN_BROWSER)("the pages about deploys, in a real browser", () => {
  let board: RunningBoard;
  let role: Program;
  let context: BrowserContext;
  let page: Page;
  let data = "";

  beforeAll(async () => {
    board = await startBoard({ log: [accessLine({ atMs: Date.now(), seconds: 0.05 })] });
    data = join(dirname(board.logFile), "data");
    role = await startRole(data);
    context = await board.newContext({ viewport: { width: 1440, height: 900 } });
    page = await context.newPage();
  });
  afterAll(async () => {
    await role?.end("SIGTERM");
    await board?.[Symbol.asyncDispose]();
  });

  const post = async (path: string, body: object, key: string): Promise<unknown> => {
    const headers = { "idempotency-key": key, origin: board.url };
    const response = await page.request.post(`${board.url}${path}`, { data: body, headers });
    expect(response.status(), await response.text()).toBeLessThan(300);
    return response.json();
  };
  const deployOf = async (id: string): Promise<DeployDetail> =>
    DeployDetail.parse(await (await page.request.get(`${board.url}/api/deploys/${id}`)).json());
  const wayBack = () => page.getByRole("region", { name: "Way back" });
  const step = (name: string) => page.getByRole("listitem").filter({ hasText: name });

  test("a release of Billing is started from its plan, goes live, and is rolled back from its page", async () => {
    await page.goto(`${board.url}/deploys`);
    await page.getByText("Nothing was deployed here yet.").waitFor(SOON);
    await page.goto(`${board.url}/edge`);
    await page.getByText("not started yet").waitFor(SOON);
    await page.goto(`${board.url}/deploys`);
    const strategy = { ...QUICK };
    const first = { workload: "billing", release: "r1", strategy, reason: "the first one" };
    const { id } = DeploySummary.parse(await post("/api/deploys", first, "first"));
    await expect.poll(async () => (await deployOf(id)).deploy.outcome, DEPLOYED).toBe("succeeded");
    // It was pushed to the open page.
    const row = page.getByRole("row").filter({ hasText: /^billing r1/ });
    await row.getByText("Succeeded").waitFor(SOON);

    await page.getByRole("button", { name: "Deploy billing", exact: true }).click();
    const form = page.getByRole("region", { name: "Start a deploy" });
    await form.getByLabel("Release").fill("../r2");
    await form.getByLabel("Reason").fill("invoices in euros");
    await form.getByRole("button", { name: "Show the plan" }).click();
    await form.getByText("give 1 to 100 letters").waitFor(SOON);
    await form.getByLabel("Release").fill("r2");
    await form.getByText("Strategy, tasks, migrations").click();
    await form.getByLabel("Strategy").selectOption("all-at-once");
    await form.getByRole("button", { name: "Show the plan" }).click();
    const plan = form.getByRole("region", { name: "Plan" });
    await plan.getByText("1 task of r2 start, and each is verified.").waitFor(SOON);
    await plan.getByText(/^[0-9a-f]{16}$/).waitFor();
    await screenshot(page, "plan");
    expect(await axeViolations(page)).toEqual([]);
    // Somebody else was faster: the plan is reviewed again.
    const problem = {
      type: "about:blank",
      title: "Changed",
      status: 412,
      detail: "It has changed.",
    };
    const changed = { status: 412, json: problem };
    await page.route("**/api/deploys", (route) => route.fulfill(changed), { times: 1 });
    await form.getByRole("button", { name: "Deploy r2" }).click();
    await form.getByText("It has changed.").waitFor(SOON);
    await form.getByRole("button", { name: "Show the plan" }).click();
    await plan.getByText("1 task of r2 start").waitFor(SOON);
    expect(await form.getByText("It has changed.").count()).toBe(0);
    await form.getByRole("button", { name: "Deploy r2" }).click();
    await page.waitForURL(/\/deploys\/dep_/, SOON);

    await step("Observe at full traffic").getByText("now").waitFor(DEPLOYED);
    await page.getByText("blue 100 %, green 0 %").first().waitFor(SOON);
    await page.keyboard.press("r");
    const dialog = page.getByRole("dialog", { name: "Roll back" });
    await dialog.getByRole("button", { name: "errors" }).click();
    await screenshot(page, "roll-back");
    await dialog.getByRole("button", { name: "Roll back" }).click();
    await wayBack()
      .getByText(/All traffic was back .* after the decision/)
      .waitFor(DEPLOYED);
    await page.getByRole("region", { name: "State" }).getByText("Rolled back").waitFor(DEPLOYED);
    await page.getByRole("button", { name: "History" }).click();
    await page.getByText("by ada@example.test").first().waitFor();
    await page.waitForURL(/show=history/);
  }, 200_000);

  test("the address at which clients reach a workload is shown, answers, and is copied", async () => {
    const { workloads } = WorkloadList.parse(
      await (await page.request.get(`${board.url}/api/workloads`)).json(),
    );
    const [url = ""] = workloads.find(({ name }) => name === "billing")?.urls ?? [];
    expect(url).toMatch(`http://${EDGE_HOST}:`);
    await context.grantPermissions(["clipboard-read", "clipboard-write"], { origin: board.url });
    for (const path of ["/deploys", "/edge"]) {
      await page.goto(`${board.url}${path}`);
      const copy = page.getByRole("button", { name: `Copy ${url}`, exact: true });
      await copy.click(SOON);
      await page.getByText("copied").waitFor(SOON);
      expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(url);
      await page.evaluate(() => navigator.clipboard.writeText(""));
    }
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
  }, 60_000);

  test("a token for a pipeline is made by keyboard, shown once with its job, used, and revoked", async () => {
    await page.goto(`${board.url}/deploys`);
    const section = page.getByRole("region", { name: "Tokens for pipelines" });
    await section.getByText("No token").waitFor(SOON);
    await section.getByRole("button", { name: "Make a token" }).press("Enter");
    await page.waitForURL(/token=new/);
    const form = section.getByRole("form", { name: "Make a token" });
    // The first field has the focus.
    await page.keyboard.type("gitlab");
    await form.getByRole("button", { name: "Make it" }).press("Enter");
    const alert = form.getByRole("alert");
    await alert.filter({ hasText: "give at least one workload" }).waitFor(SOON);
    expect(await axeViolations(page)).toEqual([]);
    await form.getByLabel("billing", { exact: true }).press("Space");
    await screenshot(page, "token-form");
    await form.getByRole("button", { name: "Make it" }).press("Enter");
    const made = section.getByRole("region", { name: "The token gitlab" });
    const secret = await made.getByText(/^qdd_/).innerText(SOON);
    await made.getByText("It is shown only now").waitFor(SOON);
    const command = `--wait --key "pipeline-$CI_PIPELINE_ID-billing" --url ${board.url}`;
    await made.getByText(command).waitFor(SOON);
    await context.grantPermissions(["clipboard-read", "clipboard-write"], { origin: board.url });
    await made.getByRole("button", { name: "Copy the token" }).press("Enter");
    await made.getByText("copied").waitFor(SOON);
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(secret);
    await screenshot(page, "token-made");
    expect(await axeViolations(page)).toEqual([]);

    const list = async (): Promise<number> => {
      const headers = { authorization: `Bearer ${secret}` };
      return (await fetch(`${board.url}/api/deploys`, { headers })).status;
    };
    expect(await list()).toBe(200);
    await page.reload();
    const item = section.getByRole("listitem").filter({ hasText: "gitlab" });
    await item.getByText(/by ada@example\.test, last used/).waitFor(SOON);
    await item.getByText("It may see, start, pause, resume, abort, roll-back.").waitFor(SOON);
    expect(await page.getByText(secret).count()).toBe(0);
    await item.getByRole("button", { name: "Revoke gitlab …" }).press("Enter");
    await item.getByRole("button", { name: "Revoke gitlab", exact: true }).press("Enter");
    await section.getByText("No token").waitFor(SOON);
    expect(await list()).toBe(401);
  }, 60_000);

  test("the board marks deploys on its charts and shows what the fleet runs, to members who may see the workload", async () => {
    await page.goto(`${board.url}/`);
    const note = page.getByTestId("deploys");
    await note.getByText("Deploys in this range").waitFor(SOON);
    if ((await note.getAttribute("open")) === null) await note.locator("summary").press("Enter");
    const back = note.getByRole("listitem").filter({ hasText: "billing r1 → r2" });
    await back.filter({ hasText: "was rolled back" }).waitFor(SOON);
    const letters = await note.getByRole("listitem").count();
    const requests = page.getByTestId("tile-requests");
    await expect.poll(() => requests.locator(".deploy-mark").count(), SOON).toBe(letters);
    await page.getByTestId("fleet").getByText("billing 1 of 1").waitFor(SOON);
    await page.getByTestId("fleet").getByText("1 running").waitFor(SOON);
    await screenshot(page, "board");
    expect(await axeViolations(page)).toEqual([]);

    await page.goto(`${board.url}/explore`);
    const events = page.getByRole("figure", { name: "Events over time" });
    await expect.poll(() => events.locator(".deploy-mark").count(), SOON).toBe(letters);
    await page.getByText("Deploys in this range: 2, marked").waitFor(SOON);
    expect(await axeViolations(page)).toEqual([]);

    const [cookie = "", value = ""] = (
      await addMember(data, "watcher", [{ capability: "view", target: "board:home" }])
    ).split("=", 2);
    const own = await board.browser.newContext();
    await own.addCookies([{ name: cookie, value, url: board.url }]);
    const watcher = await own.newPage();
    const answered = watcher.waitForResponse(/deploy-markers/);
    await watcher.goto(`${board.url}/`);
    expect(await (await answered).json()).toEqual({ markers: [], isCut: false });
    await watcher.getByTestId("tile-requests").waitFor(SOON);
    expect(await watcher.getByTestId("deploys").count()).toBe(0);
    expect(await watcher.getByTestId("fleet").count()).toBe(0);
    await own.close();
  });

  test("a freeze names its mistakes, makes deploys wait, and is removed with a reason", async () => {
    await page.goto(`${board.url}/deploys`);
    await page.getByRole("button", { name: "Add a freeze" }).click(SOON);
    await page.waitForURL(/freeze=/);
    const form = page.getByRole("form", { name: "Add a freeze" });
    await form.getByLabel("Name").fill("Weekend\u202e");
    await form.getByLabel("When").selectOption("recurring");
    await form.getByLabel("Starts").fill("each Friday");
    await form.getByLabel("Reason").fill("nobody is there");
    await form.getByRole("button", { name: "Add it" }).click();
    await form.getByText(/must be a cron expression/).waitFor(SOON);
    await form.getByLabel("When").selectOption("once");
    await form.getByRole("button", { name: "Add it" }).click();
    const freezes = page.getByRole("region", { name: "Freezes" });
    await freezes.getByText("frozen until").waitFor(SOON);
    // Text of others does not change the direction of the page.
    await freezes.getByText("\\u{202e}").waitFor();
    await page
      .getByRole("row")
      .filter({ hasText: /^billing/ })
      .first()
      .getByText(/Deploys are frozen until/)
      .waitFor(SOON);
    await page.keyboard.press("a");
    const start = page.getByRole("region", { name: "Start a deploy" });
    await start.getByLabel("Workload").selectOption("billing");
    await start.getByLabel("Release").fill("r3");
    await start.getByLabel("Reason").fill("a try");
    await start.getByRole("button", { name: "Show the plan" }).click();
    await start.getByText("It would wait now:").waitFor(SOON);
    await start.getByRole("button", { name: "Cancel" }).click();
    await freezes.getByRole("button", { name: "Remove …" }).click();
    await freezes.getByLabel("Reason").fill("somebody is there");
    await freezes.getByRole("button", { name: "Remove it" }).click();
    await freezes.getByText("No freeze").waitFor(SOON);
  });

  test("fleet and edge show what runs, and the output of a task", async () => {
    await page.goto(`${board.url}/fleet`);
    const row = page.getByRole("row").filter({ hasText: "(live)" });
    await row.getByText("1 of 1").waitFor(SOON);
    await row.getByRole("button").click();
    await page.waitForURL(/service=billing-/);
    await page.getByText("has reached a steady state").first().waitFor(SOON);
    await page
      .getByRole("listitem")
      .filter({ hasText: "RUNNING" })
      .getByRole("button", { name: /^Log/ })
      .click();
    await page.getByLabel("Container").selectOption("workers");
    await page
      .getByRole("log")
      .getByText(/billing/i)
      .first()
      .waitFor(SOON);
    await page.keyboard.press("Escape");
    await page.getByRole("log").waitFor({ state: "detached" });
    await page.keyboard.press("g");
    await page.keyboard.press("n");
    await page.waitForURL(/\/edge/);
    await page.getByText("has the newest configuration").first().waitFor(SOON);
    await page.getByText("gets requests").first().waitFor(SOON);
    await page.getByText("This is the local edge").waitFor(SOON);
  });

  test("a viewer sees the deploys of the granted workload without any button, others see which grant is missing", async () => {
    const member = async (name: string, grants: Parameters<typeof addMember>[2]): Promise<Page> => {
      const [cookie = "", value = ""] = (await addMember(data, name, grants)).split("=", 2);
      const own = await board.browser.newContext();
      await own.addCookies([{ name: cookie, value, url: board.url }]);
      return own.newPage();
    };
    const viewer = await member("viewer", [{ capability: "view", target: "workload:billing" }]);
    await viewer.goto(`${board.url}/deploys`);
    await viewer.getByRole("link", { name: "billing r1 → r2" }).waitFor(SOON);
    const main = viewer.getByRole("main");
    const acts = main.getByRole("button").filter({ hasNotText: "Copy" });
    expect(await acts.count()).toBe(0);
    expect(await main.getByText("accounts").count()).toBe(0);
    await viewer.getByRole("link", { name: "billing r1 → r2" }).click();
    await viewer.getByRole("region", { name: "Way back" }).waitFor(SOON);
    expect(await viewer.getByRole("region", { name: "Way back" }).getByRole("button").count()).toBe(
      0,
    );
    const stranger = await member("stranger", []);
    await stranger.goto(`${board.url}/fleet`);
    await stranger.getByText('Nobody has granted stranger "view workload:*"').waitFor(SOON);
    await viewer.context().close();
    await stranger.context().close();
  });

  const cases = [1440, 390].flatMap((width) =>
    (["light", "dark"] as const).map((theme) => ({ width, theme })),
  );
  test.each(cases)(
    "the pages are legible and accessible at $width px, $theme",
    async ({ width, theme }) => {
      const own = await board.newContext({ viewport: { width, height: 844 }, colorScheme: theme });
      const other = await own.newPage();
      const { deploys } = DeployList.parse(
        await (await page.request.get(`${board.url}/api/deploys`)).json(),
      );
      const views = [
        {
          name: "deploys",
          path: "/deploys?start=billing&freeze=new&token=new",
          ready: "All deploys",
        },
        { name: "deploy", path: `/deploys/${deploys[0]?.id}`, ready: "Way back:" },
        { name: "fleet", path: "/fleet?service=billing-blue", ready: "Events" },
        { name: "edge", path: "/edge", ready: "has the newest configuration" },
      ];
      for (const { name, path, ready } of views) {
        await other.goto(`${board.url}${path}`);
        await other.getByText(ready).first().waitFor(SOON);
        await screenshot(other, `${name}-${width}-${theme}`);
        expect(await axeViolations(other), name).toEqual([]);
        const overflow = await other.evaluate(
          () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
        );
        expect(overflow, name).toBe(0);
      }
      await own.close();
    },
    60_000,
  );

  test("the way back stays in view on a phone", async () => {
    const own = await board.newContext({ viewport: { width: 390, height: 844 } });
    const phone = await own.newPage();
    const { deploys } = DeployList.parse(
      await (await page.request.get(`${board.url}/api/deploys`)).json(),
    );
    await phone.goto(`${board.url}/deploys/${deploys.at(-1)?.id}`);
    const bar = phone.getByRole("region", { name: "Way back" });
    await bar.waitFor(SOON);
    for (const at of ["top", "bottom"]) {
      await phone.evaluate((to) => scrollTo(0, to === "top" ? 0 : document.body.scrollHeight), at);
      const box = await bar.boundingBox();
      expect(box && box.y + box.height, at).toBe(844);
    }
    await own.close();
  });

  test("a killed role shows what to do beside the last known state, which goes on when it is back", async () => {
    await page.goto(`${board.url}/deploys`);
    await page.getByRole("link", { name: "billing r1 → r2" }).waitFor(SOON);
    const home = await context.newPage();
    await home.goto(`${board.url}/`);
    await home.getByTestId("fleet").getByText("1 running").waitFor(SOON);
    await role.end("SIGKILL");
    await home.getByTestId("fleet").getByText("1 ran when it was last read").waitFor(SOON);
    await home.close();
    const alert = page.getByRole("main").getByRole("alert");
    await alert.getByText(/The role deploys does not run.*quarterdeck role deploys/).waitFor(SOON);
    expect(await page.getByRole("link", { name: "billing r1 → r2" }).count()).toBe(1);
    await page
      .getByRole("region", { name: "Problems" })
      .getByText("The role deploys is not connected.")
      .first()
      .waitFor({ state: "attached", timeout: 40_000 });
    await screenshot(page, "role-killed");
    role = await startRole(data);
    await alert.waitFor({ state: "detached", ...SOON });
  }, 90_000);
});
