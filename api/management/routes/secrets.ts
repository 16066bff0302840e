import { z } from "zod";

import { AppError } from "#platform/errors.ts";
import { cutPage, decodeCursor } from "#platform/http/cursor.ts";
import { checkVersion, etagOf } from "#platform/http/etag.ts";
import { type Route, route } from "#platform/http/route.ts";
import { pageOf, pageQuery } from "#platform/http/schema.ts";

import { addSecret, removeSecret, rotateSecret } from "../commands/secrets.ts";
import { type SecretFacts, findSecret, listSecrets } from "../repositories/secrets.ts";
import { STORED_SECRETS } from "../secrets.ts";
import { type RouteDeps, byOf } from "./access.ts";
import { Description, SecretName, Version } from "./wire.ts";

const READ = "management:secrets:read";
const WRITE = "management:secrets:write";
const tag = "Secrets";

const SecretOnWire = z
  .strictObject({
    name: SecretName,
    version: Version,
    description: Description,
    createdAt: z.iso.datetime(),
    rotatedAt: z.iso.datetime(),
    rotatedBy: z.string(),
  })
  .meta({ id: "SecretFacts" });

const params = z.strictObject({ name: SecretName });
const body = z.strictObject({
  value: z.string().min(1).max(16_384).meta({
    description:
      "The value of the secret. It is never returned, listed, logged, exported or streamed.",
  }),
  description: Description.optional(),
});

export function secretRoutes(deps: RouteDeps): Route[] {
  return [list(deps), get(deps), put(deps), rotate(deps), remove(deps)];
}

const list = ({ kit }: RouteDeps): Route =>
  route({
    method: "GET",
    path: "/v1/secrets",
    operationId: "listSecrets",
    tag,
    summary: "Lists secrets by name, without their values",
    rule: { allow: "permission", permission: READ },
    query: pageQuery({}),
    responses: { 200: { description: "A page", body: pageOf(SecretOnWire) } },
    async handle({ query }) {
      const [after] = decodeCursor(z.tuple([SecretName]), query.cursor) ?? [""];
      const found = await listSecrets(kit.database, { after, limit: query.limit + 1 });
      const by = { item: (it: (typeof found)[number]) => it, cursor: nameOf };
      return { status: 200, body: cutPage(found, query.limit, by) };
    },
  });

const nameOf = ({ name }: { name: string }): string[] => [name];

const get = ({ kit }: RouteDeps): Route =>
  route({
    method: "GET",
    path: "/v1/secrets/{name}",
    operationId: "getSecret",
    tag,
    summary: "Returns the metadata of a secret: its version, who rotated it and when",
    rule: { allow: "permission", permission: READ },
    params,
    responses: { 200: { description: "The metadata", body: SecretOnWire } },
    async handle({ params: { name } }) {
      const found = await findSecret(kit.database, name);
      if (!found) throw new AppError("not_found", `There is no secret ${name}.`);
      return { status: 200, headers: etagOf(found.version), body: found };
    },
  });

const put = ({ kit }: RouteDeps): Route =>
  route({
    method: "PUT",
    path: "/v1/secrets/{name}",
    operationId: "putSecret",
    tag,
    summary: "Creates a secret; an existing one must be rotated instead",
    rule: { allow: "permission", permission: WRITE },
    params,
    body,
    idempotency: "optional",
    responses: { 201: { description: "Stored", body: SecretOnWire } },
    handle: ({ params: { name }, body: secret, caller, nowMs, traceId, write }) =>
      write(async (tx) => {
        const by = byOf(caller);
        const stored = await addSecret(tx, kit.secret(STORED_SECRETS), {
          name,
          ...secret,
          by,
          nowMs,
        });
        await publishChange(kit, tx, {
          type: "put",
          name,
          version: stored.version,
          nowMs,
          traceId,
          by,
        });
        return { status: 201, headers: etagOf(stored.version), body: stored };
      }),
  });

const isAt =
  (ifMatch: number | undefined) =>
  (version: number): void =>
    checkVersion(ifMatch, version);

type SecretChange = Pick<SecretFacts, "name" | "version"> & {
  nowMs: number;
  traceId: string;
  by: string;
};

/** Publishes the event of a change, without the value of the secret. */
const publishChange = (
  kit: RouteDeps["kit"],
  tx: Parameters<RouteDeps["kit"]["publish"]>[0],
  {
    type,
    name,
    version,
    nowMs,
    traceId,
    by,
  }: SecretChange & { type: "put" | "rotated" | "deleted" },
): Promise<void> =>
  kit.publish(tx, {
    type: `secret.${type}`,
    subject: name,
    atMs: nowMs,
    traceId,
    data: { name, version, by },
  });

const rotate = ({ kit }: RouteDeps): Route =>
  route({
    method: "POST",
    path: "/v1/secrets/{name}/rotate",
    operationId: "rotateSecret",
    tag,
    summary: "Gives a secret a new value and version; the old value is deleted",
    rule: { allow: "permission", permission: WRITE },
    params,
    body,
    ifMatch: "required",
    idempotency: "optional",
    responses: { 200: { description: "Rotated", body: SecretOnWire } },
    handle: ({ params: { name }, body: secret, caller, nowMs, traceId, ifMatch, write }) =>
      write(async (tx) => {
        const by = byOf(caller);
        const at = { key: kit.secret(STORED_SECRETS), check: isAt(ifMatch) };
        const stored = await rotateSecret(tx, at, { name, ...secret, by, nowMs });
        await publishChange(kit, tx, {
          type: "rotated",
          name,
          version: stored.version,
          nowMs,
          traceId,
          by,
        });
        return { status: 200, headers: etagOf(stored.version), body: stored };
      }),
  });

const remove = ({ kit, store }: RouteDeps): Route =>
  route({
    method: "DELETE",
    path: "/v1/secrets/{name}",
    operationId: "deleteSecret",
    tag,
    summary: "Deletes a secret that no setting refers to",
    rule: { allow: "permission", permission: WRITE },
    params,
    ifMatch: "required",
    responses: { 204: { description: "Deleted" } },
    handle: ({ params: { name }, caller, nowMs, traceId, ifMatch, write }) =>
      write(async (tx) => {
        const version = await removeSecret(tx, { store, check: isAt(ifMatch) }, name);
        const by = byOf(caller);
        await publishChange(kit, tx, { type: "deleted", name, version, nowMs, traceId, by });
        return { status: 204 };
      }),
  });
