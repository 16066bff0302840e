import type { Channel } from "#platform/channel/port.ts";

import { openAccessLines } from "./access-lines.ts";
import type { Question, Reply, Verb, Verbs } from "./control.ts";
import type { NodeSettings } from "./node-settings.ts";
import { EdgeConfigSchema } from "./saved-config.ts";
import { type Served, ServedWorkloads } from "./served-workloads.ts";

/** After it, what is still open when the node stops is cut. */
const STOP_MS_MAX = 5_000;

/** Accepts connections of deployers until it is disposed. */
type Listen = (accept: (channel: Channel<Question, Reply>) => void) => Promise<AsyncDisposable>;

/**
 * A node of the local edge: it serves what it saved last, as soon as it has checked the tasks. Then it does what it is
 * told on its socket.
 */
export async function openEdgeNode(
  settings: NodeSettings,
  listen: Listen,
): Promise<AsyncDisposable> {
  const { id, dataFolder } = settings;
  await using opened = new AsyncDisposableStack();
  const lines = openAccessLines(dataFolder, id);
  opened.defer(() => lines.close());
  const workloads = new ServedWorkloads(settings, lines);
  opened.defer(() => workloads.stop(STOP_MS_MAX));
  opened.use(await listen(answerer(workloads)));
  await workloads.listen();
  return opened.move();
}

/** One change after the other, as each is saved before it is made. */
function answerer(workloads: ServedWorkloads): (channel: Channel<Question, Reply>) => void {
  let changes = Promise.resolve();
  const inTurn = (work: () => Promise<void>): Promise<undefined> => {
    const change = changes.then(work);
    changes = change.catch(() => undefined);
    return change.then(() => undefined);
  };
  async function answer(question: Question): Promise<Verbs[Verb]["output"]> {
    if (question.verb === "serve") return inTurn(() => workloads.serve(question.input));
    if (question.verb === "closed") return workloads.closed;
    const held = workloads.find(question.workload);
    if (held === undefined) throw new Error(`has no workload ${question.workload}`);
    const { running } = held;
    switch (question.verb) {
      case "read":
        return running.view;
      case "apply":
        return inTurn(() => apply(held, question.input));
      case "closeSessions":
        running.closeSessions(question.input.colour, question.input.overMs);
        return undefined;
      case "counts":
        return running.traffic.tallies(running.name, question.input.fromMs);
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

async function apply({ running, saved }: Served, config: unknown): Promise<void> {
  const wanted = EdgeConfigSchema.parse(config);
  const why = running.refusal(wanted);
  if (why !== undefined) throw new Error(why);
  if (wanted.version === running.version) return;
  await saved.write(wanted);
  running.change(wanted);
}
