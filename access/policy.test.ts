import * as fc from "fast-check";
import { expect, test } from "vitest";

import { CAPABILITIES, type Grant, type Subject, type Target, can, explain } from "./policy.ts";

const member = { id: "mem_1", email: "a@example.com", name: "Ann", role: "member" } as const;
const NOW_MS = 1_000;

const targets = fc.constantFrom<Target>(
  "*",
  "board:*",
  "board:home",
  "dataset:*",
  "dataset:nginx.access",
);
const capabilities = fc.constantFrom(...CAPABILITIES);
const grants: fc.Arbitrary<Grant> = fc.record({
  memberId: fc.constantFrom("mem_1", "mem_2"),
  capability: capabilities,
  target: targets,
  expiresMs: fc.option(fc.constantFrom(NOW_MS - 1, NOW_MS, NOW_MS + 1)),
});
const subjects: fc.Arbitrary<Subject> = fc.record({
  member: fc.constantFrom(member, { ...member, role: "owner" as const }),
  grants: fc.array(grants, { maxLength: 4 }),
  nowMs: fc.constant(NOW_MS),
});

test("the explanation never contradicts the decision", () => {
  fc.assert(
    fc.property(subjects, capabilities, targets, (subject, capability, target) => {
      expect(explain(subject, capability, target).allowed).toBe(can(subject, capability, target));
    }),
    { numRuns: 2_000 },
  );
});

test("a member has exactly the rights of their valid grants, and none without a grant", () => {
  fc.assert(
    fc.property(fc.array(grants), capabilities, targets, (all, capability, target) => {
      const subject = { member, grants: all, nowMs: NOW_MS };
      const useless = all.filter(
        (grant) =>
          grant.memberId !== member.id || (grant.expiresMs !== null && grant.expiresMs <= NOW_MS),
      );
      expect(can({ ...subject, grants: useless }, capability, target)).toBe(false);
      const more = { ...subject, grants: [...all, ...all] };
      expect(can(more, capability, target)).toBe(can(subject, capability, target));
    }),
  );
});

test("a chart can be granted without the raw events behind it", () => {
  const grant = { memberId: member.id, capability: "chart", target: "dataset:*", expiresMs: null };
  const subject: Subject = { member, grants: [grant as Grant], nowMs: NOW_MS };
  expect(can(subject, "chart", "dataset:nginx.access")).toBe(true);
  expect(can(subject, "view", "dataset:nginx.access")).toBe(false);
  expect(can(subject, "chart", "board:home")).toBe(false);
  expect(can(subject, "chart", "*")).toBe(false);
});
