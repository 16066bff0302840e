import type { IncomingMessage, ServerResponse } from "node:http";

import { AppError } from "../errors.ts";
import { OutcomeUnknown, type Queryable } from "../postgres/database.ts";
import type { BaseCaller, BaseRule } from "./access-control.ts";
import { once } from "./idempotency.ts";
import type { ListenerDeps, RequestState } from "./listener-deps.ts";
import type { Input } from "./request-input.ts";
import type { AnyResponse, Route } from "./route.ts";
import { TraceLog } from "./trace-log.ts";

/** When a program stops, its requests in progress have this long before their reads are ended. */
const STOP_GRACE_MS = 2_000;
/** The maximum delay of a Node timer. */
const TIMER_MS_MAX = 2 ** 31 - 1;

/** The `Call` of a handler. A class with getters, because most of its parts are unused in most requests. */
export class RequestCall {
  readonly params: unknown;
  readonly query: unknown;
  readonly body: unknown;
  readonly bodyText: string;
  readonly ifMatch: number | undefined;
  readonly ifNoneMatch: string | undefined;
  readonly caller: BaseCaller;
  readonly incoming: IncomingMessage;
  readonly nowMs: number;
  readonly traceId: string;
  readonly log: TraceLog;
  readonly database: ListenerDeps["database"];
  readonly read: Queryable;
  readonly write: <Result extends AnyResponse>(
    work: (tx: Queryable) => Promise<Result>,
  ) => Promise<Result>;
  readonly #outgoing: ServerResponse;
  readonly #stopping: AbortSignal;
  readonly #key: string | undefined;
  #wrote = false;

  constructor(
    { route, trace, incoming, outgoing }: RequestState,
    deps: ListenerDeps,
    { caller, input, read }: { caller: BaseCaller; input: Input; read: Queryable },
  ) {
    this.params = input.params;
    this.query = input.query;
    this.body = input.body;
    this.bodyText = input.bodyText;
    this.ifMatch = input.ifMatch;
    this.ifNoneMatch = incoming.headers["if-none-match"];
    this.caller = caller;
    this.incoming = incoming;
    this.nowMs = deps.clock.nowMs();
    this.traceId = trace.traceId;
    this.log = new TraceLog(deps.log, trace.traceId);
    this.database = deps.database;
    this.read = read;
    this.#key = input.idempotencyKey;
    this.#outgoing = outgoing;
    this.#stopping = deps.stopping;
    this.write = async (work) => {
      const done = await write({ route, caller }, input, { deps, work });
      this.#wrote = true;
      return done;
    };
  }

  get idempotencyKey(): string | undefined {
    return this.#key;
  }

  wrote(): boolean {
    return this.#wrote;
  }

  get readSignal(): AbortSignal {
    const ending = new AbortController();
    const end = (): void => ending.abort();
    const endSoon = (): void => void setTimeout(end, STOP_GRACE_MS).unref();
    this.#stopping.addEventListener("abort", endSoon, { once: true });
    this.#onDisconnect(() => {
      this.#stopping.removeEventListener("abort", endSoon);
      end();
    });
    return ending.signal;
  }

  get signal(): AbortSignal {
    const { endsMs } = this.caller;
    const ends = endsMs === undefined ? [] : [AbortSignal.timeout(this.#msUntil(endsMs))];
    const disconnected = new AbortController();
    this.#onDisconnect(() => disconnected.abort());
    return AbortSignal.any([disconnected.signal, this.#stopping, ...ends]);
  }

  #onDisconnect(listener: () => void): void {
    if (this.#outgoing.closed) listener();
    else this.#outgoing.once("close", listener);
  }

  #msUntil(ms: number): number {
    return Math.min(Math.max(ms - this.nowMs, 0), TIMER_MS_MAX);
  }
}

async function write<Result extends AnyResponse>(
  { route, caller }: { route: Route<BaseRule>; caller: BaseCaller },
  input: Input,
  { deps, work }: { deps: ListenerDeps; work: (tx: Queryable) => Promise<Result> },
): Promise<Result> {
  const key = input.idempotencyKey;
  if (key === undefined) return deps.database.transaction(work);
  const request = {
    key,
    scope: `${caller.kind} ${caller.id} ${route.operationId}`,
    content: JSON.stringify([input.params, input.query, input.bodyText]),
    nowMs: deps.clock.nowMs(),
  };
  const writeOnce = (): Promise<Result> =>
    deps.database.transaction((tx) => once(tx, request, () => work(tx)));
  try {
    return await writeOnce();
  } catch (unknown) {
    if (!(unknown instanceof OutcomeUnknown)) throw unknown;
    // The key tells whether it was done, if the database answers now.
    return writeOnce().catch((error: unknown) => {
      throw error instanceof AppError && error.code === "unavailable" ? unknown : error;
    });
  }
}
