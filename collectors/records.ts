import { z } from "zod";

const [QUOTE, BACKSLASH, COMMA, SPACE] = [0x22, 0x5c, 0x2c, 0x20];
const [OPEN, CLOSE, CLOSE_LIST] = [0x7b, 0x7d, 0x5d];
/** What such an object may begin with. Spaces and tabs may be between the parts. */
const BEGINNING = /^\{[ \t]{0,8}"(?:Records|messageType|owner|logGroup)"[ \t]{0,8}:/;
const RECORDS = /^\{[ \t]{0,8}"Records"[ \t]{0,8}:[ \t]{0,8}\[/;
const LOG_EVENTS = /,[ \t]{0,8}"logEvents"[ \t]{0,8}:[ \t]{0,8}\[/;
const HEAD_BYTES = 4096;
/** Those of their first member. */
const LETTERS = new Set(Buffer.from("Rmol"));

const Subscription = z.object({
  messageType: z.enum(["DATA_MESSAGE", "CONTROL_MESSAGE"]),
  owner: z.string(),
  logGroup: z.string(),
  logStream: z.string(),
});

/** ECS fields that the records of an object have in common. */
export type CommonFields = Readonly<Record<string, string>>;
export type LineRecord = { start: number; end: number; common?: CommonFields | undefined };

/**
 * The records in [start, end) if these are objects with records: files of CloudTrail (`{"Records":[{…},{…}]}`), and what a
 * subscription of CloudWatch Logs delivers (`{"messageType":"DATA_MESSAGE",…,"logEvents":[{…}]}`), also several ones without
 * anything between them. Each record is an event, and so a line of its own. What is no complete object is the last record, so
 * that no byte of it is lost; messages by which CloudWatch Logs tests a destination have none. Undefined for other lines.
 * Takes time linear in the length of the line.
 */
export function recordsIn(bytes: Uint8Array, start: number, end: number): LineRecord[] | undefined {
  let list = listIn(bytes, start, end);
  if (!list) return undefined;
  const records: LineRecord[] = [];
  let at = list.begin;
  while (at < end) {
    const byte = bytes[at] ?? 0;
    const closed: number = byte === CLOSE_LIST ? closedEnd(bytes, at + 1, end) : 0;
    if (byte === COMMA || byte <= SPACE) at += 1;
    else if (closed > 0) {
      const next: List | undefined = listIn(bytes, closed, end);
      if (!next) return closed < end ? [...records, { start: closed, end }] : records;
      list = next;
      at = next.begin;
    } else {
      const next = byte === OPEN ? objectEnd(bytes, at, end) : end;
      if (!list.isTest) records.push({ start: at, end: next, common: list.common });
      at = next;
    }
  }
  return records;
}

/** A list of records: where the first one begins. */
type List = { begin: number; common?: CommonFields; isTest?: boolean };

function listIn(bytes: Uint8Array, start: number, end: number): List | undefined {
  if (bytes[start] !== OPEN || !mayBegin(bytes, start)) return undefined;
  const head = Buffer.from(bytes.subarray(start, Math.min(end, start + HEAD_BYTES)));
  const text = head.toString("latin1");
  if (!BEGINNING.test(text)) return undefined;
  const records = RECORDS.exec(text);
  if (records) return { begin: start + records[0].length };
  const events = LOG_EVENTS.exec(text);
  const about = events && subscriptionIn(head.subarray(0, events.index).toString());
  if (!about) return undefined;
  return {
    begin: start + events.index + events[0].length,
    isTest: about.messageType === "CONTROL_MESSAGE",
    common: {
      "cloud.account.id": about.owner,
      "cloud.provider": "aws",
      "aws.cloudwatch.log_group": about.logGroup,
      "aws.cloudwatch.log_stream": about.logStream,
    },
  };
}

/** The members before the events. */
function subscriptionIn(head: string): z.infer<typeof Subscription> | undefined {
  try {
    return Subscription.safeParse(JSON.parse(`${head}}`)).data;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

const mayBegin = (bytes: Uint8Array, start: number): boolean =>
  (bytes[start + 1] ?? 0) <= SPACE ||
  (bytes[start + 1] === QUOTE && LETTERS.has(bytes[start + 2] ?? 0));

/** The position after the object whose list has ended; 0 if it does not end. */
function closedEnd(bytes: Uint8Array, from: number, end: number): number {
  let at = from;
  while (at < end && (bytes[at] ?? 0) <= SPACE) at += 1;
  if (bytes[at] !== CLOSE) return 0;
  at += 1;
  while (at < end && (bytes[at] ?? 0) <= SPACE) at += 1;
  return at;
}

/** The position after the object that begins here; `end` if it is not complete. */
function objectEnd(bytes: Uint8Array, from: number, end: number): number {
  let depth = 0;
  let isString = false;
  for (let at = from; at < end; at += 1) {
    const byte = bytes[at] ?? 0;
    if (isString) {
      if (byte === BACKSLASH) at += 1;
      else if (byte === QUOTE) isString = false;
    } else if (byte === QUOTE) isString = true;
    else if (byte === OPEN) depth += 1;
    else if (byte === CLOSE) {
      depth -= 1;
      if (depth === 0) return at + 1;
    }
  }
  return end;
}
