import type { Decoded, Refuse, StreamDecoder } from "../sockets/decoder.ts";
import { jsonLine } from "../sockets/json-line.ts";
import { journalDocument } from "./journal-document.ts";
import { JournalEntries, type JournalEntry } from "./journal-entries.ts";

/** The journal limits entries to 64 MiB; those with core dumps are not logs. */
const LIMITS = { entryBytesMax: 4 * 1024 * 1024, valueBytesMax: 1024 * 1024 };

/** The journal over a connection, in the Journal Export Format. */
export function journalStream(refuse: Refuse, sender: string, state = ""): StreamDecoder {
  const entries = new JournalEntries(LIMITS, state);
  let refused = 0;
  const decodedOf = (found: readonly JournalEntry[]): Decoded => {
    const documents = found.flatMap((entry) => {
      const document = journalDocument(entry);
      if (!document) refuse("an entry of the journal has no message or no time", sender);
      return document ? [jsonLine(document)] : [];
    });
    const { tooLong, invalid } = entries;
    if (tooLong + invalid > refused) {
      refuse(
        `${tooLong} entries of the journal are too long, ${invalid} lines are no field`,
        sender,
      );
      refused = tooLong + invalid;
    }
    return { lines: [], documents };
  };
  return {
    push: (bytes) => decodedOf(entries.push(bytes)),
    end: () => decodedOf(entries.end()),
    get heldBytes() {
      return entries.heldBytes;
    },
    get state() {
      return entries.state;
    },
    skippedBytes: 0,
  };
}
