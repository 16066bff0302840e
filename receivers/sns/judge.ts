import { verify } from "node:crypto";

import { AppError } from "#platform/errors.ts";

import type { Certificates } from "./certificates.ts";
import type { Fault, Refusal } from "./refusal-events.ts";
import { signedText, type SnsMessage } from "./sns-message.ts";
import { certificateUrl, confirmationUrl } from "./sns-urls.ts";

/** SNS repeats a message that was not accepted for an hour at most. */
export const REPLAY_MS_MAX = 3_600_000;
const AHEAD_MS_MAX = 15 * 60_000;
const HOST_CHARACTERS_MAX = 100;
const ALGORITHMS = { "1": "RSA-SHA1", "2": "RSA-SHA256" } as const;

export type Verdict =
  | { accepted: true; confirm: string | undefined }
  | ({ accepted: false } & Refusal);

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
    return refused("topic", `its topic ${TopicArn} is not in the list of topics in sources.yaml`);
  }
  const ageMs = rules.nowMs - Date.parse(Timestamp);
  if (!(ageMs <= REPLAY_MS_MAX && ageMs >= -AHEAD_MS_MAX)) {
    return refused("time", `its time ${Timestamp} is not within an hour of now`);
  }
  const confirm = message.Type === "Notification" ? undefined : confirmationUrl(message);
  if (message.Type !== "Notification" && confirm === undefined) {
    const reason = "its SubscribeURL does not confirm a subscription to this topic at SNS";
    return refused("subscribe_url", `${reason}${hostIn(message.SubscribeURL)}`);
  }
  const url = certificateUrl(SigningCertURL, TopicArn);
  if (url === undefined) {
    const reason = "its SigningCertURL is not of SNS in the topic's region";
    return refused("certificate_url", `${reason}${hostIn(SigningCertURL)}`);
  }
  const refusal = await signatureFault(message, url, rules);
  if (refusal) return { accepted: false, ...refusal };
  return {
    accepted: true,
    confirm: message.Type === "SubscriptionConfirmation" ? confirm : undefined,
  };
}

const refused = (fault: Fault, reason: string): Verdict => ({ accepted: false, fault, reason });

/** ` (host 127.0.0.1)`; empty if it is no URL. */
function hostIn(url: string): string {
  const { hostname = "" } = URL.parse(url) ?? {};
  return hostname === "" ? "" : ` (host ${hostname.slice(0, HOST_CHARACTERS_MAX)})`;
}

async function signatureFault(
  message: SnsMessage,
  url: string,
  { certificates }: Rules,
): Promise<Refusal | undefined> {
  const wrong: Refusal = { fault: "signature", reason: "its signature is wrong" };
  try {
    const key = await certificates.keyOf(url);
    const signature = Buffer.from(message.Signature, "base64");
    const algorithm = ALGORITHMS[message.SignatureVersion];
    const isSigned = verify(algorithm, Buffer.from(signedText(message)), key, signature);
    return isSigned ? undefined : wrong;
  } catch (error) {
    if (error instanceof AppError && error.code === "bad_request") {
      return { fault: "certificate", reason: error.message };
    }
    throw error;
  }
}
