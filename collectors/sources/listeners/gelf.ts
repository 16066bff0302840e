import { z } from "zod";

import { sourceKind } from "#collectors/configured/source-kind.ts";

import { listenerAddress, listenerPort } from "./listener-fields.ts";

/** GELF as Docker's log driver and Graylog's libraries send it. */
export const gelfKind = sourceKind({
  kind: "gelf",
  title: "GELF",
  summary: "A port for Graylog's format, as from Docker's log driver: UDP or TCP",
  schema: z.strictObject({
    transport: z.enum(["udp", "tcp"]).default("udp").meta({
      title: "Over",
      description: "UDP loses events when either side is overloaded; over TCP senders wait.",
    }),
    port: listenerPort(12_201),
    address: listenerAddress(),
  }),
  listener: ({ transport, port, address: host }, source) => ({
    source,
    protocol: transport === "udp" ? "gelf+udp" : "gelf+tcp",
    listenOn: { host, port },
  }),
});
