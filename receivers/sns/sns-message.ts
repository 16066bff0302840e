import { z } from "zod";

/** A message that SNS sends to a subscribed URL, before its signature is checked. */
const Common = {
  MessageId: z.string().min(1).max(200),
  TopicArn: z.string().max(512),
  Message: z.string(),
  Timestamp: z.string().max(40),
  SignatureVersion: z.enum(["1", "2"], {
    error: "its signature has another version than 1 and 2",
  }),
  Signature: z.string({ error: "it has no signature" }).min(1, { error: "it has no signature" }),
  SigningCertURL: z.string().max(1_000),
};
const Confirmation = {
  ...Common,
  SubscribeURL: z.string().max(4_000),
  Token: z.string().max(2_000),
};

const SnsMessage = z.discriminatedUnion(
  "Type",
  [
    z.object({
      Type: z.literal("Notification"),
      ...Common,
      /** Absent from the signature if the message has none. */
      Subject: z.string().nullish(),
      UnsubscribeURL: z.string().max(4_000).optional(),
    }),
    z.object({ Type: z.literal("SubscriptionConfirmation"), ...Confirmation }),
    z.object({ Type: z.literal("UnsubscribeConfirmation"), ...Confirmation }),
  ],
  { error: "it is not a message of SNS" },
);
export type SnsMessage = z.infer<typeof SnsMessage>;
export type SnsNotification = Extract<SnsMessage, { Type: "Notification" }>;

/** Parses the body of a request; returns why it is refused. */
export function parseSnsMessage(
  body: string,
): { ok: true; message: SnsMessage } | { ok: false; reason: string } {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return { ok: false, reason: "it is not a message of SNS: not JSON" };
  }
  const parsed = SnsMessage.safeParse(value);
  if (parsed.success) return { ok: true, message: parsed.data };
  const [issue] = parsed.error.issues;
  const field = issue && issue.path.length > 0 ? ` (${issue.path.join(".")})` : "";
  return { ok: false, reason: `${issue?.message ?? "it is not a message of SNS"}${field}` };
}

/** The text that SNS signs: names and values of the signed fields, each followed by a line end. */
export function signedText(message: SnsMessage): string {
  const { Message, MessageId, Timestamp, TopicArn, Type } = message;
  const fields: [string, string | null | undefined][] =
    message.Type === "Notification"
      ? [
          ["Message", Message],
          ["MessageId", MessageId],
          ["Subject", message.Subject],
          ["Timestamp", Timestamp],
          ["TopicArn", TopicArn],
          ["Type", Type],
        ]
      : [
          ["Message", Message],
          ["MessageId", MessageId],
          ["SubscribeURL", message.SubscribeURL],
          ["Timestamp", Timestamp],
          ["Token", message.Token],
          ["TopicArn", TopicArn],
          ["Type", Type],
        ];
  return fields
    .flatMap(([name, value]) => (value === null || value === undefined ? [] : [name, value]))
    .map((text) => `${text}\n`)
    .join("");
}
