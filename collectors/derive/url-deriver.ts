import type { Batch } from "../batch.ts";
import type { NumberColumn } from "../number-column.ts";
import type { TextColumn } from "../text-column.ts";
import { IdMap } from "./id-map.ts";
import type { RouteLearner } from "./route-learner.ts";
import { routeOf } from "./route.ts";
import { extensionOf, urlParts } from "./url.ts";

const QUESTION_MARK = 0x3f;
const PERCENT = 0x25;
const HASH = 0x23;
const SLASH = 0x2f;
const ERROR_STATUS = 400;

/** Derives paths, queries, extensions and routes from url.original, once per distinct URL and path. */
export class UrlDeriver {
  readonly #batch: Batch;
  readonly #urls: TextColumn;
  readonly #paths: TextColumn;
  readonly #queries: TextColumn;
  readonly #extensions: TextColumn;
  readonly #routes: TextColumn;
  readonly #domains: TextColumn;
  readonly #schemes: TextColumn;
  readonly #ports: NumberColumn;
  readonly #pathOf = new IdMap();
  readonly #queryOf = new IdMap();
  readonly #domainOf = new IdMap();
  readonly #schemeOf = new IdMap();
  readonly #extensionOf = new IdMap();
  readonly #routeOf = new IdMap();
  readonly #portOf = new Map<number, number>();
  #hasDomains = false;

  /** Undefined if routes are not learnt. */
  readonly #learner: RouteLearner | undefined;
  /** 1 for the paths of which a successful request was learnt from. */
  #isLearnt = new Uint8Array(1024);

  constructor(batch: Batch, learner?: RouteLearner) {
    this.#batch = batch;
    this.#learner = learner;
    this.#urls = batch.text("url.original");
    this.#paths = batch.text("url.path");
    this.#queries = batch.text("url.query");
    this.#extensions = batch.text("url.extension");
    this.#routes = batch.text("http.route");
    this.#domains = batch.text("url.domain");
    this.#schemes = batch.text("url.scheme");
    this.#ports = batch.number("url.port");
  }

  derive(fromRow: number, toRow: number): void {
    this.#learnUrls();
    this.#pathOf.copy(this.#urls.ids, this.#paths.ids, fromRow, toRow);
    if (this.#queries.size > 0)
      this.#queryOf.copy(this.#urls.ids, this.#queries.ids, fromRow, toRow);
    if (this.#hasDomains) this.#putAbsolute(fromRow, toRow);
    this.#learnPaths();
    this.#extensionOf.copy(this.#paths.ids, this.#extensions.ids, fromRow, toRow);
    this.#routeOf.copy(this.#paths.ids, this.#routes.ids, fromRow, toRow);
    if (this.#learner) this.#learnRoutes(this.#learner, fromRow, toRow);
  }

  #learnRoutes(learner: RouteLearner, fromRow: number, toRow: number): void {
    const { ids, size } = this.#paths;
    if (size >= this.#isLearnt.length) {
      const grown = new Uint8Array(2 * size);
      grown.set(this.#isLearnt);
      this.#isLearnt = grown;
    }
    const statuses = this.#batch.number("http.response.status_code").values;
    for (let row = fromRow; row < toRow; row += 1) {
      const id = ids[row]!;
      if (id === 0 || this.#isLearnt[id] !== 0 || !(statuses[row]! < ERROR_STATUS)) continue;
      this.#isLearnt[id] = 1;
      learner.learn(this.#paths.text(id));
    }
  }

  #learnUrls(): void {
    const { size } = this.#urls;
    const known = this.#pathOf.grow(size);
    for (const map of [this.#queryOf, this.#domainOf, this.#schemeOf]) map.grow(size);
    const { bytes, ends } = this.#urls.dictionary;
    const parts = { pathOf: this.#pathOf.ids, queryOf: this.#queryOf.ids };
    for (let id = known + 1; id <= size; id += 1) {
      id = this.#batch.plainUrls?.split(id, size, parts) ?? id;
      if (id <= size) this.#learnUrl(id, bytes, { start: ends[id - 1]!, end: ends[id]! });
    }
  }

  #learnUrl(id: number, bytes: Uint8Array, { start, end }: { start: number; end: number }): void {
    let mark = end;
    let isPlain = start < end && bytes[start] === SLASH;
    for (let i = start; i < end; i += 1) {
      const byte = bytes[i]!;
      if (byte === QUESTION_MARK && mark === end) mark = i;
      else if (byte === PERCENT || byte === HASH) isPlain = false;
    }
    if (!isPlain) return this.#learnUncommonUrl(id);
    this.#pathOf.ids[id] = this.#paths.intern(bytes, start, mark);
    if (mark + 1 < end) this.#queryOf.ids[id] = this.#queries.intern(bytes, mark + 1, end);
    return undefined;
  }

  #learnUncommonUrl(id: number): void {
    const { path, query, scheme, domain, port } = urlParts(this.#urls.text(id));
    if (path !== "") this.#pathOf.ids[id] = this.#paths.internText(path);
    if (query !== undefined) this.#queryOf.ids[id] = this.#queries.internText(query);
    if (scheme === undefined) return;
    this.#hasDomains = true;
    this.#schemeOf.ids[id] = this.#schemes.internText(scheme);
    if (domain !== undefined) this.#domainOf.ids[id] = this.#domains.internText(domain);
    if (port !== undefined) this.#portOf.set(id, port);
  }

  #putAbsolute(fromRow: number, toRow: number): void {
    const { ids } = this.#urls;
    this.#domainOf.copy(ids, this.#domains.ids, fromRow, toRow);
    this.#schemeOf.copy(ids, this.#schemes.ids, fromRow, toRow);
    if (this.#portOf.size === 0) return;
    const { values } = this.#ports;
    for (let row = fromRow; row < toRow; row += 1) {
      const port = this.#portOf.get(ids[row]!);
      if (port !== undefined && Number.isNaN(values[row])) values[row] = port;
    }
  }

  #learnPaths(): void {
    const { size } = this.#paths;
    const known = this.#routeOf.grow(size);
    this.#extensionOf.grow(size);
    for (let id = known + 1; id <= size; id += 1) {
      const path = this.#paths.text(id);
      const extension = extensionOf(path);
      if (extension !== undefined)
        this.#extensionOf.ids[id] = this.#extensions.internText(extension);
      this.#routeOf.ids[id] = this.#routes.internText(
        this.#learner?.routeOf(path) ?? routeOf(path),
      );
    }
  }

  reset(): void {
    for (const map of [this.#pathOf, this.#queryOf, this.#domainOf, this.#schemeOf]) map.reset();
    this.#extensionOf.reset();
    this.#routeOf.reset();
    this.#isLearnt.fill(0);
    this.#portOf.clear();
    this.#hasDomains = false;
  }
}
