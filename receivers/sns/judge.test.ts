import { describe, expect, test } from "vitest";

import { systemClock as clock } from "#platform/clock.ts";
import { AppError } from "#platform/errors.ts";

import { Certificates } from "./certificates.ts";
import { judgeMessage } from "./judge.ts";
import { parseSnsMessage, type SnsMessage } from "./sns-message.ts";
import {
  CERTIFICATE_URL,
  confirmation,
  notification,
  OTHER_KEY,
  signed,
  SNS_CERTIFICATE,
  TOPIC,
} from "./testing-sns.ts";

const nowMs = clock.nowMs();

async function judged(message: unknown, { isAllowed = true } = {}) {
  const requested: string[] = [];
  const get = async (url: string): Promise<string> => {
    requested.push(url);
    if (url !== CERTIFICATE_URL) throw new AppError("unavailable", "not found");
    return SNS_CERTIFICATE;
  };
  const parsed = parseSnsMessage(JSON.stringify(message));
  if (!parsed.ok) return { accepted: false, reason: parsed.reason, requested };
  const certificates = new Certificates(get, clock);
  return { ...(await judgeMessage(parsed.message, { isAllowed, certificates, nowMs })), requested };
}

const good = notification(nowMs);
const subscription = confirmation(nowMs);

describe("messages of SNS", () => {
  test.each<[string, SnsMessage]>([
    ["version 1", good],
    ["version 2", { ...good, SignatureVersion: "2" }],
    ["no subject", { ...good, Subject: undefined }],
    ["any text", { ...good, Message: 'é\n"quoted"\u2028 \u{1F600}' }],
    ["the end of a subscription", confirmation(nowMs, "UnsubscribeConfirmation")],
  ])("are accepted: %s", async (_, message) => {
    expect(await judged(signed(message))).toMatchObject({ accepted: true, confirm: undefined });
  });

  test("may have no subject as null, which is not signed", async () => {
    const message = { ...signed({ ...good, Subject: undefined }), Subject: null };
    expect(await judged(message)).toMatchObject({ accepted: true });
  });

  test("confirm a subscription at the host of SNS, with the topic and the token", async () => {
    const confirm = `https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=${encodeURIComponent(TOPIC)}&Token=2336412f37`;
    expect(await judged(signed(subscription))).toMatchObject({ accepted: true, confirm });
  });
});

const { Signature: _, ...unsigned } = signed(good);

