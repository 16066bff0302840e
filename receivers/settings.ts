import { z } from "zod";

import { hostSettings } from "#platform/http/settings.ts";
import { portNumber } from "#platform/settings/schemas.ts";
import type { SettingGroup, SettingsOf } from "#platform/settings/settings.ts";

import { hasSockets } from "./sockets/open-sockets.ts";
import { socketSettings } from "./sockets/settings.ts";

const AUTO = { port: 4_680, ifTaken: "next" } as const;

const pushPort = z.union(
  [
    z.literal("off"),
    z.literal("auto").transform(() => AUTO),
    portNumber.transform((port) => ({ port, ifTaken: "fail" as const })),
  ],
  { error: "give a port number from 0 to 65535, auto or off" },
);

/** Where senders can push logs. */
export const receiverSettings = {
  pushPort: {
    variable: "QUARTERDECK_PUSH_PORT",
    schema: pushPort,
    default: "auto",
    description:
      "Port on which logs can be pushed over HTTP with a token (quarterdeck token --help); 0 means any free port, auto 4680 or the next free one, off none.",
  },
  pushHost: {
    ...hostSettings.host,
    variable: "QUARTERDECK_PUSH_HOST",
    description:
      "Address on which pushed logs are received. The default accepts connections from this machine only; use a TLS proxy for access from others.",
  },
  ...socketSettings,
} satisfies SettingGroup;

export type ReceiverSettings = SettingsOf<typeof receiverSettings>;

/** Whether a setting names a receiver, so that logs are expected to be pushed. */
export const namesReceivers = (settings: ReceiverSettings): boolean =>
  hasSockets(settings) || (settings.pushPort !== "off" && settings.pushPort.ifTaken === "fail");
