import { FIELDS, type FieldType } from "#collectors/fields.ts";

/** Short names of fields. */
const ALIASES: Readonly<Record<string, string>> = {
  action: "event.action",
  agent: "user_agent.original",
  bytes: "http.response.body.bytes",
  dataset: "data_stream.dataset",
  host: "host.name",
  instance: "service.node.name",
  ip: "source.ip",
  level: "log.level",
  method: "http.request.method",
  path: "url.path",
  referrer: "http.request.referrer",
  route: "http.route",
  service: "service.name",
  status: "http.response.status_code",
  user: "user.name",
};

/** Every name that a query may use for a field with a column. */
export const KNOWN_NAMES: readonly string[] = [...Object.keys(ALIASES), ...Object.keys(FIELDS)];

/** Columns that have IP addresses only. */
const IP_FIELDS = new Set(["source.ip", "destination.ip", "related.ip"]);
/** Fields that may have IP addresses, in which a network is searched for its addresses. */
const ADDRESS_FIELD = /(?:^|[._])(?:ip|address)$/;

/** The ECS name of an alias; other names are unchanged. */
export function resolveField(name: string): string {
  return Object.hasOwn(ALIASES, name) ? (ALIASES[name] ?? name) : name;
}

export const isColumn = (field: string): boolean => Object.hasOwn(FIELDS, field);

/** The type of a field with a column. */
export function columnType(field: string): FieldType | undefined {
  const types: Readonly<Record<string, FieldType>> = FIELDS;
  return isColumn(field) ? types[field] : undefined;
}

export function isNumber(field: string): boolean {
  const type = columnType(field);
  return type === "long" || type === "double";
}

export function isNumeric(field: string): boolean {
  return isNumber(field) || columnType(field) === "date";
}

export const isIpField = (field: string): boolean => IP_FIELDS.has(field);
export const mayHaveAddresses = (field: string): boolean => ADDRESS_FIELD.test(field);

/** At most this share of a name may be mistyped. */
const MISTYPED_MAX = 0.4;

/** The name that differs least: in case only, as the end of a longer name, or by few letters. */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  const wanted = name.toLowerCase();
  const sameLetters = known.find((it) => it.toLowerCase() === wanted);
  if (sameLetters !== undefined) return sameLetters;
  let best: { name: string; distance: number } | undefined;
  for (const it of known) {
    const distance = Math.min(
      editDistance(wanted, it.toLowerCase()),
      // `status_code` for http.response.status_code: a near name, but further than a mistyped letter.
      isPartOf(wanted, it.toLowerCase()) ? 1.5 : Number.POSITIVE_INFINITY,
    );
    if (!best || distance < best.distance) best = { name: it, distance };
  }
  return best && best.distance <= Math.max(1, name.length * MISTYPED_MAX) ? best.name : undefined;
}

const isPartOf = (part: string, whole: string): boolean =>
  whole.endsWith(`.${part}`) || whole.startsWith(`${part}.`) || whole.includes(`.${part}.`);

/** The number of letters to insert, delete, replace, or exchange with the next one. */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const isSame = a[i - 1] === b[j - 1];
      const costs = [at(last, j) + 1, at(row, j - 1) + 1, at(last, j - 1) + (isSame ? 0 : 1)];
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (isSwap) costs.push(at(before, j - 2) + 1);
      row.push(Math.min(...costs));
    }
    before = last;
    last = row;
  }
  return at(last, b.length);
}

const at = (row: readonly number[], index: number): number => row[index] ?? 0;
