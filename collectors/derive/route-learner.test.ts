import * as fc from "fast-check";
import { expect, test } from "vitest";

import { Batch } from "../batch.ts";
import { openDeriver } from "./derive.ts";
import { RouteLearner } from "./route-learner.ts";
import { routeOf } from "./route.ts";

const word = (n: number): string =>
  n.toString(26).replaceAll(/[0-9a-p]/g, (it) => String.fromCharCode(97 + Number.parseInt(it, 26)));

function taught(paths: readonly string[]): RouteLearner {
  const learner = new RouteLearner();
  for (const path of paths) learner.learn(path);
  return learner;
}

const users = (count: number, rest = ""): string[] =>
  Array.from({ length: count }, (_, n) => `/users/${word(n)}${rest}`);

test("many names at the same place become an identifier, few stay names", () => {
  const few = taught(users(60));
  expect(few.routeOf("/users/ann")).toBe("/users/ann");
  const many = taught([...users(70), "/about", "/users"]);
  expect(many.routeOf("/users/ann")).toBe("/users/{id}");
  expect(many.routeOf("/users/ann/orders")).toBe("/users/{id}/orders");
  expect(many.routeOf("/users")).toBe("/users");
  expect(many.routeOf("/users/")).toBe("/users/");
  expect(many.routeOf("/about")).toBe("/about");
});

test("an identifier below another one is learnt too", () => {
  const paths = users(70).flatMap((user) =>
    Array.from({ length: 70 }, (_, n) => `${user}/boards/${word(n)}/edit`),
  );
  const learner = taught(paths);
  expect(learner.routeOf("/users/ann/boards/home/edit")).toBe("/users/{id}/boards/{id}/edit");
});

test("the first segment stays a name, whatever is requested", () => {
  const learner = taught(Array.from({ length: 5_000 }, (_, n) => `/${word(n)}`));
  expect(learner.routeOf("/pricing")).toBe("/pricing");
});

test("identifiers that look like one do not make names beside them identifiers", () => {
  const learner = taught(Array.from({ length: 500 }, (_, n) => `/item/${n + 1000}`));
  expect(learner.routeOf("/item/4711")).toBe("/item/{id}");
  expect(learner.routeOf("/item/new")).toBe("/item/new");
});

test("what was learnt is continued after a restart", () => {
  const saved: string[][] = [];
  const learner = new RouteLearner([], (learnt) => void saved.push([...learnt]));
  for (const path of users(70)) learner.learn(path);
  expect(saved).toEqual([["/users/{id}"]]);
  expect(new RouteLearner(saved[0]).routeOf("/users/ann")).toBe("/users/{id}");
});

test("of a million paths few routes remain", () => {
  const learner = new RouteLearner();
  const routes = new Set<string>();
  for (let n = 0; n < 1_000_000; n += 1) {
    const path = `/shop/${word(n % 1000)}name/${word(n)}x`;
    if (n > 200_000) routes.add(learner.routeOf(path));
    learner.learn(path);
  }
  expect([...routes]).toEqual(["/shop/{id}/{id}"]);
});

test("any path has the route of its shape, with some segments as identifiers", () => {
  const segment = fc.oneof(
    fc.constantFrom("a", "users", "", "42", "{id}", "…"),
    fc.string({ maxLength: 6 }),
  );
  const path = fc.array(segment, { maxLength: 10 }).map((parts) => `/${parts.join("/")}`);
  fc.assert(
    fc.property(fc.array(path, { maxLength: 200 }), path, (paths, asked) => {
      const learner = taught([...users(70), ...paths]);
      const [plain, learnt] = [routeOf(asked), learner.routeOf(asked)].map((it) => it.split("/"));
      expect(learnt).toHaveLength(plain?.length ?? 0);
      for (const [index, it] of (learnt ?? []).entries())
        expect([plain?.[index], "{id}"]).toContain(it);
    }),
    { numRuns: 50 },
  );
});

test("only successful requests are learnt from, so that scanners do not change routes", () => {
  const batch = new Batch(1_000);
  const learner = new RouteLearner();
  const deriver = openDeriver(batch, { signIn: [], signOut: [] }, learner);
  const request = (path: string, status: number): void => {
    batch.text("url.original").putText(batch.rows, path);
    batch.number("http.response.status_code").put(batch.rows, status);
    batch.commit();
  };
  for (const [n, path] of users(200).entries()) {
    request(path, 200);
    request(`/admin/${word(n)}`, 404);
  }
  deriver.derive(0, batch.rows);
  request("/users/ann", 200);
  request("/admin/login", 404);
  deriver.derive(batch.rows - 2, batch.rows);
  const routes = batch.text("http.route");
  const last = [2, 1].map((back) => routes.text(routes.ids[batch.rows - back] ?? 0));
  expect(last).toEqual(["/users/{id}", "/admin/login"]);
});
