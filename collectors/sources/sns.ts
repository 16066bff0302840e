import { z } from "zod";

import { sourceKind } from "../configured/source-kind.ts";

const TOPICS_MAX = 1_000;

/** Topics of Amazon SNS whose messages are accepted by `POST /sns`. The receiver of pushed logs follows the file. */
export const snsKind = sourceKind({
  kind: "sns",
  title: "SNS topics",
  summary: "Messages of Amazon SNS, which is subscribed to the address of the push port with /sns",
  schema: z.strictObject({
    topics: z
      .array(
        z.string().regex(/^arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[\w-]{1,256}(?:\.fifo)?$/, {
          error:
            "give the ARN of a topic, for example arn:aws:sns:eu-central-1:123456789012:alarms",
        }),
      )
      .min(1, { error: "name at least one topic" })
      .max(TOPICS_MAX)
      .meta({
        title: "ARNs of topics",
        description:
          "Only their messages are accepted, and their subscriptions are confirmed. Subscribe https://HOST/sns to each.",
        examples: ["arn:aws:sns:eu-central-1:123456789012:alarms"],
      }),
  }),
});

/** The id of the entry that allows a topic; undefined if none does. */
export function snsEntryOf(
  topicArn: string,
  sources: readonly { id: string; kind: { kind: string }; properties: unknown }[],
): string | undefined {
  return sources.find(
    ({ kind, properties }) =>
      kind.kind === snsKind.kind && snsKind.schema.parse(properties).topics.includes(topicArn),
  )?.id;
}
