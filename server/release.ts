import packageJson from "../package.json" with { type: "json" };

/** The release of this installation of Quarterdeck. */
export const RELEASE: string = packageJson.version;
