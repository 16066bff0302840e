import type { Channel, ChannelAddress } from "#platform/channel/port.ts";
import type { ErrorCode, FieldError } from "#platform/errors.ts";

import type { Verb } from "./service.ts";

/** Between the role `deploys` and those that ask it something. */
export type DeploysCall = { id: number; verb: Verb; input: unknown };
export type DeploysReply = { id: number } & (
  | { value: unknown }
  | { error: { code: ErrorCode; message: string; fields: readonly FieldError[] } }
);

/** The ends of the channel. */
export type ServingEnd = Channel<DeploysCall, DeploysReply>;
export type AskingEnd = Channel<DeploysReply, DeploysCall>;

export const deploysAddress = (dataFolder: string): ChannelAddress => ({
  dataFolder,
  name: "deploys",
  protocol: "quarterdeck deploys 1",
});
