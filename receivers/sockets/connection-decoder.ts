import { DatagramFrames, frameBytesOf } from "../holder/datagram-frames.ts";
import type { DatagramDecoder, Sent, StreamDecoder } from "./decoder.ts";

/** Decodes what a socket holder sends of one connection: of a sender, or of all senders of datagrams. */
export type ConnectionDecoder = Pick<
  StreamDecoder,
  "heldBytes" | "state" | "skippedBytes" | "failure"
> & {
  push(bytes: Buffer): { sent: readonly Sent[]; reply?: string };
  end(): readonly Sent[];
  /** Events that were lost because parts of them did not arrive. */
  readonly lost: number;
};

/** Of a connection with one sender. */
export function ofStream(decoder: StreamDecoder, sender: string): ConnectionDecoder {
  return {
    push(bytes) {
      const { lines, documents, reply } = decoder.push(bytes);
      return { sent: [{ sender, lines, documents }], ...(reply !== undefined && { reply }) };
    },
    end: () => [{ sender, ...decoder.end() }],
    get heldBytes() {
      return decoder.heldBytes;
    },
    get state() {
      return decoder.state;
    },
    get skippedBytes() {
      return decoder.skippedBytes;
    },
    get failure() {
      return decoder.failure;
    },
    lost: 0,
  };
}

/** So that parts of an event which never becomes complete do not fill the memory of the holder. */
const HELD_BYTES_MAX = 8 * 1024 * 1024;
/** Programs of this machine have no address. */
const THIS_MACHINE = "this machine";

/** Of datagrams, which the holder holds as one connection. */
export function ofDatagrams(decoder: DatagramDecoder, nowMs: () => number): ConnectionDecoder {
  const frames = new DatagramFrames();
  /** Where the next frame begins, since the first bytes. */
  let offset = 0;
  return {
    push(bytes) {
      const bySender = new Map<string, Sent>();
      const at = { nowMs: nowMs(), offset };
      for (const framed of frames.push(bytes)) {
        const sender = framed.sender || THIS_MACHINE;
        const sent = bySender.get(sender) ?? { sender, lines: [], documents: [] };
        bySender.set(sender, sent);
        at.offset = offset;
        const { lines, documents } = decoder.push(framed.datagram, sender, at);
        for (const line of lines) sent.lines.push(line);
        for (const document of documents) sent.documents.push(document);
        offset += frameBytesOf(framed);
      }
      return { sent: [...bySender.values()] };
    },
    end: () => [],
    get heldBytes() {
      const { heldBytes } = frames;
      const all = heldBytes + offset - (decoder.heldFrom ?? offset);
      return all > HELD_BYTES_MAX ? heldBytes : all;
    },
    state: "",
    skippedBytes: 0,
    get lost() {
      return decoder.lost;
    },
  };
}
