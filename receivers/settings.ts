import { hostSettings } from "#platform/http/settings.ts";
import { portNumber } from "#platform/settings/schemas.ts";
import type { SettingGroup, SettingsOf } from "#platform/settings/settings.ts";

import { socketSettings } from "./sockets/settings.ts";

/** Where senders can push logs. Without a port nothing listens. */
export const receiverSettings = {
  pushPort: {
    variable: "QUARTERDECK_PUSH_PORT",
    schema: portNumber,
    description:
      "Port on which logs can be pushed over HTTP with a token (quarterdeck token --help); 0 means any free port. Default: off.",
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
