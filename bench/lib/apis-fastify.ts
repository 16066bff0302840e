/**
 * The rival of the HTTP kit: Fastify with the guarantees of a route of the kit, as far as Fastify has them. Parameters
 * and query are validated by JSON Schema (ajv), the response is serialised by its schema, an ES256 access token is
 * verified by jose and cached for a minute, and each request is one line of a log (pino). The response is an object in
 * memory. Started by apis.ts with a task as its argument; prints its URL and a token.
 */
import { type FastifyRequest, LogController, fastify } from "fastify";
import { type JWTPayload, SignJWT, generateKeyPair, jwtVerify } from "jose";
import { pino } from "pino";
import { z } from "zod";

const Schema = z.record(z.string(), z.unknown());
const Task = z.object({
  method: z.enum(["GET", "POST"]),
  /** As Fastify writes it: `/v1/invoices/:invoiceId`. */
  path: z.string(),
  schema: z.object({
    params: Schema.optional(),
    querystring: Schema.optional(),
    body: Schema.optional(),
    response: Schema,
  }),
  status: z.int(),
  answer: z.unknown(),
  logFile: z.string(),
});
const CACHED_MS = 60_000;
const ISSUER = "http://accounts.test";
const AUDIENCE = "quarterdeck";

const { method, path, schema, status, answer, logFile } = Task.parse(
  JSON.parse(process.argv[2] ?? "{}"),
);
const { publicKey, privateKey } = await generateKeyPair("ES256");
const token = await new SignJWT({ scope: "bench:read" })
  .setProtectedHeader({ alg: "ES256", typ: "at+jwt" })
  .setSubject("acc_0123456789abcdef01234567")
  .setIssuer(ISSUER)
  .setAudience(AUDIENCE)
  .setExpirationTime("1h")
  .sign(privateKey);

const app = fastify({
  loggerInstance: pino(pino.destination({ dest: logFile, sync: false })),
  // The hook below writes one line per request instead of two.
  logController: new LogController({ disableRequestLogging: true }),
  ajv: { customOptions: { strict: false } },
});

const verified = new Map<string, { claims: JWTPayload; untilMs: number }>();

async function claimsOf(request: FastifyRequest): Promise<JWTPayload | undefined> {
  const { authorization = "" } = request.headers;
  if (!authorization.startsWith("Bearer ")) return undefined;
  const given = authorization.slice("Bearer ".length);
  const known = verified.get(given);
  if (known !== undefined && known.untilMs > Date.now()) return known.claims;
  const { payload } = await jwtVerify(given, publicKey, {
    issuer: ISSUER,
    audience: AUDIENCE,
    typ: "at+jwt",
    algorithms: ["ES256"],
  });
  verified.set(given, { claims: payload, untilMs: Date.now() + CACHED_MS });
  return payload;
}

app.route({
  method,
  url: path,
  schema,
  async preHandler(request, reply) {
    const claims = await claimsOf(request).catch(() => undefined);
    if (claims === undefined) return reply.code(401).send({ title: "Unauthorized" });
    const permissions = String(claims["scope"]).split(" ");
    if (!permissions.includes("bench:read")) return reply.code(403).send({ title: "Forbidden" });
    return undefined;
  },
  async handler(_, reply) {
    return reply.code(status).send(answer);
  },
});
app.addHook("onResponse", (request, reply, done) => {
  request.log.info({
    "http.request.method": request.method,
    "url.path": request.routeOptions.url,
    "http.response.status_code": reply.statusCode,
    "source.ip": request.ip,
    "event.duration": reply.elapsedTime,
  });
  done();
});
const url = await app.listen({ port: 0, host: "127.0.0.1" });
process.stdout.write(`${JSON.stringify({ url, token })}\n`);
process.once("disconnect", () => process.exit(0));
