const SLOTS_MIN = 16;
const LOAD_MAX = 0.75;

/**
 * A value of JSON as Java's `Map.toString` writes it, which Elastic's module of CloudTrail stores as text: `{b=1, a=[x, y]}`.
 * The order of the keys is that of a `HashMap`.
 */
export function javaText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(javaText).join(", ")}]`;
  if (typeof value !== "object" || value === null) return String(value);
  const entries = Object.entries(value);
  let slots = SLOTS_MIN;
  while (entries.length > slots * LOAD_MAX) slots *= 2;
  const bySlot = entries.toSorted(([a], [b]) => slotOf(a, slots) - slotOf(b, slots));
  return `{${bySlot.map(([key, inner]) => `${key}=${javaText(inner)}`).join(", ")}}`;
}

function slotOf(key: string, slots: number): number {
  let hash = 0;
  for (let i = 0; i < key.length; i += 1) hash = (Math.imul(hash, 31) + key.charCodeAt(i)) | 0;
  return (hash ^ (hash >>> 16)) & (slots - 1);
}
