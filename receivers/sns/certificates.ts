import { type KeyObject, X509Certificate } from "node:crypto";

import type { Clock } from "#platform/clock.ts";
import { AppError } from "#platform/errors.ts";
import { createRateLimit } from "#platform/http/rate-limit.ts";

import type { HttpsGet } from "./https-get.ts";

/** SNS has one certificate at a time in each region. */
const CACHED_MAX = 64;
const CACHED_MS_MAX = 24 * 3_600_000;
/** A name that nobody uses may be in a forged message. */
const REQUESTS = { burst: 20, refillMs: 30_000, keysMax: 1 };

type Cached = { key: Promise<KeyObject>; atMs: number };

/** The keys with which SNS signs, from its certificates. */
export class Certificates {
  readonly #get: HttpsGet;
  readonly #clock: Clock;
  readonly #limit;
  readonly #cached = new Map<string, Cached>();

  constructor(get: HttpsGet, clock: Clock) {
    this.#get = get;
    this.#clock = clock;
    this.#limit = createRateLimit(REQUESTS, clock);
  }

  /**
   * @param url of a certificate on a host of SNS
   * @throws AppError unavailable or too_many_requests if it cannot be had now, bad_request if it is no valid certificate
   */
  keyOf(url: string): Promise<KeyObject> {
    const nowMs = this.#clock.nowMs();
    const known = this.#cached.get(url);
    if (known && Math.abs(nowMs - known.atMs) < CACHED_MS_MAX) return known.key;
    const key = this.#request(url, nowMs);
    this.#cached.delete(url);
    this.#cached.set(url, { key, atMs: nowMs });
    const [oldest] = this.#cached.keys();
    if (this.#cached.size > CACHED_MAX && oldest !== undefined) this.#cached.delete(oldest);
    key.catch(() => {
      if (this.#cached.get(url)?.key === key) this.#cached.delete(url);
    });
    return key;
  }

  async #request(url: string, nowMs: number): Promise<KeyObject> {
    this.#limit.take("");
    const pem = await this.#get(url);
    let certificate: X509Certificate;
    try {
      certificate = new X509Certificate(pem);
    } catch (error) {
      throw new AppError("bad_request", "its certificate cannot be read", { cause: error });
    }
    if (Date.parse(certificate.validTo) < nowMs) {
      throw new AppError("bad_request", "its certificate has expired");
    }
    return certificate.publicKey;
  }
}
