import { z } from "zod";

import { type Colour, COLOURS } from "#deployer/drivers.ts";

/** What a client got, as the access log of an edge node has it. */
export type Served = {
  /** End of the response; epoch ms. */
  timeMs: number;
  workload: string;
  colour: Colour;
  isError: boolean;
  /** From the complete request to the head of the response; undefined for tunnels, and without any response. */
  latencyMs: number | undefined;
  cache: "hit" | "miss" | "pass" | undefined;
};

const SWITCHING_PROTOCOLS = 101;
const SERVER_ERRORS_FROM = 500;

const Line = z.object({
  time: z.number(),
  workload: z.string(),
  lane: z.enum(COLOURS),
  status: z.number(),
  /** How it ended; the first letter tells who ended it early. */
  ts: z.string(),
  Tw: z.number(),
  Tc: z.number(),
  Tr: z.number(),
  cache: z.enum(["hit", "miss", "pass"]).optional().catch(undefined),
});
type Line = z.infer<typeof Line>;

/** Undefined for lines that are no requests, and for requests that the client itself has broken off. */
export function parseAccessLine(text: string): Served | undefined {
  const { data: line } = Line.safeParse(text.startsWith("{") ? jsonIn(text) : undefined);
  if (line === undefined) return undefined;
  const { time, workload, lane, status, ts, cache } = line;
  if (status <= 0 && /^[cC]/.test(ts)) return undefined;
  const latencyMs = latencyOf(line);
  const isError = isErrorOf(status, ts);
  return { timeMs: time, workload, colour: lane, isError, latencyMs, cache };
}

/** Also a response that a server has not completed. Tunnels end in any way. */
function isErrorOf(status: number, end: string): boolean {
  if (status <= 0 || status >= SERVER_ERRORS_FROM) return true;
  return status !== SWITCHING_PROTOCOLS && /^[sS]/.test(end);
}

/** Times in the queue, of the connection, and until the head of the response; -1 if it was not reached. */
function latencyOf({ status, Tw, Tc, Tr }: Line): number | undefined {
  if (status === SWITCHING_PROTOCOLS || Tr < 0) return undefined;
  return Math.max(0, Tw) + Math.max(0, Tc) + Tr;
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
