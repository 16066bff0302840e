import type { ValueSchema } from "./value-schema.ts";

/** Where a value applies: everywhere, to a product, to an environment, or to a product in an environment. */
export type Scope = { product?: string | undefined; environment?: string | undefined };

/** A scope as a key: `web/production`, with `*` for "all". */
export type ScopeKey = string;

export type Definition = {
  description: string;
  schema: ValueSchema;
  /** Used if no value is set; absent: the setting is then unset. */
  default?: unknown;
  /** What to use instead, or why the setting is being removed. */
  deprecated?: string | undefined;
};

export type Setting = { definition: Definition; values: Readonly<Record<ScopeKey, unknown>> };

type FlagRule = Scope & {
  /** 0 to 100 in steps of 0.01 (rounded down), of all accounts. */
  percentage: number;
};

export type Flag = {
  description: string;
  /** False turns the flag off for everyone, whatever the other fields are. */
  on: boolean;
  /** Accounts that never have it; stronger than `allow`. */
  deny: string[];
  /** Accounts that always have it. */
  allow: string[];
  /** The first rule that matches the product and environment applies; without one the flag is off. */
  rules: FlagRule[];
};

/** The versioned content of an application. */
export type Content = {
  description: string;
  settings: Readonly<Record<string, Setting>>;
  flags: Readonly<Record<string, Flag>>;
};

/** The content of an application that does not exist. */
export const EMPTY: Content = { description: "", settings: {}, flags: {} };

/** The current state of an application. */
export type Application = {
  name: string;
  /** The number of its last revision. */
  version: number;
  /** By key: the revision that last changed the setting or flag, which is its version. */
  versions: { settings: Readonly<Record<string, number>>; flags: Readonly<Record<string, number>> };
  content: Content;
  /** Epoch ms. */
  createdAtMs: number;
  updatedAtMs: number;
};

/** Metadata of a change: who, when, why. */
export type RevisionFacts = {
  application: string;
  /** From 1, without gaps. */
  revision: number;
  /** Epoch ms. */
  atMs: number;
  /** `acc_…`, `svc_…` or `root`. */
  by: string;
  reason: string;
};

/** A change with the content after it. */
export type Revision = RevisionFacts & { content: Content };

export const scopeKey = (scope: Scope): ScopeKey =>
  `${scope.product ?? "*"}/${scope.environment ?? "*"}`;

export function scopeOf(key: ScopeKey): Scope {
  const [product = "*", environment = "*"] = key.split("/");
  return {
    ...(product === "*" ? {} : { product }),
    ...(environment === "*" ? {} : { environment }),
  };
}

/** The value of an own property, so that names such as `constructor` are not found on the prototype. */
export function own<Value>(
  record: Readonly<Record<string, Value>>,
  key: string,
): Value | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}

/** A record without one of its keys. */
export function without<Value>(
  record: Readonly<Record<string, Value>>,
  key: string,
): Record<string, Value> {
  return Object.fromEntries(Object.entries(record).filter(([name]) => name !== key));
}
