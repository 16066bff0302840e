import type { Batch } from "../batch.ts";
import { listOf } from "../fields.ts";
import type { TextColumn } from "../text-column.ts";
import { IdMap } from "./id-map.ts";
import { RepeatedSignIns } from "./repeated-sign-ins.ts";
import type { DeriveRules, RequestPattern } from "./request-pattern.ts";

export const SIGN_IN = "user-sign-in";
export const SIGN_OUT = "user-sign-out";
/** Of the address and of the user agent, which together identify a client. */
const CLIENT_CHARS_MAX = 256;
/** Failed attempts get a separate action, so that they are not counted. */
const FAILED = "-failed";

/** Common values of `event.action` for signing in and out; compared in lower case, with `_` and blanks as `-`. */
const SIGN_IN_ACTIONS = new Set([
  "user-sign-in",
  "sign-in",
  "signed-in",
  "signin",
  "user-signed-in",
  "login",
  "log-in",
  "logged-in",
  "user-login",
  "user-logged-in",
  "session-start",
  "session.start",
  "session-started",
]);
const SIGN_OUT_ACTIONS = new Set([
  "user-sign-out",
  "sign-out",
  "signed-out",
  "signout",
  "user-signed-out",
  "logout",
  "log-out",
  "logged-out",
  "user-logout",
  "user-logged-out",
  "session-end",
  "session.end",
  "session-ended",
]);

/**
 * Derives event.action of sign-ins and sign-outs from request patterns and from ECS authentication and session events.
 */
export class SignActions {
  readonly #patterns: { pattern: RequestPattern; isSignIn: boolean }[];
  readonly #batch: Batch;
  readonly #actions: TextColumn;
  /** Bit set of the matching patterns, for each path. */
  readonly #matching = new IdMap();
  /** For each action: 1 for a sign-in, 2 for a sign-out. */
  readonly #meaning = new IdMap();
  /** For each category: 1 for authentication or session. For each type: 1 for start, 2 for end. */
  readonly #categories = new IdMap();
  readonly #types = new IdMap();
  readonly #repeated = new RepeatedSignIns();
  #anyPath = false;
  #anyCategory = false;

  constructor(batch: Batch, rules: DeriveRules) {
    this.#batch = batch;
    this.#actions = batch.text("event.action");
    this.#patterns = [
      ...rules.signIn.map((pattern) => ({ pattern, isSignIn: true })),
      ...rules.signOut.map((pattern) => ({ pattern, isSignIn: false })),
    ].slice(0, 32);
  }

  derive(fromRow: number, toRow: number): void {
    this.#learn();
    if (this.#anyPath) this.#fromRequests(fromRow, toRow);
    if (this.#actions.size > 0 || this.#anyCategory) this.#fromEvents(fromRow, toRow);
  }

  #learn(): void {
    const paths = this.#batch.text("url.path");
    learn(this.#matching, paths, (path) => {
      let bits = 0;
      for (const [index, { pattern }] of this.#patterns.entries()) {
        if (pattern.matchesPath(path)) bits |= 1 << index;
      }
      if (bits !== 0) this.#anyPath = true;
      return bits >>> 0;
    });
    learn(this.#meaning, this.#actions, meaningOf);
    learn(this.#categories, this.#batch.text("event.category"), (text) => {
      const isSession = listOf(text).some(
        (name) => name === "authentication" || name === "session",
      );
      if (isSession) this.#anyCategory = true;
      return isSession ? 1 : 0;
    });
    learn(this.#types, this.#batch.text("event.type"), (text) => {
      const types = listOf(text);
      return types.includes("start") ? 1 : types.includes("end") ? 2 : 0;
    });
  }

  #fromRequests(fromRow: number, toRow: number): void {
    const paths = this.#batch.text("url.path").ids;
    const queries = this.#batch.text("url.query");
    const methods = this.#batch.text("http.request.method");
    const statuses = this.#batch.number("http.response.status_code").values;
    for (let row = fromRow; row < toRow; row += 1) {
      const bits = this.#matching.ids[paths[row]!]!;
      if (bits === 0 || this.#actions.ids[row] !== 0 || methods.ids[row] === 0) continue;
      const method = methods.text(methods.ids[row]!).toUpperCase();
      const found = this.#patterns.find(({ pattern }, index) => {
        const isMethod = pattern.method === "*" || pattern.method === method;
        if (!isMethod || (bits & (1 << index)) === 0 || !pattern.matchesStatus(statuses[row]!))
          return false;
        const query = queries.ids[row]!;
        return pattern.matchesQuery?.(query === 0 ? "" : queries.text(query)) ?? true;
      });
      if (found) this.#putRequest(row, found.isSignIn);
    }
  }

  #putRequest(row: number, isSignIn: boolean): void {
    const address = this.#batch.text("source.address");
    const agent = this.#batch.text("user_agent.original");
    const client = [address, agent].map((column) => {
      const id = column.ids[row]!;
      return id === 0 ? "" : column.text(id).slice(0, CLIENT_CHARS_MAX);
    });
    const key = client.join("\n");
    if (!isSignIn) this.#repeated.signedOut(key);
    else if (client[0] !== "") {
      const timeMs = this.#batch.number("@timestamp").values[row]!;
      const status = this.#batch.number("http.response.status_code").values[row]!;
      if (this.#repeated.isRepeat(key, timeMs, status)) return;
    }
    this.#actions.putText(row, isSignIn ? SIGN_IN : SIGN_OUT);
  }

  #fromEvents(fromRow: number, toRow: number): void {
    const categories = this.#batch.text("event.category").ids;
    const types = this.#batch.text("event.type").ids;
    const outcomes = this.#batch.text("event.outcome");
    const failure = outcomes.internText("failure");
    for (let row = fromRow; row < toRow; row += 1) {
      const named = this.#meaning.ids[this.#actions.ids[row]!] ?? 0;
      if (named === 0 && this.#categories.ids[categories[row]!] !== 1) continue;
      const meaning = named === 0 ? this.#types.ids[types[row]!]! : named;
      if (meaning === 0) continue;
      const action = meaning === 1 ? SIGN_IN : SIGN_OUT;
      if (outcomes.ids[row] !== failure) this.#actions.putText(row, action);
      // A failed attempt is not a sign-in or sign-out, whatever its action.
      else if (named !== 0) this.#actions.putText(row, action + FAILED);
    }
  }

  reset(): void {
    for (const map of [this.#matching, this.#meaning, this.#categories, this.#types]) map.reset();
    this.#anyPath = false;
    this.#anyCategory = false;
  }
}

function learn(map: IdMap, column: TextColumn, of: (text: string) => number): void {
  const known = map.grow(column.size);
  for (let id = known + 1; id <= column.size; id += 1) map.ids[id] = of(column.text(id));
}

function meaningOf(action: string): number {
  const name = action.toLowerCase().replaceAll(/[_ ]/g, "-");
  if (SIGN_IN_ACTIONS.has(name)) return 1;
  return SIGN_OUT_ACTIONS.has(name) ? 2 : 0;
}
