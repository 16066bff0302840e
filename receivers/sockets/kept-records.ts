import type { RecordHeader } from "#collectors/source.ts";
import type { BusProducer } from "#pipeline/bus/port.ts";

type Header = Pick<RecordHeader, "stream" | "format" | "readTo">;

/**
 * Which records of the held connections were on the bus when this process began: those of which an earlier receiver did not
 * tell the socket holder before it was killed.
 */
export class KeptRecords {
  /** By connection: the largest offset for each kind of record. */
  readonly #connections = new Map<string, Map<string, number>>();

  async read(bus: Pick<BusProducer, "recent">): Promise<void> {
    for await (const { header } of bus.recent()) {
      const { readTo } = header;
      if (!readTo) continue;
      const kinds = this.#connections.get(readTo.connection) ?? new Map<string, number>();
      this.#connections.set(readTo.connection, kinds);
      const kind = kindOf(header);
      kinds.set(kind, Math.max(kinds.get(kind) ?? 0, readTo.offset));
    }
  }

  has(header: Header): boolean {
    const { readTo } = header;
    if (!readTo) return false;
    const kept = this.#connections.get(readTo.connection)?.get(kindOf(header)) ?? 0;
    return kept >= readTo.offset;
  }

  /**
   * The offsets, ascending, at which records of the connection ended: what is read again has to be cut there too, so that its
   * records are the same.
   */
  offsetsOf(connection: string): number[] {
    const offsets = new Set(this.#connections.get(connection)?.values());
    return [...offsets].toSorted((a, b) => a - b);
  }

  /** Forgets all other connections. */
  retain(connections: ReadonlySet<string>): void {
    for (const connection of this.#connections.keys()) {
      if (!connections.has(connection)) this.#connections.delete(connection);
    }
  }
}

/** A batch has a record for each sender, and for lines and documents. */
const kindOf = ({ stream = "", format = "" }: Header): string => `${stream}\n${format}`;
