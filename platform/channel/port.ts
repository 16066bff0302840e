/**
 * Messages between two threads or processes: messages posted at one end arrive at the other once and in order, until
 * either end closes. Messages are structured clones, so typed arrays may be sent. Both ends must be of the same
 * release. `contract.ts` tests this for every transport.
 */
export type Channel<In, Out> = {
  /** Does nothing on a closed channel. */
  post(message: Out): void;
  /** Sets the listener; earlier messages wait for it, and until then the sender may become congested. */
  onMessage(listener: (message: In) => void): void;
  /** Whether too many messages are pending, so that further ones should wait or be dropped. */
  readonly isCongested: boolean;
  close(): void;
  /** Resolves when either end has closed and the listener has received all earlier messages. */
  readonly closed: Promise<void>;
};

/** Identifies the sockets of one role in a data folder. Both ends use the same protocol. */
export type ChannelAddress = { dataFolder: string; name: string; protocol: string };
