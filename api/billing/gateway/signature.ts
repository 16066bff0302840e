import { createHmac, timingSafeEqual } from "node:crypto";

import { AppError } from "#platform/errors.ts";

/** `t=1764000000,v1=` and the HMAC-SHA256 of `t.body` in hex. */
export const SIGNATURE_HEADER = "quarterdeck-signature";
/** A delivery that was signed longer ago (or is that far ahead) is refused, as somebody may have recorded it. */
export const TOLERANCE_S = 300;

const HEADER = /^t=(\d{1,12}),v1=([0-9a-f]{64})$/;

/** The signature header of a webhook. */
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
  // Compared also when the header is odd, so that nothing is told by how long it takes.
  const expected = macOf(key, at, delivery.body);
  const given = Buffer.from(mac.padEnd(64, "0"), "hex");
  if (!timingSafeEqual(expected, given) || mac === "") {
    throw refused("it is not the signature of this body");
  }
  if (Math.abs(nowMs / 1_000 - at) > TOLERANCE_S) {
    throw refused(`it was made more than ${TOLERANCE_S} s ago: sign it anew`);
  }
}

function macOf(key: Buffer, at: number, body: Buffer): Buffer {
  return createHmac("sha256", key).update(`${at}.`).update(body).digest();
}

const refused = (why: string): AppError =>
  new AppError("bad_request", `${SIGNATURE_HEADER}: ${why}.`, {
    fields: [{ path: `header.${SIGNATURE_HEADER}`, code: "invalid_signature", message: why }],
  });
