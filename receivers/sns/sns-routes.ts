import type { IncomingMessage } from "node:http";

import { AppError } from "#platform/errors.ts";
import { readBody } from "#platform/http/encoded-body.ts";
import type { Route } from "#platform/http/route.ts";

import { tokenRoute, type TokenRule } from "../http/token-access.ts";
import { SnsInbox, type SnsDeps } from "./sns-inbox.ts";

/** SNS sends 256 KiB at most, in which escapes of JSON take up to six characters. */
const BODY_BYTES_MAX = 2 * 1024 * 1024;
const ABOUT = {
  method: "POST",
  tag: "Amazon SNS",
  consumes: ["text/plain", "application/json"],
  responses: { 204: { description: "The message is on disk, or the subscription is confirmed" } },
} as const;

/** Where topics of SNS are subscribed to. */
export function snsRoutes(deps: SnsDeps): Route<TokenRule>[] {
  const inbox = new SnsInbox(deps);
  return [
    tokenRoute({
      ...ABOUT,
      path: "/sns",
      operationId: "receiveSnsMessage",
      summary: "Accepts signed messages of Amazon SNS",
      description:
        "Of the topics in sources.yaml (kind sns). Subscriptions to them are confirmed. Messages with a wrong signature, or older than an hour, are refused.",
      rule: { allow: "signature" },
      async handle({ incoming, caller }) {
        if (isRaw(incoming)) {
          const message =
            "Raw messages have no signature: subscribe https://any:TOKEN@HOST/sns/raw with a push token, or turn off raw delivery.";
          throw new AppError("forbidden", message);
        }
        await inbox.receive(await bodyOf(incoming), caller.address);
        return { status: 204 };
      },
    }),
    tokenRoute({
      ...ABOUT,
      path: "/sns/raw",
      operationId: "receiveRawSnsMessage",
      summary: "Accepts messages of Amazon SNS with raw delivery",
      description:
        "The subscribed URL has a push token as its password, because raw messages have no signature.",
      rule: { allow: "token" },
      async handle({ incoming, caller }) {
        const body = await bodyOf(incoming);
        if (isRaw(incoming)) {
          const topicArn = headerOf(incoming, "x-amz-sns-topic-arn");
          const messageId = headerOf(incoming, "x-amz-sns-message-id");
          await inbox.receiveRaw({ topicArn, messageId, body }, caller.address);
        } else await inbox.receive(body, caller.address);
        return { status: 204 };
      },
    }),
  ];
}

const bodyOf = async (incoming: IncomingMessage): Promise<string> =>
  (await readBody(incoming, BODY_BYTES_MAX)).toString();

const isRaw = (incoming: IncomingMessage): boolean =>
  headerOf(incoming, "x-amz-sns-rawdelivery") === "true";

const headerOf = ({ headers }: IncomingMessage, name: string): string =>
  String(headers[name] ?? "");
