import type { Drivers } from "../drivers.ts";
import type { Intent } from "../journal/port.ts";

/** Sends the request of an effect. Its intent is durable by now. */
export function perform(drivers: Drivers, { effect, workload, deploy }: Intent): Promise<void> {
  switch (effect.kind) {
    case "edge.apply":
      return drivers.edge.apply(effect.node, workload, effect.config);
    case "edge.close": {
      const { node, colour, overMs } = effect;
      return drivers.edge.closeSessions(node, { workload, colour, overMs });
    }
    case "fleet.ensure": {
      const { colour, release, count } = effect;
      return drivers.fleet.ensure({ workload, colour, release, count, deploy: deploy ?? "" });
    }
    case "one-off.run":
      return drivers.oneOffs.run(effect.token, effect.work);
  }
}
