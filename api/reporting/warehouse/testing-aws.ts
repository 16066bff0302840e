import { type IncomingMessage, type Server, type ServerResponse, createServer } from "node:http";

import { Client } from "pg";
import { z } from "zod";

type Handle = (request: IncomingMessage, body: Buffer) => Promise<[status: number, body: string]>;

async function serve(handle: Handle): Promise<{ url: string; close(): Promise<void> }> {
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) if (Buffer.isBuffer(chunk)) chunks.push(chunk);
    const [status, body] = await handle(request, Buffer.concat(chunks));
    response.writeHead(status, { "content-type": "application/x-amz-json-1.1" }).end(body);
  };
  const server: Server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const SIGNED =
  /^AWS4-HMAC-SHA256 Credential=TESTKEY\/\d{8}\/eu-central-1\/(?:s3|redshift-data)\/aws4_request, ?SignedHeaders=[\w;-]+, ?Signature=[0-9a-f]{64}$/;
export const TEST_CREDENTIALS = { accessKeyId: "TESTKEY", secretAccessKey: "test secret" };

/** An S3 endpoint that stores objects uploaded with a signature, by `bucket/key`. */
export async function fakeS3() {
  const objects = new Map<string, Buffer>();
  const server = await serve((request, body) => {
    if (request.method !== "PUT" || !SIGNED.test(request.headers.authorization ?? "")) {
      return Promise.resolve([403, "<Error><Code>AccessDenied</Code></Error>"]);
    }
    const { pathname } = new URL(request.url ?? "", "http://s3");
    objects.set(decodeURIComponent(pathname.slice(1)), body);
    return Promise.resolve([200, ""]);
  });
  return { ...server, objects };
}

const Body = z.object({
  Id: z.string().optional(),
  Sql: z.string().optional(),
  Sqls: z.array(z.string()).optional(),
  Parameters: z.array(z.object({ name: z.string(), value: z.string() })).optional(),
  NextToken: z.string().optional(),
  WorkgroupName: z.string().optional(),
});
type Body = z.infer<typeof Body>;
type Statement = {
  done: Promise<unknown>;
  state: string;
  error: string;
  rows: unknown[][];
  polls: number;
  client: Client;
};

const PAGE_ROWS = 7;

/** Faults to inject. */
export type Faults = {
  throttle: number;
  refuse: string | undefined;
  end: "ABORTED" | "FAILED" | undefined;
};

/** The Data API protocol (AWS JSON 1.1) over a SQL server. Responses are delayed and in small pages. */
export async function fakeDataApi(databaseUrl: string) {
  const statements = new Map<string, Statement>();
  const faults: Faults = { throttle: 0, refuse: undefined, end: undefined };
  const operations: string[] = [];
  const server = await serve(async (request, bytes) => {
    if (!SIGNED.test(request.headers.authorization ?? ""))
      return failure(403, "AccessDeniedException");
    const operation = String(request.headers["x-amz-target"]).split(".").at(-1) ?? "";
    operations.push(operation);
    const refused = refusalOf(faults);
    if (refused !== undefined) return failure(400, refused);
    const body = Body.parse(JSON.parse(bytes.toString()));
    if (operation.endsWith("ExecuteStatement")) {
      if (body.WorkgroupName !== "reports") return failure(400, "ResourceNotFoundException");
      const Id = `statement-${statements.size + 1}`;
      statements.set(Id, await begin(databaseUrl, body));
      return [200, JSON.stringify({ Id })];
    }
    const statement = statements.get(body.Id ?? "");
    if (statement === undefined) return failure(400, "ResourceNotFoundException");
    if (operation === "DescribeStatement")
      return [200, JSON.stringify(describe(statement, faults))];
    if (operation === "CancelStatement") {
      await statement.client.end();
      return [200, JSON.stringify({ Status: true })];
    }
    return [200, JSON.stringify(page(statement, Number(body.NextToken ?? 0)))];
  });
  return { ...server, faults, operations };
}

function refusalOf(faults: Faults): string | undefined {
  if (faults.throttle === 0) return faults.refuse;
  faults.throttle -= 1;
  return "ThrottlingException";
}

const failure = (status: number, __type: string): [number, string] => [
  status,
  JSON.stringify({ __type, message: __type }),
];

async function begin(
  databaseUrl: string,
  { Sql, Sqls, Parameters = [] }: Body,
): Promise<Statement> {
  const client = new Client({
    connectionString: databaseUrl,
    types: { getTypeParser: () => String },
  });
  client.on("error", () => undefined);
  await client.connect();
  const statement: Statement = {
    done: Promise.resolve(),
    state: "STARTED",
    error: "",
    rows: [],
    polls: 0,
    client,
  };
  const run = async (): Promise<void> => {
    if (Sql !== undefined) {
      const text = Sql.replaceAll(/:p(\d+)\b/g, "$$$1");
      const values = Parameters.map(({ value }) => value);
      statement.rows = (await client.query<unknown[]>({ text, values, rowMode: "array" })).rows;
    } else {
      await client.query("BEGIN");
      for (const sql of Sqls ?? []) await client.query(sql);
      await client.query("COMMIT");
    }
    statement.state = "FINISHED";
    await client.end();
  };
  statement.done = run().catch((error: unknown) => {
    statement.state = "FAILED";
    statement.error = String(error);
    return client.end().catch(() => undefined);
  });
  return statement;
}

function describe(statement: Statement, { end }: Faults) {
  statement.polls += 1;
  if (end !== undefined) return { Status: end, Error: "injected by the test" };
  if (statement.polls === 1) return { Status: "SUBMITTED" };
  const { state, error, rows } = statement;
  return {
    Status: state,
    HasResultSet: rows.length > 0,
    ...(error === "" ? {} : { Error: error }),
  };
}

function page({ rows }: Statement, start: number) {
  const end = start + PAGE_ROWS;
  return {
    Records: rows.slice(start, end).map((row) => row.map(fieldOf)),
    ...(end < rows.length ? { NextToken: String(end) } : {}),
  };
}

/** Small integers as longValue, as the API gives BIGINT; everything else as text. */
function fieldOf(cell: unknown) {
  if (cell === null) return { isNull: true };
  const text = typeof cell === "string" ? cell : JSON.stringify(cell);
  return /^-?\d{1,9}$/.test(text) ? { longValue: Number(text) } : { stringValue: text };
}
