import { expect, test, vi } from "vitest";

import { testDeploy } from "#deployer/journal/testing-records.ts";
import { enter } from "#deployer/machine/move.ts";
import { openMemoryBus } from "#pipeline/bus/memory-bus.ts";
import type { BusProducer } from "#pipeline/bus/port.ts";
import { AppError } from "#platform/errors.ts";
import { silentLog } from "#platform/log.ts";

import { DeployEvents } from "./deploy-events.ts";
import { templateEvents } from "./views/edge-event.ts";

const nowMs = Date.now();

/** A deploy that begins now. */
const queued = () => {
  const deploy = testDeploy("dep_1", "queued");
  return { ...deploy, history: deploy.history.map((it) => ({ ...it, atMs: nowMs })) };
};

/** The events in the bus, oldest first. */
async function written(bus: Pick<BusProducer, "recent">): Promise<Record<string, unknown>[]> {
  const events: Record<string, unknown>[] = [];
  for await (const { lines } of bus.recent()) {
    const texts = Buffer.from(lines).toString("utf8").trim().split("\n");
    events.push(...texts.map((it): Record<string, unknown> => JSON.parse(it)));
  }
  return events;
}

test("each line of a history is written once, also by the process after a kill", async () => {
  await using bus = openMemoryBus()();
  const first = await DeployEvents.open(bus, silentLog());
  const one = queued();
  const two = enter(one, { to: "waiting", reason: "It is its turn." }, nowMs + 1);
  first.add({ deploys: [one] });
  first.add({ deploys: [two] });
  await first.written(two);
  const next = await DeployEvents.open(bus, silentLog());
  const three = enter(
    two,
    { to: "aborted", outcome: "aborted", reason: "no", by: "ana" },
    nowMs + 2,
  );
  await next.written(three);
  const events = await written(bus);
  expect(events.map((it) => [it["event.action"], it["event.outcome"]])).toEqual([
    ["deploy-queued", undefined],
    ["deploy-waiting", undefined],
    ["deploy-aborted", "failure"],
  ]);
  expect(events[2]).toMatchObject({
    "data_stream.dataset": "quarterdeck.deploys",
    "event.kind": "event",
    "event.type": ["end"],
    "service.name": "billing",
    "service.version": "release of dep_1",
    "user.name": "ana",
    "labels.deploy": "dep_1",
  });
  expect(new Set(events.map((it) => it["event.id"])).size).toBe(3);
});

test("what the bus refuses is written later, in order, and old lines are not written again", async () => {
  await using bus = openMemoryBus()();
  const append = vi.fn<BusProducer["append"]>(bus.append.bind(bus));
  append.mockRejectedValueOnce(new AppError("unavailable", "the disk is full"));
  const events = await DeployEvents.open({ append, recent: () => bus.recent() }, silentLog());
  events.add({ deploys: [testDeploy("dep_old", "queued")] });
  const deploy = queued();
  events.add({ deploys: [deploy] });
  await events.written(enter(deploy, { to: "waiting", reason: "" }, nowMs + 1));
  expect((await written(bus)).map((it) => it["event.action"])).toEqual([
    "deploy-queued",
    "deploy-waiting",
  ]);
});

test("a configuration of the edge is two events with its author and reason, each once", async () => {
  await using bus = openMemoryBus()();
  const events = await DeployEvents.open(bus, silentLog());
  const begun = {
    number: 3,
    hash: "a",
    author: "ada",
    reason: "longer timeouts",
    atMs: nowMs,
    repeats: null,
    state: "applying",
    endedMs: null,
    failure: null,
  } as const;
  const failure = "lb2: it has ended";
  const ended = { ...begun, state: "went-back", endedMs: nowMs + 1, failure } as const;
  for (const version of [begun, ended, ended]) events.addEvents(templateEvents(version));
  await expect.poll(() => written(bus)).toHaveLength(2);
  expect(await written(bus)).toMatchObject([
    {
      "data_stream.dataset": "quarterdeck.deploys",
      "event.action": "edge-configuration-applying",
      "event.reason": "longer timeouts",
      "user.name": "ada",
    },
    {
      "event.action": "edge-configuration-went-back",
      "event.outcome": "failure",
      message: "The edge went back from configuration 3: lb2: it has ended",
    },
  ]);
});
