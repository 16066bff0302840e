import { setTimeout as delay } from "node:timers/promises";

import type { DeployDetail, DeploySummary } from "#dashboards/deploys/messages.ts";
import { AppError } from "#platform/errors.ts";
import type { Terminal } from "#platform/terminal.ts";

import type { DeploysClient } from "./http-deploys.ts";
import { lineOf, percent, timeOf } from "./text.ts";

const WAIT_MS = 1_000;
/** How long the role may be away, for example because it is started again. */
const AWAY_MS_MAX = 120_000;

/**
 * Shows a deploy until it has ended or is held: each line of its history, and what it does at the moment.
 * @throws AppError unavailable if nothing answers for too long
 */
export async function followDeploy(
  client: Pick<DeploysClient, "ask">,
  id: string,
  terminal: Terminal,
): Promise<DeploySummary> {
  let seen: DeployDetail | undefined;
  for (;;) {
    const detail = await askPatiently(client, { id, seen, terminal });
    for (const line of detail.history.slice(seen?.history.length)) terminal.line(historyText(line));
    seen = detail;
    if (detail.deploy.outcome !== null || detail.deploy.isHeld) {
      terminal.progress(() => lineOf(detail.deploy));
      terminal.done();
      return detail.deploy;
    }
    terminal.progress(() => statusText(detail));
  }
}

async function askPatiently(
  client: Pick<DeploysClient, "ask">,
  of: { id: string; seen: DeployDetail | undefined; terminal: Terminal },
): Promise<DeployDetail> {
  const { id, seen, terminal } = of;
  const wait = seen ? { after: seen.deploy.version, waitMs: WAIT_MS } : {};
  const untilMs = performance.now() + AWAY_MS_MAX;
  for (let isTold = false; ; isTold = true) {
    try {
      return await client.ask("deploy", { id, ...wait });
    } catch (error) {
      const isAway = error instanceof AppError && error.code === "unavailable";
      // Without a first answer there is nothing to wait for.
      if (!isAway || seen === undefined || performance.now() > untilMs) throw error;
      if (!isTold)
        terminal.line("Quarterdeck does not answer; the traffic stays as it is. Waiting …");
      await delay(WAIT_MS);
    }
  }
}

const historyText = ({ atMs, label, by, reason }: DeployDetail["history"][number]): string =>
  `${timeOf(atMs)}  ${label}${by === null ? "" : ` (${by})`}: ${reason}`;

function statusText({ deploy, waitsFor, live }: DeployDetail): string {
  const lanes = live?.lanes
    ? ` · blue ${live.lanes.blue.requests} requests, ${live.lanes.blue.errors} errors · green ${live.lanes.green.requests}, ${live.lanes.green.errors}`
    : "";
  const waits = waitsFor === null || waitsFor === "" ? "" : ` · ${waitsFor}`;
  const paused = deploy.paused === null ? "" : " · paused";
  return `${deploy.workload} → ${deploy.release} ${deploy.label} (${percent(deploy.shareBp)})${paused}${lanes}${waits}`;
}
