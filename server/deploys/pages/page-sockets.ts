import type { IncomingMessage } from "node:http";

import type { Namespace, Socket } from "socket.io";

import type { MemberCaller } from "#access/route.ts";
import { type DeploysMessage, DeploysView } from "#dashboards/deploys/live-messages.ts";
import type { Clock } from "#platform/clock.ts";
import { AppError } from "#platform/errors.ts";
import type { Log } from "#platform/log.ts";
import { WAITING_MAX } from "#server/viewers/limits.ts";
import { isRefusal } from "#server/viewers/viewer-deps.ts";

import type { Deploys } from "../follow-deploys.ts";
import { contentOf } from "./page-content.ts";

/** The fleet is read less often, as each read is several requests to it. */
const ROUND_MS = 1_000;
const FLEET_ROUNDS = 3;

export type DeploySocketsDeps = {
  deploys: Pick<Deploys, "ask">;
  /** Who opened the socket. Called again while it is open. @throws AppError unauthenticated */
  callerOf(request: IncomingMessage): Promise<MemberCaller>;
  isDemo(): boolean;
  /** Number of characters that wait to be written to the socket. */
  waitingOf(socket: Socket): number;
  clock: Clock;
  log: Log;
};

/** A page, what it shows, who looks at it, and what it was sent last. */
type Watcher = { socket: Socket; view: DeploysView; caller: MemberCaller; sent: string };

export type DeploySockets = {
  /** Reads again what the members of these sockets may see. */
  recheck(isMeant: (request: IncomingMessage) => boolean): void;
};

/** Pushes the state of deploys, fleet and edge to the pages that show them, whenever it has changed. */
export function openDeploySockets(io: Namespace, deps: DeploySocketsDeps): DeploySockets {
  const watchers = new Map<string, Watcher>();
  let rounds = 0;
  let timer: NodeJS.Timeout | undefined;

  const failed = (error: unknown): void =>
    deps.log.error("a page about deploys cannot be served", { error });

  async function show(socket: Socket, view: DeploysView): Promise<void> {
    try {
      const caller = await deps.callerOf(socket.request);
      if (!socket.connected) return;
      const watcher = { socket, view, caller, sent: "" };
      watchers.set(socket.id, watcher);
      schedule();
      await send(watcher, deps.deploys);
    } catch (error) {
      if (isRefusal(error)) socket.disconnect();
      else failed(error);
    }
  }

  async function send(watcher: Watcher, deploys: Pick<Deploys, "ask">): Promise<void> {
    const { socket, view } = watcher;
    if (deps.waitingOf(socket) > WAITING_MAX) return;
    const state = await stateOf(watcher, deploys, deps.clock.nowMs());
    const sent = JSON.stringify(state);
    // Another view may have been chosen meanwhile.
    if (watchers.get(socket.id) !== watcher || watcher.sent === sent) return;
    watcher.sent = sent;
    socket.emit("deploys", messageOf(view, state, deps));
  }

  async function round(): Promise<void> {
    rounds += 1;
    const deploys = askedOnce(deps.deploys);
    const isFleetDue = rounds % FLEET_ROUNDS === 0;
    const due = [...watchers.values()].filter(({ view }) => isFleetDue || view.page !== "fleet");
    await Promise.all(due.map((watcher) => send(watcher, deploys).catch(failed)));
  }

  /** The next round begins after the last one, however long that takes. */
  function schedule(): void {
    timer ??= setTimeout(() => {
      void round().finally(() => {
        timer = undefined;
        if (watchers.size > 0) schedule();
      });
    }, ROUND_MS);
  }

  io.on("connection", (socket) => {
    socket.on("view", (message: unknown) => {
      const view = DeploysView.safeParse(message);
      if (view.success) void show(socket, view.data);
    });
    socket.on("disconnect", () => watchers.delete(socket.id));
  });
  return {
    recheck(isMeant) {
      for (const { socket, view } of watchers.values()) {
        if (isMeant(socket.request)) void show(socket, view);
      }
    },
  };
}

const messageOf = (view: DeploysView, state: State, deps: DeploySocketsDeps): DeploysMessage => ({
  ...state,
  view: JSON.stringify(view),
  atMs: deps.clock.nowMs(),
  demo: deps.isDemo(),
});

type State = Pick<DeploysMessage, "content" | "problem">;

async function stateOf(
  { view, caller }: Watcher,
  deploys: Pick<Deploys, "ask">,
  nowMs: number,
): Promise<State> {
  try {
    return { content: await contentOf(view, { caller, nowMs }, deploys), problem: null };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return { content: null, problem: { code: error.code, message: error.message } };
  }
}

/** Pages that show the same share an answer of the role. */
function askedOnce(deploys: Pick<Deploys, "ask">): Pick<Deploys, "ask"> {
  const asked = new Map<string, ReturnType<Deploys["ask"]>>();
  return {
    ask: (verb, input) => {
      const key = `${verb} ${JSON.stringify(input)}`;
      const known = asked.get(key) ?? deploys.ask(verb, input);
      asked.set(key, known);
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the answer of this verb
      return known as ReturnType<typeof deploys.ask<typeof verb>>;
    },
  };
}
