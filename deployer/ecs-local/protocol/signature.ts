import { createHash, createHmac, timingSafeEqual } from "node:crypto";

import { EcsError } from "./ecs-error.ts";

/** How far the clock of a client may differ. */
const SKEW_MS_MAX = 5 * 60_000;
const SIGNED = ["host", "x-amz-date", "x-amz-target"];
const ALGORITHM = "AWS4-HMAC-SHA256";
const AUTHORIZATION =
  /^AWS4-HMAC-SHA256 Credential=([^/,\s]+)\/(\d{8}\/[^/,\s]+\/[^/,\s]+\/aws4_request), ?SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})$/;

export type Credentials = { accessKeyId: string; secretAccessKey: string };

export type SignedRequest = {
  method: string;
  /** Without a query: the protocol has none. */
  path: string;
  headers: Readonly<Record<string, string | string[] | undefined>>;
  body: Uint8Array;
};

/**
 * Checks that a request was signed with the credentials (AWS Signature Version 4), because whoever can call the endpoint can
 * run any program. @throws EcsError
 */
export function checkSignature(
  request: SignedRequest,
  { credentials, nowMs }: { credentials: Credentials; nowMs: number },
): void {
  const { accessKeyId, scope, names, signature } = parseAuthorization(request);
  if (accessKeyId !== credentials.accessKeyId) {
    throw new EcsError(
      "UnrecognizedClientException",
      "The security token included in the request is invalid.",
    );
  }
  const time = single(request.headers["x-amz-date"]);
  if (!SIGNED.every((it) => names.includes(it)) || !time.startsWith(scope[0] ?? "")) {
    throw new EcsError("IncompleteSignatureException", "Not all headers that matter are signed.");
  }
  checkTime(time, nowMs);
  const expected = signatureOf(request, { scope, names }, credentials.secretAccessKey);
  if (!timingSafeEqual(expected, signature)) {
    throw new EcsError(
      "InvalidSignatureException",
      "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method.",
    );
  }
}

/** The signature of a request with these headers, for a day, a region and a service. */
export function signatureOf(
  request: SignedRequest,
  { scope, names }: { scope: readonly string[]; names: readonly string[] },
  secretAccessKey: string,
): Buffer {
  const time = single(request.headers["x-amz-date"]);
  const text = [ALGORITHM, time, scope.join("/"), sha256(canonical(request, names))].join("\n");
  const key = scope.reduce<string | Buffer>(
    (secret, part) => hmac(secret, part),
    `AWS4${secretAccessKey}`,
  );
  return hmac(key, text);
}

/** @throws EcsError */
function parseAuthorization({ headers }: SignedRequest) {
  const header = single(headers["authorization"]);
  if (header === "") {
    throw new EcsError("MissingAuthenticationTokenException", "Missing Authentication Token");
  }
  const match = AUTHORIZATION.exec(header);
  if (!match) {
    throw new EcsError("IncompleteSignatureException", "The Authorization header is not valid.");
  }
  const [, accessKeyId, scope = "", names = "", signature = ""] = match;
  return {
    accessKeyId,
    /** Day, region, service and a fixed text. */
    scope: scope.split("/"),
    names: names.split(";"),
    signature: Buffer.from(signature, "hex"),
  };
}

function checkTime(time: string, nowMs: number): void {
  const iso = time.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, "$1-$2-$3T$4:$5:$6Z");
  const signedMs = Date.parse(iso);
  if (Math.abs(nowMs - signedMs) <= SKEW_MS_MAX) return;
  throw new EcsError("InvalidSignatureException", `Signature expired or not yet current: ${time}`);
}

function canonical(
  { method, path, headers, body }: SignedRequest,
  names: readonly string[],
): string {
  const lines = names.map(
    (name) => `${name}:${single(headers[name]).trim().replaceAll(/ +/g, " ")}`,
  );
  return [method, path, "", ...lines, "", names.join(";"), sha256(body)].join("\n");
}

const single = (value: string | string[] | undefined): string =>
  Array.isArray(value) ? value.join(",") : (value ?? "");

const sha256 = (data: string | Uint8Array): string =>
  createHash("sha256").update(data).digest("hex");

const hmac = (key: string | Buffer, text: string): Buffer =>
  createHmac("sha256", key).update(text).digest();
