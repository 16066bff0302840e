import { expect, test } from "vitest";

import { testBilling } from "../simulation/testing-deployer.ts";

/** Lines of the failure matrix (docs/deploys.md) that are about the deployer itself. */

test("Journal unavailable: nothing is sent, the traffic stays as it is, and the deploy goes on afterwards", async () => {
  const { release, request, state, after, journal, shares, world } = await testBilling();
  await release("r1");
  const id = await request("r2");
  await state(id, "analysing");
  const before = shares("blue");
  const seen = world.log.length;
  const works = { commit: journal.commit.bind(journal), load: journal.load.bind(journal) };
  const fails = () => Promise.reject(new Error("the database is down"));
  Object.assign(journal, { commit: fails, load: fails });
  await after(20_000);
  expect(shares("blue")).toEqual(before);
  expect(world.log.slice(seen).filter((line) => /lb\d v\d|fleet|runs/.test(line))).toEqual([]);
  Object.assign(journal, works);
  await state(id, "succeeded");
});

test("Node confirmed dead: the deploy goes on without it, and it serves again only with the current configuration", async () => {
  const { release, request, state, after, edge } = await testBilling();
  await release("r1");
  const id = await request("r2");
  await state(id, "analysing");
  const [first, dead] = [...edge.nodes.values()];
  if (first === undefined || dead === undefined) throw new Error("there are two nodes");
  edge.retire(dead);
  await state(id, "succeeded");
  expect(dead.running.route.live).toBe("green");
  edge.comeBack(dead);
  await after(10_000);
  expect(dead.isInService).toBe(true);
  expect(dead.running.route).toEqual(first.running.route);
});

test("Runtime API of one node fails: the deploy is held with both colours, and goes on when a person resumes it", async () => {
  const { release, request, command, state, after, edge, counts } = await testBilling();
  await release("r1");
  const id = await request("r2");
  await state(id, "baking");
  const [, cutOff] = edge.nodes.values();
  if (cutOff === undefined) throw new Error("there are two nodes");
  cutOff.cutOffUntilMs = Infinity;
  const { reason } = await state(id, "held");
  expect(reason).toMatch(/edge nodes can be read.*Nothing moves until a person decides: resume/);
  await after(60_000);
  expect(counts()).toEqual({ r1: 2, r2: 2 });
  cutOff.cutOffUntilMs = 0;
  await command(id, "resume");
  await state(id, "succeeded");
});

test("First release that fails with all traffic: it is held, and abort stops its tasks, so that another can follow", async () => {
  const { request, release, command, state, counts, shares } = await testBilling();
  const id = await request("r1");
  await state(id, "baking");
  await command(id, "abort");
  await state(id, "aborted");
  expect(counts()).toEqual({});
  expect(shares("green")).toEqual([0, 0]);
  await release("r2");
  expect(counts()).toEqual({ r2: 2 });
});
