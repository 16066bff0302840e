/**
 * Takes what is pushed at us, before it is acknowledged. What it took is read by the ingest loop like any other source
 * (`busSource`).
 */
export type Bus = AsyncDisposable & {
  /**
   * Resolves when the bytes, which are whole lines each with its line end, are safe on disk: what happens to this process
   * from then on does not matter to them. All of them are kept, or it rejects and none is promised.
   * @throws AppError unavailable when they cannot be kept, too_many_requests while too much waits to be stored
   */
  append(lines: Uint8Array): Promise<void>;
  /** Rejects, as `append` would, when nothing can be taken now. */
  check(): Promise<void>;
};
