import {
  type Colour,
  COLOURS,
  type EdgeConfig,
  type NodeView,
  type Slot,
  type SlotView,
} from "#deployer/drivers.ts";
import { AppError } from "#platform/errors.ts";

import {
  addressOf,
  backendOf,
  parseRoute,
  ROUTE_MAP,
  routeValue,
  rowOf,
  serverOf,
  TEMPLATE_VARIABLE,
} from "./render-node.ts";
import {
  parseMapEntry,
  parseProcesses,
  parseServersState,
  parseSessions,
  parseStat,
  sessionsByServer,
} from "./replies.ts";
import type { RuntimeApi, Worker } from "./runtime-api.ts";
import { type Command, slotCommands } from "./slot-commands.ts";

type Row = ReturnType<typeof parseRoute>;
type OpenSession = { worker: Worker; id: string };
type Slots = Record<Colour, SlotView[]>;

/** What the current worker runs with, and those that earlier configurations have left behind. */
export type Current = Row & { worker: Worker; old: Worker[]; slots: Slots };

type WorkerChange = {
  workload: string;
  config: EdgeConfig;
  /** That the worker has until all of it is done. */
  version: number;
  running: Slots;
  /** Whether it has health checks. */
  isChecked: boolean;
};

/** The processes of a node, through their runtime API. What it returns was read from them just now. */
export class RunningNode {
  readonly #name: string;
  readonly #api: RuntimeApi;

  constructor(name: string, api: RuntimeApi) {
    this.#name = name;
    this.#api = api;
  }

  async processes(): Promise<{ current: Worker; old: Worker[]; failedReloads: number }> {
    const { current, old, failedReloads } = parseProcesses(await this.#api.master("show proc"));
    if (current === undefined) throw new AppError("unavailable", `${this.#name} has no worker.`);
    return { current: { pid: current }, old: old.map((pid) => ({ pid })), failedReloads };
  }

  /** The route and the version that a worker runs with; undefined if it does not know the workload. */
  async route(worker: Worker, workload: string): Promise<Row | undefined> {
    return routeIn(await this.#api.read(worker, routeCommand(workload)));
  }

  /** The hash of the template that a worker runs with; undefined if it does not know. */
  async template(worker: Worker): Promise<string | undefined> {
    const reply = await this.#api.read(worker, `show env ${TEMPLATE_VARIABLE}`);
    return new RegExp(`^${TEMPLATE_VARIABLE}=(\\w+)$`, "m").exec(reply)?.[1];
  }

  async view(workload: string): Promise<NodeView> {
    const { old, slots, ...row } = await this.current(workload);
    const left = await Promise.all(old.map((worker) => this.#sessionsLeft(worker, workload)));
    const withLeft = (colour: Colour): SlotView[] =>
      slots[colour].map((slot) => ({
        ...slot,
        sessions: left.reduce(
          (sum, sessions) => sum + (sessions.get(`${colour} ${slot.address}`) ?? 0),
          slot.sessions,
        ),
      }));
    const { version, route, releases } = row;
    return {
      version,
      route,
      releases,
      slots: { blue: withLeft("blue"), green: withLeft("green") },
    };
  }

  /** What the current worker runs with; the sessions of its slots are its own. */
  async current(workload: string): Promise<Current> {
    const { current: worker, old } = await this.processes();
    // The route first, so that the slots are at least as new as the version says.
    const commands = [routeCommand(workload), ...slotsCommands(workload)];
    const [route = "", ...states] = await this.#api.readAll(worker, commands);
    const row = routeIn(route);
    if (row === undefined) throw new AppError("unavailable", `${this.#name} lacks ${workload}.`);
    return { worker, old, ...row, slots: slotsIn(states) };
  }

  /** The slots of both colours. */
  async slots(worker: Worker, workload: string): Promise<Slots> {
    return slotsIn(await this.#api.readAll(worker, slotsCommands(workload)));
  }

  /** By colour and address, because an earlier configuration had other tasks in its slots. */
  async #sessionsLeft(worker: Worker, workload: string): Promise<Map<string, number>> {
    const sessions = new Map<string, number>();
    try {
      const slots = await this.#slotsOfOld(worker, workload);
      for (const colour of COLOURS) {
        for (const slot of slots[colour]) {
          const key = `${colour} ${slot.address}`;
          sessions.set(key, (sessions.get(key) ?? 0) + slot.sessions);
        }
      }
    } catch (error) {
      if (await this.#isThere(worker)) throw error;
    }
    return sessions;
  }

  /** None for a workload that was added after the worker had started. */
  async #slotsOfOld(worker: Worker, workload: string): Promise<Slots> {
    const isKnown = (await this.route(worker, workload)) !== undefined;
    return isKnown ? this.slots(worker, workload) : { blue: [], green: [] };
  }

  async #isThere({ pid }: Worker): Promise<boolean> {
    const { current, old } = await this.processes();
    return [current, ...old].some((worker) => worker.pid === pid);
  }

  /**
   * Slots that enter, the route, slots that leave, and at last the version, after it was read that all of it is so. Each
   * question is a turn of a busy HAProxy that a way back waits for, so there are few.
   * @throws AppError unavailable; some of it may have taken effect
   */
  async change(workload: string, config: EdgeConfig, before: Current): Promise<void> {
    const { worker, old, version } = before;
    const wanted = { workload, config, version };
    const [changed] = await Promise.allSettled([
      this.#changeWorker(worker, { ...wanted, running: before.slots, isChecked: true }),
      // Requests of connections that were kept alive may still come through these. One may end at any time, and an
      // earlier configuration may lack slots.
      ...old.map(async (it) => {
        const running = await this.slots(it, workload);
        await this.#changeWorker(it, { ...wanted, running, isChecked: false });
      }),
    ]);
    if (changed.status === "rejected") throw changed.reason;
    const slots = changed.value;
    for (const colour of COLOURS) {
      const wrong = config.slots[colour].findIndex((slot, at) => !isSame(slot, slots[colour][at]));
      if (wrong !== -1) throw this.#differs(`${backendOf(workload, colour)}/${serverOf(wrong)}`);
    }
    await this.#setRoute(worker, workload, { value: routeValue(rowOf(config)), reads: [] });
  }

  /** @returns the slots that it has then */
  async #changeWorker(worker: Worker, it: WorkerChange): Promise<Slots> {
    const { workload, config, version, running, isChecked } = it;
    const commands = COLOURS.map((colour) => {
      const both = { running: running[colour], wanted: config.slots[colour] };
      return slotCommands(backendOf(workload, colour), both, isChecked);
    });
    const entering = commands.flatMap((its) => its.entering);
    const leaving = commands.flatMap((its) => its.leaving);
    await this.#run(worker, entering);
    const value = routeValue({ ...rowOf(config), version });
    const states = await this.#setRoute(worker, workload, {
      value,
      reads: slotsCommands(workload),
    });
    if (leaving.length === 0) return slotsIn(states);
    await this.#run(worker, leaving);
    return this.slots(worker, workload);
  }

