/** A version of the template, for people. */
export const nameOf = (version: number): string =>
  version === 0 ? "version 0 (as Quarterdeck brings it)" : `version ${version}`;
