import { setTimeout as delay } from "node:timers/promises";

import type { Channel } from "#platform/channel/port.ts";
import { systemClock } from "#platform/clock.ts";

import { openAccessLines } from "./access-lines.ts";
import type { Question, Reply, Verb, Verbs } from "./control.ts";
import { Front } from "./front.ts";
import type { NodeSettings } from "./node-settings.ts";
import { RunningWorkload } from "./running-workload.ts";
import { EdgeConfigSchema, SavedConfig } from "./saved-config.ts";

/** How long clients wait at most for the first checks after a start. */
const DECIDE_MS_MAX = 2_000;

/** Accepts connections of deployers until it is disposed. */
type Listen = (accept: (channel: Channel<Question, Reply>) => void) => Promise<AsyncDisposable>;
type Held = { running: RunningWorkload; saved: SavedConfig };

/**
 * A node of the local edge: it serves what it saved last, as soon as it has checked the tasks. Then it does what it is
 * told on its socket.
 * @throws AppError when a port is in use
 */
export async function openEdgeNode(
  settings: NodeSettings,
  listen: Listen,
): Promise<AsyncDisposable> {
  const { id, dataFolder } = settings;
  await using opened = new AsyncDisposableStack();
  const lines = openAccessLines(dataFolder, id);
  opened.defer(() => lines.close());
  const workloads = new Map<string, Held>();
  for (const workload of settings.workloads) {
    const saved = new SavedConfig(dataFolder, id, workload.name);
    const running = new RunningWorkload(workload, settings);
    opened.defer(() => running.stop());
    const config = saved.read();
    const why = config && running.refusal(config);
    if (why !== undefined) throw new Error(`the saved configuration of ${workload.name}: ${why}`);
    if (config !== undefined) running.change(config);
    workloads.set(workload.name, { running, saved });
  }
  opened.use(await listen(answerer(workloads)));
  const decided = [...workloads.values()].map(({ running }) => running.decided());
  await Promise.race([Promise.all(decided), delay(DECIDE_MS_MAX, undefined, { ref: false })]);
  const fronts: Front[] = [];
  opened.defer(async () => {
    await Promise.all(fronts.map((front) => front.stop()));
  });
  for (const { name, port } of settings.workloads) {
    const running = workloads.get(name)?.running;
    if (running === undefined) continue;
    const front = new Front(running, settings, lines);
    await front.listen(port);
    fronts.push(front);
  }
  return opened.move();
}

/** One change after the other, as each is saved before it is made. */
function answerer(
  workloads: ReadonlyMap<string, Held>,
): (channel: Channel<Question, Reply>) => void {
  let changes = Promise.resolve();
  async function answer(question: Question): Promise<Verbs[Verb]["output"]> {
    const held = workloads.get(question.workload);
    if (held === undefined) throw new Error(`has no workload ${question.workload}`);
    const { running } = held;
    switch (question.verb) {
      case "read":
        return running.view;
      case "apply": {
        const change = changes.then(() => apply(held, question.input));
        changes = change.catch(() => undefined);
        return change.then(() => undefined);
      }
      case "closeSessions":
        running.closeSessions(question.input.colour, question.input.overMs);
        return undefined;
      case "counts":
        return running.tallies(question.input.fromMs, systemClock.nowMs());
    }
  }
  return (channel) => {
    channel.onMessage((question) => {
      const fail = (error: unknown): void =>
        channel.post({
          id: question.id,
          error: error instanceof Error ? error.message : String(error),
        });
      answer(question).then((output) => channel.post({ id: question.id, output }), fail);
    });
  };
}

async function apply({ running, saved }: Held, config: unknown): Promise<void> {
  const wanted = EdgeConfigSchema.parse(config);
  const why = running.refusal(wanted);
  if (why !== undefined) throw new Error(why);
  if (wanted.version === running.version) return;
  await saved.write(wanted);
  running.change(wanted);
}
