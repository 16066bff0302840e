import { routeOf } from "./route.ts";

const ID = "{id}";
/** More different segments at the same place of paths are identifiers, such as the names in `/users/ann` and `/users/bob`. */
const SEGMENTS_MAX = 64;
/** Places and segments that are remembered to be compared; when there are so many, nothing more is learnt. */
const NODES_MAX = 20_000;
const LEARNT_MAX = 1_000;
const FIRST_SEGMENTS_MAX = 500;
/** Templates that were shortened, and those of assets. */
const SHORTENED = /[…*]/;

/** A place in paths, and where they go on after each segment. If it is open, all segments are one identifier. */
type Node = { readonly next: Map<string, Node>; isOpen: boolean };

/**
 * Learns from the paths of successful requests which segments are identifiers although they do not look like one, in bounded
 * memory: `/users/{id}` instead of a route for each user. The first segment of a path is always a name.
 */
export class RouteLearner {
  readonly #root = newNode();
  readonly #learnt = new Set<string>();
  readonly #onLearnt: (learnt: readonly string[]) => void;
  #nodes = 0;

  /** `learnt`: templates that were learnt before, such as `/users/{id}`. `onLearnt` is called with all of them. */
  constructor(
    learnt: readonly string[] = [],
    onLearnt: (learnt: readonly string[]) => void = () => undefined,
  ) {
    this.#onLearnt = onLearnt;
    for (const template of learnt.slice(0, LEARNT_MAX)) this.#restore(template);
  }

  /** The route of a path, as `routeOf`, with the identifiers that were learnt. */
  routeOf(path: string): string {
    const route = routeOf(path);
    if (this.#learnt.size === 0 || SHORTENED.test(route)) return route;
    const segments = route.split("/");
    let node: Node | undefined = this.#root;
    for (let i = 1; i < segments.length && node; i += 1) {
      if (node.isOpen && segments[i] !== "") segments[i] = ID;
      node = node.next.get(segments[i] ?? "");
    }
    return segments.join("/");
  }

  /** To be called with the path of a successful request. */
  learn(path: string): void {
    const route = routeOf(path);
    if (SHORTENED.test(route) || !route.startsWith("/")) return;
    const before: string[] = [];
    let node: Node | undefined = this.#root;
    for (const segment of route.split("/").slice(1)) {
      if (segment === "") return;
      if (before.length > 0 && !node.isOpen && this.#isIdentifier(node, segment)) {
        this.#open(node, before);
      }
      const shown: string = node.isOpen ? ID : segment;
      before.push(shown);
      node = node.next.get(shown) ?? this.#add(node, shown);
      if (!node) return;
    }
  }

  #isIdentifier({ next }: Node, segment: string): boolean {
    return next.size >= SEGMENTS_MAX && !next.has(segment) && this.#learnt.size < LEARNT_MAX;
  }

  #add(node: Node, segment: string): Node | undefined {
    if (this.#nodes >= NODES_MAX) return undefined;
    if (node === this.#root && node.next.size >= FIRST_SEGMENTS_MAX) return undefined;
    const added = newNode();
    node.next.set(segment, added);
    this.#nodes += 1;
    return added;
  }

  #open(node: Node, before: readonly string[]): void {
    this.#nodes -= sizeOf(node);
    node.next.clear();
    node.isOpen = true;
    this.#learnt.add(`/${[...before, ID].join("/")}`);
    this.#onLearnt([...this.#learnt]);
  }

  #restore(template: string): void {
    const segments = template.split("/").slice(1);
    if (segments.length < 2 || segments.at(-1) !== ID) return;
    let node: Node | undefined = this.#root;
    for (const segment of segments.slice(0, -1)) {
      node = node.next.get(segment) ?? this.#add(node, segment);
      if (!node) return;
    }
    node.isOpen = true;
    this.#learnt.add(template);
  }
}

const newNode = (): Node => ({ next: new Map(), isOpen: false });

function sizeOf({ next }: Node): number {
  let size = 0;
  for (const child of next.values()) size += 1 + sizeOf(child);
  return size;
}
