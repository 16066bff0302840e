import { emptyDocument } from "./document.ts";
import type { Document } from "./parse.ts";

/** The same document with nested objects; if a name is both a value and a prefix, the longer name stays dotted. */
export function nested(document: Document): Document {
  const root = emptyDocument();
  const names = Object.keys(document).toSorted((a, b) => a.length - b.length);
  for (const name of names) {
    const path = name.split(".");
    let parent = root;
    let depth = 0;
    for (; depth < path.length - 1; depth += 1) {
      const child = (parent[path[depth] ?? ""] ??= emptyDocument());
      if (!isPlain(child)) break;
      parent = child;
    }
    parent[path.slice(depth).join(".")] = document[name];
  }
  return root;
}

/** Created by `nested`, not a value of the event: those have a prototype. */
function isPlain(value: unknown): value is Document {
  return typeof value === "object" && value !== null && Object.getPrototypeOf(value) === null;
}
