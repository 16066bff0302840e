import { type ObjectRef, objectUrl } from "./object-ref.ts";

/** Something that was announced or listed, and cannot be read as a log. */
export type Refused = {
  /** `denied`: AWS refuses access. `damaged`: it is read up to the damage at most. `message`: a message of the queue. */
  what: "denied" | "damaged" | "message";
  /** The object; absent for a message. */
  ref?: Pick<ObjectRef, "bucket" | "key">;
  /** Continues a sentence about it: `is compressed with xz, …`. */
  reason: string;
  /** The beginning of the message. */
  text?: string;
};

const ACTIONS = {
  denied: "object-access-denied",
  damaged: "object-refused",
  message: "message-refused",
} as const;

/** As a line with an event in ECS, for rules that alert. */
export function refusedEvent({ what, ref, reason, text }: Refused, nowMs: number): Buffer {
  const subject = ref ? `The object ${objectUrl(ref)}` : "A message of the queue";
  const event = {
    "@timestamp": new Date(nowMs).toISOString(),
    message: `${subject} ${ref ? "" : "was refused: "}${reason}`,
    "data_stream.dataset": "aws.s3_refused",
    "event.kind": "alert",
    "event.category": ["file"],
    "event.type": [what === "denied" ? "denied" : "error"],
    "event.action": ACTIONS[what],
    "event.outcome": "failure",
    "event.reason": reason,
    "log.level": "error",
    ...(ref && {
      "file.path": objectUrl(ref),
      "aws.s3.bucket.name": ref.bucket,
      "aws.s3.object.key": ref.key,
    }),
    ...(text !== undefined && { "event.original": text }),
  };
  return Buffer.from(`${JSON.stringify(event)}\n`);
}
