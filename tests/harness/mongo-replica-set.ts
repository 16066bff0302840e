import { once } from "node:events";
import { type Server, type Socket, connect, createServer } from "node:net";

import { BSON } from "mongodb";

type Command = Readonly<Record<string, unknown>>;
type Member = {
  /** The received commands, without handshakes. */
  commands: Command[];
  /** The replication lag that it reports. */
  lagMs: number;
  /** Its reply to every command, which is then not forwarded. */
  reply: Readonly<Record<string, unknown>> | undefined;
  /** Refuses and breaks all connections, like a failed host. */
  stop(): Promise<void>;
};
/** A replica set as the driver sees it: it discovers the members and chooses among them as with a real one. */
export type ReplicaSet = AsyncDisposable & { url: string; primary: Member; secondary: Member };

const OP_REPLY = 1;
const OP_QUERY = 2004;
const OP_MSG = 2013;
const HEADER_BYTES = 16;
const HANDSHAKES = new Set(["hello", "ismaster", "isMaster"]);

type Role = "primary" | "secondary";

/**
 * Two proxies in front of one server. Each replies to handshakes as a member of a replica set (server discovery and
 * monitoring), records the commands and forwards them. Both have the same data, so nothing lags; the tests check which
 * commands the driver sends to which member, with which read preference and write concern.
 */
export async function startReplicaSet(server: { url: string }): Promise<ReplicaSet> {
  const upstream = Number(new URL(server.url).port);
  const hosts: string[] = [];
  const open = async (role: Role) => {
    const member = await openMember({ role, hosts, upstream });
    hosts.push(member.host);
    return member;
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

type MemberOptions = { role: Role; hosts: readonly string[]; upstream: number };

async function openMember(options: MemberOptions): Promise<Member & { host: string }> {
  const sockets = new Set<Socket>();
  const member: Member = {
    commands: [],
    lagMs: 0,
    reply: undefined,
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
    const upstream = connect(options.upstream, "127.0.0.1");
    upstream.pipe(client);
    client.on("error", () => upstream.destroy());
    upstream.on("error", () => client.destroy());
    client.on("close", () => upstream.destroy());
    onMessages(client, (message) => {
      const reply = ownReply(message, { ...options, member });
      if (reply) client.write(reply);
      else upstream.write(message);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("it listens on no port");
  return Object.assign(member, { host: `127.0.0.1:${address.port}` });
}

function onMessages(socket: Socket, take: (message: Buffer) => void): void {
  let bytes = Buffer.alloc(0);
  socket.on("data", (chunk: Buffer) => {
    bytes = Buffer.concat([bytes, chunk]);
    while (bytes.length >= HEADER_BYTES && bytes.length >= bytes.readInt32LE(0)) {
      take(bytes.subarray(0, bytes.readInt32LE(0)));
      bytes = bytes.subarray(bytes.readInt32LE(0));
    }
  });
}

/** The reply to a handshake, or the one that a test has set; undefined for what is forwarded. */
function ownReply(message: Buffer, options: MemberOptions & { member: Member }) {
  const { member } = options;
  const [id, operation] = [message.readInt32LE(4), message.readInt32LE(12)];
  if (operation === OP_QUERY) return legacyReply(id, hello(options));
  // Flags (4 bytes), then a section of kind 0 (1 byte): the command.
  const at = HEADER_BYTES + 5;
  const command = BSON.deserialize(message.subarray(at, at + message.readInt32LE(at)));
  const [name = ""] = Object.keys(command);
  if (HANDSHAKES.has(name)) return framed(id, OP_MSG, [Buffer.alloc(5), hello(options)]);
  member.commands.push(command);
  const { reply } = member;
  return reply && framed(id, OP_MSG, [Buffer.alloc(5), Buffer.from(BSON.serialize(reply))]);
}

function legacyReply(to: number, document: Buffer): Buffer {
  const head = Buffer.alloc(20);
  head.writeInt32LE(1, 16);
  return framed(to, OP_REPLY, [head, document]);
}

function framed(to: number, operation: number, parts: readonly Buffer[]): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  const body = Buffer.concat(parts);
  header.writeInt32LE(HEADER_BYTES + body.length, 0);
  header.writeInt32LE(to, 8);
  header.writeInt32LE(operation, 12);
  return Buffer.concat([header, body]);
}

function hello({ role, hosts, member }: MemberOptions & { member: Member }): Buffer {
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
      lastWrite: { opTime: { ts, t: 1 }, lastWriteDate: new Date(now - member.lagMs) },
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
