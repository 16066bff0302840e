import { followChannels } from "#platform/channel/sockets.ts";
import { AppError } from "#platform/errors.ts";

import { type AskingEnd, deploysAddress } from "./messages.ts";
import type { DeploysService, Verb } from "./service.ts";

type Input<Of extends Verb> = Parameters<DeploysService[Of]>[0];
type Answer<Of extends Verb> = Awaited<ReturnType<DeploysService[Of]>>;

/** The role `deploys`, as other processes reach it. */
export type Deploys = {
  /** @throws AppError unavailable, with what to do, while the role does not run */
  ask<Of extends Verb>(verb: Of, input: Input<Of>): Promise<Answer<Of>>;
  /** Whether the role is connected. */
  isConnected(): boolean;
  stop(): Promise<void>;
};

/** Longer than any wait for a change of a deploy. */
const ANSWER_MS_MAX = 60_000;
/** The role may just be starting. */
const CONNECT_MS_MAX = 1_500;

type Connection = { ask(verb: Verb, input: unknown): Promise<unknown> };

/** Follows the role of the data folder while it is started, killed and started again. */
export function followDeploys(dataFolder: string, connectMsMax = CONNECT_MS_MAX): Deploys {
  let connection = Promise.withResolvers<Connection>();
  let current: AskingEnd | undefined;
  const following = followChannels(deploysAddress(dataFolder), (channel: AskingEnd) => {
    // A role that is just ending may still be connected.
    if (current !== undefined) connection = Promise.withResolvers();
    current = channel;
    connection.resolve(connectionOf(channel));
    void channel.closed.then(() => {
      if (current !== channel) return undefined;
      current = undefined;
      connection = Promise.withResolvers();
      return undefined;
    });
  });
  return {
    async ask<Of extends Verb>(verb: Of, input: Input<Of>): Promise<Answer<Of>> {
      const open = await withinMs(connectMsMax, connection.promise, notRunning);
      const answered = open.ask(verb, input);
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the other end answers by the type of the verb
      return (await withinMs(ANSWER_MS_MAX, answered, noAnswer)) as Answer<Of>;
    },
    isConnected: () => current !== undefined,
    async stop() {
      await following[Symbol.asyncDispose]();
    },
  };
}

function connectionOf(channel: AskingEnd): Connection {
  const waiting = new Map<number, PromiseWithResolvers<unknown>>();
  let calls = 0;
  channel.onMessage((reply) => {
    const call = waiting.get(reply.id);
    waiting.delete(reply.id);
    if ("value" in reply) {
      call?.resolve(reply.value);
      return;
    }
    const { code, message, fields } = reply.error;
    call?.reject(new AppError(code, message, { fields }));
  });
  void channel.closed.then(() => {
    for (const { reject } of waiting.values()) reject(ended());
    return undefined;
  });
  return {
    ask(verb, input) {
      const call = Promise.withResolvers<unknown>();
      calls += 1;
      waiting.set(calls, call);
      channel.post({ id: calls, verb, input });
      return call.promise;
    },
  };
}

async function withinMs<Value>(
  ms: number,
  work: Promise<Value>,
  late: () => AppError,
): Promise<Value> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(late()), ms);
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
}

const notRunning = (): AppError =>
  new AppError(
    "unavailable",
    "The role deploys does not run, so that deploys stand still: the traffic stays as it is. Start it with quarterdeck start, or with quarterdeck role deploys; its log is logs/deploys.log in the data folder.",
    { waitMs: 2_000 },
  );
const ended = (): AppError =>
  new AppError(
    "unavailable",
    "The role deploys ended before it answered: look whether the request took effect, or send it again with the same Idempotency-Key.",
    { waitMs: 2_000 },
  );
const noAnswer = (): AppError =>
  new AppError("unavailable", "The role deploys did not answer in time.", { waitMs: 2_000 });
