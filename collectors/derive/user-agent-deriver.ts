import type { Batch } from "../batch.ts";
import type { TextField } from "../fields.ts";
import type { TextColumn } from "../text-column.ts";
import type { UserAgent, UserAgentParser } from "../user-agents/user-agent-parser.ts";
import { IdMap } from "./id-map.ts";

/** New user agents that are parsed in a batch, so that a sender with a random one in each request costs little. */
const PARSED_MAX = 4_096;
/** Parsed user agents that are remembered; the least recently used one is forgotten first. */
const REMEMBERED_MAX = 16_384;
const CHARACTERS_MAX = 512;

const FIELDS: readonly { field: TextField; of(agent: UserAgent): string | undefined }[] = [
  { field: "user_agent.name", of: ({ name }) => name },
  { field: "user_agent.version", of: ({ version }) => version },
  { field: "user_agent.os.name", of: ({ osName }) => osName },
  { field: "user_agent.os.version", of: ({ osVersion }) => osVersion },
  {
    field: "user_agent.os.full",
    of: ({ osName, osVersion }) =>
      osName === undefined || osVersion === undefined ? undefined : `${osName} ${osVersion}`,
  },
  { field: "user_agent.device.name", of: ({ device }) => device },
];

/** Derives `user_agent.*` from user_agent.original, once per distinct value. */
export class UserAgentDeriver {
  readonly #parser: UserAgentParser;
  readonly #originals: TextColumn;
  readonly #fields: readonly {
    column: TextColumn;
    map: IdMap;
    of(agent: UserAgent): string | undefined;
  }[];
  readonly #remembered = new Map<string, UserAgent>();
  #parsed = 0;
  #learned = 0;

  constructor(batch: Batch, parser: UserAgentParser) {
    this.#parser = parser;
    this.#originals = batch.text("user_agent.original");
    this.#fields = FIELDS.map(({ field, of }) => ({
      column: batch.text(field),
      map: new IdMap(),
      of,
    }));
  }

  derive(fromRow: number, toRow: number): void {
    const { size, ids } = this.#originals;
    for (const { map } of this.#fields) map.grow(size);
    for (let id = this.#learned + 1; id <= size; id += 1) this.#learn(id);
    this.#learned = size;
    for (const { column, map } of this.#fields) map.copy(ids, column.ids, fromRow, toRow);
  }

  #learn(id: number): void {
    const agent = this.#agentOf(this.#originals.text(id).slice(0, CHARACTERS_MAX));
    if (!agent) return;
    for (const { column, map, of } of this.#fields) {
      const value = of(agent);
      if (value !== undefined) map.ids[id] = column.internText(value);
    }
  }

  /** Undefined if too many new ones were parsed in this batch. */
  #agentOf(original: string): UserAgent | undefined {
    let agent = this.#remembered.get(original);
    if (agent) this.#remembered.delete(original);
    else if (this.#parsed < PARSED_MAX) {
      this.#parsed += 1;
      agent = this.#parser.parse(original);
    } else return undefined;
    this.#remembered.set(original, agent);
    const [oldest] = this.#remembered.keys();
    if (this.#remembered.size > REMEMBERED_MAX && oldest !== undefined) {
      this.#remembered.delete(oldest);
    }
    return agent;
  }

  /** To be called after the batch was reset. */
  reset(): void {
    this.#parsed = 0;
    this.#learned = 0;
    for (const { map } of this.#fields) map.reset();
  }
}
