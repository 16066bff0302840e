import { lstatSync } from "node:fs";

import { AppError } from "#platform/errors.ts";

import { whyNotFree } from "../closed-port.ts";
import type { Mistake } from "../configuration/port.ts";
import type { Rendered } from "../template.ts";
import { boundPaths, type BoundPort, boundPorts } from "./bound-ports.ts";
import { missingParts, type Required } from "./required-parts.ts";

/** Who has ports of this machine. */
export type PortOwner = {
  id: string;
  /** Those that it has now, and those that it would have with the template. */
  ports: ReadonlySet<number>;
  wanted: ReadonlySet<number>;
};

type Candidate = {
  rendered: Rendered;
  required: Required;
  /** Lets HAProxy check it, unless it has what is forbidden. @throws AppError unprocessable with fields `line N` */
  runCheck(): Promise<void>;
  /** Ports that its process has. */
  own: ReadonlySet<number>;
  others: readonly PortOwner[];
};

/** Everything that is wrong with a template for one node, by lines of the template. */
export async function mistakesOf(candidate: Candidate): Promise<Mistake[]> {
  const { rendered, required, runCheck, own, others } = candidate;
  const { text, origins } = rendered;
  const inTemplate = (mistakes: Mistake[]): Mistake[] =>
    mistakes.map(({ line, message }) => {
      const origin = line === null ? null : (origins[line - 1] ?? line);
      return { line: origin, message: origin === null ? message : `Line ${origin}: ${message}` };
    });
  const missing = inTemplate(missingParts(text, required));
  const refused = await mistakesBy(runCheck);
  if (refused.length > 0) return [...missing, ...refused];
  const mistakes = [...(await taken(boundPorts(text), own, others)), ...replaced(text)];
  return [...missing, ...inTemplate(mistakes)];
}

/** The mistakes of an error that lists them by line. @throws others */
export async function mistakesBy(check: () => Promise<unknown>): Promise<Mistake[]> {
  try {
    await check();
    return [];
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== "unprocessable") throw error;
    if (error.fields.length === 0) return [{ line: null, message: error.message }];
    return error.fields.map(({ path, message }) => {
      const line = /^line (\d+)$/.exec(path)?.[1];
      return { line: line === undefined ? null : Number(line), message };
    });
  }
}

/** HAProxy puts a socket in the place of whatever has its path. */
const replaced = (text: string): Mistake[] =>
  boundPaths(text).flatMap(({ path, line }) => {
    const there = lstatSync(path, { throwIfNoEntry: false });
    if (there === undefined || there.isSocket()) return [];
    return [{ line, message: `${path} is there already, and is no socket.` }];
  });

/** Ports that the running process of the node has already are free for its next one. */
async function taken(
  ports: readonly BoundPort[],
  own: ReadonlySet<number>,
  others: readonly PortOwner[],
): Promise<Mistake[]> {
  const mistakes = await Promise.all(
    ports.map(async (bound): Promise<Mistake[]> => {
      if (own.has(bound.port)) return [];
      const address = `${bound.host}:${bound.port}`;
      const why = ownedBy(bound, others) ?? (await whyNotFree(bound)) ?? wantedBy(bound, others);
      return why === undefined ? [] : [{ line: bound.line, message: `${address} ${why}.` }];
    }),
  );
  return mistakes.flat();
}

function ownedBy({ port }: BoundPort, others: readonly PortOwner[]): string | undefined {
  const owner = others.find(({ ports }) => ports.has(port));
  return owner && `is bound by ${owner.id} of this edge`;
}

/** HAProxy would let both bind it, and the system would share the connections between them. */
function wantedBy({ port }: BoundPort, others: readonly PortOwner[]): string | undefined {
  const other = others.some(({ wanted }) => wanted.has(port));
  return other ? "would be bound by several nodes on this machine" : undefined;
}

/** The same mistakes of several nodes once, by line. */
export function distinct(mistakes: readonly Mistake[]): Mistake[] {
  const byMessage = new Map(mistakes.map((it) => [it.message, it]));
  return [...byMessage.values()].toSorted((a, b) => (a.line ?? 0) - (b.line ?? 0));
}
