import { once } from "node:events";
import { type Server, type Socket, connect, createServer } from "node:net";

import { BSON } from "mongodb";

/** What a member was sent, without greetings. */
type SeenCommand = Readonly<Record<string, unknown>>;
type Member = {
  seen: SeenCommand[];
  /** How far behind it says that it is. */
  behindMs: number;
  /** What it answers to every command, instead of passing it on. */
  answers: Readonly<Record<string, unknown>> | undefined;
  /** Refuses and breaks all connections, as a host that is lost. */
  stop(): Promise<void>;
};
/** A replica set for the driver: it chooses members, and says what it wants of them, as with a real one. */
export type ReplicaSet = AsyncDisposable & { url: string; primary: Member; secondary: Member };

const OP_REPLY = 1;
const OP_QUERY = 2004;
const OP_MSG = 2013;
const HEADER_BYTES = 16;
const GREETINGS = new Set(["hello", "ismaster", "isMaster"]);

type Role = "primary" | "secondary";

/**
 * Two doors to one stand-in: each greets as a member of a replica set (server discovery and monitoring), writes down
 * what it is sent and passes it on. The data is the same behind both, so nothing lags; what is shown is which member the
 * driver asks for what, and by which read preference and write concern.
 */
export async function startReplicaSet(standIn: { url: string }): Promise<ReplicaSet> {
  const upstream = Number(new URL(standIn.url).port);
  const hosts: string[] = [];
  const open = async (role: Role) => {
    const door = await openDoor({ role, hosts, upstream });
    hosts.push(door.host);
    return door;
  };
  const primary = await open("primary");
  const secondary = await open("secondary");
  return {
    // One host is enough: the driver learns of the others from it.
    url: `mongodb://${primary.host}/quarterdeck?replicaSet=rs`,
    primary,
    secondary,
    async [Symbol.asyncDispose]() {
      await Promise.all([primary.stop(), secondary.stop()]);
    },
  };
}

type Door = { role: Role; hosts: readonly string[]; upstream: number };

async function openDoor(door: Door): Promise<Member & { host: string }> {
  const sockets = new Set<Socket>();
  const member: Member = {
    seen: [],
    behindMs: 0,
    answers: undefined,
    async stop() {
      if (!server.listening) return;
      const closed = once(server, "close");
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
  const server: Server = createServer((client) => {
    sockets.add(client);
    const onward = connect(door.upstream, "127.0.0.1");
    onward.pipe(client);
    client.on("error", () => onward.destroy());
    onward.on("error", () => client.destroy());
    client.on("close", () => onward.destroy());
    onMessages(client, (message) => {
      const greeting = greetingFor(message, { ...door, member });
      if (greeting) client.write(greeting);
      else onward.write(message);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("it listens on no port");
  return Object.assign(member, { host: `127.0.0.1:${address.port}` });
}

function onMessages(socket: Socket, heard: (message: Buffer) => void): void {
  let bytes = Buffer.alloc(0);
  socket.on("data", (chunk: Buffer) => {
    bytes = Buffer.concat([bytes, chunk]);
    while (bytes.length >= HEADER_BYTES && bytes.length >= bytes.readInt32LE(0)) {
      heard(bytes.subarray(0, bytes.readInt32LE(0)));
      bytes = bytes.subarray(bytes.readInt32LE(0));
    }
  });
}

/** The answer to a greeting, or what it shall answer; other commands are written down. */
function greetingFor(message: Buffer, door: Door & { member: Member }): Buffer | undefined {
  const [id, operation] = [message.readInt32LE(4), message.readInt32LE(12)];
  if (operation === OP_QUERY) return reply(id, helloOf(door));
  // Flags (4 bytes), then a section of kind 0 (1 byte): the command.
  const at = HEADER_BYTES + 5;
  const command = BSON.deserialize(message.subarray(at, at + message.readInt32LE(at)));
  const [name = ""] = Object.keys(command);
  if (GREETINGS.has(name)) return packed(id, OP_MSG, [Buffer.alloc(5), helloOf(door)]);
  door.member.seen.push(command);
  const { answers } = door.member;
  return answers && packed(id, OP_MSG, [Buffer.alloc(5), Buffer.from(BSON.serialize(answers))]);
}

function reply(to: number, document: Buffer): Buffer {
  const head = Buffer.alloc(20);
  head.writeInt32LE(1, 16);
  return packed(to, OP_REPLY, [head, document]);
}

function packed(to: number, operation: number, parts: readonly Buffer[]): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  const body = Buffer.concat(parts);
  header.writeInt32LE(HEADER_BYTES + body.length, 0);
  header.writeInt32LE(to, 8);
  header.writeInt32LE(operation, 12);
  return Buffer.concat([header, body]);
}

function helloOf({ role, hosts, member }: Door & { member: Member }): Buffer {
  const now = Date.now();
  const ts = new BSON.Timestamp({ t: Math.floor(now / 1_000), i: 1 });
  const me = hosts[role === "primary" ? 0 : 1];
  return Buffer.from(
    BSON.serialize({
      helloOk: true,
      ismaster: role === "primary",
      isWritablePrimary: role === "primary",
      secondary: role === "secondary",
      setName: "rs",
      setVersion: 1,
      hosts,
      me,
      primary: hosts[0],
      lastWrite: { opTime: { ts, t: 1 }, lastWriteDate: new Date(now - member.behindMs) },
      maxBsonObjectSize: 16_777_216,
      maxMessageSizeBytes: 48_000_000,
      maxWriteBatchSize: 100_000,
      localTime: new Date(now),
      minWireVersion: 0,
      maxWireVersion: 8,
      ok: 1,
    }),
  );
}
