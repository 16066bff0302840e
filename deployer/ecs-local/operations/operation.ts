import { z } from "zod";

import { EcsError } from "../protocol/ecs-error.ts";
import type { World } from "../scheduler/world.ts";
import type { EcsState } from "../state.ts";
import type { Arns } from "./arns.ts";

export type Context = { state: EcsState; world: World; arns: Arns };

export type Answer = { state: EcsState; output: object };

/** An operation of the protocol: pure, from a request and a state to an answer and the next state. */
export type Operation = {
  /** Reads may be answered from an earlier state. */
  kind: "read" | "write";
  /** @throws EcsError */
  run(input: unknown, context: Context): Answer;
};

export const read = <Input>(
  schema: z.ZodType<Input>,
  run: (input: Input, context: Context) => object,
): Operation => ({
  kind: "read",
  run: (input, context) => ({
    state: context.state,
    output: run(parseInput(schema, input), context),
  }),
});

export const write = <Input>(
  schema: z.ZodType<Input>,
  run: (input: Input, context: Context) => Answer,
): Operation => ({
  kind: "write",
  run: (input, context) => run(parseInput(schema, input), context),
});

function parseInput<Input>(schema: z.ZodType<Input>, input: unknown): Input {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const at = issue?.path.join(".") ?? "";
  if (issue?.code === "unrecognized_keys") {
    const names = issue.keys.map((key) => (at === "" ? key : `${at}.${key}`)).join(", ");
    throw new EcsError(
      "UnsupportedFeatureException",
      `The local endpoint does not support ${names}.`,
    );
  }
  throw new EcsError("InvalidParameterException", `${at}: ${issue?.message ?? "invalid"}`);
}

/** Unsupported members are refused, not ignored. Members that the SDK sends as null or empty lists count as absent. */
export const input = <Shape extends z.ZodRawShape>(shape: Shape) =>
  z.preprocess(withoutEmpty, z.strictObject(shape));

function withoutEmpty(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(
    Object.entries(value).filter(
      ([, member]) => member !== null && !(Array.isArray(member) && member.length === 0),
    ),
  );
}

export const include = z.array(z.string()).optional();
export const hasTags = (included: readonly string[] | undefined): boolean =>
  included?.includes("TAGS") ?? false;
