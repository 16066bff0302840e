import { setTimeout as delay } from "node:timers/promises";

import type { RandomReader } from "../files/byte-reader.ts";
import type { ObjectRef } from "./object-ref.ts";
import { type ObjectBody, type S3Api, UnreadableObject } from "./s3-api.ts";

/** The first bytes, which are kept because they are examined before the object is read. */
const HEAD_BYTES = 4096;
/** Attempts to continue after the connection was lost. */
const ATTEMPTS_MAX = 5;
const RETRY_MS = 200;

/** Reads an object forward as a stream; elsewhere by another request. */
export class ObjectBytes implements RandomReader {
  readonly etag: string;
  /** Bytes of the object as it is stored. */
  readonly size: number;
  readonly metadata: ObjectBody["metadata"];
  readonly #api: S3Api;
  readonly #ref: ObjectRef;
  readonly #signal: AbortSignal;
  #head: Buffer | undefined;
  #stream: { body: ObjectBody["body"]; next: AsyncIterator<Buffer>; at: number; rest: Buffer };

  private constructor(
    opened: { api: S3Api; ref: ObjectRef; signal: AbortSignal },
    body: ObjectBody,
  ) {
    this.#api = opened.api;
    this.#ref = opened.ref;
    this.#signal = opened.signal;
    this.etag = body.etag;
    this.size = body.size;
    this.metadata = body.metadata;
    this.#stream = streamOf(body, 0);
  }

  static async open(api: S3Api, ref: ObjectRef, signal: AbortSignal): Promise<ObjectBytes> {
    return new ObjectBytes({ api, ref, signal }, await api.get(ref, { offset: 0 }, signal));
  }

  /** Bytes from `position` on, possibly fewer than `length`; none at the end. */
  // oxlint-disable-next-line max-params -- as that of a file handle
  async read(
    into: Buffer,
    offset: number,
    length: number,
    position: number,
  ): Promise<{ bytesRead: number }> {
    if (position >= this.size || length === 0) return { bytesRead: 0 };
    this.#head ??= await this.#readHead();
    const head = this.#head.subarray(position, position + length);
    if (head.length > 0) return { bytesRead: head.copy(into, offset) };
    return { bytesRead: await this.#readStream(into.subarray(offset, offset + length), position) };
  }

  close(): void {
    this.#stream.body.destroy();
  }

  async #readHead(): Promise<Buffer> {
    const head = Buffer.alloc(Math.min(HEAD_BYTES, this.size));
    let used = 0;
    while (used < head.length) used += await this.#readStream(head.subarray(used), used);
    return head;
  }

  async #readStream(into: Buffer, position: number): Promise<number> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        const { at, body, rest } = this.#stream;
        // A body is destroyed once its last bytes are in `rest`.
        const isLost = body.destroyed && rest.length === 0;
        if (position !== at || isLost) await this.#seek(position);
        return await this.#take(into);
      } catch (error) {
        const isFinal = error instanceof UnreadableObject || this.#signal.aborted;
        if (isFinal || attempt === ATTEMPTS_MAX) throw error;
        this.#stream.body.destroy();
        await delay(RETRY_MS * attempt, undefined, { signal: this.#signal });
      }
    }
  }

  async #seek(position: number): Promise<void> {
    this.#stream.body.destroy();
    const from = { offset: position, etag: this.etag };
    this.#stream = streamOf(await this.#api.get(this.#ref, from, this.#signal), position);
  }

  async #take(into: Buffer): Promise<number> {
    const stream = this.#stream;
    while (stream.rest.length === 0) {
      const next = await stream.next.next();
      if (next.done) {
        throw new Error("the connection was closed");
      }
      stream.rest = next.value;
    }
    const count = stream.rest.copy(into);
    stream.rest = stream.rest.subarray(count);
    stream.at += count;
    return count;
  }
}

function streamOf({ body }: ObjectBody, at: number) {
  // Without a reader an error would end the process.
  body.on("error", () => undefined);
  const next: AsyncIterator<Buffer> = body.iterator({ destroyOnReturn: false });
  return { body, next, at, rest: Buffer.alloc(0) };
}
