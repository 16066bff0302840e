import { z } from "zod";

import { cloudWatchMessage } from "../formats/aws/cloudwatch.ts";
import { headText, type FindEnvelope } from "./envelope.ts";

const HEAD_LENGTH_MAX = 128;
/** Ids are decimal numbers of 56 digits. */
const BEGINNING = /^\{"id":[ \t]{0,8}"\d{20,64}"[ \t]{0,8},[ \t]{0,8}"timestamp"/;

const LogEvent = z.object({ id: z.string(), timestamp: z.number(), message: z.string() });

/** An event of CloudWatch Logs, as a subscription delivers it: `{"id":"3195…","timestamp":1773483072000,"message":"…"}`. */
export const logEvent: FindEnvelope = (line) => {
  if (!BEGINNING.test(headText(line, HEAD_LENGTH_MAX))) return undefined;
  const event = eventIn(Buffer.from(line.bytes.subarray(line.start, line.end)).toString());
  if (!event) return undefined;
  const body = Buffer.from(event.message.replace(/\r?\n$/, ""));
  return {
    body: { bytes: body, start: 0, end: body.length },
    timeMs: event.timestamp,
    fields: { "event.id": event.id },
    fallback: cloudWatchMessage,
  };
};

function eventIn(text: string): z.infer<typeof LogEvent> | undefined {
  try {
    return LogEvent.safeParse(JSON.parse(text)).data;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
