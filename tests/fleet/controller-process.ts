import { setTimeout as delay } from "node:timers/promises";

import type { Drivers } from "#deployer/drivers.ts";

import { openController, WORKLOAD } from "./controller.ts";
import type { Call, Reply } from "./killed-controller.ts";

/*
 * A controller in a process of its own, which a test kills: controller-process.ts FOLDER. The test has its drivers. It
 * ends when there is no deploy any more.
 */

const POLL_MS = 20;

const waiting: PromiseWithResolvers<unknown>[] = [];

process.on("message", ({ id, value, error }: Reply) => {
  if (error === undefined) waiting[id]?.resolve(value);
  else waiting[id]?.reject(new Error(error));
});
process.on("disconnect", () => process.exit(1));

async function call<Value>(driver: Call["driver"], verb: string, args: unknown[]): Promise<Value> {
  const reply = Promise.withResolvers<unknown>();
  const id = waiting.push(reply) - 1;
  process.send?.({ id, driver, verb, args } satisfies Call);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the other side has the same types
  return (await reply.promise) as Value;
}

const drivers: Drivers = {
  fleet: {
    read: (...args) => call("fleet", "read", args),
    ensure: (...args) => call("fleet", "ensure", args),
  },
  edge: {
    nodes: (...args) => call("edge", "nodes", args),
    read: (...args) => call("edge", "read", args),
    apply: (...args) => call("edge", "apply", args),
    closeSessions: (...args) => call("edge", "closeSessions", args),
  },
  oneOffs: {
    read: (...args) => call("oneOffs", "read", args),
    run: (...args) => call("oneOffs", "run", args),
  },
  traffic: { read: (...args) => call("traffic", "read", args) },
};

const [folder = "."] = process.argv.slice(2);
const { deployer, close } = await openController(folder, drivers);
for (;;) {
  const { active, queue } = deployer.status(WORKLOAD);
  if (active === undefined && queue.length === 0) break;
  await delay(POLL_MS);
}
await close();
process.exit(0);
