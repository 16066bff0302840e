/**
 * Messages between two threads or processes: what is posted at one end arrives at the other once and in order, until
 * either end closes. Messages are structured clones, so typed arrays may be sent. Both ends must be the same release.
 * `contract.ts` holds every transport to this.
 */
export type Channel<In, Out> = {
  /** Does nothing on a closed channel. */
  post(message: Out): void;
  /** Sets the listener; messages that came before wait for it, and until then the sender may become congested. */
  onMessage(listener: (message: In) => void): void;
  /** Whether so much was posted that the other end has not received that more should be dropped or wait. */
  readonly isCongested: boolean;
  close(): void;
  /** Resolves when either end has closed, and the listener got all that came before. */
  readonly closed: Promise<void>;
};

/** Where the processes of a data folder meet that have the same role, or ask for it, in the same protocol. */
export type Meeting = { dataFolder: string; name: string; protocol: string };
