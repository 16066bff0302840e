import { listenForChannels } from "#platform/channel/sockets.ts";
import { AppError } from "#platform/errors.ts";
import type { Log } from "#platform/log.ts";

import {
  type DeploysCall,
  type DeploysReply,
  deploysAddress,
  type ServingEnd,
} from "./messages.ts";
import type { DeploysService } from "./service.ts";

/** Answers other processes of the same user on the same data folder. @throws AppError when they cannot connect */
export const serveDeploys = (
  dataFolder: string,
  service: DeploysService,
  log: Log,
): Promise<AsyncDisposable> =>
  listenForChannels(deploysAddress(dataFolder), (channel: ServingEnd) => {
    channel.onMessage((call) => {
      void answer(service, call, log).then((reply) => channel.post(reply));
    });
  });

async function answer(
  service: DeploysService,
  { id, verb, input }: DeploysCall,
  log: Log,
): Promise<DeploysReply> {
  try {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the other end has the type of this verb
    const call = service[verb] as (of: unknown) => Promise<unknown>;
    return { id, value: await call(input) };
  } catch (error) {
    if (error instanceof AppError) {
      const { code, message, fields } = error;
      return { id, error: { code, message, fields } };
    }
    log.error("a request of another process failed", { error, verb });
    const message = "The role deploys failed: its log, logs/deploys.log, has the details.";
    return { id, error: { code: "unavailable", message, fields: [] } };
  }
}
