import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { type Server, type Socket, connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";

import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";

/** Objects of a fake S3, by `bucket/key`. */
export type Objects = ReadonlyMap<string, Buffer>;

/**
 * A stand-in for Redshift: PostgreSQL behind a proxy that inspects every statement. It removes keywords of Redshift
 * (DISTSTYLE, SORTKEY), executes COPY … FORMAT AS PARQUET from the fake S3, and rejects PostgreSQL features that
 * Redshift lacks.
 */
export async function fakeRedshift(
  postgresUrl: string,
  objects: Objects,
): Promise<{ port: number; statements: string[]; close(): Promise<void> }> {
  const target = new URL(postgresUrl);
  const statements: string[] = [];
  const duck = await (await DuckDBInstance.create()).connect();
  const sockets = new Set<Socket>();
  const server: Server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname);
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(socket);
      socket.on("error", () => other.destroy());
      socket.on("close", () => (other.destroy(), sockets.delete(socket)));
    }
    upstream.pipe(client);
    let rest: Buffer = Buffer.alloc(0);
    let started = false;
    let work = Promise.resolve();
    const send = async (before: Promise<void>, sent: Buffer | Promise<Buffer>): Promise<void> => {
      const bytes = await sent;
      await before;
      upstream.write(bytes);
    };
    client.on("data", (bytes: Buffer) => {
      rest = Buffer.concat([rest, bytes]);
      for (;;) {
        const head = started ? 1 : 0;
        if (rest.length < head + 4 || rest.length < head + rest.readUInt32BE(head)) return;
        const end = head + rest.readUInt32BE(head);
        const message = rest.subarray(0, end);
        rest = rest.subarray(end);
        const first = !started;
        started = true;
        work = send(work, first ? message : rewritten(message, { statements, objects, duck }));
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    statements,
    async close() {
      for (const socket of sockets) socket.destroy();
      duck.closeSync();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

type Rewriting = { statements: string[]; objects: Objects; duck: DuckDBConnection };

/** Rewrites the SQL of Query and Parse messages for PostgreSQL; passes on all others. */
async function rewritten(message: Buffer, rewriting: Rewriting): Promise<Buffer> {
  const type = String.fromCharCode(message[0] ?? 0);
  if (type !== "Q" && type !== "P") return message;
  const start = type === "Q" ? 5 : message.indexOf(0, 5) + 1;
  const end = message.indexOf(0, start);
  const sql = message.toString("utf8", start, end);
  rewriting.statements.push(sql);
  const text = Buffer.from(await postgresSql(sql, rewriting));
  const body = Buffer.concat([message.subarray(5, start), text, message.subarray(end)]);
  const head = Buffer.alloc(5);
  head.write(type, 0, "latin1");
  head.writeUInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

const ONLY_REDSHIFT = / DISTSTYLE AUTO SORTKEY \(\w+\)$/;
/** Features of PostgreSQL that Redshift lacks. */
const NOT_REDSHIFT =
  /\bON CONFLICT\b|\bRETURNING\b|\bFILTER\s*\(|\bDISTINCT ON\b|\bLATERAL\b|\bGENERATE_SERIES\b|\bjsonb?\b|\bFOR UPDATE\b|\bMATERIALIZED\b|\bWITHIN GROUP\b|\bINTERVAL\b/i;
const COPY = /^COPY (\w+) FROM 's3:\/\/([^']+)' IAM_ROLE 'arn:[^']+' FORMAT AS PARQUET$/;

/** Reserved words (https://docs.aws.amazon.com/redshift/latest/dg/r_pg_keywords.html), which cannot be names. */
const RESERVED = new Set(
  `aes128 aes256 allowoverwrite analyse analyze authorization az64 backup blanksasnull both bytedict bzip2 check collate
  column constraint credentials cross deferrable deflate defrag delta delta32k disable do emptyasnull enable encode encrypt
  encryption explicit foreign freeze full globaldict256 globaldict64k grant gzip identity ignore ilike initially isnull
  leading localtime localtimestamp lun luns lzo lzop minus mostly16 mostly32 mostly8 natural new notnull off offline
  offset oid old only open overlaps parallel percent permissions pivot placing primary raw readratio recover references
  rejectlog resort respect restore right session_user similar snapshot some sysdate system tag tdes text255 text32k top
  trailing truncatecolumns unique unnest unpivot user verbose wallet without at`.split(/\s+/),
);

async function postgresSql(sql: string, { objects, duck }: Rewriting): Promise<string> {
  const copy = COPY.exec(sql);
  if (copy) return insertSql(duck, copy[1] ?? "", objects.get(copy[2] ?? ""));
  const plain = sql.replaceAll(/'(?:[^']|'')*'/g, "''");
  const words = plain.toLowerCase().match(/\b[a-z_][a-z0-9_]*\b/g) ?? [];
  const reserved = words.filter((word) => RESERVED.has(word));
  if (NOT_REDSHIFT.test(plain)) return `SELECT not_in_redshift('${NOT_REDSHIFT.exec(plain)?.[0]}')`;
  if (reserved.length > 0) return `SELECT reserved_in_redshift('${reserved.join(" ")}')`;
  return sql.replace(ONLY_REDSHIFT, "");
}

async function insertSql(
  duck: DuckDBConnection,
  table: string,
  bytes: Buffer | undefined,
): Promise<string> {
  if (bytes === undefined) return "SELECT no_such_object_in_s3()";
  const folder = await mkdtemp(path.join(tmpdir(), "qd-copy-"));
  try {
    const file = path.join(folder, "copied.parquet");
    await writeFile(file, bytes);
    const reader = await duck.runAndReadAll(`SELECT * FROM '${file}'`);
    const rows = reader
      .getRowsJson()
      .map((row) => `(${row.map((cell) => (cell === null ? "NULL" : quoted(cell))).join(", ")})`);
    return `INSERT INTO ${table} VALUES ${rows.join(", ")}`;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const quoted = (cell: unknown): string =>
  `'${(typeof cell === "string" ? cell : JSON.stringify(cell)).replaceAll("'", "''")}'`;
