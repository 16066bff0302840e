import path from "node:path";

import { type ClosedPort, placeOf, whyNotFree, whyNotFreeSoon } from "../closed-port.ts";
import type { NodeSettings } from "./render-node.ts";

/**
 * The ports at which clients reach the workloads of a node. HAProxy does not start if it cannot bind one of them; a workload whose
 * port another program has is bound to a socket instead to which nobody connects, so that the others are served.
 */
export class ClientPorts {
  readonly #folder: string;
  closed: readonly ClosedPort[] = [];

  /** @param folder that only the user of HAProxy can enter */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /** The settings with which HAProxy can start. */
  usable(settings: NodeSettings): NodeSettings {
    const names = Object.keys(settings.listen);
    const closed = this.closed.map(({ workload }) => [
      workload,
      this.#socketOf(names.indexOf(workload)),
    ]);
    return { ...settings, listen: { ...settings.listen, ...Object.fromEntries(closed) } };
  }

  /** @param own ports that the running process has, which its next configuration may have too */
  async look({ listen }: NodeSettings, own: ReadonlySet<number> | undefined): Promise<void> {
    const all = await Promise.all(
      Object.entries(listen).map(async ([workload, address]): Promise<ClosedPort[]> => {
        const place = placeOf(address);
        if (own?.has(place.port) === true) return [];
        const why = await (own === undefined ? whyNotFreeSoon(place) : whyNotFree(place));
        return why === undefined ? [] : [{ workload, port: place.port, why }];
      }),
    );
    this.closed = all.flat();
  }

  /** Whether one that was closed could be opened now. */
  async canOpen({ listen }: NodeSettings): Promise<boolean> {
    const places = this.closed.flatMap(({ workload }) => listen[workload] ?? []).map(placeOf);
    const whys = await Promise.all(places.map(whyNotFree));
    return whys.includes(undefined);
  }

  /** Its path is short, as the system allows no long one. */
  #socketOf(index: number): string {
    return `unix@${path.join(this.#folder, `closed${index}`)}`;
  }
}
