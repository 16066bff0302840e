import { verify } from "node:crypto";

import { AppError } from "#platform/errors.ts";

import type { Certificates } from "./certificates.ts";
import { signedText, type SnsMessage } from "./sns-message.ts";
import { certificateUrl, confirmationUrl } from "./sns-urls.ts";

/** SNS repeats a message that was not accepted for an hour at most. */
export const REPLAY_MS_MAX = 3_600_000;
const AHEAD_MS_MAX = 15 * 60_000;
const ALGORITHMS = { "1": "RSA-SHA1", "2": "RSA-SHA256" } as const;

export type Verdict =
  | { accepted: true; confirm: string | undefined }
  | { accepted: false; reason: string };

type Rules = {
  /** Whether the topic that the message names is allowed. */
  isAllowed: boolean;
  certificates: Pick<Certificates, "keyOf">;
  /** Epoch ms. */
  nowMs: number;
};

/**
 * Whether the message is from SNS, of an allowed topic and recent; and the URL to request if it asks to confirm a
 * subscription. Nothing is requested for a message that is refused for its content.
 * @throws AppError unavailable or too_many_requests if the certificate cannot be had now
 */
export async function judgeMessage(message: SnsMessage, rules: Rules): Promise<Verdict> {
  const { TopicArn, Timestamp, SigningCertURL } = message;
  if (!rules.isAllowed) {
    return refused(`its topic ${TopicArn} is not in the list of topics in sources.yaml`);
  }
  const ageMs = rules.nowMs - Date.parse(Timestamp);
  if (!(ageMs <= REPLAY_MS_MAX && ageMs >= -AHEAD_MS_MAX)) {
    return refused(`its time ${Timestamp} is not within an hour of now`);
  }
  const confirm = message.Type === "Notification" ? undefined : confirmationUrl(message);
  if (message.Type !== "Notification" && confirm === undefined) {
    return refused("its SubscribeURL does not confirm a subscription to this topic at SNS");
  }
  const url = certificateUrl(SigningCertURL, TopicArn);
  if (url === undefined) return refused("its SigningCertURL is not of SNS in the topic's region");
  if (!(await isSigned(message, url, rules))) return refused("its signature is wrong");
  return {
    accepted: true,
    confirm: message.Type === "SubscriptionConfirmation" ? confirm : undefined,
  };
}

const refused = (reason: string): Verdict => ({ accepted: false, reason });

async function isSigned(
  message: SnsMessage,
  url: string,
  { certificates }: Rules,
): Promise<boolean> {
  const signature = Buffer.from(message.Signature, "base64");
  try {
    const key = await certificates.keyOf(url);
    return verify(
      ALGORITHMS[message.SignatureVersion],
      Buffer.from(signedText(message)),
      key,
      signature,
    );
  } catch (error) {
    if (error instanceof AppError && error.code === "bad_request") return false;
    throw error;
  }
}
