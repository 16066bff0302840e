/** One event of statistics, with its fields by their dotted names. */
export type StatisticsEvent = Readonly<Record<string, unknown>>;

export type Sample = {
  /** Without time and server, which are the same for all. */
  events: readonly StatisticsEvent[];
  /** What to do about rights that the user lacks, or that it has without need. */
  advice: readonly string[];
};

/** Reads the statistics of one database server, with a connection of its own for each sample. */
export type Sampler = {
  /** Dataset of the events that do not name another one, and name of the product. */
  readonly dataset: string;
  readonly product: string;
  /** @throws AppError with what to do; the next sample is tried all the same */
  sample(): Promise<Sample>;
};

/** Where a server is, and as whom to connect. */
export type ServerAddress = {
  /** With the password, which must not be shown. */
  url: string;
  host: string;
  port: number;
};
