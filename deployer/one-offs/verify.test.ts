import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

import { expect, onTestFinished, test } from "vitest";

import type { FleetColour, FleetDriver } from "../drivers.ts";
import { verify, type VerifyLimits } from "./verify.ts";

const LIMITS: VerifyLimits = { passes: 3, pauseMs: 1, requestMsMax: 5_000, failsMsMax: 10_000 };
const WORK = {
  kind: "verify",
  workload: "web",
  deploy: "d",
  release: "r2",
  colour: "green",
} as const;

/** A fleet with a task of r2 that answers as the server does; reads fail as often as given. */
async function fleetWith(headers: Record<string, string>, failures: number) {
  const server = createServer((_request, response) => {
    response.writeHead(200, headers);
    response.end();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it listens on a port
  const { port } = server.address() as AddressInfo;
  const task = { id: "t", address: `127.0.0.1:${port}`, release: "r2" };
  const colour: FleetColour = {
    release: "r2",
    deploy: "d",
    desired: 1,
    rollout: "completed",
    failedTasks: 0,
    tasks: [{ ...task, status: "running", healthy: true }],
  };
  let left = failures;
  const read: FleetDriver["read"] = () => {
    left -= 1;
    if (left >= 0) return Promise.reject(new Error("Rate exceeded"));
    return Promise.resolve({ blue: colour, green: colour });
  };
  return { fleet: { read }, checkPathOf: () => "/healthz" };
}

test("AWS API throttled: a fleet that does not answer for a while fails no release", async () => {
  const deps = await fleetWith({ "x-release": "r2" }, 3);
  await expect(verify(WORK, { ...deps, limits: LIMITS })).resolves.toBeUndefined();
});

test("a fleet that never answers, and a task of another release, fail it with the reason", async () => {
  const silent = await fleetWith({}, Infinity);
  const limits = { ...LIMITS, failsMsMax: 20 };
  await expect(verify(WORK, { ...silent, limits })).rejects.toThrow("Rate exceeded");
  const other = await fleetWith({ "x-release": "r1" }, 0);
  await expect(verify(WORK, { ...other, limits: LIMITS })).rejects.toThrow(/runs r1, not r2/);
});
