/** A value of JSON as text. `String` throws for an object with a field `toString` that is no function. */
export const jsonText = (value: unknown): string =>
  typeof value === "object" && value !== null ? JSON.stringify(value) : String(value);
