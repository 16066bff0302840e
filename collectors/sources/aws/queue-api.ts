import { AppError } from "#platform/errors.ts";

import { explainAws } from "./aws-errors.ts";
import type { AwsAccess } from "./s3-api.ts";

/** Messages that SQS hands out and takes at a time. */
export const BATCH_MAX = 10;

export type QueueMessage = {
  body: string;
  /** Names this receipt of the message. */
  receipt: string;
};

/** A queue of SQS. The only change that it makes is to delete messages, and to hide them while they are in work. */
export type QueueApi = {
  /** Waits up to `waitSeconds` (at most 20) for messages, which are hidden from others for `visibilitySeconds`. */
  receive(
    how: { waitSeconds: number; visibilitySeconds: number },
    signal: AbortSignal,
  ): Promise<QueueMessage[]>;
  /** Hides messages for this time from now on, at most BATCH_MAX. */
  hide(receipts: readonly string[], visibilitySeconds: number): Promise<void>;
  /** Deletes at most BATCH_MAX messages; returns the receipts of those that are deleted. */
  remove(receipts: readonly string[]): Promise<string[]>;
  /** About how many messages wait in the queue; undefined if it may not be asked. */
  waiting(): Promise<number | undefined>;
  close(): void;
};

/** @param url as shown in the console: https://sqs.REGION.amazonaws.com/ACCOUNT/NAME */
export async function openQueueApi(
  url: string,
  { region, credentials }: Pick<AwsAccess, "region" | "credentials">,
): Promise<QueueApi> {
  const sqs = await import("@aws-sdk/client-sqs");
  const at = region ?? regionOf(url);
  const client = new sqs.SQSClient({
    ...(at !== undefined && { region: at }),
    ...(credentials && { credentials }),
  });
  const QueueUrl = url;
  return {
    async receive({ waitSeconds, visibilitySeconds }, abortSignal) {
      const command = new sqs.ReceiveMessageCommand({
        QueueUrl,
        MaxNumberOfMessages: BATCH_MAX,
        WaitTimeSeconds: waitSeconds,
        VisibilityTimeout: visibilitySeconds,
      });
      const { Messages } = await client
        .send(command, { abortSignal })
        .catch(fail("received", "sqs:ReceiveMessage"));
      return (Messages ?? []).flatMap(({ Body, ReceiptHandle }) =>
        ReceiptHandle === undefined ? [] : [{ body: Body ?? "", receipt: ReceiptHandle }],
      );
    },
    async hide(receipts, visibilitySeconds) {
      const Entries = receipts.map((ReceiptHandle, index) => {
        return { Id: `${index}`, ReceiptHandle, VisibilityTimeout: visibilitySeconds };
      });
      const command = new sqs.ChangeMessageVisibilityBatchCommand({ QueueUrl, Entries });
      await client
        .send(command)
        .catch(fail("hidden from other readers", "sqs:ChangeMessageVisibility"));
    },
    async remove(receipts) {
      const Entries = receipts.map((ReceiptHandle, index) => ({ Id: `${index}`, ReceiptHandle }));
      const command = new sqs.DeleteMessageBatchCommand({ QueueUrl, Entries });
      const { Successful } = await client.send(command).catch(fail("deleted", "sqs:DeleteMessage"));
      return (Successful ?? []).flatMap(({ Id }) => receipts[Number(Id)] ?? []);
    },
    async waiting() {
      const command = new sqs.GetQueueAttributesCommand({
        QueueUrl,
        AttributeNames: ["ApproximateNumberOfMessages"],
      });
      const answer = await client.send(command).catch(() => undefined);
      const count = Number(answer?.Attributes?.["ApproximateNumberOfMessages"]);
      return Number.isNaN(count) ? undefined : count;
    },
    close: () => client.destroy(),
  };
}

const fail = (doing: string, action: string) => (error: unknown) => {
  const message = `messages cannot be ${doing}: ${explainAws(error, action)}`;
  throw new AppError("unavailable", message, { cause: error });
};

/** The region in the host name of a queue of AWS; undefined for other hosts. */
export function regionOf(url: string): string | undefined {
  return /^(?:sqs\.([\w-]+)|([\w-]+)\.queue)\.amazonaws\.com(?:\.cn)?$/
    .exec(new URL(url).hostname)
    ?.slice(1)
    .find((it) => it !== undefined);
}
