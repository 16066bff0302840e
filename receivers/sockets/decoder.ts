/** What was decoded from the bytes of a sender: events in the form in which the bus keeps them. */
export type Decoded = {
  /** Log lines, each with its line end. */
  lines: Uint8Array[];
  /** ECS documents as JSON, each with its line end. */
  documents: Uint8Array[];
};

/** Events with the address of their sender, for people. */
export type Sent = Decoded & { sender: string };

/**
 * Decodes what arrives in one connection, in bounded memory. It never throws. Another decoder that begins with the same `state`
 * and gets the last `heldBytes` bytes again continues as this one.
 */
export type StreamDecoder = {
  push(bytes: Buffer): Decoded & {
    /** To be sent to the sender when the events are durable; absent in protocols without acknowledgement. */
    reply?: string;
  };
  /** What is left when the sender ends the connection. */
  end(): Decoded;
  /** Bytes of an incomplete event. */
  readonly heldBytes: number;
  /** What is known beside these bytes; empty at the beginning of a connection. */
  readonly state: string;
  /** Bytes of overlong events that were skipped. Their beginning was decoded. */
  readonly skippedBytes: number;
  /** Why nothing more can be read from the connection, for people. */
  readonly failure?: string | undefined;
};

/** Decodes datagrams. It never throws. */
export type DatagramDecoder = {
  /** `offset`: where it begins in the sequence of all datagrams. */
  push(datagram: Buffer, sender: string, at: { nowMs: number; offset: number }): Decoded;
  /** Where the first datagram begins that is part of an incomplete event. */
  readonly heldFrom: number | undefined;
  /** Events that were lost because parts of them did not arrive, since the start. */
  readonly lost: number;
};

/** Called for an event that its sender has to correct, with the reason for people. */
export type Refuse = (reason: string, sender: string) => void;
