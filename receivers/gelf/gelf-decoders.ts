import { DelimitedBlocks } from "../framing/delimited-blocks.ts";
import type { DatagramDecoder, Decoded, Refuse, StreamDecoder } from "../sockets/decoder.ts";
import { jsonLine } from "../sockets/json-line.ts";
import { decompressed } from "./decompress.ts";
import { GelfChunks } from "./gelf-chunks.ts";
import { gelfDocument } from "./gelf-document.ts";

/** Also of a message that was compressed. */
const MESSAGE_BYTES_MAX = 1024 * 1024;
const CHUNK_LIMITS = { ageMsMax: 5_000, messagesMax: 1_000, bytesMax: 16 * 1024 * 1024 };
const LINE_END = Buffer.from("\n");
const SPACE = 0x20;
/** The state of a decoder in the rest of an overlong message. */
const SKIPPING = "skipping";

/** GELF over a connection: each message ends with a zero byte. */
export function gelfStream(state = ""): StreamDecoder {
  const blocks = new DelimitedBlocks(0, MESSAGE_BYTES_MAX, state === SKIPPING);
  return {
    push: (bytes) => decodedOf(blocks.push(bytes)),
    end: () => decodedOf(blocks.end()),
    get heldBytes() {
      return blocks.heldBytes;
    },
    get state() {
      return blocks.isSkipping ? SKIPPING : "";
    },
    get skippedBytes() {
      return blocks.skippedBytes;
    },
  };
}

function decodedOf(blocks: readonly Buffer[]): Decoded {
  const decoded: Decoded = { lines: [], documents: [] };
  for (const block of blocks) {
    let start = 0;
    for (let end = block.indexOf(0); end >= 0; end = block.indexOf(0, start)) {
      addMessage(decoded, block.subarray(start, end));
      start = end + 1;
    }
  }
  return decoded;
}

/** GELF over UDP: messages may be compressed, and split into chunks. */
export function gelfDatagrams(refuse: Refuse): DatagramDecoder {
  const chunks = new GelfChunks(CHUNK_LIMITS);
  return {
    push(datagram, sender, { nowMs, offset }) {
      const decoded: Decoded = { lines: [], documents: [] };
      const message = chunks.add(datagram, sender, { nowMs, offset });
      if (!message) return decoded;
      try {
        addMessage(decoded, decompressed(message, MESSAGE_BYTES_MAX));
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        refuse(`a GELF message cannot be decompressed: ${why}`, sender);
      }
      return decoded;
    },
    get heldFrom() {
      return chunks.oldestOffset;
    },
    get lost() {
      return chunks.lost + chunks.invalid;
    },
  };
}

/** What is no GELF message is a log line, or goes to quarantine. */
function addMessage(decoded: Decoded, message: Buffer): void {
  if (message.length === 0) return;
  const found = gelfDocument(message);
  if ("reason" in found) {
    decoded.lines.push(
      Buffer.from(message.map((it) => (it === LINE_END[0] ? SPACE : it))),
      LINE_END,
    );
    return;
  }
  found.document["event.original"] = message.toString();
  decoded.documents.push(jsonLine(found.document));
}