describe("forged messages are refused with the reason", () => {
  test.each<[string, unknown, string]>([
    ["changed text", { ...signed(good), Message: "Hello w0rld!" }, "signature is wrong"],
    ["no signature", unsigned, "no signature"],
    ["an empty signature", { ...signed(good), Signature: "" }, "no signature"],
    ["version 3", { ...signed(good), SignatureVersion: "3" }, "another version"],
    ["another version", { ...signed(good), SignatureVersion: "2" }, "signature is wrong"],
    ["another type", { ...signed(good), Type: "Other" }, "not a message of SNS"],
    ["another key", signed(good, OTHER_KEY), "signature is wrong"],
    ["no JSON", undefined, "not a message of SNS"],
    ["a list", [], "not a message of SNS"],
    ["an old message", signed(notification(nowMs - 3_700_000)), "within an hour"],
    ["one of the future", signed(notification(nowMs + 3_700_000)), "within an hour"],
    ["no time", signed({ ...good, Timestamp: "today" }), "within an hour"],
  ])("%s", async (_name, message, reason) => {
    expect(await judged(message)).toMatchObject({
      accepted: false,
      reason: expect.stringContaining(reason),
    });
  });

  test("a topic that is not allowed, though its message is signed, and nothing is requested", async () => {
    expect(await judged(signed(good), { isAllowed: false })).toMatchObject({
      accepted: false,
      reason: expect.stringContaining(TOPIC),
      requested: [],
    });
  });

  const host = "sns.eu-west-1.amazonaws.com";
  const file = "SimpleNotificationService-0123.pem";
  test.each([
    `http://${host}/${file}`,
    `https://${host}.evil.example/${file}`,
    `https://evil.example/${host}/${file}`,
    `https://s3.amazonaws.com/bucket/${file}`,
    `https://sns-evil.s3.eu-west-1.amazonaws.com/${file}`,
    `https://${host}@evil.example/${file}`,
    `https://evil.example#${host}/${file}`,
    `https://${host}:8443/${file}`,
    `https://${host}\\@evil.example/${file}`,
    `https://${host}/${file}?x=.pem`,
    `https://${host}/../${file}`,
    `https://${host}%2eevil.example/${file}`,
    `https://SNS.eu-west-1.amazonaws.com/${file}`,
    `https://${host}./${file}`,
    `https://x${host}/${file}`,
    `https://sns.eu-west-1xamazonaws.com/${file}`,
    `https://sns.us-east-1.amazonaws.com/${file}`,
    `https://127.0.0.1/${file}`,
    "file:///etc/passwd.pem",
    "",
  ])("a certificate from %s, which is not requested", async (SigningCertURL) => {
    expect(await judged(signed({ ...good, SigningCertURL }))).toMatchObject({
      accepted: false,
      reason: expect.stringContaining("SigningCertURL"),
      requested: [],
    });
  });

  const query = `Action=ConfirmSubscription&TopicArn=${TOPIC}&Token=2336412f37`;
  test.each([
    "http://169.254.169.254/latest/meta-data/iam/",
    "https://127.0.0.1:9200/_cluster/health",
    `https://evil.example/?${query}`,
    `http://${host}/?${query}`,
    `https://${host}/?${query}&Action=Publish`,
    `https://${host}/?Action=Publish&TopicArn=${TOPIC}&Token=2336412f37`,
    `https://${host}/?Action=ConfirmSubscription&TopicArn=${TOPIC}&Token=other`,
    `https://sns.us-east-1.amazonaws.com/?${query}`,
    `https://${host}/?Action=ConfirmSubscription&TopicArn=arn:aws:sns:eu-west-1:666666666666:Other&Token=2336412f37`,
  ])("a subscription at %s, which is not requested", async (SubscribeURL) => {
    for (const type of ["SubscriptionConfirmation", "UnsubscribeConfirmation"] as const) {
      const message = signed({ ...confirmation(nowMs, type), SubscribeURL });
      expect(await judged(message)).toMatchObject({
        accepted: false,
        reason: expect.stringContaining("SubscribeURL"),
        requested: [],
      });
    }
  });
});

describe("certificates", () => {
  test("are requested once, also by messages at the same time, and again after a failure", async () => {
    let requests = 0;
    const certificates = new Certificates(async () => {
      requests += 1;
      if (requests === 1) throw new AppError("unavailable", "no connection");
      return SNS_CERTIFICATE;
    }, clock);
    await expect(certificates.keyOf(CERTIFICATE_URL)).rejects.toThrow("no connection");
    await Promise.all([certificates.keyOf(CERTIFICATE_URL), certificates.keyOf(CERTIFICATE_URL)]);
    await certificates.keyOf(CERTIFICATE_URL);
    expect(requests).toBe(2);
  });

  test("that do not exist are requested a few times only", async () => {
    let requests = 0;
    const certificates = new Certificates(
      async () => {
        requests += 1;
        throw new AppError("unavailable", "not found");
      },
      { nowMs: () => 0 },
    );
    const codes: string[] = [];
    for (let n = 0; n < 100; n += 1) {
      await certificates
        .keyOf(CERTIFICATE_URL.replace("0123", String(1_000 + n)))
        .catch((error: AppError) => codes.push(error.code));
    }
    expect(requests).toBe(20);
    expect(codes.at(-1)).toBe("too_many_requests");
  });

  test("that have expired or cannot be read make a signature wrong", async () => {
    const expired = new Certificates(async () => SNS_CERTIFICATE, { nowMs: () => 1e15 });
    await expect(expired.keyOf(CERTIFICATE_URL)).rejects.toThrow("has expired");
    const broken = new Certificates(async () => "<html>", clock);
    await expect(broken.keyOf(CERTIFICATE_URL)).rejects.toThrow("cannot be read");
  });
});
