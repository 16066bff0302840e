import { createHmac, timingSafeEqual } from "node:crypto";

import { AppError } from "#platform/errors.ts";

/** Value: `t=SECONDS,v1=` and the HMAC-SHA256 of `SECONDS.BODY` in hex. */
export const SIGNATURE_HEADER = "quarterdeck-signature";
/** Maximum age (or lead) of a signature, against replays. */
export const TOLERANCE_S = 300;

const HEADER = /^t=(\d{1,12}),v1=([0-9a-f]{64})$/;

export function signWebhook(key: Buffer, body: Buffer, nowMs: number): string {
  const at = Math.floor(nowMs / 1_000);
  return `t=${at},v1=${macOf(key, at, body).toString("hex")}`;
}

/** @throws AppError bad_request when the signature is missing, wrong or too old */
export function checkSignature(
  key: Buffer,
  delivery: { body: Buffer; signature: string | undefined },
  nowMs: number,
): void {
  const [, time = "", mac = ""] = HEADER.exec(delivery.signature ?? "") ?? [];
  const at = Number(time);
  // Compared also for a malformed header, so that timing reveals nothing.
  const expected = macOf(key, at, delivery.body);
  const given = Buffer.from(mac.padEnd(64, "0"), "hex");
  if (!timingSafeEqual(expected, given) || mac === "") {
    throw refused("the signature does not match the body");
  }
  if (Math.abs(nowMs / 1_000 - at) > TOLERANCE_S) {
    throw refused(`the signature is more than ${TOLERANCE_S} s old: sign the event again`);
  }
}

function macOf(key: Buffer, at: number, body: Buffer): Buffer {
  return createHmac("sha256", key).update(`${at}.`).update(body).digest();
}

const refused = (why: string): AppError =>
  new AppError("bad_request", `${SIGNATURE_HEADER}: ${why}.`, {
    fields: [{ path: `header.${SIGNATURE_HEADER}`, code: "invalid_signature", message: why }],
  });
