import { isNode, LineCounter, parseDocument } from "yaml";
import type { z } from "zod";

import { Processing } from "./processing.ts";

type Read = { processing: Processing } | { mistakes: string[] };

/** Parses the YAML file of the processing rules. Each mistake names its line, its field and what to write instead. */
export function readProcessing(text: string): Read {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const wrong = [...document.errors, ...document.warnings];
  if (wrong.length > 0) {
    return {
      mistakes: wrong.map(({ message, pos }) => `line ${lines.linePos(pos[0]).line}: ${message}`),
    };
  }
  let plain: unknown;
  try {
    plain = document.toJS({ maxAliasCount: 100 }) ?? {};
  } catch (error) {
    return { mistakes: [error instanceof Error ? error.message : String(error)] };
  }
  const parsed = Processing.safeParse(plain);
  if (parsed.success) return { processing: parsed.data };
  const lineOf = (path: readonly PropertyKey[]): number => {
    for (let length = path.length; length > 0; length -= 1) {
      const node = document.getIn(path.slice(0, length), true);
      if (isNode(node) && node.range) return lines.linePos(node.range[0]).line;
    }
    return 1;
  };
  return {
    mistakes: parsed.error.issues.map((issue) => {
      const at = issue.path.map(String).join(".");
      return `line ${lineOf(issue.path)}: ${at === "" ? "" : `${at}: `}${messageOf(issue)}`;
    }),
  };
}

function messageOf(issue: z.core.$ZodIssue): string {
  if (issue.code !== "unrecognized_keys") return issue.message;
  const known =
    issue.path.length === 0 ? ` (known: ${Object.keys(Processing.shape).join(", ")})` : "";
  return `unknown: ${issue.keys.join(", ")}${known}`;
}
