import type { z } from "zod";

import type { Clock } from "#platform/clock.ts";

import type { Source, SourceStatus } from "../source.ts";
import type { Listener } from "../sources/listeners/listener.ts";

/** What a source may use while it is open. */
export type SourceDeps = {
  /** Its id in the configuration. */
  id: string;
  clock: Clock;
  dataFolder: string;
  /** Folder of the leases of the data folder. */
  locksFolder: string;
};

/** A source that is being read. To be disposed when everything read is stored. */
export type OpenSource = Source &
  AsyncDisposable & {
    /** Its parts, such as buckets or hosts, at most a hundred. Called once a second. */
    status(): readonly SourceStatus[];
  };

/** A kind of source that can be configured: one file, and one entry of the list in kinds.ts. */
export type SourceKind = {
  /** Value of `kind` in the file. */
  readonly kind: string;
  readonly title: string;
  /** One line about it, for the choice of a kind. */
  readonly summary: string;
  /** Whether it has lines of any format, which may be chosen with the property `format`. */
  readonly hasLines: boolean;
  /** The properties of a source of this kind, without `id`, `kind` and `format`. */
  readonly schema: z.ZodObject;
  /**
   * Opens a source with valid properties. Absent: another part of the program reads it, such as the one that follows all
   * log files.
   * @throws AppError with what to do; opening is tried again
   */
  readonly open?: (properties: unknown, deps: SourceDeps) => OpenSource | Promise<OpenSource>;
  /** The socket that receivers open for a source with valid properties. Absent: it is none. */
  readonly listener?: (properties: unknown, source: string) => Listener;
};

type KindSpec<Schema extends z.ZodObject> = Pick<SourceKind, "kind" | "title" | "summary"> & {
  schema: Schema;
  /** Default: false. */
  hasLines?: boolean;
  open?(properties: z.infer<Schema>, deps: SourceDeps): OpenSource | Promise<OpenSource>;
  listener?(properties: z.infer<Schema>, source: string): Listener;
};

/** Declares a kind, so that `open` and `listener` get the properties with their types. */
export function sourceKind<Schema extends z.ZodObject>({
  open,
  listener,
  schema,
  hasLines = false,
  ...about
}: KindSpec<Schema>): SourceKind & { readonly schema: Schema } {
  return {
    ...about,
    schema,
    hasLines,
    ...(open && { open: (properties, deps) => open(schema.parse(properties), deps) }),
    ...(listener && {
      listener: (properties, source) => listener(schema.parse(properties), source),
    }),
  };
}
