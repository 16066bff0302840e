import { expect, test } from "vitest";

import { accounts } from "#api/accounts/service.ts";
import { billing } from "#api/billing/service.ts";
import { testService } from "#api/kit/testing.ts";
import { management } from "#api/management/service.ts";
import { reporting } from "#server/apis/reporting.ts";

import { startControlPlaneApi } from "./control-plane.ts";
import type { RunningApi } from "./fuzz.ts";

const ENTITIES: Readonly<Record<string, string>> = {
  "&quot;": '"',
  "&#39;": "'",
  "&amp;": "&",
  "&lt;": "<",
  "&gt;": ">",
};

/** Sends the request that the page shows as a shell command for an operation. */
async function runExample(running: RunningApi, path: string, method = "POST"): Promise<number> {
  const page = await running.send("GET", "/docs");
  const examples = [...page.text.matchAll(/<pre[^>]*>([^<]*)<\/pre>/g)].map(([, text = ""]) =>
    text.replaceAll(/&(?:quot|#39|amp|lt|gt);/g, (it) => ENTITIES[it] ?? it),
  );
  const example = examples.find((it) => it.startsWith(`curl -X ${method} "${running.url}${path}"`));
  if (example === undefined) throw new Error(`there is no example for ${path}`);
  const headers = [...example.matchAll(/-H ["']([\w-]+): ([^\n]*)["']/g)].map(
    ([, name = "", value = ""]) => [
      name,
      value.replace("$TOKEN", running.root).replace("$(date +%s)-$RANDOM", crypto.randomUUID()),
    ],
  );
  const [, body = ""] = /-d '(.*)'$/s.exec(example) ?? [];
  const cookie = /-b "(\w+=)\$TOKEN"/.exec(example)?.[1];
  if (cookie !== undefined) headers.push(["cookie", `${cookie}${running.root}`]);
  const response = await running.send(method, path, {
    headers: Object.fromEntries(headers),
    ...(method === "GET" ? {} : { body }),
  });
  if (response.status >= 400) throw new Error(`${example}\n${response.text}`);
  return response.status;
}

test("an example may name missing resources, but its body always matches the schema", async () => {
  await using granting = await testService(accounts);
  await expect(runExample(granting, "/v1/grants")).rejects.toThrow("there is no such account");
  await using reports = await testService(reporting);
  const path = "/v1/reports/cost-per-request/runs";
  expect(await runExample(reports, path)).toBe(202);
}, 60_000);

test("the examples of the pages succeed when they are sent", async () => {
  await using charging = await testService(billing);
  for (const path of ["/v1/customers", "/v1/plans", "/v1/coupons"]) {
    expect(await runExample(charging, path)).toBe(201);
  }
  await using managing = await testService(management);
  expect(await runExample(managing, "/v1/applications")).toBe(201);
}, 60_000);

test("the examples of the control plane succeed with the session that they name", async () => {
  const running = await startControlPlaneApi();
  // Starts the owner's session.
  await running.send("GET", "/api/me", { as: running.root });
  for (const path of ["/api/me", "/api/board", "/api/events", "/api/events/overview"]) {
    expect(await runExample(running, path, "GET")).toBe(200);
  }
  await running.stop();
}, 60_000);

test("a table in a description is a table on the page", async () => {
  await using charging = await testService(billing);
  const { text } = await charging.send("GET", "/docs");
  expect(text).toMatch(/<td>4242424242424242<\/td>/);
  expect(text).not.toContain("| --- |");
});
