/** A document as a line of JSON. */
export const jsonLine = (document: Readonly<Record<string, unknown>>): Buffer =>
  Buffer.from(`${JSON.stringify(document)}\n`);
