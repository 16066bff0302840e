/** What was decoded from the bytes of a sender: events in the form in which the bus keeps them. */
export type Decoded = {
  /** Log lines, each with its line end. */
  lines: Uint8Array[];
  /** ECS documents as JSON, each with its line end. */
  documents: Uint8Array[];
  /** To be sent to the sender when the events are durable; absent in protocols without acknowledgement. */
  reply?: Uint8Array;
};

/** Decodes what arrives in one connection, in bounded memory. It never throws. */
export type StreamDecoder = {
  push(bytes: Buffer): Decoded;
  /** What is left when the sender ends the connection. */
  end(): Decoded;
  /** Bytes of an incomplete event. */
  readonly heldBytes: number;
  /** Bytes of overlong events that were skipped. Their beginning was decoded. */
  readonly skippedBytes: number;
  /** Why nothing more can be read from the connection, for people. */
  readonly failure?: string | undefined;
};

/** Decodes datagrams. It never throws. */
export type DatagramDecoder = {
  push(datagram: Buffer, sender: string, nowMs: number): Decoded;
  /** Events that were lost because parts of them did not arrive, since the start. */
  readonly lost: number;
};

/** Called for an event that its sender has to correct, with the reason for people. */
export type Refuse = (reason: string, sender: string) => void;

/** Resolves when the events are durable. Waits while they cannot be kept. Rejects when the receiver is closed. */
export type Keep = (decoded: Decoded, sender: string) => Promise<void>;

export const isEmpty = ({ lines, documents }: Decoded): boolean =>
  lines.length === 0 && documents.length === 0;
