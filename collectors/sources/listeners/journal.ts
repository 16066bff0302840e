import { z } from "zod";

import { sourceKind } from "#collectors/configured/source-kind.ts";

import { listenerAddress, listenerPort } from "./listener-fields.ts";

/** The journal of systemd. */
export const journalKind = sourceKind({
  kind: "journal",
  title: "systemd journal",
  summary: "A port for the journal, from journalctl -o export or systemd-journal-upload",
  schema: z.strictObject({
    transport: z.enum(["tcp", "http"]).default("tcp").meta({
      title: "Over",
      description:
        "tcp for journalctl -o export -f | nc 127.0.0.1 19531, http for systemd-journal-upload.",
    }),
    port: listenerPort(19_531),
    address: listenerAddress(),
  }),
  listener: ({ transport, port, address: host }, source) => ({
    source,
    protocol: transport === "tcp" ? "journal+tcp" : "journal+http",
    listenOn: { host, port },
  }),
});
