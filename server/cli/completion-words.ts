/** A text for the place of the last word, and what it means. `isWhole`: a space may follow. */
export type Completion = { text: string; detail: string; isWhole: boolean };

export const startingWith = (prefix: string, texts: readonly string[]): Completion[] =>
  texts
    .filter((text) => text.startsWith(prefix))
    .map((text) => ({ text, detail: "", isWhole: true }));