  async #run(worker: Worker, commands: readonly Command[]): Promise<void> {
    for (const { text, expected } of commands) await this.#api.write(worker, text, expected);
  }

  /** @returns the replies to `reads`, after the route was read as it was set */
  async #setRoute(
    worker: Worker,
    workload: string,
    { value, reads }: { value: string; reads: readonly string[] },
  ): Promise<string[]> {
    const command = `set map ${ROUTE_MAP} ${workload} ${value}`;
    const read = [routeCommand(workload), ...reads];
    const [reply = "", ...states] = await this.#api.writeAndRead(worker, command, read);
    const row = routeIn(reply);
    if (row === undefined || routeValue(row) !== value) {
      throw this.#differs(`the route of ${workload}`);
    }
    return states;
  }

  #differs(what: string): AppError {
    return new AppError("unavailable", `${this.#name}: ${what} is not as it was set.`);
  }

  /** Of slots that are in `drain`, the oldest first. */
  async drainedSessions(workload: string, colour: Colour): Promise<OpenSession[]> {
    const { current, old } = await this.processes();
    const backend = backendOf(workload, colour);
    const { [colour]: slots } = await this.slots(current, workload);
    const drained = new Set(
      slots.flatMap(({ state, address }) => (state === "drain" ? [address] : [])),
    );
    const sessions: OpenSession[] = [];
    for (const worker of [...old, current]) {
      const its = worker === current ? slots : (await this.#slotsOfOld(worker, workload))[colour];
      const servers = new Set(
        its.flatMap(({ address }, at) => (drained.has(address) ? [serverOf(at)] : [])),
      );
      if (servers.size === 0) continue;
      const open = parseSessions(await this.#api.read(worker, "show sess"));
      for (const session of open) {
        if (session.backend === backend && servers.has(session.server))
          sessions.push({ worker, id: session.id });
      }
    }
    return sessions;
  }

  async closeSession({ worker, id }: OpenSession): Promise<void> {
    await this.#api.write(worker, `shutdown session ${id}`, /No such session/);
  }
}

const isSame = (wanted: Slot, slot: Slot | undefined): boolean =>
  slot?.address === wanted.address && slot.state === wanted.state;

const routeCommand = (workload: string): string => `get map ${ROUTE_MAP} ${workload}`;

/** The row of the reply to it; undefined if the worker does not know the workload. */
function routeIn(reply: string): Row | undefined {
  const value = parseMapEntry(reply);
  return value === undefined ? undefined : parseRoute(value);
}

/** For both colours, what `slotsIn` reads. */
const slotsCommands = (workload: string): string[] =>
  COLOURS.map((colour) => backendOf(workload, colour)).flatMap((backend) => [
    `show servers state ${backend}`,
    `show stat ${backend} 4 -1`,
  ]);

const slotsIn = ([
  blueState = "",
  blueStat = "",
  greenState = "",
  greenStat = "",
]: readonly string[]) => ({
  blue: slotViews(blueState, blueStat),
  green: slotViews(greenState, greenStat),
});

function slotViews(state: string, stat: string): SlotView[] {
  const servers = new Map(parseServersState(state).map((it) => [it.server, it]));
  const sessions = sessionsByServer(parseStat(stat));
  const slots: SlotView[] = [];
  for (let index = 0; ; index += 1) {
    const server = servers.get(serverOf(index));
    if (server === undefined) return slots;
    const drained = server.isDraining ? "drain" : "ready";
    slots.push({
      address: addressOf(server),
      state: server.isInMaintenance ? "maint" : drained,
      up: !server.isInMaintenance && server.isUp && server.isChecked,
      sessions: sessions.get(server.server) ?? 0,
    });
  }
}
