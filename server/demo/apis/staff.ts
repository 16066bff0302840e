import { setTimeout as sleep } from "node:timers/promises";

import { z } from "zod";

import { type CallApi, expectStatus } from "./client.ts";
import { APPLICATION, DELIVERY_KEY } from "./seed-catalogue.ts";

/** A recurring task of the shop's staff. */
type StaffTask = { everyMs: number; run(turn: number): Promise<void> };

const MINUTE_MS = 60_000;
const REPORTS = ["revenue", "mrr", "churn", "turnover"];
const Disputes = z.object({
  items: z.array(z.object({ id: z.string(), status: z.string(), version: z.number() })),
});
const Resolved = z.object({ values: z.record(z.string(), z.unknown()) });
/** The sandbox decides a dispute by its evidence. */
const EVIDENCE = ["winning_evidence", "the customer was right"];

/**
 * Simulates the shop's staff: reads and changes settings, answers disputes, reads reports and sends the shop's log.
 * Each task repeats until the signal aborts; a failed task is retried at its next turn.
 */
export async function runStaff(
  callApi: CallApi,
  options: { token(): Promise<string>; logLines(): string; signal: AbortSignal },
): Promise<void> {
  const { token, signal } = options;
  const tasks: StaffTask[] = [
    { everyMs: MINUTE_MS, run: async () => void (await readSettings(callApi, await token())) },
    { everyMs: MINUTE_MS, run: async () => sendLog(callApi, await token(), options.logLines()) },
    { everyMs: 20 * MINUTE_MS, run: async (turn) => changeSetting(callApi, await token(), turn) },
    { everyMs: 3 * MINUTE_MS, run: async () => answerDisputes(callApi, await token()) },
    { everyMs: 5 * MINUTE_MS, run: async (turn) => readReport(callApi, await token(), turn) },
  ];
  await Promise.all(tasks.map((task) => repeat(task, signal)));
}

async function repeat({ everyMs, run }: StaffTask, signal: AbortSignal): Promise<void> {
  for (let turn = 0; !signal.aborted; turn += 1) {
    // The APIs may be unavailable for a while.
    await run(turn).catch(() => undefined);
    await sleep(everyMs, undefined, { signal }).catch(() => undefined);
  }
}

async function readSettings(callApi: CallApi, token: string): Promise<Record<string, unknown>> {
  const path = `/v1/settings/${APPLICATION}/resolved?product=web&environment=production`;
  return Resolved.parse(
    expectStatus(await callApi("management", { method: "GET", path, token }), 200).json,
  ).values;
}

async function changeSetting(callApi: CallApi, token: string, turn: number): Promise<void> {
  const definition = await callApi("management", {
    method: "GET",
    path: `/v1/settings/${APPLICATION}/definitions/${DELIVERY_KEY}`,
    token,
  });
  await callApi("management", {
    method: "PUT",
    path: `/v1/settings/${APPLICATION}/values/${DELIVERY_KEY}?product=web&environment=production`,
    token,
    body: { value: 4_000 + (turn % 5) * 500, reason: "Try where baskets grow" },
    ifMatch: definition.etag,
  });
}

async function answerDisputes(callApi: CallApi, token: string): Promise<void> {
  const listed = await callApi("billing", { method: "GET", path: "/v1/disputes?limit=20", token });
  const { items } = Disputes.parse(expectStatus(listed, 200).json);
  for (const [turn, { id }] of items.filter((it) => it.status === "needs_response").entries()) {
    const path = `/v1/disputes/${id}`;
    const { etag } = await callApi("billing", { method: "GET", path, token });
    await callApi("billing", {
      method: "POST",
      path: `${path}/evidence`,
      token,
      body: { explanation: EVIDENCE[turn % EVIDENCE.length] },
      ifMatch: etag,
    });
  }
}

async function readReport(callApi: CallApi, token: string, turn: number): Promise<void> {
  const report = REPORTS[turn % REPORTS.length] ?? "revenue";
  await callApi("reporting", { method: "GET", path: `/v1/reports/${report}`, token });
}

async function sendLog(callApi: CallApi, token: string, lines: string): Promise<void> {
  if (lines === "") return;
  await callApi("logging", { method: "POST", path: "/v1/logs/batch", token, ndjson: lines });
}
