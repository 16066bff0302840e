import type { z } from "zod";

import type { Queryable } from "../postgres/database.ts";

/** A kind of domain event: its type without the service's name (`invoice.paid`), and the schema of its data. */
export type EventDefinition<Type extends string = string, Data extends z.ZodType = z.ZodType> = {
  readonly type: Type;
  readonly data: Data;
};

/** Declares a domain event. Other services depend on its data: fields can be added, not removed or changed. */
export const defineEvent = <const Type extends string, Data extends z.ZodType>(
  type: Type,
  data: Data,
): EventDefinition<Type, Data> => ({ type, data });

/** The same data for several types: `defineEvents("invoice", ["paid", "voided"], Invoice)`. */
export const defineEvents = <
  const Subject extends string,
  const Happened extends string,
  Data extends z.ZodType,
>(
  subject: Subject,
  happened: readonly Happened[],
  data: Data,
): EventDefinition<`${Subject}.${Happened}`, Data>[] =>
  happened.map((it) => defineEvent(`${subject}.${it}` as const, data));

export type DomainEvent<Type extends string = string, Data = unknown> = {
  type: Type;
  /** Id of the object that the event is about. */
  subject: string;
  /** Epoch ms. */
  atMs: number;
  traceId?: string | undefined;
  data: Data;
};

/** The data schema, by event type. */
type DataOf<Declared extends EventDefinition, Type extends string> = Declared extends unknown
  ? Type extends Declared["type"]
    ? Declared["data"]
    : never
  : never;

/** A domain event of a declared type, with data that fits its schema. */
export type DeclaredEvent<
  Declared extends EventDefinition,
  Type extends Declared["type"] = Declared["type"],
> = DomainEvent<Type, z.input<DataOf<Declared, Type>>>;

/** Appends a domain event in the transaction of its cause, so that both commit or neither. */
export type Publish<Declared extends EventDefinition> = <Type extends Declared["type"]>(
  tx: Queryable,
  event: DeclaredEvent<Declared, Type>,
) => Promise<void>;
