import { z } from "zod";

import { cutPage, decodeCursor } from "#platform/http/cursor.ts";
import { etagOf } from "#platform/http/etag.ts";
import { type Route, route } from "#platform/http/route.ts";
import { Timestamp, pageOf, pageQuery, text, iso } from "#platform/http/schema.ts";

import { type CommandDeps, found } from "../commands/call-context.ts";
import { changeProduct, createProduct } from "../commands/change-products.ts";
import { PERMISSION } from "../domain/grants.ts";
import type { Product } from "../domain/products.ts";
import { listProducts, readProduct } from "../repositories/products.ts";
import { ByName, Slug, Words } from "./identity-wire.ts";

const Listed = z.strictObject({
  name: z
    .string()
    .max(200)
    .regex(PERMISSION, { error: "give service:thing:verb" })
    .refine((it) => !/[*/]/.test(it), { error: "give it without * and without a scope" })
    .meta({ example: "shop:orders:read" }),
  description: Words,
});
const Catalogue = z
  .array(Listed)
  .max(200)
  .refine((all) => new Set(all.map((it) => it.name)).size === all.length, {
    error: "give each permission once",
  });

const ProductAnswer = z
  .strictObject({
    id: z.string(),
    slug: z.string(),
    name: z.string(),
    description: z.string(),
    permissions: z.array(Listed).nullable(),
    version: z.int(),
    createdAt: Timestamp,
    updatedAt: Timestamp,
  })
  .meta({ id: "Product" });

const answerOf = ({ createdAtMs, updatedAtMs, permissions, ...rest }: Product) => ({
  ...rest,
  permissions: permissions === null ? null : [...permissions],
  createdAt: iso(createdAtMs),
  updatedAt: iso(updatedAtMs),
});

const READ = { allow: "permission", permission: "accounts:products:read" } as const;
const WRITE = { allow: "permission", permission: "accounts:products:write" } as const;
const Params = z.strictObject({ product: Slug });
const tag = "Products";

/** Products, and what may be permitted on them. */
export const productRoutes = (deps: CommandDeps): Route[] => [
  route({
    method: "GET",
    path: "/v1/products",
    operationId: "listProducts",
    tag,
    summary: "Products, by slug",
    rule: READ,
    query: pageQuery({}),
    reads: "replica",
    answers: { 200: { description: "A page of products", body: pageOf(ProductAnswer) } },
    async handle({ query, read }) {
      const [after] = decodeCursor(ByName, query.cursor) ?? [""];
      const rows = await listProducts(read, { after, limit: query.limit });
      const page = { item: answerOf, cursor: (it: Product) => [it.slug] };
      return { status: 200, body: cutPage(rows, query.limit, page) };
    },
  }),
  route({
    method: "POST",
    path: "/v1/products",
    operationId: "createProduct",
    tag,
    summary: "Makes a product with its permissions",
    description: "Whoever makes it holds all its permissions, and can grant them.",
    rule: WRITE,
    body: z.strictObject({
      slug: Slug,
      name: text({ max: 100 }),
      description: Words.default(""),
      permissions: Catalogue,
    }),
    idempotency: "optional",
    answers: { 201: { description: "Made", body: ProductAnswer } },
    handle: (call) =>
      call.write(async (tx) => {
        const product = await createProduct(tx, call, { ...deps, body: call.body });
        return { status: 201, headers: etagOf(product.version), body: answerOf(product) };
      }),
  }),
  ...oneProduct(deps),
];

const oneProduct = (deps: CommandDeps): Route[] => [
  route({
    method: "GET",
    path: "/v1/products/{product}",
    operationId: "readProduct",
    tag,
    summary: "A product",
    rule: READ,
    params: Params,
    answers: { 200: { description: "The product", body: ProductAnswer } },
    async handle({ params, read }) {
      const product = found(await readProduct(read, params.product), "product");
      return { status: 200, headers: etagOf(product.version), body: answerOf(product) };
    },
  }),
  route({
    method: "PATCH",
    path: "/v1/products/{product}",
    operationId: "changeProduct",
    tag,
    summary: "Changes a product or its permissions",
    description: "A permission that a role or a grant still has cannot be taken out.",
    rule: WRITE,
    params: Params,
    body: z.strictObject({
      name: text({ max: 100 }).optional(),
      description: Words.optional(),
      permissions: Catalogue.optional(),
    }),
    ifMatch: "required",
    answers: { 200: { description: "Changed", body: ProductAnswer } },
    handle: (call) =>
      call.write(async (tx) => {
        const { body, ifMatch } = call;
        const request = { ...deps, slug: call.params.product, ifMatch, body };
        const product = await changeProduct(tx, call, request);
        return { status: 200, headers: etagOf(product.version), body: answerOf(product) };
      }),
  }),
];
