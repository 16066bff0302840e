import { z } from "zod";

import { decodeCursor, pageResponse } from "#platform/http/cursor.ts";
import { versioned } from "#platform/http/etag.ts";
import { type Route, route } from "#platform/http/route.ts";
import { Timestamp, pageOf, pageQuery, text } from "#platform/http/schema.ts";
import { toBody } from "#platform/http/to-body.ts";

import { type CommandDeps, found } from "../commands/call-context.ts";
import { changeProduct, createProduct } from "../commands/change-products.ts";
import { PERMISSION } from "../domain/grants.ts";
import { type Product, listProducts, readProduct } from "../repositories/products.ts";
import { ByName, Description, Slug } from "./wire.ts";

const Permission = z.strictObject({
  name: z
    .string()
    .max(200)
    .regex(PERMISSION, { error: "give service:resource:action" })
    .refine((it) => !/[*/]/.test(it), { error: "a permission of a product has no * and no scope" })
    .meta({ example: "shop:orders:read" }),
  description: Description,
});
const Catalogue = z
  .array(Permission)
  .max(200)
  .refine((all) => new Set(all.map((it) => it.name)).size === all.length, {
    error: "give each permission once",
  });

const ProductBody = z
  .strictObject({
    id: z.string(),
    slug: z.string(),
    name: z.string(),
    description: z.string(),
    permissions: z.array(Permission).nullable(),
    version: z.int(),
    createdAt: Timestamp,
    updatedAt: Timestamp,
  })
  .meta({ id: "Product" });

const bodyOf = (it: Product) => toBody(ProductBody, it);

const READ = { allow: "permission", permission: "accounts:products:read" } as const;
const WRITE = { allow: "permission", permission: "accounts:products:write" } as const;
const params = z.strictObject({ product: Slug });
const tag = "Products";

export const productRoutes = (deps: CommandDeps): Route[] => [
  listRoute,
  createRoute(deps),
  readRoute,
  changeRoute(deps),
];

const listRoute = route({
  method: "GET",
  path: "/v1/products",
  operationId: "listProducts",
  tag,
  summary: "List products by slug",
  rule: READ,
  query: pageQuery({}),
  reads: "replica",
  responses: { 200: { description: "A page of products", body: pageOf(ProductBody) } },
  async handle({ query, read }) {
    const [after] = decodeCursor(ByName, query.cursor) ?? [""];
    const rows = await listProducts(read, { after, limit: query.limit });
    return pageResponse(rows, query, { item: bodyOf, cursor: (it) => [it.slug] });
  },
});

const createRoute = (deps: CommandDeps): Route =>
  route({
    method: "POST",
    path: "/v1/products",
    operationId: "createProduct",
    tag,
    summary: "Create a product with its permissions",
    description: "The caller gets all its permissions and can grant them.",
    rule: WRITE,
    body: z.strictObject({
      slug: Slug,
      name: text({ max: 100 }),
      description: Description.default(""),
      permissions: Catalogue,
    }),
    idempotency: "optional",
    responses: { 201: { description: "Created", body: ProductBody } },
    handle: (call) =>
      call.write(async (tx) => {
        const product = await createProduct(tx, call, { ...deps, body: call.body });
        return versioned(201, bodyOf(product));
      }),
  });

const readRoute = route({
  method: "GET",
  path: "/v1/products/{product}",
  operationId: "readProduct",
  tag,
  summary: "Get a product",
  rule: READ,
  params,
  responses: { 200: { description: "The product", body: ProductBody } },
  handle: async ({ params: { product }, read }) =>
    versioned(200, bodyOf(found(await readProduct(read, product), "product"))),
});

const changeRoute = (deps: CommandDeps): Route =>
  route({
    method: "PATCH",
    path: "/v1/products/{product}",
    operationId: "changeProduct",
    tag,
    summary: "Change a product or its permissions",
    description: "A permission that a role or a grant contains cannot be removed.",
    rule: WRITE,
    params,
    body: z.strictObject({
      name: text({ max: 100 }).optional(),
      description: Description.optional(),
      permissions: Catalogue.optional(),
    }),
    ifMatch: "required",
    responses: { 200: { description: "Changed", body: ProductBody } },
    handle: (call) =>
      call.write(async (tx) => {
        const {
          body,
          ifMatch,
          params: { product: slug },
        } = call;
        const request = { ...deps, slug, ifMatch, body };
        return versioned(200, bodyOf(await changeProduct(tx, call, request)));
      }),
  });
